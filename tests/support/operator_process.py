"""
The operator as a process of its own, with the very rights that the chart gives it.

It watches one namespace, as its ServiceAccount, and what it asks of the API server is counted
from the audit log. An operator that is installed in the cluster is paused meanwhile.
"""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cluster import Cluster, eventually

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts/scheduled-reports"
ACCOUNT = "scheduled-reports-operator"
# The operator's image has none of these; where one is there, kopf imports it.
ABSENT = ("kubernetes", "kubernetes_asyncio", "pykube", "kubernetes_validate")
START = (
    f"import sys, runpy; sys.modules.update(dict.fromkeys({ABSENT!r})); "
    "runpy.run_module('report_operator', run_name='__main__')"
)


class OperatorProcess:
    """An operator for one namespace; *server* is where it is to find the API server."""

    def __init__(
        self, cluster: Cluster, namespace: str, folder: Path, server: str | None = None
    ) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.folder = folder
        self.port = _free_port()
        self.log = folder / "operator.log"
        self.process: subprocess.Popen[bytes] | None = None
        grant_rights(cluster, namespace)
        self.kubeconfig = write_kubeconfig(cluster, namespace, folder, server)

    def start(self, **environment: str) -> None:
        """Start it, and wait until it is ready."""
        env = {
            "PATH": os.environ["PATH"],
            "KUBECONFIG": str(self.kubeconfig),
            "RUNNER_IMAGE": "localhost/scheduled-reports/runner:dev",
            "WATCH_NAMESPACES": self.namespace,
            "HEALTH_PORT": str(self.port),
            **environment,
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([sys.executable, "-c", START], env=env, stderr=log)
        eventually(lambda: self.health("readyz") == 200, 30, f"readiness, see {self.log}")

    def stop(self) -> int:
        """Stop it as Kubernetes does, and return its exit code."""
        assert self.process
        self.process.terminate()
        code = self.process.wait(timeout=20)
        self.process = None
        return code

    def health(self, path: str) -> int:
        """Return the status code of a health endpoint; 0 if nothing answers."""
        assert self.process
        assert self.process.poll() is None, self.log.read_text()
        try:
            url = f"http://127.0.0.1:{self.port}/{path}"
            with urllib.request.urlopen(url, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def memory(self) -> float:
        """Return the process's resident memory in MiB."""
        assert self.process
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = [line for line in text.splitlines() if line.startswith("VmRSS")]
        return int(line.split()[1]) / 1024

    @contextmanager
    def counted(self, seconds: float = 2.0) -> Iterator[list[str]]:
        """
        Yield a list, and fill it with the requests made until *seconds* after the block.

        A request is told as ``verb resource``; lists and watches of kinds are left out.
        """
        requests: list[str] = []
        since = datetime.now(UTC)
        yield requests
        time.sleep(seconds)
        requests += self._requests(since)

    def _requests(self, since: datetime) -> list[str]:
        user = f"system:serviceaccount:{self.namespace}:{ACCOUNT}"
        found = []
        for line in self.cluster.audit_log.read_text().splitlines():
            if user not in line:
                continue
            entry = json.loads(line)
            thing = entry.get("objectRef", {})
            moment = datetime.fromisoformat(entry["requestReceivedTimestamp"])
            if moment < since or entry["verb"] == "watch" or "namespace" not in thing:
                continue
            if entry["verb"] == "list" and thing["resource"] != "events":
                continue
            parts = [thing["resource"], thing.get("subresource")]
            found.append(f"{entry['verb']} {'/'.join(part for part in parts if part)}")
        return found


@contextmanager
def paused_operator(cluster: Cluster) -> Iterator[None]:
    """Scale operators that are installed in the cluster to nothing, and back afterwards."""
    found = cluster.get("deployments", "-A", "-l", "app.kubernetes.io/name=scheduled-reports")
    running = [
        (d["metadata"]["namespace"], d["metadata"]["name"], d["spec"]["replicas"])
        for d in found["items"]
        if d["metadata"]["name"].endswith("-operator") and d["spec"]["replicas"]
    ]
    for namespace, name, _ in running:
        cluster.kubectl("-n", namespace, "scale", f"deploy/{name}", "--replicas=0")
        cluster.kubectl("-n", namespace, "rollout", "status", f"deploy/{name}", "--timeout=60s")
    try:
        yield
    finally:
        for namespace, name, replicas in running:
            cluster.kubectl("-n", namespace, "scale", f"deploy/{name}", f"--replicas={replicas}")


def grant_rights(cluster: Cluster, namespace: str) -> None:
    """Make the operator's ServiceAccount in *namespace*, with the rights that the chart gives."""
    parts = ("rbac-operator", "serviceaccount")
    rendered = subprocess.run(
        [
            *(cluster.helm_path, "template", "scheduled-reports", str(CHART), "-n", namespace),
            *("--kube-version", "1.31.0", "--set", f"watchNamespaces={{{namespace}}}"),
            *(word for part in parts for word in ("--show-only", f"templates/{part}.yaml")),
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    cluster.kubectl("-n", namespace, "apply", "-f", "-", stdin=rendered)


def write_kubeconfig(
    cluster: Cluster, namespace: str, folder: Path, server: str | None = None
) -> Path:
    """Write a kubeconfig with which one is the operator's ServiceAccount, by way of a gate."""
    config: dict[str, Any] = json.loads(
        cluster.kubectl("config", "view", "--raw", "--minify", "-o", "json")
    )
    token = cluster.kubectl("-n", namespace, "create", "token", ACCOUNT, "--duration=2h").strip()
    config["users"] = [{"name": config["users"][0]["name"], "user": {"token": token}}]
    if server:  # for which the API server's certificate was not made
        config["clusters"][0]["cluster"] = {"server": server, "insecure-skip-tls-verify": True}
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))
    return path


def server_of(cluster: Cluster) -> str:
    """Return the API server's address."""
    config = json.loads(cluster.kubectl("config", "view", "--minify", "-o", "json"))
    return str(config["clusters"][0]["cluster"]["server"])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

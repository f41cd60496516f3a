"""The running cluster: where it is, and the tools that go with it."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CACHE = Path(os.environ.get("SCHEDULED_REPORTS_CACHE", "~/.cache/scheduled-reports")).expanduser()
CLUSTER_FILE = Path(os.environ.get("SCHEDULED_REPORTS_CLUSTER", CACHE / "cluster.json"))


@dataclass(frozen=True)
class Cluster:
    """The cluster that `make cluster` brought up, and the tools that go with it."""

    kubeconfig: str
    kubectl_path: str
    helm_path: str
    kubeconform_path: str
    audit_log: Path
    provider: str

    def kubectl(self, *args: str, stdin: str | None = None, check: bool = True) -> str:
        """Run kubectl and return its standard output; its error is shown when it fails."""
        done = subprocess.run(
            [self.kubectl_path, "--kubeconfig", self.kubeconfig, *args],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=180,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(args)}: {done.stderr}")
        return done.stdout if done.returncode == 0 else done.stdout + done.stderr

    def get(self, *args: str) -> Any:
        """Return what ``kubectl get … -o json`` prints."""
        return json.loads(self.kubectl("get", *args, "-o", "json"))

    def apply(self, *manifests: dict[str, Any], namespace: str, check: bool = True) -> str:
        """Apply manifests as a user would, and return what kubectl says."""
        items = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        return self.kubectl(
            "-n", namespace, "apply", "-f", "-", stdin=json.dumps(items), check=check
        )


def read_cluster() -> Cluster:
    """Read the file that `make cluster` leaves."""
    if not CLUSTER_FILE.exists():
        raise AssertionError(f"no cluster: {CLUSTER_FILE} is not there. Run `make cluster` first.")
    facts = json.loads(CLUSTER_FILE.read_text())
    return Cluster(
        kubeconfig=facts["kubeconfig"],
        kubectl_path=facts["kubectl"],
        helm_path=facts["helm"],
        kubeconform_path=facts["kubeconform"],
        audit_log=Path(facts["auditLog"]),
        provider=facts["provider"],
    )


def eventually(probe: Callable[[], Any], seconds: float = 60, what: str = "it") -> Any:
    """Ask *probe* until its answer is truthy, and return that answer."""
    deadline = time.monotonic() + seconds
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {seconds} s")
        time.sleep(0.5)

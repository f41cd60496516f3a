"""
The product as a user has it: the chart installed, a mail server, data to fetch.

The mail catcher is reached through the API server's service proxy, which works on any cluster.
"""

import json
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cluster import Cluster, eventually

ROOT = Path(__file__).parents[2]
RELEASE = "scheduled-reports"
PARTS = "e2e-parts"
IMAGES = "localhost/scheduled-reports"
LOCAL_IMAGES = [
    *("--set", f"image.repository={IMAGES}/operator,image.tag=dev"),
    *("--set", f"runner.image.repository={IMAGES}/runner,runner.image.tag=dev"),
]
FINISHED = 90  # seconds within which a small run surely ends on a busy machine


def install_product(cluster: Cluster, *values: str) -> None:
    """Install or upgrade the chart with the local images, and wait until the operator is ready."""
    done = subprocess.run(
        [
            *(
                cluster.helm_path,
                "--kubeconfig",
                cluster.kubeconfig,
                "upgrade",
                "--install",
                RELEASE,
            ),
            *(str(ROOT / "charts/scheduled-reports"), "-n", RELEASE, "--create-namespace"),
            *LOCAL_IMAGES,
            *(part for value in values for part in ("--set", value)),
            *("--wait", "--timeout", "120s"),
        ],
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert done.returncode == 0, done.stderr
    restart_operator(cluster)


def restart_operator(cluster: Cluster) -> None:
    """Start the operator anew, perhaps from an image of the same tag that has changed."""
    operator = ("-n", RELEASE, f"deploy/{RELEASE}-operator")
    cluster.kubectl("rollout", "restart", *operator)
    cluster.kubectl("rollout", "status", *operator, "--timeout=90s")


def install_parts(cluster: Cluster) -> None:
    """Start the mail catcher and the data source in their namespace."""
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": PARTS}}
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))
    for part in ("mail-catcher", "data-source"):
        cluster.kubectl("-n", PARTS, "apply", "-f", str(ROOT / f"deploy/dev/{part}.yaml"))
    for part in ("mail-catcher", "data-source"):
        cluster.kubectl("-n", PARTS, "rollout", "status", f"deploy/{part}", "--timeout=120s")


@dataclass(frozen=True)
class Inbox:
    """The mails of one namespace's reports, as the mail server took them."""

    cluster: Cluster
    domain: str

    def mails(self) -> list[dict[str, Any]]:
        """Return the mails to this test's own domain, oldest first."""
        mails = json.loads(self._get("messages"))
        return [m for m in mails if any(to.endswith("@" + self.domain) for to in m["to"])]

    def attachment(self, mail: dict[str, Any], number: int = 0) -> str:
        """Return the text of an attachment."""
        return self._get(f"messages/{mail['id']}/attachments/{number}")

    def _get(self, path: str) -> str:
        proxy = f"/api/v1/namespaces/{PARTS}/services/http:mail-catcher:8025/proxy/{path}"
        return str(self.cluster.kubectl("get", "--raw", proxy))


@dataclass(frozen=True)
class Stage:
    """A namespace with a mail Secret, and what a test does in it."""

    cluster: Cluster
    namespace: str
    inbox: Inbox

    def address(self, name: str = "reader") -> str:
        """Return an address whose mail this test, and no other, finds."""
        return f"{name}@{self.inbox.domain}"

    def source(self, path: str) -> str:
        """Return the URL of *path* at the data source."""
        return f"http://data-source.{PARTS}/{path}"

    def report(self, name: str, inline: str = "result = data", **spec: Any) -> dict[str, Any]:
        """Return a report on a small source that is not due for months."""
        http = {"url": self.source("stocks.json"), "format": "JSON", "recordsPath": "items"}
        return {
            "apiVersion": "scheduledreports.dev/v1alpha1",
            "kind": "ScheduledReport",
            "metadata": {"name": name},
            "spec": {
                "schedule": not_soon(),
                "sources": [{"name": "data", "http": http}],
                "script": {"inline": inline},
                "delivery": {"email": {"to": [self.address()]}},
                "retry": {
                    "fetch": {"limit": 1, "backoffSeconds": 0},
                    "delivery": {"limit": 1, "backoffSeconds": 1},
                },
                **spec,
            },
        }

    def apply(self, *manifests: dict[str, Any]) -> None:
        """Apply manifests as a user would."""
        self.cluster.apply(*manifests, namespace=self.namespace)

    def get(self, *args: str) -> Any:
        """Return an object, or a list of them, of this namespace."""
        return self.cluster.get("-n", self.namespace, *args)

    def ready(self, name: str) -> None:
        """Wait until the report's CronJob is as asked, as a user would."""
        self.cluster.kubectl(
            "-n", self.namespace, "wait", "--for=condition=Ready", f"srep/{name}", "--timeout=30s"
        )

    def run_now(self, report: str, name: str = "") -> str:
        """Create a ReportRun and return its name."""
        metadata = {"name": name} if name else {"generateName": f"{report}-"}
        manifest = {
            "apiVersion": "scheduledreports.dev/v1alpha1",
            "kind": "ReportRun",
            "metadata": metadata,
            "spec": {"reportRef": {"name": report}},
        }
        made = self.cluster.kubectl(
            "-n", self.namespace, "create", "-f", "-", "-o", "name", stdin=json.dumps(manifest)
        )
        return made.strip().partition("/")[2]

    def finished(self, run: str, seconds: float = FINISHED) -> dict[str, Any]:
        """Wait for the run's outcome and return its status."""
        return eventually(
            lambda: self._status(run) if self._status(run).get("outcome") else None,
            seconds,
            f"the outcome of {run}",
        )

    def _status(self, run: str) -> dict[str, Any]:
        return dict(self.get("rrun", run).get("status") or {})

    def condition(self, report: str, kind: str) -> dict[str, Any]:
        """Return a condition of the report, or {}."""
        conditions = self.get("srep", report).get("status", {}).get("conditions", [])
        return next((c for c in conditions if kind == c["type"]), {})

    def rolled_up(self, report: str, run: str) -> dict[str, Any]:
        """Wait until the report's status tells of *run*, and return that status."""

        def status() -> Any:
            found = self.get("srep", report).get("status", {})
            return found if run == found.get("lastRun", {}).get("name") else None

        return dict(eventually(status, 30, f"{report}'s status telling of {run}"))

    def exit_code(self, run: str, container: str = "runner") -> int:
        """Wait for the end of a container of the run's pod and return its exit code."""
        return int(eventually(lambda: self._end(run, container), 30, "its end")["exitCode"])

    def logs(self, run: str, container: str) -> str:
        """Wait for the end of a container of the run's pod and return its log."""
        eventually(lambda: self._end(run, container), 30, "its end")
        return self.cluster.kubectl("-n", self.namespace, "logs", f"job/{run}", "-c", container)

    def _end(self, run: str, container: str) -> dict[str, Any]:
        pods = self.get("pods", "-l", f"batch.kubernetes.io/job-name={run}")["items"]
        (state,) = (
            c["state"] for c in pods[-1]["status"]["containerStatuses"] if container == c["name"]
        )
        return dict(state.get("terminated") or {})


def smtp_secret(name: str = "report-smtp", **changes: str) -> dict[str, Any]:
    """Return the Secret that sends mail to the mail catcher."""
    data = {
        "SMTP_HOST": f"mail-catcher.{PARTS}",
        "SMTP_PORT": "1025",
        "SMTP_USE_TLS": "false",
        "SMTP_FROM_EMAIL": "reports@example.com",
        **changes,
    }
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}


def stage_in(cluster: Cluster, namespace: str) -> Stage:
    """Return the stage in *namespace*, where reports can now be delivered."""
    cluster.apply(smtp_secret(), namespace=namespace)
    return Stage(cluster, namespace, Inbox(cluster, f"{namespace}.example.com"))


def not_soon() -> str:
    """Return a schedule that fires in half a year only."""
    far = datetime.now(UTC) + timedelta(days=180)
    return f"0 0 {min(far.day, 28)} {far.month} *"

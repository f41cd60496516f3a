"""The product under the benchmark: what is measured, and how."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kubernetes import client, config, watch

from cluster import Cluster, read_cluster
from stage import (
    IMAGES,
    RELEASE,
    Stage,
    install_parts,
    install_product,
    restart_operator,
    stage_in,
)

NAMESPACE = "bench"
_OPERATOR = f"system:serviceaccount:{RELEASE}:{RELEASE}-operator"


@dataclass(frozen=True)
class Product:
    """An installed product with a namespace for the benchmark."""

    cluster: Cluster
    stage: Stage
    batch: client.BatchV1Api

    def report(self, name: str) -> None:
        """Make a small report and wait until it is ready."""
        script = "result = data.groupby('symbol', as_index=False)['price'].mean()"
        self.stage.apply(self.stage.report(name, script))
        self.stage.ready(name)

    def reports(self, names: list[str], script: str = "result = data.head(1)") -> None:
        """Make or change many reports, and wait until all of them are as asked."""
        self.stage.apply(*(self.stage.report(name, script) for name in names))
        for name in names:
            self.stage.ready(name)

    def delete_reports(self, names: list[str]) -> None:
        """Delete reports."""
        self.stage.cluster.kubectl("-n", NAMESPACE, "delete", "srep", *names)

    def restart_operator(self) -> None:
        """Start the operator anew."""
        restart_operator(self.cluster)

    def bare_job(self, name: str) -> float:
        """Return the seconds from create to Complete of a Job that only imports pandas."""
        template = self._template("bench")
        pod = template["spec"]["template"]["spec"]
        (container,) = (c for c in pod["containers"] if c["name"] == "script")
        bare = {
            **{key: pod[key] for key in ("securityContext", "restartPolicy", "enableServiceLinks")},
            "automountServiceAccountToken": False,
            "containers": [
                {
                    "name": "bare",
                    "image": f"{IMAGES}/runner:dev",
                    "command": ["python", "-c", "import pandas"],
                    "securityContext": container["securityContext"],
                    "resources": {"limits": {"cpu": "1", "memory": "512Mi"}},
                }
            ],
        }
        return self._timed(name, {"backoffLimit": 0, "template": {"spec": bare}})

    def report_job(self, report: str, name: str) -> tuple[float, float]:
        """Return the seconds from the Job's creation to the mail accepted, and to Complete."""
        started = time.time()
        complete = self._timed(
            name, self._template(report)["spec"], self._template(report)["metadata"]
        )
        told = f"{NAMESPACE}/{name}"
        mails = self.stage.inbox.mails()
        mail = [m for m in mails if told == m["headers"]["X-Scheduled-Report-Run"]][-1]
        return datetime.fromisoformat(mail["received"]).timestamp() - started, complete

    def _template(self, report: str) -> dict[str, Any]:
        return dict(self.stage.get("cronjob", report)["spec"]["jobTemplate"])

    def _timed(self, name: str, spec: dict[str, Any], metadata: Any = None) -> float:
        body = {"apiVersion": "batch/v1", "kind": "Job", "spec": spec}
        body["metadata"] = {**(metadata or {}), "name": name}
        started = time.time()
        self.batch.create_namespaced_job(NAMESPACE, body)
        events = watch.Watch().stream(
            self.batch.list_namespaced_job,
            NAMESPACE,
            field_selector=f"metadata.name={name}",
            timeout_seconds=90,
        )
        for event in events:
            status = event["object"].status
            if status.succeeded:
                return time.time() - started
            assert not status.failed, f"Job {name} failed"
        raise AssertionError(f"Job {name} did not end")

    def audit_position(self) -> int:
        """Return where the audit log ends now."""
        return self.cluster.audit_log.stat().st_size

    def operator_requests(self, since: int) -> int:
        """Count the operator's requests about single objects since *since*: reads and writes."""
        with self.cluster.audit_log.open("rb") as log:
            log.seek(since)
            events = [json.loads(line) for line in log if line.endswith(b"\n")]
        return sum(
            event["user"]["username"] == _OPERATOR
            and event["verb"] not in ("list", "watch")
            and event.get("objectRef", {}).get("namespace") == NAMESPACE
            for event in events
        )

    def operator_memory(self) -> float:
        """Return the operator's resident memory in MiB, as its own kernel counts it."""
        pod = self.cluster.kubectl(
            "-n", RELEASE, "exec", f"deploy/{RELEASE}-operator", "--", "cat", "/proc/1/status"
        )
        (line,) = (line for line in pod.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024


@contextmanager
def installed() -> Iterator[Product]:
    """Install the product and make the benchmark's namespace; it is deleted at the end."""
    cluster = read_cluster()
    install_product(cluster)
    install_parts(cluster)
    cluster.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found")
    cluster.kubectl("create", "namespace", NAMESPACE)
    try:
        with config.new_client_from_config(cluster.kubeconfig) as connection:
            yield Product(cluster, stage_in(cluster, NAMESPACE), client.BatchV1Api(connection))
    finally:
        cluster.kubectl("delete", "namespace", NAMESPACE, "--wait=false")

"""Makers of what the operator sees: objects as the API server shows them, with few words."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from report_operator.observed import JobSeen, PodSeen, RunSeen, see_job, see_pod, see_run
from report_operator.settings import RunnerSettings
from report_types.names import API_VERSION, REPORT_LABEL
from report_types.report import ScheduledReport

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
Maker = Callable[..., Any]


def wire(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def metadata(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "namespace": "team",
        "uid": f"uid-{name}",
        "resourceVersion": "1",
        "creationTimestamp": wire(NOW - timedelta(hours=1)),
        "labels": {REPORT_LABEL: "sales"},
        **more,
    }


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def settings() -> RunnerSettings:
    return RunnerSettings(image="example.com/runner:1")


@pytest.fixture
def report_body() -> Maker:
    """Make the body of a report; keywords replace fields of its spec."""

    def make(**spec: Any) -> dict[str, Any]:
        plain = {
            "schedule": "0 9 * * 1-5",
            "timeZone": "Europe/Berlin",
            "sources": [{"name": "data", "http": {"url": "https://x.example", "format": "JSON"}}],
            "script": {"inline": "result = data"},
            "delivery": {"email": {"to": ["analyst@example.com"]}},
        }
        meta = metadata("sales", generation=1)
        return {
            "apiVersion": API_VERSION,
            "kind": "ScheduledReport",
            "metadata": meta,
            "spec": {**plain, **spec},
        }

    return make


@pytest.fixture
def make_report(report_body: Maker) -> Maker:
    """Make a report; keywords replace fields of its spec."""
    return lambda **spec: ScheduledReport.model_validate(report_body(**spec))


@pytest.fixture
def make_job() -> Maker:
    """Make a Job of the report's CronJob; *ended* is (Complete or Failed, reason)."""

    def make(name: str = "sales-1", ended: tuple[str, str] | None = None, **more: Any) -> JobSeen:
        owner = more.pop("owner", ("CronJob", "sales"))
        annotations = more.pop("annotations", {})
        at = more.pop("at", NOW - timedelta(minutes=1))
        owners = [
            {"kind": owner[0], "name": owner[1], "uid": f"uid-{owner[1]}", "controller": True}
        ]
        conditions = (
            [
                {
                    "type": ended[0],
                    "status": "True",
                    "reason": ended[1],
                    "message": "",
                    "lastTransitionTime": wire(at),
                }
            ]
            if ended
            else []
        )
        return see_job(
            {
                "metadata": metadata(name, ownerReferences=owners, annotations=annotations, **more),
                "status": {"conditions": conditions},
            }
        )

    return make


@pytest.fixture
def make_pod() -> Maker:
    """Make a pod; keywords are fields of its status, *states* those of its containers."""

    def make(states: dict[str, Any] | None = None, **status: Any) -> PodSeen:
        created = status.pop("created", NOW - timedelta(minutes=1))
        meta = metadata("sales-1-abcde", creationTimestamp=wire(created))
        meta["ownerReferences"] = [
            {"kind": "Job", "name": "sales-1", "uid": "uid-sales-1", "controller": True}
        ]
        statuses = [{"name": name, "state": state} for name, state in (states or {}).items()]
        status = {"phase": "Pending", "containerStatuses": statuses, **status}
        return see_pod({"metadata": meta, "status": status})

    return make


@pytest.fixture
def make_run() -> Maker:
    """Make a run; keywords are fields of its status, *meta* and *spec* those of these."""

    def make(
        name: str = "sales-1",
        *,
        meta: dict[str, Any] | None = None,
        spec: dict[str, Any] | None = None,
        **status: Any,
    ) -> RunSeen:
        owner = {"apiVersion": API_VERSION, "kind": "ScheduledReport", "name": "sales"}
        given = {"ownerReferences": [{**owner, "uid": "uid-sales"}], **(meta or {})}
        return see_run(
            {
                "apiVersion": API_VERSION,
                "kind": "ReportRun",
                "metadata": metadata(name, **given),
                "spec": {"reportRef": {"name": "sales"}, "trigger": "Schedule", **(spec or {})},
                "status": status,
            }
        )

    return make


@pytest.fixture
def make_row() -> Maker:
    """Make a row of a run's deliveries."""

    def make(state: str, recipient: str = "a@example.com", role: str = "to") -> dict[str, Any]:
        return {"recipient": recipient, "role": role, "state": state}

    return make

"""What a user must know of a change, as events on the report: each is told once, as it happens."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from report_types.base import to_rfc3339
from report_types.condition import Condition, ConditionType
from report_types.names import API_VERSION, MANAGER, REPORT_KIND
from report_types.report import ReportStatus
from report_types.run import RunSummary

Manifest = dict[str, Any]
_MAX_MESSAGE: Final = 1000  # Kubernetes takes 1024 bytes
_TOLD_WHEN_TRUE: Final = frozenset({ConditionType.RUN_BLOCKED})


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that happened to a report."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


HEALED: Final = Notice(
    "Normal", "Healed", "the CronJob was changed or deleted by hand and is as asked again"
)


def notices_between(previous: ReportStatus, current: ReportStatus) -> list[Notice]:
    """Return what the step from one status to the next means for a user; often nothing."""
    return [*_about_conditions(previous, current), *_about_runs(previous, current)]


def build_event(namespace: str, name: str, uid: str, notice: Notice, **at: Any) -> Manifest:
    """
    Build the event that tells *notice* on a report.

    *at* has the keys ``now``, a datetime, and ``instance``, the name of the operator's pod.
    """
    now: datetime = at["now"]
    moment = to_rfc3339(now)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": f"{name}.", "namespace": namespace},
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": REPORT_KIND,
            "namespace": namespace,
            "name": name,
            "uid": uid,
        },
        "type": notice.type,
        "reason": notice.reason,
        "message": _shorten(notice.message),
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
        "source": {"component": MANAGER},
        "reportingComponent": MANAGER,
        "reportingInstance": at["instance"],
    }


def _about_conditions(previous: ReportStatus, current: ReportStatus) -> Iterator[Notice]:
    before = {condition.type: condition for condition in previous.conditions}
    for condition in current.conditions:
        known = before.get(condition.type)
        is_news = known is None or (known.status, known.reason) != (
            condition.status,
            condition.reason,
        )
        if is_news and _is_bad(condition):
            reason = condition.type if condition.type in _TOLD_WHEN_TRUE else condition.reason
            yield Notice("Warning", reason, condition.message)


def _is_bad(condition: Condition) -> bool:
    if condition.type == ConditionType.READY:
        return condition.status == "False"
    return condition.type in _TOLD_WHEN_TRUE and condition.status == "True"


def _about_runs(previous: ReportStatus, current: ReportStatus) -> Iterator[Notice]:
    known = {run.name for run in previous.recent_runs}
    for run in reversed(current.recent_runs):
        if run.name not in known:
            yield _about_run(run)


def _about_run(run: RunSummary) -> Notice:
    recipients = run.accepted + run.refused
    told = f"{run.name}: {run.outcome}"
    if recipients:
        told += f", {run.accepted} of {recipients} recipients"
    if run.outcome.is_success:
        return Notice("Normal", "RunSucceeded", told)
    return Notice("Warning", "RunFailed", f"{told}, {run.reason}: {run.message}")


def _shorten(message: str) -> str:
    cut = message.encode()[:_MAX_MESSAGE].decode(errors="ignore")
    return message if cut == message else cut + "…"

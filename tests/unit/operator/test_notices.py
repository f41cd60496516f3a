"""Events on the report: once for each thing that happened, and none where all is well."""

from datetime import UTC, datetime
from typing import Any

from report_operator.notices import HEALED, Notice, build_event, notices_between
from report_types.condition import Condition
from report_types.report import ReportStatus
from report_types.run import RunSummary

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def condition(kind: str, status: Any, reason: str, message: str = "") -> Condition:
    return Condition(
        type=kind, status=status, reason=reason, message=message, last_transition_time=NOW
    )


def run(name: str, outcome: str, reason: str = "Delivered", **more: Any) -> RunSummary:
    return RunSummary.model_validate({"name": name, "outcome": outcome, "reason": reason, **more})


def test_healthy_new_report_is_no_news() -> None:
    current = ReportStatus(
        conditions=[
            condition("Ready", "True", "Reconciled"),
            condition("Succeeding", "Unknown", "NoRunYet"),
            condition("Suspended", "False", "Active"),
        ]
    )

    assert notices_between(ReportStatus(), current) == []


def test_each_run_is_told_once_oldest_first() -> None:
    good = run("a", "Delivered", accepted=2)
    bad = run("b", "Failed", "ScriptError", message="KeyError: 'x'", refused=2)
    current = ReportStatus(recent_runs=[bad, good])

    assert notices_between(ReportStatus(), current) == [
        Notice("Normal", "RunSucceeded", "a: Delivered, 2 of 2 recipients"),
        Notice("Warning", "RunFailed", "b: Failed, 0 of 2 recipients, ScriptError: KeyError: 'x'"),
    ]
    assert notices_between(current, current) == []


def test_trouble_is_told_when_it_begins_and_when_its_reason_changes() -> None:
    quota = ReportStatus(conditions=[condition("RunBlocked", "True", "QuotaExceeded", "full")])
    fuller = ReportStatus(conditions=[condition("RunBlocked", "True", "QuotaExceeded", "fuller")])
    image = ReportStatus(conditions=[condition("RunBlocked", "True", "ImagePullFailed", "none")])

    assert notices_between(ReportStatus(), quota) == [Notice("Warning", "RunBlocked", "full")]
    assert notices_between(quota, fuller) == []
    assert notices_between(quota, image) == [Notice("Warning", "RunBlocked", "none")]
    assert notices_between(quota, ReportStatus()) == []


def test_report_that_is_not_ready_is_told_by_its_reason() -> None:
    current = ReportStatus(conditions=[condition("Ready", "False", "NotOwned", "whose?")])

    assert notices_between(ReportStatus(), current) == [Notice("Warning", "NotOwned", "whose?")]


def test_event_fits_what_kubernetes_takes() -> None:
    long = Notice("Warning", "RunFailed", "ä" * 2000)
    event = build_event("team", "sales", "u", long, now=NOW, instance="operator-1")

    assert len(event["message"].encode()) <= 1024
    assert event["involvedObject"]["uid"] == "u"
    assert event["reportingInstance"] == "operator-1"
    assert build_event("t", "s", "u", HEALED, now=NOW, instance="i")["message"] == HEALED.message

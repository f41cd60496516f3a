"""Which ReportRuns are lacking, waiting, over or too old."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from report_operator.cache import View
from report_operator.observed import see_report
from report_operator.runs import (
    adoption,
    build_run,
    lacks_run,
    over_at,
    own_jobs,
    own_runs,
    surplus,
    waits_for_job,
)
from report_operator.status import summary_of
from report_types.report import ReportSpec, ReportStatus
from report_types.run import RunSummary

SLOT = {"batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-11-22T13:00:00+01:00"}
BY_KUBECTL = {"cronjob.kubernetes.io/instantiate": "manual"}
EMPTY = ReportStatus()


@pytest.fixture
def report(report_body: Any) -> Any:
    return see_report(report_body())


def done(make_run: Any, name: str, minutes: int, outcome: str = "Delivered") -> Any:
    reason = "Delivered" if outcome == "Delivered" else "ScriptError"
    at = f"2026-11-22T10:{minutes:02}:00Z"
    return make_run(name, outcome=outcome, reason=reason, completionTime=at)


def test_scheduled_job_gets_a_run_of_its_name_and_slot(report: Any, make_job: Any) -> None:
    run = build_run(report.meta, make_job("sales-29", annotations=SLOT))

    assert run["metadata"]["name"] == "sales-29"
    assert run["metadata"]["ownerReferences"][0]["uid"] == "uid-sales"
    assert run["spec"] == {
        "reportRef": {"name": "sales"},
        "trigger": "Schedule",
        "scheduledTime": "2026-11-22T12:00:00Z",
    }


def test_job_that_kubectl_made_from_the_cronjob_is_a_manual_run(report: Any, make_job: Any) -> None:
    run = build_run(report.meta, make_job("by-kubectl", annotations=BY_KUBECTL))

    assert run["spec"] == {"reportRef": {"name": "sales"}, "trigger": "Manual"}


def test_job_without_a_run_lacks_one(report: Any, make_job: Any, make_run: Any) -> None:
    job = make_job("sales-1")

    assert lacks_run(job, View(report, None, jobs=(job,)), EMPTY)
    assert not lacks_run(job, View(report, None, runs=(make_run("sales-1"),)), EMPTY)


def test_run_that_was_told_and_pruned_is_not_made_again(
    report: Any, make_job: Any, make_run: Any
) -> None:
    job = make_job("sales-1", ended=("Complete", ""))
    told = ReportStatus(recent_runs=[summary_of(done(make_run, "sales-1", 1))])

    assert lacks_run(job, View(report, None), EMPTY)
    assert not lacks_run(job, View(report, None), told)


def test_job_older_than_the_whole_history_gets_no_run(
    report: Any, make_job: Any, now: datetime
) -> None:
    history = [
        RunSummary(name=f"r{n}", outcome="Delivered", reason="Delivered", completion_time=now)
        for n in range(10)
    ]
    job = make_job("sales-1", ended=("Complete", ""), at=now - timedelta(hours=1))

    assert not lacks_run(job, View(report, None), ReportStatus(recent_runs=history))


def test_name_too_long_for_a_run_is_left_alone(report: Any, make_job: Any) -> None:
    job = make_job("x" * 64)

    assert not lacks_run(job, View(report, None), EMPTY)


def test_only_jobs_of_the_cronjob_and_of_runs_are_the_reports(
    report: Any, make_job: Any, make_run: Any
) -> None:
    run = make_run("by-hand")
    jobs = (
        make_job("by-hand", owner=("ReportRun", "by-hand")),
        make_job("stranger", owner=("CronJob", "other")),
    )

    assert set(own_jobs(View(report, None, jobs=jobs, runs=(run,)))) == {"by-hand"}


def test_runs_of_an_earlier_report_of_the_name_are_not_its_own(report: Any, make_run: Any) -> None:
    owner = {"apiVersion": "x", "kind": "ScheduledReport", "name": "sales", "uid": "older"}
    runs = (
        make_run("mine"),
        make_run("nobodys", meta={"ownerReferences": []}),
        make_run("older", meta={"ownerReferences": [owner]}),
        make_run("going", meta={"deletionTimestamp": "2026-11-22T11:00:00Z"}),
    )

    assert [r.meta.name for r in own_runs(View(report, None, runs=runs))] == ["mine", "nobodys"]


def test_adoption_makes_a_persons_run_go_with_its_report(report: Any, make_run: Any) -> None:
    patch = adoption(report.meta, make_run("by-hand", spec={"trigger": "Manual"}))["metadata"]

    assert patch["ownerReferences"][0]["uid"] == "uid-sales"
    assert patch["labels"]["scheduledreports.dev/trigger"] == "Manual"
    assert patch["resourceVersion"] == "1"


@pytest.mark.parametrize(
    ("trigger", "status", "waits"),
    [
        ("Manual", {}, True),
        ("Schedule", {}, False),
        ("Manual", {"outcome": "Failed", "reason": "Stopped"}, False),
        ("Manual", {"startTime": "2026-11-22T11:00:00Z"}, False),
    ],
)
def test_only_a_manual_run_that_has_not_begun_waits_for_a_job(
    make_run: Any, trigger: str, status: Any, waits: bool
) -> None:
    """
    One whose Job was deleted after it began is not run again: it may have sent its mail.
    """
    run = make_run("by-hand", spec={"trigger": trigger}, **status)

    assert waits_for_job(run, {}) is waits


def test_manual_run_that_has_its_job_waits_no_longer(make_run: Any, make_job: Any) -> None:
    run = make_run("by-hand", spec={"trigger": "Manual"})

    assert not waits_for_job(run, {"by-hand": make_job("by-hand")})


def test_run_is_over_some_seconds_after_its_job(
    make_run: Any, make_job: Any, now: datetime
) -> None:
    run = make_run()

    assert over_at(run, make_job()) is None
    assert over_at(run, make_job(ended=("Failed", "x"), at=now)) == now + timedelta(seconds=5)
    assert over_at(run, None) == run.meta.created + timedelta(seconds=30)


def test_runs_beyond_the_limits_are_surplus_by_their_kind(make_run: Any, make_report: Any) -> None:
    runs = (
        *(done(make_run, f"good-{n}", n) for n in range(3)),
        *(done(make_run, f"bad-{n}", n, "Failed") for n in range(10, 12)),
        make_run("running"),
    )
    told = ReportStatus(recent_runs=[summary_of(r) for r in runs if r.status.outcome])
    spec = make_report(successfulRunsHistoryLimit=2, failedRunsHistoryLimit=1).spec

    assert {r.meta.name for r in surplus(runs, told, spec)} == {"good-0", "bad-10"}


def test_run_is_not_pruned_before_the_status_tells_of_it(make_run: Any, make_report: Any) -> None:
    runs = tuple(done(make_run, f"good-{n}", n) for n in range(3))
    spec: ReportSpec = make_report(successfulRunsHistoryLimit=1).spec

    assert surplus(runs, EMPTY, spec) == []

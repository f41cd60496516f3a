"""The report's status: conditions, history, and when there is nothing new to tell."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from report_operator.diagnose import Finding
from report_operator.status import Facts, Readiness, settle, summarize
from report_types.condition import ReadyReason
from report_types.outcome import Reason
from report_types.report import ReportStatus

READY = Readiness(ReadyReason.RECONCILED, "CronJob sales starts the runs", "sales", 1)
EMPTY = ReportStatus()


@pytest.fixture
def facts(make_report: Any) -> Any:
    """Make the facts of a ready report; keywords replace some of them."""

    def make(**more: Any) -> Facts:
        spec = make_report(**more.pop("spec", {})).spec
        plain = {"generation": 1, "spec": spec, "readiness": READY, "runs": (), "blocked": None}
        return Facts(**{**plain, **more})

    return make


@pytest.fixture
def finished(make_run: Any) -> Any:
    """Make a run that ended *minutes* past ten."""

    def make(minutes: int, outcome: str = "Delivered", **status: Any) -> Any:
        reason = "Delivered" if outcome == "Delivered" else "ScriptError"
        return make_run(
            f"sales-{minutes}",
            spec={"scheduledTime": f"2026-11-22T10:{minutes:02}:00Z"},
            outcome=outcome,
            reason=reason,
            completionTime=f"2026-11-22T10:{minutes:02}:30Z",
            **status,
        )

    return make


def conditions(status: ReportStatus) -> dict[str, tuple[str, str]]:
    return {c.type: (c.status, c.reason) for c in status.conditions}


def test_healthy_report_without_a_run(facts: Any, now: datetime) -> None:
    status = summarize(facts(), EMPTY, now)

    assert conditions(status) == {
        "Ready": ("True", "Reconciled"),
        "Succeeding": ("Unknown", "NoRunYet"),
        "Suspended": ("False", "Active"),
    }
    assert status.observed_generation == 1
    assert (status.cron_job_name, status.cron_job_generation) == ("sales", 1)
    assert status.next_schedule_time == datetime(2026, 11, 23, 8, tzinfo=UTC)
    assert status.last_run is None


def test_suspended_report_has_no_next_run(facts: Any, now: datetime) -> None:
    status = summarize(facts(spec={"suspend": True}), EMPTY, now)

    assert conditions(status)["Suspended"] == ("True", "Suspended")
    assert status.next_schedule_time is None


@pytest.mark.parametrize(
    ("reason", "is_stalled"),
    [
        (ReadyReason.INVALID_SPEC, True),
        (ReadyReason.INVALID_SCHEDULE, True),
        (ReadyReason.NOT_OWNED, False),
        (ReadyReason.REJECTED, False),
    ],
)
def test_report_that_is_not_ready_says_why(
    facts: Any, now: datetime, reason: ReadyReason, is_stalled: bool
) -> None:
    """
    Stalled is for what only the user can cure; it is absent otherwise, as kstatus wants it.
    """
    status = summarize(facts(readiness=Readiness(reason, "because")), EMPTY, now)

    assert conditions(status)["Ready"] == ("False", reason)
    assert ("Stalled" in conditions(status)) is is_stalled
    assert status.next_schedule_time is None


def test_blocked_run_is_a_condition_only_while_it_is(facts: Any, now: datetime) -> None:
    blocked = Finding(Reason.UNSCHEDULABLE, "no node")
    status = summarize(facts(blocked=blocked), EMPTY, now)

    assert conditions(status)["RunBlocked"] == ("True", "Unschedulable")
    assert "RunBlocked" not in conditions(summarize(facts(), status, now))


def test_last_transition_moves_only_with_the_status(
    facts: Any, finished: Any, now: datetime
) -> None:
    first = summarize(facts(), EMPTY, now)
    later = now + timedelta(hours=1)
    second = summarize(facts(generation=2, runs=(finished(1),)), first, later)
    moved = {c.type: c.last_transition_time for c in second.conditions}

    assert moved["Ready"] == now
    assert moved["Succeeding"] == later
    assert {c.observed_generation for c in second.conditions} == {2}


def test_nothing_new_is_the_same_status(facts: Any, finished: Any, now: datetime) -> None:
    first = summarize(facts(runs=(finished(1),)), EMPTY, now)

    again = summarize(facts(runs=(finished(1),)), first, now + timedelta(hours=1))
    assert again.to_wire() == first.to_wire()
    assert ReportStatus.observed(first.to_wire()).to_wire() == first.to_wire()


def test_finished_runs_are_told_newest_first(facts: Any, finished: Any, now: datetime) -> None:
    runs = (finished(1), finished(3, "Failed", message="KeyError"), finished(2))
    status = summarize(facts(runs=runs), EMPTY, now)

    assert [run.name for run in status.recent_runs] == ["sales-3", "sales-2", "sales-1"]
    assert status.last_run
    assert status.last_run.name == "sales-3"
    assert status.last_schedule_time == datetime(2026, 11, 22, 10, 3, tzinfo=UTC)
    assert status.last_success_time == datetime(2026, 11, 22, 10, 2, 30, tzinfo=UTC)
    assert status.consecutive_failures == 1
    assert conditions(status)["Succeeding"] == ("False", "ScriptError")


def test_recipients_are_counted_without_the_failure_mails(
    facts: Any, finished: Any, make_row: Any, now: datetime
) -> None:
    rows = [
        make_row("accepted"),
        make_row("refused", "b@example.com"),
        make_row("unknown", "c@example.com"),
        make_row("accepted", "admin@example.com", "failure"),
    ]
    run = finished(1, "PartiallyDelivered", deliveries=rows)
    status = summarize(facts(runs=(run,)), EMPTY, now)

    assert status.last_run
    assert (status.last_run.accepted, status.last_run.refused) == (1, 2)
    assert "example.com" not in str(status.to_wire())


def test_history_outlives_the_runs(facts: Any, finished: Any, now: datetime) -> None:
    first = summarize(facts(runs=(finished(1), finished(2))), EMPTY, now)
    second = summarize(facts(runs=(finished(3),)), first, now)

    assert [run.name for run in second.recent_runs] == ["sales-3", "sales-2", "sales-1"]


def test_history_has_ten_runs_at_most(facts: Any, finished: Any, now: datetime) -> None:
    runs = tuple(finished(minute) for minute in range(15))
    status = summarize(facts(runs=runs), EMPTY, now)

    assert [run.name for run in status.recent_runs] == [f"sales-{n}" for n in range(14, 4, -1)]


def test_failures_are_counted_past_the_end_of_the_history(
    facts: Any, finished: Any, now: datetime
) -> None:
    status = EMPTY
    for minute in range(25):
        runs = tuple(finished(m, "Failed") for m in range(max(0, minute - 3), minute + 1))
        status = summarize(facts(runs=runs), status, now)
        assert status.consecutive_failures == minute + 1
        assert summarize(facts(runs=runs), status, now).consecutive_failures == minute + 1

    status = summarize(facts(runs=(finished(30),)), status, now)
    assert status.consecutive_failures == 0


def test_slot_that_has_just_passed_is_told_together_with_its_run(facts: Any, now: datetime) -> None:
    """
    One write per run: not one when it is due and another one when it has ended.
    """
    every_hour = facts(spec={"schedule": "0 * * * *"})
    before = summarize(every_hour, EMPTY, now - timedelta(minutes=1))
    assert before.next_schedule_time == now

    moment = now + timedelta(seconds=20)
    assert settle(summarize(every_hour, before, moment), before, moment) is before
    moment = now + timedelta(seconds=60)
    told = settle(summarize(every_hour, before, moment), before, moment)
    assert told.next_schedule_time == now + timedelta(hours=1)


def test_other_news_are_told_at_once(facts: Any, now: datetime) -> None:
    spec = {"schedule": "0 * * * *"}
    before = summarize(facts(spec=spec), EMPTY, now - timedelta(minutes=1))
    moment = now + timedelta(seconds=20)
    news = summarize(facts(spec=spec, generation=2), before, moment)

    assert settle(news, before, moment) is news


def test_run_without_times_is_placed_by_its_creation(
    facts: Any, make_run: Any, now: datetime
) -> None:
    run = make_run(outcome="Failed", reason="ReportNotFound")
    status = summarize(facts(runs=(run,)), EMPTY, now)

    assert status.last_run
    assert status.last_run.completion_time == run.meta.created

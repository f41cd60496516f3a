"""
The status of a report: what was observed, told in conditions and a short history.

This is the one place that writes conditions. The history is carried from one status to the next,
so it outlives the ReportRuns that it tells of.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from report_operator.diagnose import Finding
from report_operator.observed import RunSeen
from report_types.condition import Condition, ConditionType, ReadyReason
from report_types.cron import next_times, parse, zone
from report_types.outcome import Outcome
from report_types.report import ReportSpec, ReportStatus
from report_types.run import RunSummary

MAX_RECENT: Final = 10
MAX_MESSAGE: Final = 500
SLOT_GRACE: Final = timedelta(seconds=60)

Truth = Literal["True", "False", "Unknown"]


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether the CronJob is as asked, why (not), and which one it is."""

    reason: ReadyReason
    message: str
    cron_job_name: str | None = None
    cron_job_generation: int | None = None

    @property
    def is_ready(self) -> bool:
        """Whether the CronJob is as asked."""
        return self.reason is ReadyReason.RECONCILED


@dataclass(frozen=True, slots=True)
class Facts:
    """What a status is made of; *spec* is None while it cannot be read."""

    generation: int
    spec: ReportSpec | None
    readiness: Readiness
    runs: Sequence[RunSeen]
    blocked: Finding | None


def summarize(facts: Facts, previous: ReportStatus, now: datetime) -> ReportStatus:
    """Return the status of a report at *now*; *previous* is the one it had."""
    now = now.replace(microsecond=0)
    recent = _recent_runs(facts.runs, previous)
    readiness = facts.readiness
    return ReportStatus(
        observed_generation=facts.generation,
        conditions=_conditions(facts, recent, previous, now),
        cron_job_name=readiness.cron_job_name or previous.cron_job_name,
        cron_job_generation=readiness.cron_job_generation or previous.cron_job_generation,
        last_schedule_time=_newest(
            [previous.last_schedule_time, *(run.spec.scheduled_time for run in facts.runs)]
        ),
        next_schedule_time=_next_time(facts, now),
        last_success_time=_newest(
            [
                previous.last_success_time,
                *(run.completion_time for run in recent if run.outcome is Outcome.DELIVERED),
            ]
        ),
        last_run=recent[0] if recent else None,
        recent_runs=recent,
        consecutive_failures=_failures_in_a_row(recent, previous),
    )


def settle(current: ReportStatus, previous: ReportStatus, now: datetime) -> ReportStatus:
    """
    Return *previous* if *current* only tells that a slot has just passed.

    The run of that slot will end soon and be told together with it, in one write.
    """
    due = previous.next_schedule_time
    if due is None or not due <= now < due + SLOT_GRACE:
        return current
    times = {"next_schedule_time", "last_schedule_time"}
    same = current.model_dump(exclude=times) == previous.model_dump(exclude=times)
    return previous if same else current


def summary_of(run: RunSeen) -> RunSummary:
    """Return a finished run in short."""
    status = run.status
    assert status.outcome
    assert status.reason
    return RunSummary(
        name=run.meta.name,
        outcome=status.outcome,
        reason=status.reason,
        message=status.message[:MAX_MESSAGE],
        trigger=run.spec.trigger,
        scheduled_time=run.spec.scheduled_time,
        start_time=status.start_time,
        completion_time=status.completion_time or status.start_time or run.meta.created,
        rows=status.rows,
        accepted=run.accepted,
        refused=run.refused,
    )


def _recent_runs(runs: Iterable[RunSeen], previous: ReportStatus) -> list[RunSummary]:
    by_name = {run.name: run for run in previous.recent_runs}
    by_name |= {run.meta.name: summary_of(run) for run in runs if run.status.outcome}
    newest_first = sorted(by_name.values(), key=_ended, reverse=True)
    return newest_first[:MAX_RECENT]


def _ended(run: RunSummary) -> tuple[float, str]:
    return (run.completion_time.timestamp() if run.completion_time else 0.0, run.name)


def _failures_in_a_row(recent: Sequence[RunSummary], previous: ReportStatus) -> int:
    for count, run in enumerate(recent):
        if run.outcome.is_success:
            return count
    # All that we remember have failed, and more may have before.
    known = {run.name for run in previous.recent_runs}
    new = sum(run.name not in known for run in recent)
    return max(previous.consecutive_failures + new, len(recent))


def _next_time(facts: Facts, now: datetime) -> datetime | None:
    spec = facts.spec
    if spec is None or spec.suspend or not facts.readiness.is_ready:
        return None
    return next(iter(next_times(parse(spec.schedule), zone(spec.time_zone), now, 1)), None)


def _newest(times: Iterable[datetime | None]) -> datetime | None:
    return max((time for time in times if time), default=None)


def _conditions(
    facts: Facts, recent: Sequence[RunSummary], previous: ReportStatus, now: datetime
) -> list[Condition]:
    known = {condition.type: condition for condition in previous.conditions}

    def condition(kind: ConditionType, status: Truth, reason: str, message: str) -> Condition:
        before = known.get(kind)
        changed = before is None or before.status != status
        return Condition(
            type=kind,
            status=status,
            reason=reason,
            message=message,
            last_transition_time=now if before is None or changed else before.last_transition_time,
            observed_generation=facts.generation,
        )

    readiness = facts.readiness
    found = [
        condition(
            ConditionType.READY,
            "True" if readiness.is_ready else "False",
            readiness.reason,
            readiness.message,
        ),
        condition(ConditionType.SUCCEEDING, *_succeeding(recent)),
        condition(ConditionType.SUSPENDED, *_suspended(facts.spec)),
    ]
    if facts.blocked:
        blocked = facts.blocked
        found.append(condition(ConditionType.RUN_BLOCKED, "True", blocked.reason, blocked.message))
    if readiness.reason in (ReadyReason.INVALID_SPEC, ReadyReason.INVALID_SCHEDULE):
        found.append(condition(ConditionType.STALLED, "True", readiness.reason, readiness.message))
    return found


def _succeeding(recent: Sequence[RunSummary]) -> tuple[Truth, str, str]:
    if not recent:
        return "Unknown", "NoRunYet", "no run has ended yet"
    last = recent[0]
    what = last.message or f"{last.outcome}: {last.accepted} of {last.accepted + last.refused}"
    truth: Truth = "True" if last.outcome.is_success else "False"
    return truth, last.reason, f"{last.name}: {what}"


def _suspended(spec: ReportSpec | None) -> tuple[Truth, str, str]:
    if spec is None:
        return "Unknown", "InvalidSpec", "the spec cannot be read"
    if spec.suspend:
        return "True", "Suspended", "scheduled runs are paused by spec.suspend"
    return "False", "Active", "runs start on schedule"

"""
Which past slot of a CronJob would still fire, and whether a change would make it do so.

The CronJob controller starts the newest slot since the later of the last one it started (or the
CronJob's creation) and ``startingDeadlineSeconds`` ago. After a resume or a new schedule these may
be slots that nobody meant: in the past, while the report was suspended or had other times. Since
the controller looks no further back than ``status.lastScheduleTime``, moving that to the moment of
the change keeps it from them, and leaves later slots all their deadline.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from report_operator.observed import CronJobSeen
from report_types.cron import ScheduleError, parse, runs, zone


@dataclass(frozen=True, slots=True)
class Timing:
    """The part of a CronJob's spec that says when it fires; no deadline is an endless one."""

    schedule: str
    time_zone: str
    suspend: bool
    deadline: int | None


def late_slot(seen: CronJobSeen, now: datetime) -> datetime | None:
    """Return the slot that the controller should have started by now and has not, if any."""
    return waiting_slot(_timing_of(seen), seen.last_schedule_time or seen.meta.created, now)


def wakes_a_slot(seen: CronJobSeen, spec: Mapping[str, Any], now: datetime) -> bool:
    """Tell whether replacing the CronJob's spec by *spec* would fire a slot of the past."""
    before = _timing_of(seen)
    after = Timing(
        spec["schedule"], spec["timeZone"], spec["suspend"], spec["startingDeadlineSeconds"]
    )
    if before == after:
        return False
    since = seen.last_schedule_time or seen.meta.created
    due = waiting_slot(after, since, now)
    return due is not None and due != waiting_slot(before, since, now)


def waiting_slot(timing: Timing, since: datetime, now: datetime) -> datetime | None:
    """Return the slot between *since* and *now* that the controller would start now, if any."""
    if timing.suspend:
        return None
    if timing.deadline is not None:
        since = max(since, now - timedelta(seconds=timing.deadline))
    try:
        slots = runs(parse(timing.schedule), zone(timing.time_zone), since)
    except ScheduleError:
        return None  # a stranger's change to the CronJob: no slot of ours
    newest = None
    for slot in slots:
        if slot > now:
            break
        newest = slot
    return newest


def _timing_of(seen: CronJobSeen) -> Timing:
    zone_name = seen.time_zone or "Etc/UTC"
    return Timing(seen.schedule, zone_name, seen.suspend, seen.starting_deadline)

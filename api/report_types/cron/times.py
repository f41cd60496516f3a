"""
The moments at which the CronJob controller starts a run.

The controller walks forward from a moment, from the coarsest field to the finest, and what it
does where clocks change follows from that walk alone: a local time that is skipped has no run, one
that comes twice has two, and where midnight itself is skipped, whole days can be overlooked. No
cron library predicts this, so the walk is taken here step by step, in the same order.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from report_types.cron.schedule import Schedule

_YEARS_TO_LOOK = 5  # the controller gives up here, too


def next_times(schedule: Schedule, zone: ZoneInfo, after: datetime, count: int) -> list[datetime]:
    """
    Return the next *count* runs after the aware datetime *after*, in UTC, earliest first.

    There are fewer only where ``runs`` ends.

    Raises:
        ValueError: *after* has no time zone.
    """
    return list(islice(runs(schedule, zone, after), count))


def runs(schedule: Schedule, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """
    Yield the runs after the aware datetime *after*, in UTC, one by one, earliest first.

    They end where the controller finds no more: if there is none within five years, or at a day
    that a zone leaves out as a whole (Pacific/Apia did in 2011), where it hangs for ever.

    Raises:
        ValueError: *after* has no time zone.
    """
    if after.tzinfo is None:
        raise ValueError("after must be a datetime with a time zone")
    moment = _next_run(schedule, zone, after)
    while moment:
        yield moment
        moment = _next_run(schedule, zone, moment)


def at_wall(wall: datetime, zone: ZoneInfo) -> datetime:
    """
    Return the moment at which clocks in *zone* show the naive *wall*.

    Where they never show it, or show it twice, this is the moment that Go's ``time.Date`` takes.
    """
    moment = wall.replace(tzinfo=UTC)
    for _ in range(2):
        moment = wall.replace(tzinfo=UTC) - _offset(moment.astimezone(zone))
    return moment.astimezone(zone)


@dataclass(frozen=True, slots=True)
class _Stride:
    """How the walk treats one field; every datetime is aware and in the schedule's zone."""

    fits: Callable[[Schedule, datetime], bool]
    begin: Callable[[datetime], datetime]
    step: Callable[[datetime], datetime]
    has_wrapped: Callable[[datetime], bool]


def _next_run(schedule: Schedule, zone: ZoneInfo, after: datetime) -> datetime | None:
    start = after.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
    local = start.astimezone(zone)
    last_year = local.year + _YEARS_TO_LOOK
    aligned = False
    while local.year <= last_year:
        for stride in _STRIDES:
            while not stride.fits(schedule, local):
                if not aligned:  # only the first step begins at a full month, day or hour
                    local, aligned = stride.begin(local), True
                before, local = local, stride.step(local)
                if local.astimezone(UTC) <= before.astimezone(UTC):
                    return None  # the controller walks on the spot here, see runs()
                if stride.has_wrapped(local):
                    break
            else:
                continue
            break  # the coarser fields may not fit any longer: look at them again
        else:
            return local.astimezone(UTC)
    return None


def _step_month(local: datetime) -> datetime:
    wall = _wall(local)
    next_month = (wall.replace(day=1) + timedelta(days=31)).replace(day=1)
    return _at(local, next_month + timedelta(days=wall.day - 1))


def _step_day(local: datetime) -> datetime:
    moved = _at(local, _wall(local) + timedelta(days=1))
    # Midnight does not exist there: go back or on to where it should be, by whole hours.
    hours = 24 - moved.hour if moved.hour > 12 else -moved.hour
    return _later(moved, timedelta(hours=hours))


def _later(local: datetime, by: timedelta) -> datetime:
    """Return the moment *by* later, as real time goes by, where datetime would count wall time."""
    return (local.astimezone(UTC) + by).astimezone(local.tzinfo)


def _at(local: datetime, wall: datetime) -> datetime:
    zone = local.tzinfo
    assert isinstance(zone, ZoneInfo)
    return at_wall(wall, zone)


def _wall(local: datetime) -> datetime:
    return local.replace(tzinfo=None, fold=0)


def _offset(local: datetime) -> timedelta:
    return local.utcoffset() or timedelta()


_STRIDES = (
    _Stride(
        fits=lambda schedule, local: local.month in schedule.month.values,
        begin=lambda local: _at(local, _wall(local).replace(day=1, hour=0, minute=0, second=0)),
        step=_step_month,
        has_wrapped=lambda local: local.month == 1,
    ),
    _Stride(
        fits=lambda schedule, local: schedule.fits_day(local),
        begin=lambda local: _at(local, _wall(local).replace(hour=0, minute=0, second=0)),
        step=_step_day,
        has_wrapped=lambda local: local.day == 1,
    ),
    _Stride(
        fits=lambda schedule, local: local.hour in schedule.hour.values,
        begin=lambda local: _at(local, _wall(local).replace(minute=0, second=0)),
        step=lambda local: _later(local, timedelta(hours=1)),
        has_wrapped=lambda local: local.hour == 0,
    ),
    _Stride(
        fits=lambda schedule, local: local.minute in schedule.minute.values,
        begin=lambda local: local.astimezone(UTC).replace(second=0).astimezone(local.tzinfo),
        step=lambda local: _later(local, timedelta(minutes=1)),
        has_wrapped=lambda local: local.minute == 0,
    ),
    _Stride(
        fits=lambda schedule, local: local.second == 0,
        begin=lambda local: local,
        step=lambda local: _later(local, timedelta(seconds=60 - local.second)),
        has_wrapped=lambda local: True,
    ),
)

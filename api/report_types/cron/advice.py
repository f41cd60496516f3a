"""What a schedule does that its author may not expect, in words."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo

from report_types.cron.clocks import ClockChange, clock_changes
from report_types.cron.fields import DAY_OF_MONTH, Field, Part, Unit, shorten
from report_types.cron.schedule import Schedule, days_of
from report_types.cron.times import at_wall, runs

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_LONGEST_EFFECT = timedelta(days=31)  # an overlooked first day of a month hides all of its days
_IN_UTC = "timeZone: Etc/UTC avoids it"
_OFTEN = 5  # minutes; a run is a pod, and takes some seconds of two processors


def warnings(schedule: Schedule, zone: ZoneInfo, now: datetime) -> list[str]:
    """Return what may surprise in the year after the aware datetime *now*, a sentence each."""
    return [
        *_about_days(schedule),
        *_about_short_months(schedule),
        *(warning for field in schedule.fields for warning in _about_parts(field)),
        *_about_frequency(schedule),
        *(
            warning
            for change in clock_changes(zone, now)
            for warning in _about_clocks(schedule, zone, change)
        ),
    ]


def _about_days(schedule: Schedule) -> Iterator[str]:
    month, week = schedule.day_of_month, schedule.day_of_week
    if schedule.takes_either_day and month.values and week.values:
        yield (
            f"day of month {shorten(month.text)} and day of week {shorten(week.text)} are both "
            "set: it runs on days that fit either of them, not only on days that fit both"
        )


def _about_short_months(schedule: Schedule) -> Iterator[str]:
    named = {part.first for part in schedule.day_of_month.parts if part.first == part.last}
    months = schedule.month.values
    for day in sorted(value for value in named if value > 28):
        having = sum(days_of(month, leap=False) >= day for month in months)
        if not having:
            yield f"day of month {day}: in month {schedule.month.text} only leap years have it"
        elif having < len(months):
            yield (
                f"day of month {day}: in an ordinary year, only {having} of its {len(months)} "
                "months have that day, and it does not run in the others"
            )


def _about_parts(field: Field) -> Iterator[str]:
    unit = field.unit
    for part in field.parts:
        if not part.is_star:
            continue
        if "-" in part.text:
            yield f"{unit.name} {shorten(part.text)}: Kubernetes reads no further than the hyphen"
        last = part.values[-1]
        if part.step > unit.size:
            yield f"{unit.name} {shorten(part.text)}: it means just {last} of each {unit.cycle}"
        elif last != unit.low and _is_uneven(part, unit):
            yield (
                f"{unit.name} {shorten(part.text)}: it begins anew each {unit.cycle}, so {last} "
                f"is followed by {unit.low} and the steps are not even"
            )


def _is_uneven(part: Part, unit: Unit) -> bool:
    """Tell whether the last step of a cycle is shorter than the others, or may be, in a month."""
    return part.step > 1 and (unit is DAY_OF_MONTH or unit.size % part.step != 0)


def _about_frequency(schedule: Schedule) -> Iterator[str]:
    minutes, hours = sorted(schedule.minute.values), schedule.hour.values
    gaps = [later - earlier for earlier, later in pairwise(minutes)]
    if any((hour + 1) % 24 in hours for hour in hours):
        gaps.append(minutes[0] + 60 - minutes[-1])
    if gaps and min(gaps) < _OFTEN:
        often = "every minute" if min(gaps) == 1 else f"{min(gaps)} minutes apart"
        yield f"it runs {often}; each run starts a pod, so leave {_OFTEN} minutes or more"


def _about_clocks(schedule: Schedule, zone: ZoneInfo, change: ClockChange) -> Iterator[str]:
    named, real = _runs_around(schedule, zone, change)
    if schedule.hour.is_full:  # what runs every hour keeps its distance in real time
        named = Counter({wall: n for wall, n in named.items() if wall not in change})
        real = Counter({wall: n for wall, n in real.items() if wall not in change})
    missed, extra = sorted(named - real), sorted(real - named)
    elsewhen = f"choose a time outside {min(change.old, change.new):%H:%M}"
    elsewhen += f"-{max(change.old, change.new):%H:%M}"
    for walls, fate, way_out in (
        ([wall for wall in missed if wall in change], "skipped", elsewhen),
        ([wall for wall in extra if wall in named], "made twice", elsewhen),
        ([wall for wall in missed if wall not in change], "overlooked by Kubernetes", _IN_UTC),
        ([wall for wall in extra if wall not in named], "added by Kubernetes", _IN_UTC),
    ):
        if walls:
            yield f"{change}: {_list_runs(walls, change)} {fate}; {way_out}"


def _list_runs(walls: list[datetime], change: ClockChange) -> str:
    dated = any(wall.date() != change.day for wall in walls)
    first, last = (
        f"{wall:%Y-%m-%d %H:%M}" if dated else f"{wall:%H:%M}" for wall in (walls[0], walls[-1])
    )
    if len(walls) == 1:
        return f"the run at {first} is"
    return f"{len(walls)} runs from {first} to {last} are"


def _runs_around(
    schedule: Schedule, zone: ZoneInfo, change: ClockChange
) -> tuple[Counter[datetime], Counter[datetime]]:
    """
    Return the wall times from the day of *change* to the first run after it: named and real ones.

    The named ones are croniter's, on a calendar without time zones. The real ones are counted
    from the last run before that day, as the controller does.
    """
    from croniter import croniter  # slow to import, and of no use to the run pod

    begin = datetime.combine(change.day, datetime.min.time())
    before = croniter(schedule.canonical(), begin).get_prev(datetime)
    after = croniter(schedule.canonical(), begin + _DAY - _SECOND).get_next(datetime)
    end = min(after + _SECOND, begin + _LONGEST_EFFECT)
    named = croniter(schedule.canonical(), begin - _SECOND).all_next(datetime)
    real = (
        run.astimezone(zone).replace(tzinfo=None)
        for run in runs(schedule, zone, at_wall(before, zone))
    )
    return (
        Counter(takewhile(lambda wall: wall < end, named)),
        Counter(wall for wall in takewhile(lambda wall: wall < end, real) if wall >= begin),
    )

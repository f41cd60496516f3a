"""A whole schedule: the text of a report's ``schedule``, and what it means."""

import calendar
import difflib
import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from report_types.cron.fields import (
    DAY_OF_MONTH,
    DAY_OF_WEEK,
    HOUR,
    MINUTE,
    MONTH,
    Field,
    ScheduleError,
    read_field,
    shorten,
    wrong,
)

DESCRIPTORS: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
# What Go's strings.Fields splits at, for a character class; str.split() knows four more.
WHITE_SPACE: Final = r"\t-\r \x85\xa0" + "\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_FIELD: Final = re.compile(f"[^{WHITE_SPACE}]+")
_TIME_OF_DAY: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_EVERY: Final = re.compile(r"@every (?:(?P<hours>[1-9][0-9]?)h)?(?:(?P<minutes>[1-9][0-9]?)m)?")
_FORMS: Final = "five fields such as '0 9 * * 1-5', a time such as '09:00', or @daily"


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a report is due, read from *text* by ``parse``; see ``next_times`` for the moments."""

    text: str
    minute: Field
    hour: Field
    day_of_month: Field
    month: Field
    day_of_week: Field

    @property
    def fields(self) -> tuple[Field, Field, Field, Field, Field]:
        """The five fields, in the order in which they are written."""
        return self.minute, self.hour, self.day_of_month, self.month, self.day_of_week

    @property
    def takes_either_day(self) -> bool:
        """Whether a day need fit only one of its two fields, since neither of them is a star."""
        return not (self.day_of_month.is_star or self.day_of_week.is_star)

    def fits_day(self, day: date) -> bool:
        """Tell whether both day fields, or either of them, let *day* through, in any month."""
        fits_month = day.day in self.day_of_month.values
        fits_week = day.isoweekday() % 7 in self.day_of_week.values
        return (fits_month or fits_week) if self.takes_either_day else (fits_month and fits_week)

    def to_cron(self) -> str:
        """Return the five fields for a CronJob, as they were written."""
        return " ".join(field.text for field in self.fields)

    def canonical(self) -> str:
        """
        Return five fields of plain numbers, which every cron library reads in the same way.

        It fires when this schedule does; in particular, both day fields are limited only where
        either one is enough.
        """
        minute, hour, day, month, weekday = (field.canonical() for field in self.fields)
        if self.takes_either_day:
            if "*" in (day, weekday):
                day = weekday = "*"
            day, weekday = day or "*", weekday or "*"
        return f"{minute} {hour} {day} {month} {weekday}"


def parse(schedule: str) -> Schedule:
    """
    Read *schedule*: five cron fields, a descriptor such as ``@daily``, or ``HH:MM``.

    Raises:
        ScheduleError: Kubernetes would refuse it, or would never run it.
    """
    if match := _TIME_OF_DAY.fullmatch(schedule):
        cron = f"{int(match[2])} {int(match[1])} * * *"
    elif "TZ" in schedule:  # as the API server says it, which looks no closer either
        raise ScheduleError("leave TZ= and CRON_TZ= out, and write the zone into timeZone")
    elif schedule.startswith("@"):
        cron = _expand(schedule)
    else:
        cron = schedule
    result = Schedule(schedule, *_read_fields(cron))
    _refuse_idle(result)
    return result


def _expand(descriptor: str) -> str:
    if cron := DESCRIPTORS.get(descriptor):
        return cron
    if descriptor.startswith("@every"):
        raise ScheduleError(
            f"{shorten(descriptor)}: @every counts from the last start, so it drifts; "
            f"write {_in_fields(descriptor)}"
        )
    nearest = difflib.get_close_matches(descriptor.strip().lower(), DESCRIPTORS, n=1)
    known = nearest[0] if nearest else "one of " + ", ".join(DESCRIPTORS)
    raise ScheduleError(f"{shorten(descriptor)} is not known; write {known}")


def _in_fields(every: str) -> str:
    """Say how to write *every*, such as ``@every 15m``, in fields, if it can be said exactly."""
    match = _EVERY.fullmatch(every)
    hours, minutes = (int(value or 0) for value in match.groups()) if match else (0, 0)
    if minutes and not hours and 60 % minutes == 0:
        return shorten(parse(f"*/{minutes} * * * *").canonical())
    if hours and not minutes and 24 % hours == 0:
        return shorten(parse(f"0 */{hours} * * *").canonical())
    return "'*/15 * * * *' for every quarter of an hour, or '0 */2 * * *' for every two hours"


def _read_fields(cron: str) -> tuple[Field, Field, Field, Field, Field]:
    texts = _FIELD.findall(cron)
    if len(texts) != 5:
        raise ScheduleError(_miscounted(cron, len(texts)))
    minute, hour, day, month, weekday = texts
    return (
        read_field(MINUTE, minute),
        read_field(HOUR, hour),
        read_field(DAY_OF_MONTH, day),
        read_field(MONTH, month),
        read_field(DAY_OF_WEEK, weekday),
    )


def _miscounted(cron: str, count: int) -> str:
    if ":" in cron:
        return f"{shorten(cron)} is no time of day; write HH:MM, from 00:00 to 23:59"
    if count == 6:
        return (
            f"{shorten(cron)} has 6 fields; write 5: minute, hour, day of month, month, day of "
            "week. There is none for seconds or years"
        )
    return f"{shorten(cron)} has {count} of the 5 fields; write {_FORMS}"


def _refuse_idle(schedule: Schedule) -> None:
    """Refuse a schedule that the calendar never meets, though Kubernetes would take it."""
    month, day, weekday = schedule.month, schedule.day_of_month, schedule.day_of_week
    if schedule.takes_either_day and weekday.values:
        required = [schedule.minute, schedule.hour, month]
    elif schedule.takes_either_day:
        required = [schedule.minute, schedule.hour, month, day]
    else:
        required = list(schedule.fields)
    for field in required:
        if not field.values:
            raise wrong(field.unit, field.text, f"this never fires; write {field.unit}")
    longest = max(days_of(value, leap=True) for value in month.values)
    if day in required and min(day.values) > longest:
        advice = f"month {shorten(month.text)} has no such day, so this never fires"
        raise wrong(day.unit, day.text, f"{advice}; write {longest} or less")


def days_of(month: int, *, leap: bool) -> int:
    """Return the number of days of *month* (1 to 12) in a leap year or in another one."""
    return calendar.monthrange(2024 if leap else 2023, month)[1]

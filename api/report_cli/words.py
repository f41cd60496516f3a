"""Schedules in words."""

from report_types.cron import Schedule


def describe(schedule: Schedule) -> str:
    """Say when *schedule* fires: ``At 09:00, Monday through Friday``."""
    from cron_descriptor import (  # slow, and seldom needed
        ExpressionDescriptor,
        Options,
    )

    options = Options(locale_code="en_US", use_24hour_time_format=True)
    words: str = ExpressionDescriptor(_expression(schedule), options).get_description()
    return words


def _expression(schedule: Schedule) -> str:
    """Return an equal expression whose words are true."""
    minute, hour, day, month, weekday = schedule.canonical().split()
    if day != "*" and weekday != "*":  # a range of weekdays would lose the word "or"
        weekday = ",".join(map(str, sorted(schedule.day_of_week.values)))
    return " ".join((minute, hour, day, month, weekday))

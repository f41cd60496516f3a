"""
When a report is due: Kubernetes' own reading of a schedule, in Python.

Everything here agrees with ``github.com/robfig/cron/v3``, the parser in the API server and in the
CronJob controller, down to its corner cases; a differential test runs both. Where we differ, we
differ on purpose:

* ``HH:MM`` is ours, and means daily at that time;
* ``@every …`` is refused: it counts from the last start, so its runs drift with every restart;
* what never fires, such as ``0 0 31 2 *``, is refused: Kubernetes takes it and stays silent.
"""

from report_types.cron.advice import warnings
from report_types.cron.fields import ScheduleError
from report_types.cron.pattern import SCHEDULE_PATTERN
from report_types.cron.schedule import Schedule, parse
from report_types.cron.times import next_times, runs
from report_types.cron.zones import zone

__all__ = [
    "SCHEDULE_PATTERN",
    "Schedule",
    "ScheduleError",
    "next_times",
    "parse",
    "runs",
    "warnings",
    "zone",
]

"""The slot that a report is to fire in during the demo."""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

_LEAD: Final = timedelta(seconds=15)  # for the report's CronJob to be made before it


def next_slot(now: datetime) -> datetime:
    """Return the first full minute that is more than 15 seconds after *now*, both aware."""
    return (now + _LEAD + timedelta(minutes=1)).replace(second=0, microsecond=0)


def daily_schedule(slot: datetime, time_zone: str) -> str:
    """Return the cron schedule that fires daily at *slot*'s time of day in *time_zone*."""
    local = slot.astimezone(ZoneInfo(time_zone))
    return f"{local.minute} {local.hour} * * *"


def run_name(report: str, slot: datetime) -> str:
    """Return the name that the CronJob controller gives to the Job of *slot*."""
    return f"{report}-{int(slot.timestamp()) // 60}"

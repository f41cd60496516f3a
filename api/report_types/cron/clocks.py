"""When the clocks of a time zone change, and what they show around it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ClockChange:
    """Clocks in *zone* go from the naive time *old* to *new*, forward or back."""

    zone: str
    old: datetime
    new: datetime

    @property
    def day(self) -> date:
        """The local day on which wall times are missing, or come twice."""
        return min(self.old, self.new).date()

    def __contains__(self, wall: datetime) -> bool:
        """Tell whether the naive *wall* is one of the times that are missing or come twice."""
        return min(self.old, self.new) <= wall < max(self.old, self.new)

    def __str__(self) -> str:
        day = f"{self.day:%A}, {self.day.day} {self.day:%B %Y}"
        way = "forward" if self.new > self.old else "back"
        return f"on {day} clocks in {self.zone} go {way} from {self.old:%H:%M} to {self.new:%H:%M}"


def clock_changes(zone: ZoneInfo, now: datetime) -> Iterator[ClockChange]:
    """Yield the changes in the year after the aware datetime *now*, earliest first."""
    start = now.astimezone(UTC).replace(second=0, microsecond=0)
    for day in range(366):
        early = start + day * _DAY
        if _offset(zone, early) != _offset(zone, early + _DAY):
            moment = _find_change(zone, early)
            yield ClockChange(
                zone.key,
                _wall(moment + _offset(zone, moment - _MINUTE)),
                _wall(moment + _offset(zone, moment)),
            )


def _find_change(zone: ZoneInfo, early: datetime) -> datetime:
    """Return the first minute of the day after *early* that has the offset of that day's end."""
    late = early + _DAY
    while late - early > _MINUTE:
        middle = early + (late - early) // _MINUTE // 2 * _MINUTE
        if _offset(zone, middle) == _offset(zone, late):
            late = middle
        else:
            early = middle
    return late


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _wall(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)

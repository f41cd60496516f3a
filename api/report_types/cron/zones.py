"""Time zones by their IANA name, as Kubernetes' ``timeZone`` takes them."""

import difflib
from functools import cache
from importlib import resources
from typing import Final
from zoneinfo import ZoneInfo

from report_types.cron.fields import ScheduleError, shorten

_EXAMPLE: Final = "an IANA name such as Europe/Berlin or Etc/UTC"


def zone(name: str) -> ZoneInfo:
    """
    Return the time zone *name*.

    The names are those of the tzdata package, so that a path, ``Local`` and the copies that some
    systems keep under ``posix/`` are unknown everywhere alike.

    Raises:
        ScheduleError: there is no such zone; it says which one may have been meant.
    """
    if name in _names():
        return ZoneInfo(name)
    if name.casefold() == "local":
        raise ScheduleError(f"time zone {shorten(name)} differs by machine; write {_EXAMPLE}")
    nearest = _nearest(name)
    raise ScheduleError(f"time zone {shorten(name)} is not known; write {nearest or _EXAMPLE}")


@cache
def _names() -> frozenset[str]:
    return frozenset(resources.files("tzdata").joinpath("zones").read_text("utf-8").split())


def _nearest(name: str) -> str | None:
    """Return the zone that looks most like *name*, by all of it or by its last part, the place."""
    if any(character.isdigit() for character in name):
        return None  # UTC+2 looks like Etc/GMT+2, which is on the other side of the world
    wanted = name.strip().replace(" ", "_").casefold()[:64]
    known = {candidate.casefold(): candidate for candidate in sorted(_names())}
    places = {folded.rsplit("/", 1)[-1]: candidate for folded, candidate in known.items()}
    for candidates in (known, places):
        if found := difflib.get_close_matches(wanted, candidates, n=1, cutoff=0.8):
            return candidates[found[0]]
    return None

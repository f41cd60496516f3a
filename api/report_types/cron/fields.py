"""
One field of a schedule, read by the rules of robfig/cron.

They are not quite those of other crons: ``7`` is no Sunday, names have exactly three letters,
``5/15`` means ``5-59/15``, nothing stands between ``*-`` and the next comma, a field may be all
commas, and a star with a step above 1 no longer counts as a star.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

_NUMBER: Final = re.compile(r"\+?[0-9]+")
_LARGEST_NUMBER: Final = 2**63 - 1
_SHOWN: Final = 40  # characters of a wrong part that a message repeats


class ScheduleError(ValueError):
    """A schedule or a time zone that is wrong: which part of it, why, and what to write."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What one of the five fields counts: its values, and *spelled*, their names, in order."""

    name: str
    low: int
    high: int
    cycle: str
    spelled: str = ""

    @property
    def names(self) -> list[str]:
        """The names of the values, in lower case, the lowest value's first."""
        return self.spelled.split()

    @property
    def size(self) -> int:
        """The number of values."""
        return self.high - self.low + 1

    def __str__(self) -> str:
        named = f" or {self.names[0].upper()} to {self.names[-1].upper()}" if self.names else ""
        return f"{self.low} to {self.high}{named}"


MINUTE: Final = Unit("minute", 0, 59, "hour")
HOUR: Final = Unit("hour", 0, 23, "day")
DAY_OF_MONTH: Final = Unit("day of month", 1, 31, "month")
MONTH: Final = Unit("month", 1, 12, "year", "jan feb mar apr may jun jul aug sep oct nov dec")
DAY_OF_WEEK: Final = Unit("day of week", 0, 6, "week", "sun mon tue wed thu fri sat")
UNITS: Final = (MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK)


@dataclass(frozen=True, slots=True)
class Part:
    """One entry of a field's comma list; *is_star* if it begins with ``*`` or ``?``."""

    text: str
    first: int
    last: int
    step: int
    is_star: bool

    @property
    def values(self) -> range:
        """The values it stands for."""
        return range(self.first, self.last + 1, self.step)


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its text, what it was read as, and whether it counts as unlimited (``*``)."""

    unit: Unit
    text: str
    parts: tuple[Part, ...]
    values: frozenset[int]
    is_star: bool

    @property
    def is_full(self) -> bool:
        """Whether it lets every value through, be it written ``*`` or ``0-59``."""
        return len(self.values) == self.unit.size

    def canonical(self) -> str:
        """Return the same values in the plainest way: ``*``, ``*/15``, or numbers and ranges."""
        if self.is_full:
            return "*"
        values = sorted(self.values)
        if self.unit.low == 0 and len(values) > 1:
            step = values[1]
            if self.unit.size % step == 0 and values == list(range(0, self.unit.size, step)):
                return f"*/{step}"
        return ",".join(_spans(values))


def read_field(unit: Unit, text: str) -> Field:
    """
    Read the field *text*, which holds no white space.

    Raises:
        ScheduleError: Kubernetes would refuse it.
    """
    parts = tuple(_read_part(unit, part) for part in text.split(",") if part)
    values = frozenset(value for part in parts for value in part.values)
    return Field(unit, text, parts, values, any(p.is_star and p.step == 1 for p in parts))


def _read_part(unit: Unit, text: str) -> Part:
    head, *steps = text.split("/")
    if len(steps) > 1:
        raise wrong(unit, text, "it has two slashes; write it as 0-30/5, with one step")
    first, last = _read_range(unit, text, head)
    step = 1
    if steps:
        step = _read_step(unit, text, steps[0])
        last = last if "-" in head else unit.high
    if first > last:
        way_out = f"{first}-{unit.high},{unit.low}-{last}"
        raise wrong(unit, text, f"a range does not run backwards; write {way_out}")
    return Part(text, first, last, step, head[0] in "*?")


def _read_range(unit: Unit, text: str, head: str) -> tuple[int, int]:
    low, *high = head.split("-")
    if low in ("*", "?"):  # what follows the hyphen is never looked at
        return unit.low, unit.high
    if len(high) > 1:
        raise wrong(unit, text, "it has two hyphens; write a range as START-END")
    first = _read_value(unit, text, low)
    return first, _read_value(unit, text, high[0]) if high else first


def _read_value(unit: Unit, text: str, word: str) -> int:
    # Go makes a plain i of the Turkish capital I with a dot, Python makes two characters.
    name = word.replace("\u0130", "i").lower()
    if name in unit.names:
        return unit.low + unit.names.index(name)
    value = _read_number(word)
    if value is None or not unit.low <= value <= unit.high:
        raise wrong(unit, text, _advice(unit, word, value))
    return value


def _read_step(unit: Unit, text: str, word: str) -> int:
    step = _read_number(word)
    if not step:
        raise wrong(unit, text, "the step after the slash must be a number, 1 or more")
    return step


def _read_number(word: str) -> int | None:
    """Read *word* as Go's ``strconv.Atoi`` would: ASCII digits, a plus sign, 64 bits."""
    if not _NUMBER.fullmatch(word):
        return None
    digits = word.removeprefix("+").lstrip("0") or "0"
    if len(digits) > len(str(_LARGEST_NUMBER)) or int(digits) > _LARGEST_NUMBER:
        return None
    return int(digits)


def _advice(unit: Unit, word: str, value: int | None) -> str:
    """Say what to write in place of *word*, which was read as *value*, if as any number."""
    if unit is DAY_OF_WEEK and value == 7:
        return "Kubernetes knows no day 7; write 0 or SUN for Sunday"
    if unit is HOUR and value == 24:
        return "there is no hour 24; write 0 for midnight"
    if word[:3].lower() in unit.names:
        return f"names have three letters; write {word[:3].upper()}"
    if re.fullmatch(r"[0-9]*[LW]|[0-9]+#[0-9]+", word.upper()):
        return f"Kubernetes knows no L, W or #; write {unit}"
    if odd := [character for character in word if not character.isascii()]:
        return f"{shorten(odd[0])} is no plain character; write {unit}"
    if not word:
        return f"a number is missing; write {unit}"
    return f"{shorten(word)} is not one of the values; write {unit}"


def wrong(unit: Unit, text: str, advice: str) -> ScheduleError:
    """Return the error about *text*, a part of the field *unit*."""
    return ScheduleError(f"{unit.name} {shorten(text)}: {advice}")


def shorten(text: str) -> str:
    """Quote *text* for a message, at most 40 characters of it."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")


def _spans(values: list[int]) -> Iterator[str]:
    """Yield the runs of neighbours in the sorted *values* as ``1``, ``3,4`` or ``6-9``."""
    for _, pairs in groupby(enumerate(values), key=lambda pair: pair[1] - pair[0]):
        span = [value for _, value in pairs]
        joint = "," if len(span) == 2 else "-"
        yield str(span[0]) if len(span) == 1 else f"{span[0]}{joint}{span[-1]}"

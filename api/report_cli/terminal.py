"""
How srep speaks: data on standard output, the rest on standard error, colours for people only.

Colours are used on a terminal that takes them, and where NO_COLOR is not set. Whatever is written
may repeat words of a user's file, so control characters never reach the terminal as they are.
"""

import json
import os
import re
import sys
from enum import StrEnum
from typing import Any, Final, TextIO

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_STYLES: Final = {"bad": "31;1", "warn": "33", "good": "32;1", "strong": "1", "dim": "2"}


class Format(StrEnum):
    """How a command prints its data."""

    TABLE = "table"
    JSON = "json"


def say(text: str = "") -> None:
    """Write a line to standard output."""
    _write(sys.stdout, text)


def tell(text: str = "") -> None:
    """Write a line to standard error: what is not data."""
    _write(sys.stderr, text)


def say_json(value: Any) -> None:
    """Write *value* to standard output as one JSON object."""
    _write(sys.stdout, json.dumps(value, indent=2, ensure_ascii=True))


def paint(text: str, style: str, stream: TextIO | None = None) -> str:
    """Return *text* in *style* (bad, warn, good, strong, dim) if *stream* shows colours."""
    clean = printable(text)
    if not has_colours(stream or sys.stdout):
        return clean
    return f"\x1b[{_STYLES[style]}m{clean}\x1b[0m"


def has_colours(stream: TextIO) -> bool:
    """Tell whether *stream* is a terminal on which colours are wanted."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") in ("dumb", None)
    return stream.isatty() and not plain


def printable(text: str) -> str:
    """Return *text* with control characters spelt out, so that they cannot steer a terminal."""
    return _CONTROL.sub(lambda found: repr(found[0])[1:-1], text)


def _write(stream: TextIO, text: str) -> None:
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    stream.flush()

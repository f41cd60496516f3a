"""What a check has found: where, in which field, and what to do about it."""

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

Path = tuple[str | int, ...]
"""The way from the top of a document to one of its parts: keys, and indexes from 0."""

_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_SHOWN: Final = 60  # characters of a strange key that are repeated


class Severity(StrEnum):
    """How bad it is; only an error makes a file invalid."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Place:
    """Line and column, from 1; *is_block* if a block text (``|``) starts below it."""

    line: int
    column: int
    is_block: bool = False


@dataclass(frozen=True)
class Finding:
    """
    One thing that is wrong or noteworthy.

    *field* is empty if it is about the whole document; *place* is None if it is about the whole
    file. *script_line* counts within the inline script.
    """

    file: str
    message: str
    field: str = ""
    place: Place | None = None
    severity: Severity = Severity.ERROR
    script_line: int | None = None

    def order(self) -> tuple[int, int]:
        """Return what findings of one file are sorted by."""
        return (self.place.line, self.place.column) if self.place else (0, 0)

    def where(self) -> str:
        """Return ``FILE:LINE:COLUMN``, which editors and terminals can follow."""
        if self.place is None:
            return self.file
        return f"{self.file}:{self.place.line}:{self.place.column}"

    def what(self) -> str:
        """Return the field and the message."""
        return f"{self.field}: {self.message}" if self.field else self.message

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``-o json`` prints."""
        return {
            "file": self.file,
            "line": self.place.line if self.place else None,
            "column": self.place.column if self.place else None,
            "severity": self.severity.value,
            "field": self.field,
            "message": self.message,
            **({"scriptLine": self.script_line} if self.script_line is not None else {}),
        }


def field_name(path: Path) -> str:
    """Write *path* as ``spec.sources[0].http.url``."""
    name = ""
    for part in path:
        if isinstance(part, int):
            name += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            name += f".{part}" if name else part
        else:
            shown = part if len(part) <= _SHOWN else part[: _SHOWN - 1] + "…"
            name += f"[{json.dumps(shown)}]"
    return name

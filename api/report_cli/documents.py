"""One YAML document: what it says, and in which line and column it says it."""

from dataclasses import dataclass, field
from typing import Any

from report_cli.findings import Finding, Path, Place, field_name


@dataclass
class Document:
    """One YAML document: *value* as JSON would have it, and where each part of it stands."""

    file: str
    text: str = ""
    value: Any = None
    start: Place = field(default_factory=lambda: Place(1, 1))
    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def find(self, path: Path, *, key: bool = False) -> Place:
        """
        Return where *path* stands, or else the nearest thing around it.

        A text or number is found at its own place, an object or list at its key's; with *key*,
        everything is.
        """
        for end in range(len(path), 0, -1):
            places = (self.keys, self.values) if key else (self.values, self.keys)
            for known in places:
                if place := known.get(path[:end]):
                    return place
            key = True
        return self.start

    def place_in_text(self, path: Path, text: str, line: int, column: int) -> Place:
        """
        Return where a line and column of *text*, the value at *path*, stand in the file.

        That is exact for a block text (``|``); any other is found where it begins.
        """
        start = self.find(path)
        if not start.is_block:
            return start
        written = _line(self.text, start.line + line)
        indent = len(written) - len(_line(text, line))
        return Place(start.line + line, max(indent, 0) + column)

    def finding(self, path: Path, message: str, *, key: bool = False, **more: Any) -> Finding:
        """Return a finding about *path*."""
        place = self.find(path, key=key)
        return Finding(self.file, message, field=field_name(path), place=place, **more)


def _line(text: str, number: int) -> str:
    """Return a line of *text*, counted from 1; empty if there is none."""
    return "".join(text.split("\n")[number - 1 : number])

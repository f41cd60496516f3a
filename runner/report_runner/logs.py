"""
The runner's log: one JSON object per line, with secrets and addresses taken out of every text.

Redaction happens here, where all entries pass, and not where they are made.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TextIO

Entry = Mapping[str, Any]
Sink = Callable[[Entry], None]

REDACTED: Final = "[redacted]"
_SHORTEST_SECRET: Final = 4  # a shorter one would blot out ordinary text, and is none
_MAX_TEXT: Final = 2000
_RULES: Final = (
    (re.compile(r"(?i)\b(authorization|cookie)([\"']?\s*[:=]\s*).+"), rf"\1\2{REDACTED}"),
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/?#@\"']*@"), rf"\1{REDACTED}@"),
    (re.compile(r"(?i)\b(https?://[^\s?#\"']*)[?#][^\s\"']*"), rf"\1?{REDACTED}"),
    (re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(\.[\w-]+)+"), "[address]"),
)


class Redactor:
    """Takes secrets, credentials in URLs and mail addresses out of texts."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: list[str] = []
        self.add(*secrets)

    def add(self, *secrets: str) -> None:
        """Take these values out as well, from now on."""
        known = {*self._secrets, *(s for s in secrets if len(s) >= _SHORTEST_SECRET)}
        self._secrets = sorted(known, key=len, reverse=True)

    def text(self, text: str) -> str:
        """Return *text* without what must not be seen."""
        for secret in self._secrets:
            text = text.replace(secret, REDACTED)
        for pattern, replacement in _RULES:
            text = pattern.sub(replacement, text)
        return text[:_MAX_TEXT]

    def value(self, value: Any) -> Any:
        """Return a JSON value with every text in it redacted."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value


class RunLog:
    """Writes entries about one run to a sink; *context* stands in each of them."""

    def __init__(
        self, sink: Sink, *, redactor: Redactor | None = None, context: Entry | None = None
    ) -> None:
        self.redactor = redactor or Redactor()
        self._sink = sink
        self._context = dict(context or {})

    def info(self, event: str, **fields: Any) -> None:
        """Write what went as it should."""
        self._write("info", event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Write what did not, but is tried again or worked around."""
        self._write("warning", event, fields)

    def error(self, event: str, **fields: Any) -> None:
        """Write what ends the run."""
        self._write("error", event, fields)

    def _write(self, level: str, event: str, fields: Entry) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        entry = {"time": now, "level": level, "event": event, **self._context, **fields}
        self._sink(self.redactor.value(entry))


def json_lines(stream: TextIO) -> Sink:
    """Return a sink that writes each entry as one line of ASCII JSON, at once."""

    def write(entry: Entry) -> None:
        stream.write(json.dumps(entry, default=str) + "\n")
        stream.flush()

    return write

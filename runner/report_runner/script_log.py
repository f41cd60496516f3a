"""What a script prints, line by line into the log of its container: bounded and harmless."""

import codecs
from collections.abc import Callable
from typing import Final

from report_runner.plain_text import escape

MAX_OUTPUT: Final = 64 * 1024
"""Bytes of output that are passed on; the rest is read and dropped."""
MAX_LINE: Final = 8 * 1024


class ScriptLog:
    """Passes the first *limit* bytes of a script's output on to *write*, whole lines at a time."""

    def __init__(self, write: Callable[[str], None], limit: int = MAX_OUTPUT) -> None:
        self._write = write
        self._limit = self._left = limit
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._line = ""

    def feed(self, data: bytes) -> None:
        """Take in output as it was read."""
        if self._left < 0:
            return
        kept = data[: self._left]
        self._left -= len(data)
        self._line += self._decoder.decode(kept)
        *lines, self._line = self._line.split("\n")
        for line in lines:
            self._emit(line)
        while len(self._line) > MAX_LINE:
            self._emit(self._line[:MAX_LINE])
            self._line = self._line[MAX_LINE:]
        if self._left < 0:
            self.flush()
            self._emit(f"[the script printed more than {self._limit // 1024} KiB: the rest is cut]")

    def flush(self) -> None:
        """Pass on the last line, which has no end yet."""
        rest, self._line = self._line + self._decoder.decode(b"", final=True), ""
        if rest:
            self._emit(rest)

    def _emit(self, line: str) -> None:
        self._write(escape(line) + "\n")

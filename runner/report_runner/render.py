"""
The CSV that is sent: what the script wrote, read as a stranger's bytes, checked and made harmless.

A spreadsheet runs a cell that starts with ``=`` as a formula, so such cells get a leading
apostrophe. Whatever needs none leaves here byte for byte as pandas wrote it.

Files are read and written as streams: memory does not grow with the result.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import BinaryIO, Final

MIB: Final = 2**20
MAX_RESULT_BYTES: Final = 24 * MIB
"""Larger ones no common mail server takes: in a mail a third is added."""
MAX_CELL: Final = MIB
MAX_RECORD: Final = 4 * MIB

_BLOCK: Final = MIB
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
_NUMBER: Final = r"[+-](?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-](?:inf|nan)"
_IS_NUMBER: Final = re.compile(_NUMBER).fullmatch
# Where a cell may begin (it may also be the middle of a quoted one: then the slow way decides).
_MAY_BE_FORMULA: Final = re.compile(
    rb'[,\n"\r][=@\t\r]|[,\n"\r][+-](?!(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[,\n\r"])'
)


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """What is true of the CSV that was written; *escaped* cells looked like formulas."""

    rows: int
    columns: tuple[str, ...]
    bytes: int
    sha256: str
    escaped: int

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the report's author should know."""
        if not self.escaped:
            return ()
        cells = (
            "1 cell looked like a formula and was"
            if self.escaped == 1
            else (f"{self.escaped} cells looked like formulas and were")
        )
        return (f"{cells} escaped with a leading apostrophe",)


def render(raw: BinaryIO, scratch: BinaryIO, target: BinaryIO) -> tuple[BinaryIO, Rendered]:
    """
    Check the CSV *raw*; return the file to send, which is *scratch* or *target*, and its facts.

    *scratch* and *target* are empty and open for reading and writing. *raw* is read once, since
    whoever wrote it may still hold it open.

    Raises:
        RunError: ResultInvalid or ResultTooLarge.
    """
    size, digest, suspicious = _copy(raw, scratch)
    scratch.seek(0)
    if not suspicious:
        rows, columns = _check(scratch)
        return scratch, Rendered(rows=rows, columns=columns, bytes=size, sha256=digest, escaped=0)
    rows, columns, escaped = _escape(scratch, target)
    size, digest = _measure(target)
    return target, Rendered(rows=rows, columns=columns, bytes=size, sha256=digest, escaped=escaped)


def escape_cell(cell: str) -> str:
    """Return *cell* so that no spreadsheet takes it for a formula; a plain number stays."""
    start = cell.removeprefix("\ufeff")  # a byte order mark is skipped by spreadsheets, too
    if start.startswith(_FORMULA_STARTS) and not _IS_NUMBER(cell):
        return "'" + cell
    return cell


def _copy(raw: BinaryIO, scratch: BinaryIO) -> tuple[int, str, bool]:
    """Copy *raw*; return its size, its hash, and whether a cell may need to be escaped."""
    size, digest, suspicious = 0, hashlib.sha256(), False
    before = b"\n"
    while block := raw.read(_BLOCK):
        size += len(block)
        if size > MAX_RESULT_BYTES:
            raise _too_large()
        if b"\0" in block:
            raise _invalid("it has a NUL character")
        scratch.write(block)
        digest.update(block)
        # Blocks are looked at from the last line break on, so that no number is cut in two.
        seen = before + block
        cut = seen.rfind(b"\n")
        before = seen[max(cut, 0) :]
        suspicious = suspicious or may_need_escape(seen)
    return size, digest.hexdigest(), suspicious

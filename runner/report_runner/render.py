"""
The CSV that is sent: what the script wrote, read as a stranger's bytes, checked and made harmless.

A spreadsheet takes a cell that starts with ``=`` for a formula, so such cells get a leading
apostrophe. A result that has none leaves here byte for byte as pandas wrote it.

Files are read and written as streams: memory does not grow with the result.
"""

import csv
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import chain
from typing import BinaryIO, Final

from report_types.outcome import Reason, RunError

MAX_CELL: Final = 2**20
"""Characters of one cell; a spreadsheet takes 32,767."""
MAX_RECORD: Final = 2**22
"""Characters of one row."""

_BLOCK: Final = 2**20
_LONG: Final = 4 * MAX_RECORD
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
_DIGITS: Final = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_IS_NUMBER: Final = re.compile(rf"[+-](?:{_DIGITS}|inf|nan)").fullmatch
# A start of a formula behind what may be the start of a cell, a byte order mark among them. It may
# also stand in the middle of a quoted cell: this only tells, without ever missing a formula, which
# lines need to be looked at cell by cell.
_FORMULA: Final = rf'[=+\-@\t\r](?<=[,"\r\n%s].)(?:(?<=[=@\t\r])|(?!{_DIGITS}[,"\r\n]))'
_MAY_BE_FORMULA: Final = re.compile(_FORMULA % "\ufeff", re.DOTALL).search
_BYTES_MAY_BE_FORMULA: Final = re.compile(_FORMULA.encode() % b"\xbf", re.DOTALL).search


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """What is true of the CSV to send; *escaped* cells looked like formulas."""

    rows: int
    columns: tuple[str, ...]
    bytes: int
    sha256: str
    escaped: int

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the report's author should know."""
        if self.escaped == 0:
            return ()
        if self.escaped == 1:
            return ("1 cell looked like a formula and was escaped with a leading apostrophe",)
        many = f"{self.escaped} cells looked like formulas and were escaped"
        return (f"{many} with a leading apostrophe",)


def render(
    raw: BinaryIO, scratch: BinaryIO, target: BinaryIO, limit: int
) -> tuple[BinaryIO, Rendered]:
    """
    Check the CSV *raw*; return the file to send, which is *scratch* or *target*, and its facts.

    *scratch* and *target* are empty and open for reading and writing. *raw* is read only once,
    and to *limit* bytes: whoever wrote it may still hold it open.

    Raises:
        RunError: ResultInvalid or ResultTooLarge.
    """
    size, digest, suspicious = _copy(raw, scratch, limit)
    scratch.seek(0)
    if not suspicious:
        rows, columns = _count(scratch)
        return scratch, Rendered(rows=rows, columns=columns, bytes=size, sha256=digest, escaped=0)
    rows, columns, escaped = _escape(scratch, target)
    size, digest = _measure(target)
    return target, Rendered(rows=rows, columns=columns, bytes=size, sha256=digest, escaped=escaped)


def escape_cell(cell: str) -> str:
    """Return *cell* so that no spreadsheet takes it for a formula; a plain number stays."""
    # A byte order mark does not show, and the formula behind it still counts.
    if cell.removeprefix("\ufeff").startswith(_FORMULA_STARTS) and not _IS_NUMBER(cell):
        return "'" + cell
    return cell


def _copy(raw: BinaryIO, scratch: BinaryIO, limit: int) -> tuple[int, str, bool]:
    """Copy *raw*; return its size, its hash, and whether a cell may need to be escaped."""
    size, digest, suspicious = 0, hashlib.sha256(), False
    rest = b"\n"
    while block := raw.read(_BLOCK):
        size += len(block)
        if size > limit:
            raise RunError(
                Reason.RESULT_TOO_LARGE,
                f"the CSV is larger than {limit // 2**20}Mi: aggregate, filter, or leave columns "
                "out",
            )
        if b"\0" in block:
            raise _invalid("it holds a NUL character: remove it from the data")
        scratch.write(block)
        digest.update(block)
        # Only whole lines are looked at, so that no number is cut in two. A line that never ends
        # is refused when it is parsed.
        lines, found, rest = (rest + block).rpartition(b"\n")
        suspicious = suspicious or len(rest) > _LONG or bool(_BYTES_MAY_BE_FORMULA(lines + found))
        rest = found + rest
    return size, digest.hexdigest(), suspicious or bool(_BYTES_MAY_BE_FORMULA(rest + b"\n"))


class _Records:
    """
    The records of a CSV, the header among them: each has as many cells as the header.

    *text* is the record that was yielded last, as it stands in the file.
    """

    def __init__(self, file: BinaryIO) -> None:
        # The limit is the process's: nothing else here reads CSV.
        csv.field_size_limit(MAX_CELL)
        self._file = TextIOWrapper(file, encoding="utf-8", errors="strict", newline="")
        self._width: int | None = None
        self._lines: list[str] = []
        self._left = MAX_RECORD
        self.text = ""

    def __iter__(self) -> Iterator[list[str]]:
        number = 0
        try:
            for number, record in enumerate(csv.reader(self._read_lines(), strict=True)):
                self._check(number, record)
                self.text = "".join(self._lines)
                self._lines.clear()
                self._left = MAX_RECORD
                yield record
        except csv.Error as error:
            raise _invalid(f"row {number + 1}: {error}") from error
        except UnicodeDecodeError as error:
            raise _invalid("it is not UTF-8 text") from error
        finally:
            self._file.detach()  # or it would close the file

    def _read_lines(self) -> Iterator[str]:
        while line := self._file.readline(MAX_RECORD):
            self._left -= len(line)
            if self._left < 0:
                raise _invalid(f"a row is longer than {MAX_RECORD} characters")
            self._lines.append(line)
            yield line

    def _check(self, number: int, record: list[str]) -> None:
        if self._width is None:
            self._width = len(record)
        if len(record) != self._width:
            raise _invalid(
                f"row {number} has {len(record)} cells, and the header has {self._width} columns"
            )
        # Before Python 3.13 pandas writes a carriage return without quotes.
        if self._lines[-1].endswith("\r"):
            raise _invalid(
                f"row {number} holds a carriage return (\\r), which breaks a CSV: "
                'remove it, such as column.str.replace("\\r", " ")'
            )


def _count(file: BinaryIO) -> tuple[int, tuple[str, ...]]:
    """Return the number of rows, and the names of the columns."""
    records = iter(_Records(file))
    header = _header(records)
    return sum(1 for _ in records), tuple(header)


def _escape(source: BinaryIO, target: BinaryIO) -> tuple[int, tuple[str, ...], int]:
    """Write the CSV again with its formulas escaped; return rows, columns, and cells escaped."""
    reader = _Records(source)
    records = iter(reader)
    text = TextIOWrapper(target, encoding="utf-8", newline="")
    minimal = csv.writer(text, lineterminator="\n")
    quoting = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    number, escaped = 0, 0
    header = _header(records)
    for number, record in enumerate(chain([header], records)):  # noqa: B007
        safe = record
        if _MAY_BE_FORMULA("\n" + reader.text):
            safe = [escape_cell(cell) for cell in record]
        if safe == record:
            text.write(reader.text)
            continue
        escaped += sum(a != b for a, b in zip(record, safe, strict=True))
        # Before Python 3.13 the writer leaves a carriage return without quotes.
        (quoting if "\r" in reader.text else minimal).writerow(safe)
    text.detach()
    return number, tuple(header), escaped


def _header(records: Iterator[list[str]]) -> list[str]:
    header = next(records, None)
    if header is None:
        raise _invalid("it is empty, without even a header")
    return header


def _measure(file: BinaryIO) -> tuple[int, str]:
    """Return the size and the hash of a file."""
    size, digest = 0, hashlib.sha256()
    file.seek(0)
    while block := file.read(_BLOCK):
        size += len(block)
        digest.update(block)
    return size, digest.hexdigest()


def _invalid(what: str) -> RunError:
    return RunError(Reason.RESULT_INVALID, f"the CSV of `result` cannot be sent: {what}")

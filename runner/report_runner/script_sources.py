"""
Turns the files that were fetched into DataFrames. Runs inside the walls: parsers can have bugs.

Messages name the source and the place in it, never what stands there.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from report_runner.script_job import SourceFile


class SourceInvalidError(Exception):
    """A source is not what its format says; the message is fit for a status."""


_HEAD_BYTES: Final = 512
_TEXT_SIGNS: Final = ((b"<!doctype html", "HTML"), (b"<html", "HTML"), (b"<?xml", "XML"))
_BINARY_SIGNS: Final = (
    (b"PK\x03\x04", "a ZIP archive or an Excel file"),
    (b"\x1f\x8b", "a gzip file"),
    (b"PAR1", "a Parquet file"),
    (b"%PDF", "a PDF"),
)
_FIELD_COUNT: Final = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")


def load_source(source: SourceFile, folder: Path) -> pd.DataFrame:
    """
    Return the DataFrame of *source*, whose file lies in *folder*.

    Raises:
        SourceInvalidError: the file is missing, or is not of the format.
        MemoryError: there is not enough memory to hold it.
    """
    path = folder / source.file
    try:
        _refuse_other_kinds(path)
        return _READERS[source.format](path, source)
    except SourceInvalidError as error:
        raise SourceInvalidError(f'source "{source.name}": {error}') from error
    except UnicodeDecodeError as error:
        raise SourceInvalidError(
            f'source "{source.name}": byte {error.start} is not UTF-8 text: serve it as UTF-8'
        ) from error
    except OSError as error:
        raise SourceInvalidError(
            f'source "{source.name}": its file cannot be read: {error.strerror}'
        ) from error


def read_csv(path: Path, source: SourceFile) -> pd.DataFrame:
    """Return what ``pandas.read_csv`` makes of the file."""
    try:
        return pd.read_csv(path)
    except pd.errors.EmptyDataError as error:
        raise SourceInvalidError("the file is empty: a CSV has at least a header line") from error
    except pd.errors.ParserError as error:
        if "out of memory" in str(error):
            raise MemoryError from error
        raise SourceInvalidError(_csv_fault(str(error)) + _hint(path, source)) from error


def read_json(path: Path, source: SourceFile) -> pd.DataFrame:
    """Return the DataFrame of a list of records, or of an object of columns."""
    text = path.read_bytes()
    if not text.strip():
        raise SourceInvalidError("the file is empty")
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}: not valid JSON ({error.msg})"
        raise SourceInvalidError(where + _hint(path, source)) from error
    except RecursionError as error:
        raise SourceInvalidError("the JSON is nested too deeply") from error
    return frame_of_document(select(document, source.records_path))


def read_ndjson(path: Path, source: SourceFile) -> pd.DataFrame:
    """Return the DataFrame of one JSON object per line; empty lines are passed over."""

    def records() -> Iterator[object]:
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _json_line(line, number, _hint(path, source))

    return frame_of_records(records())


_READERS: Final = {"CSV": read_csv, "JSON": read_json, "NDJSON": read_ndjson}


def select(document: object, records_path: str | None) -> object:
    """
    Return the part of *document* at the dotted *records_path*, or all of it.

    Raises:
        SourceInvalidError: there is no such part.
    """
    walked: list[str] = []
    for key in (records_path or "").split(".") if records_path else ():
        where = f'at "{".".join(walked)}"' if walked else "at the top"
        if not isinstance(document, dict):
            raise SourceInvalidError(
                f'recordsPath "{records_path}": {where} there is {_kind(document)}, not an object'
            )
        if key not in document:
            raise SourceInvalidError(f'recordsPath "{records_path}": {where} there is no "{key}"')
        document = document[key]
        walked.append(key)
    return document


def frame_of_document(document: object) -> pd.DataFrame:
    """
    Return the DataFrame of a list of objects, or of an object of equally long lists.

    Raises:
        SourceInvalidError: it is something else.
    """
    if isinstance(document, list):
        return frame_of_records(document)
    if isinstance(document, dict) and document and _are_columns(document.values()):
        return pd.DataFrame(document)
    raise SourceInvalidError(
        f"the JSON is {_kind(document)}, not a list of records: "
        "set recordsPath to the field that holds the list"
    )


def frame_of_records(records: Iterable[object]) -> pd.DataFrame:
    """
    Return what ``pd.DataFrame(list_of_dicts)`` would, holding one record at a time.

    Raises:
        SourceInvalidError: a record is no object.
    """
    columns: dict[str, list[Any]] = {}
    count = 0
    for count, record in enumerate(records, start=1):
        if not isinstance(record, Mapping):
            raise SourceInvalidError(f"record {count} is {_kind(record)}, not an object")
        for key, value in record.items():
            column = columns.get(key)
            if column is None:
                column = columns[key] = []
            if len(column) < count - 1:
                column.extend([float("nan")] * (count - 1 - len(column)))
            column.append(value)
    for column in columns.values():
        column.extend([float("nan")] * (count - len(column)))
    return pd.DataFrame(columns, index=pd.RangeIndex(count))


def looks_like(head: bytes) -> str:
    """Return what a file that starts with *head* seems to be, or an empty string."""
    for sign, kind in _BINARY_SIGNS:
        if head.startswith(sign):
            return kind
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for sign, kind in _TEXT_SIGNS:
        if text.startswith(sign):
            return kind
    return "JSON" if text[:1] in (b"{", b"[") else ""


def _refuse_other_kinds(path: Path) -> None:
    """Refuse what pandas would read as a CSV of one odd column, such as a page for signing in."""
    kind = looks_like(_head(path))
    if kind not in ("", "JSON"):
        raise SourceInvalidError(
            f"it looks like {kind}: check the address, and whether it wants a sign-in"
        )


def _hint(path: Path, source: SourceFile) -> str:
    kind = looks_like(_head(path))
    if kind == "JSON" and source.format == "CSV":
        return "; it looks like JSON: set format: JSON"
    if kind == "JSON" and source.format == "JSON":
        return "; if it is one object per line, set format: NDJSON"
    if kind == "JSON":
        return "; if it is one document, set format: JSON"
    return f"; is it really {source.format}?"


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES)


def _csv_fault(message: str) -> str:
    """Return what pandas found wrong, without any text of the file."""
    match = _FIELD_COUNT.search(message)
    if match:
        expected, line, saw = match.groups()
        return f"line {line} has {saw} fields where {expected} are expected"
    if "EOF inside string" in message:
        return "a quoted field is never closed"
    return "it is not valid CSV"


def _json_line(line: str, number: int, hint: str) -> object:
    try:
        return json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise SourceInvalidError(f"line {number} is not valid JSON{hint}") from error


def _are_columns(values: Iterable[object]) -> bool:
    lengths = {len(value) if isinstance(value, list) else None for value in values}
    return len(lengths) == 1 and None not in lengths


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return "null" if value is None else names.get(type(value), "a number")

"""Sources become what pandas would make of them, or a message that names the place."""

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from report_runner.script_sources import (
    SourceInvalidError,
    frame_of_document,
    frame_of_records,
    looks_like,
    select,
)

VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
)
RECORDS = st.lists(st.dictionaries(st.sampled_from("abcd"), VALUES), min_size=1, max_size=8)


@given(RECORDS)
def test_records_become_what_pandas_makes_of_a_list_of_dicts(
    records: list[dict[str, Any]],
) -> None:
    expected = pd.DataFrame(records)

    frame = frame_of_records(iter(records))
    pd.testing.assert_frame_equal(expected, frame, check_column_type=any(records))


def test_values_keep_their_type() -> None:
    frame = frame_of_records([{"id": "007", "day": "2026-01-02", "big": 2**70}])

    assert ["007", "2026-01-02", 2**70] == frame.iloc[0].tolist()


def test_no_records_are_no_rows() -> None:
    assert (0, 0) == frame_of_records([]).shape


@pytest.mark.parametrize(
    ("path", "found"),
    [(None, {"page": {"items": [1]}}), ("page", {"items": [1]}), ("page.items", [1])],
)
def test_records_path_walks_down(path: str | None, found: object) -> None:
    assert found == select({"page": {"items": [1]}}, path)


@pytest.mark.parametrize(
    ("document", "path", "words"),
    [
        ({"rows": []}, "items", 'recordsPath "items": at the top there is no "items"'),
        ({"a": {}}, "a.b", 'recordsPath "a.b": at "a" there is no "b"'),
        ({"a": []}, "a.b", 'recordsPath "a.b": at "a" there is a list, not an object'),
        ([], "a", 'recordsPath "a": at the top there is a list, not an object'),
    ],
)
def test_records_path_that_leads_nowhere_is_told(document: object, path: str, words: str) -> None:
    with pytest.raises(SourceInvalidError) as caught:
        select(document, path)

    assert words == str(caught.value)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"items": [], "total": 3}, "an object"),
        ({"a": [1], "b": [1, 2]}, "an object"),
        ({}, "an object"),
        ("Alice", "a text"),
        (3, "a number"),
        (None, "null"),
        (True, "true or false"),
    ],
)
def test_what_holds_no_records_is_told_with_the_way_out(document: object, words: str) -> None:
    with pytest.raises(SourceInvalidError) as caught:
        frame_of_document(document)

    assert f"the JSON is {words}, not a list of records: set recordsPath" in str(caught.value)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"<!DOCTYPE html><html>", "HTML"),
        (b"\xef\xbb\xbf\r\n <HTML>", "HTML"),
        (b"<?xml version", "XML"),
        (b"PK\x03\x04", "a ZIP archive or an Excel file"),
        (b"\x1f\x8b\x08", "a gzip file"),
        (b' {"a": 1}', "JSON"),
        (b"a,b\n", ""),
        (b"", ""),
    ],
)
def test_first_bytes_tell_other_kinds(head: bytes, kind: str) -> None:
    assert kind == looks_like(head)

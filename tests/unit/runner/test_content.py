"""What the first bytes of a source give away."""

import pytest

from report_runner.content import is_blank, misfit


@pytest.mark.parametrize(
    ("start", "wanted", "told"),
    [
        (b"<!DOCTYPE html>", "CSV", "web page"),
        (b"\xef\xbb\xbf\n <HTML lang=en>", "JSON", "web page"),
        (b"<?xml version", "CSV", "XML"),
        (b"<items/>", "JSON", "XML"),
        (b"<items/>", "NDJSON", "XML"),
        (b"\x1f\x8b\x08", "CSV", "gzip"),
        (b"PK\x03\x04", "CSV", "Excel"),
        (b"PAR1", "CSV", "Parquet"),
        (b"%PDF-1.7", "CSV", "PDF"),
    ],
)
def test_what_it_is_instead_is_told(start: bytes, wanted: str, told: str) -> None:
    assert told in (misfit(start, wanted) or "")


@pytest.mark.parametrize(
    ("start", "wanted"),
    [
        (b"a,b\n", "CSV"),
        (b"<b>,c\n", "CSV"),
        (b"\xef\xbb\xbfa,b", "CSV"),
        (b"PK,PAR1\n", "CSV"),
        (b'[{"a": "<html>"}]', "JSON"),
        (b'{"a": 1}\n', "NDJSON"),
    ],
)
def test_what_may_fit_is_let_pass(start: bytes, wanted: str) -> None:
    assert misfit(start, wanted) is None


def test_blank_is_nothing_but_spaces_and_a_mark() -> None:
    assert is_blank(b"")
    assert is_blank(b"\xef\xbb\xbf \r\n")
    assert not is_blank(b"a\n")

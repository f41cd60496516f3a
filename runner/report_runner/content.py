"""
What the first bytes of a source give away: a web page, an archive, nothing at all.

The real parsing happens inside the sandbox; this only spares an author a riddle of a parser.
"""

from typing import Final

SNIFFED: Final = 512
"""How many bytes are looked at."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_BLANK: Final = b" \t\r\n\f\v"
_ARCHIVES: Final = (
    (b"\x1f\x8b", "a gzip file: serve it with Content-Encoding gzip, or unpacked"),
    (b"PK\x03\x04", "a ZIP or Excel file: export it as CSV or JSON"),
    (b"PAR1", "a Parquet file: export it as CSV or JSON"),
    (b"%PDF", "a PDF file: export it as CSV or JSON"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file: export it as CSV or JSON"),
)


def is_blank(start: bytes) -> bool:
    """Whether there is nothing in these bytes."""
    return not start.removeprefix(_BYTE_ORDER_MARK).strip(_BLANK)


def misfit(start: bytes, wanted: str) -> str | None:
    """Return what content that begins with *start* is instead of *wanted*; None if it may fit."""
    for magic, what in _ARCHIVES:
        if start.startswith(magic):
            return what
    text = start.removeprefix(_BYTE_ORDER_MARK).lstrip(_BLANK)[:64].lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head")):
        return f"a web page where {wanted} is expected, such as a login or an error page"
    if text.startswith(b"<") and (wanted != "CSV" or text.startswith(b"<?xml")):
        return f"XML where {wanted} is expected"
    return None

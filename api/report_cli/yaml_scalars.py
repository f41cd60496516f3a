"""What a plain YAML scalar stands for, as kubectl sees it: Go's YAML 1.1, not Python's."""

import re
from typing import Final

_NULLS: Final = frozenset(("", "~", "null", "Null", "NULL"))
_TRUE: Final = ("y", "yes", "on", "true")
_FALSE: Final = ("n", "no", "off", "false")
_BOOLEANS: Final = {
    spelling: value
    for value, words in ((True, _TRUE), (False, _FALSE))
    for word in words
    for spelling in (word, word.title(), word.upper())
}
_INTEGER: Final = re.compile(r"[-+]?(0b[01]+|0x[0-9a-f]+|0o[0-7]+|[0-9]+)", re.IGNORECASE)
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_EXACT: Final = 1e21  # below it, Go writes 5.0 into JSON as 5
_SPECIAL: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def plain_value(text: str) -> str | int | float | bool | None:
    """Return the value of *text*, a scalar that stands without quotes."""
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    digits = text[0] + text[1:].replace("_", "")
    if _INTEGER.fullmatch(digits) and (integer := _integer(digits)) is not None:
        return integer
    if _FLOAT.fullmatch(digits):
        number = float(digits)
        return int(number) if number.is_integer() and abs(number) < _EXACT else number
    if _SPECIAL.fullmatch(text):
        return float(text.replace(".", "", 1))
    return text


def _integer(digits: str) -> int | None:
    """Read an integer in the notation of Go and C; None if it is none, such as ``089``."""
    bare = digits.lstrip("+-")
    octal = len(bare) > 1 and bare[0] == "0" and bare[1].isdigit()
    try:
        return int(digits, 8 if octal else 0)
    except ValueError:
        return None

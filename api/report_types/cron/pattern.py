"""
The schedule as one regular expression, for the rules that the API server checks itself.

It takes all that ``parse`` takes. It cannot see that a range runs backwards, that nothing ever
fires, that a step is beyond 64 bits, or that a rare kind of space ends what Kubernetes passes over
after ``*-``: those are left to the operator. The syntax is what RE2 (``self.matches`` in CEL) and
Python have in common, and it holds no quote and no line break.
"""

from typing import Final

from report_types.cron.schedule import DESCRIPTORS, WHITE_SPACE

_SPACE: Final = f"[{WHITE_SPACE}]"
_STEP: Final = r"(/\+?0*[1-9]\d{0,18})?"


def _values(numbers: str, names: str = "") -> str:
    return rf"(\+?0*({numbers})|(?i:{names}))" if names else rf"\+?0*({numbers})"


def _field(value: str, *, may_be_empty: bool = False) -> str:
    part = rf"([*?](-[^,/\s]*)?|{value}(-{value})?){_STEP}"
    parts = f",*{part}(,+{part})*,*"
    return f"({parts}|,+)" if may_be_empty else parts


_FIELDS: Final = (f"{_SPACE}+").join(
    (
        _field(_values(r"[1-5]?\d")),
        _field(_values(r"1?\d|2[0-3]")),
        _field(_values(r"[1-9]|[12]\d|3[01]"), may_be_empty=True),
        _field(
            _values("[1-9]|1[0-2]", "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"),
        ),
        _field(_values("[0-6]", "sun|mon|tue|wed|thu|fr[i\u0130]|sat"), may_be_empty=True),
    )
)
_DESCRIPTORS: Final = "@(" + "|".join(name.removeprefix("@") for name in DESCRIPTORS) + ")"
_TIME_OF_DAY: Final = r"([01]?\d|2[0-3]):[0-5]\d"

SCHEDULE_PATTERN: Final = rf"^({_SPACE}*{_FIELDS}{_SPACE}*|{_DESCRIPTORS}|{_TIME_OF_DAY})$"

"""The regular expression for the API server takes what the parser takes."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from report_types.cron import SCHEDULE_PATTERN, ScheduleError, parse
from report_types.cron.fields import UNITS, Unit

PATTERN = re.compile(SCHEDULE_PATTERN)


def _field(unit: Unit) -> st.SearchStrategy[str]:
    """Return fields in every way in which they may be written."""
    number = st.integers(unit.low, unit.high)
    sign = st.sampled_from(["", "", "", "0", "+", "+000"])
    value = st.tuples(sign, number.map(str)).map("".join)
    span = st.tuples(sign, number, sign, number).map(
        lambda drawn: f"{drawn[0]}{min(drawn[1::2])}-{drawn[2]}{max(drawn[1::2])}"
    )
    names = st.sampled_from([*unit.names, f"{unit.low}"]).map(str.title)
    star = st.sampled_from(["*", "?", "*-", "?-x"])
    step = st.sampled_from(["", "", "", "/1", "/007", "/+3", "/9223372036854775807"])
    part = st.tuples(star | value | span | names, step).map("".join)
    commas = st.sampled_from(["", "", "", ","])
    parts = st.lists(part, min_size=1, max_size=3).map(",".join)
    return st.tuples(commas, parts, commas).map("".join)


SPACE = st.sampled_from([" ", "  ", "\t", "\n", "\v", "\x85", "\xa0", "\u2009", "\u3000"])
EXPRESSION = st.tuples(*(part for unit in UNITS for part in (SPACE, _field(unit)))).map("".join)


def _refusal(text: str) -> str:
    """Return what the parser says against *text*: nothing if it is right."""
    try:
        parse(text)
    except ScheduleError as error:
        return str(error)
    return ""


@settings(max_examples=150, deadline=None)
@given(text=EXPRESSION | st.sampled_from(["@daily", "@yearly", "09:00", "9:30", "23:59"]))
@example("0 9 1 * ,")
@example("*-5 ?-x *- * *")
@example("0 9 * * FR\u0130")
def test_takes_what_the_parser_takes(text: str) -> None:
    """
    The API server never refuses a schedule that is right.
    """
    assert PATTERN.fullmatch(text) or _refusal(text)


@settings(max_examples=30, deadline=None)
@given(text=st.from_regex(re.compile(SCHEDULE_PATTERN, re.ASCII), fullmatch=True))
def test_lets_little_through_that_the_parser_refuses(text: str) -> None:
    """
    Beyond the pattern is only what needs arithmetic, or what Kubernetes passes over after ``*-``.
    """
    untold = "^$|backwards|never fires|step after the slash"

    assert re.search(r"[*?]-", text) or re.search(untold, _refusal(text))


@pytest.mark.parametrize(
    "text",
    [
        "0 9 * *",
        "0 9 * * * *",
        "0 9 * * 7",
        "60 9 * * *",
        "0 24 * * *",
        "0 9 0 * *",
        "0 9 32 * *",
        "0 9 * 13 *",
        "0 9 * * monday",
        "0 9 L * *",
        "*/0 * * * *",
        "\u201c0 9 * * *\u201d",
        "0 9 1\u20135 *",
        "@every 1h",
        "@Daily",
        "24:00",
        "9:5",
        "TZ=UTC 0 9 * * *",
        "",
    ],
)
def test_refuses_plain_mistakes(text: str) -> None:
    """
    What people get wrong most is refused by the API server itself.
    """
    assert PATTERN.fullmatch(text) is None


def test_can_stand_in_a_cel_string() -> None:
    """
    It has no quote, no line break, and no construct that RE2 does not know.
    """
    assert not set(SCHEDULE_PATTERN) & set("'\"\r\n\t`")
    assert not re.search(r"\(\?(?!i?:)", SCHEDULE_PATTERN)

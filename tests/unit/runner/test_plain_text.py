"""Text from a script can neither steer a terminal nor forge a line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report_runner.plain_text import escape, shorten


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Köln 東京 €\t1", "Köln 東京 €\t1"),
        ("a\nb\r", "a\\nb\\r"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\u202egnp", "\\u202egnp"),
        ("\x9b2J", "\\x9b2J"),
        ("\ud800", "\\ud800"),
        ("\u2028", "\\u2028"),
    ],
)
def test_what_does_not_print_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert shown == escape(text)


@given(st.text(st.characters()))
def test_escaped_text_can_be_encoded_and_has_one_line(text: str) -> None:
    assert 1 == len(escape(text).encode().decode().splitlines() or [""])


def test_text_that_is_too_long_says_that_it_was_cut() -> None:
    assert ["abc", "ab…"] == [shorten("abc", 3), shorten("abcd", 3)]

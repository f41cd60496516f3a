"""Colours are for people at terminals, and a user's file cannot steer one."""

import io

import pytest

from report_cli.tables import fit, print_table
from report_cli.terminal import has_colours, paint, printable


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "dumb"}, False),
        ({}, False),
    ],
)
def test_colours_need_a_terminal_that_wants_them(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], expected: bool
) -> None:
    """
    NO_COLOR counts if it is not empty: https://no-color.org.
    """
    for name in ("TERM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    assert expected is has_colours(Terminal())
    assert not has_colours(io.StringIO())
    assert ("\x1b" in paint("x", "bad", Terminal())) is expected


def test_control_characters_are_spelt_out() -> None:
    """
    Escapes, carriage returns and directions of text can make a line say what it does not.
    """
    assert r"a\x1b[31m\r\u202eb" == printable("a\x1b[31m\r\u202eb")
    assert "tab\tand\nline" == printable("tab\tand\nline")


def test_plain_table_is_aligned_and_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """
    One long or hostile cell does not take the table apart.
    """
    print_table(("name", "n"), [("a\nb", "1"), ("x" * 60, "22\x1b")], right=(False, True))

    assert capsys.readouterr().out.splitlines() == [
        f"{'name':42}     n",
        f"{'a↵b':42}     1",
        "x" * 39 + r"…  22\x1b",
    ]


def test_columns_that_do_not_fit_a_terminal_are_left_out() -> None:
    """
    Forty columns of three letters each would tell nobody anything; the first one always stays.
    """
    lines = [["name", "city", "amount"], ["a", "b", "1"]]

    assert lines == fit(lines, 24)
    assert [["name", "city", "…"], ["a", "b", "…"]] == fit(lines, 20)
    assert [["name", "…"], ["a", "…"]] == fit(lines, 3)

"""The page of reasons says what the code does."""

import re
from pathlib import Path

import pytest

from report_cli.reasons import REASONS
from report_types.outcome import Outcome, Reason

ROOT = Path(__file__).parents[3]
ROW = re.compile(r"^\| `(\w+)` \| (\d+) \| (.+?) \| (.+?) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def page() -> str:
    """The text of docs/reasons.md."""
    return (ROOT / "docs/reasons.md").read_text("utf-8")


@pytest.mark.parametrize("reason", Reason)
def test_page_explains_each_reason_with_its_exit_code(reason: Reason, page: str) -> None:
    """
    A reason that a user meets is on the page, in the words that srep says.
    """
    rows = {
        name: (int(code), meaning, way_out) for name, code, meaning, way_out in ROW.findall(page)
    }

    told = REASONS[reason]
    assert (reason.exit_code, told.meaning, told.way_out) == rows.get(reason.value)


def test_page_explains_nothing_that_is_gone(page: str) -> None:
    """
    A reason that no longer exists leaves the page, too.
    """
    assert [reason.value for reason in Reason] == [row[0] for row in ROW.findall(page)]


@pytest.mark.parametrize("outcome", Outcome)
def test_page_explains_each_outcome(outcome: Outcome, page: str) -> None:
    """
    The outcomes are fewer, and stand above the reasons.
    """
    assert f"| `{outcome}` |" in page


@pytest.mark.parametrize("reason", Reason)
def test_command_line_page_has_each_exit_code(reason: Reason) -> None:
    """
    Whoever writes a script around srep finds every code in the table of codes.
    """
    page = (ROOT / "docs/cli.md").read_text("utf-8")
    codes = dict(re.findall(r"^\| (\d+) \| (.+) \|$", page, re.MULTILINE))

    assert f"`{reason}`" in codes[str(reason.exit_code)]

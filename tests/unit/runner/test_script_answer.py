"""Answers are hostile: their shape is believed, within bounds, and nothing more."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report_runner.script_answer import (
    CHILD_REASONS,
    HOST_REASONS,
    MAX_MESSAGE,
    AnswerError,
    parse_answer,
    parse_walls,
)
from report_runner.script_job import Walls
from report_types.outcome import Reason

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)
KEYS = ["ok", "reason", "message", "line", "rows", "columns", "warnings", "seconds", "log"]


@given(st.dictionaries(st.sampled_from(KEYS), ANYTHING | st.sampled_from(sorted(Reason))))
def test_whatever_comes_is_an_answer_within_bounds_or_an_error(wire: dict[str, Any]) -> None:
    try:
        answer = parse_answer(wire)
    except AnswerError:
        return

    assert len(answer.message) <= MAX_MESSAGE
    assert answer.message.isprintable()
    assert all(text.isprintable() for text in (*answer.columns, *answer.warnings))
    assert answer.rows is None or answer.rows >= 0
    assert answer.reason is None or answer.reason in CHILD_REASONS
    assert all(0 <= seconds < 10**6 for seconds in answer.seconds.values())


@pytest.mark.parametrize(
    "reason", [reason for reason in Reason if reason not in CHILD_REASONS], ids=str
)
def test_child_cannot_give_a_reason_that_is_not_its_own(reason: Reason) -> None:
    with pytest.raises(AnswerError):
        parse_answer({"ok": False, "reason": str(reason), "message": "x"})


def test_host_may_say_besides_that_there_is_no_sandbox() -> None:
    assert {Reason.SANDBOX_UNAVAILABLE} == HOST_REASONS - CHILD_REASONS


@pytest.mark.parametrize("ok", [1, "true", None, []])
def test_only_true_is_success(ok: object) -> None:
    with pytest.raises(AnswerError):
        parse_answer({"ok": ok, "rows": 1})


def test_control_characters_are_shown_and_not_sent_on() -> None:
    wire = {"ok": False, "reason": "ScriptError", "message": "a\x1b[2J\nb\u202e"}

    assert "a\\x1b[2J\\nb\\u202e" == parse_answer(wire).message


def test_answer_survives_its_own_wire() -> None:
    wire = {"ok": True, "rows": 3, "columns": ["a"], "warnings": ["w"], "seconds": {"load": 1.5}}

    assert wire == parse_answer(wire).to_wire()


def test_log_does_not_travel_to_the_runner() -> None:
    wire = {"ok": False, "reason": "ScriptError", "message": "m", "line": 1, "log": "Alice"}

    assert "Alice" == parse_answer(wire).log
    assert "Alice" not in str(parse_answer(wire).to_wire())


@given(ANYTHING)
def test_walls_are_what_they_are_or_none(wire: Any) -> None:
    try:
        walls = parse_walls(wire)
    except AnswerError:
        return

    assert not walls.confined or wire["confined"] is True


def test_walls_survive_their_own_wire() -> None:
    walls = Walls(confined=True, landlock_abi=7, seccomp=True, user_namespace=False)

    assert walls == parse_walls(vars(walls))

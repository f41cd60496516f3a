"""What is made of a run whose runner could not write its own status."""

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report_operator.diagnose import Finding
from report_operator.fold import fold, parse_last_words, read_last_words
from report_types.outcome import Outcome, Reason
from report_types.run import RunResult

DIED = Finding(Reason.RUNNER_DIED, "it died")
WORDS = {
    "outcome": "Failed",
    "reason": "ScriptError",
    "message": "KeyError: 'x'",
    "line": 3,
    "accepted": 1,
    "unknown": 2,
}


def states(status: Any) -> list[str]:
    return [row.state.value for row in status.deliveries]


def test_last_words_are_read_whatever_else_they_hold() -> None:
    words = parse_last_words(json.dumps(WORDS))

    assert words
    assert (words.outcome, words.reason, words.line) == (
        Outcome.FAILED,
        Reason.SCRIPT_ERROR,
        3,
    )


def test_last_words_that_were_cut_keep_their_first_fields() -> None:
    whole = json.dumps({**WORDS, "columns": ["a" * 100]})
    words = parse_last_words(whole[:-20])

    assert words
    assert (words.reason, words.message) == (Reason.SCRIPT_ERROR, "KeyError: 'x'")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Killed",
        "null",
        "[1, 2]",
        '{"outcome": "Wonderful", "reason": "Delivered"}',
        '{"outcome": {"a": 1}, "reason": []}',
        "[" * 5000,
        '{"a":' * 5000,
    ],
)
def test_words_that_are_not_ours_are_no_words(text: str) -> None:
    assert parse_last_words(text) is None


@given(st.one_of(st.text(), st.binary().map(lambda b: b.decode("latin-1"))))
def test_no_last_words_raise(text: str) -> None:
    parse_last_words(text)
    parse_last_words(json.dumps(WORDS)[: len(text)] + text)


def test_last_words_are_the_runners_not_the_scripts(make_pod: Any) -> None:
    """
    The script's container may write what it likes.
    """
    forged = {
        "terminated": {"exitCode": 0, "message": '{"outcome":"Delivered","reason":"Delivered"}'}
    }

    assert read_last_words([make_pod({"script": forged})]) is None
    assert read_last_words([make_pod({"runner": forged})])
    assert read_last_words([]) is None


def test_run_without_words_ends_for_what_was_found(make_run: Any, now: datetime) -> None:
    status = fold(make_run(), None, DIED, now)

    assert (status.outcome, status.reason, status.message) == (
        Outcome.FAILED,
        Reason.RUNNER_DIED,
        "it died",
    )
    assert status.completion_time == now


def test_words_count_more_than_what_was_found(make_run: Any, now: datetime) -> None:
    status = fold(make_run(), parse_last_words(json.dumps(WORDS)), DIED, now)

    assert (status.reason, status.line) == (Reason.SCRIPT_ERROR, 3)


def test_runner_that_was_stopped_does_not_know_why(make_run: Any, now: datetime) -> None:
    stopped = RunResult(outcome=Outcome.FAILED, reason=Reason.STOPPED)
    late = Finding(Reason.DEADLINE_EXCEEDED, "too late")

    assert fold(make_run(), stopped, late, now).reason is Reason.DEADLINE_EXCEEDED
    assert fold(make_run(), stopped, DIED, now).reason is Reason.STOPPED


def test_mail_that_was_being_sent_is_unknown(make_run: Any, make_row: Any, now: datetime) -> None:
    run = make_run(deliveries=[make_row("accepted"), make_row("sending", "b@example.com")])
    status = fold(run, None, DIED, now)

    assert states(status) == ["accepted", "unknown"]
    assert (status.outcome, status.reason) == (
        Outcome.PARTIALLY_DELIVERED,
        Reason.DELIVERY_UNKNOWN,
    )
    assert "1 of 2 recipients" in status.message
    assert "example.com" not in status.message


def test_what_was_delivered_stays_delivered(make_run: Any, make_row: Any, now: datetime) -> None:
    run = make_run(deliveries=[make_row("accepted"), make_row("accepted", "b@example.com")])

    assert fold(run, None, DIED, now).outcome is Outcome.DELIVERED


def test_runners_word_settles_a_mail_that_was_being_sent(
    make_run: Any, make_row: Any, now: datetime
) -> None:
    """
    The server took the mail, and then the API server was away.
    """
    run = make_run(deliveries=[make_row("sending")])
    words = RunResult(outcome=Outcome.DELIVERED, reason=Reason.DELIVERED, rows=7)
    status = fold(run, words, DIED, now)

    assert states(status) == ["accepted"]
    assert (status.outcome, status.rows) == (Outcome.DELIVERED, 7)


def test_failure_mail_is_no_delivery_of_the_result(
    make_run: Any, make_row: Any, now: datetime
) -> None:
    run = make_run(deliveries=[make_row("accepted", role="failure")])

    assert fold(run, None, DIED, now).outcome is Outcome.FAILED


def test_what_the_runner_wrote_before_is_kept(make_run: Any, now: datetime) -> None:
    run = make_run(
        podName="sales-1-abcde",
        startTime="2026-11-22T11:59:00Z",
        conditions=[
            {
                "type": "RunBlocked",
                "status": "True",
                "reason": "Unschedulable",
                "lastTransitionTime": "2026-11-22T11:58:00Z",
            }
        ],
    )
    status = fold(run, None, DIED, now)

    assert status.pod_name == "sales-1-abcde"
    assert status.start_time
    assert status.conditions == []

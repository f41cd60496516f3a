"""How a run ended, from its rows; and its last words, which always fit."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report_runner.conclusion import Ending, ending_of, termination_message, wants_failure_mail
from report_runner.smtp_problems import Problem
from report_types.outcome import Outcome, Reason
from report_types.run import DeliveryRow, DeliveryState, RunResult

UNREACHABLE = Problem(reason=Reason.SMTP_UNREACHABLE, message="cannot be reached: check SMTP_HOST")


def rows(*states: str, code: int | None = None) -> list[DeliveryRow]:
    return [
        DeliveryRow(recipient=f"r{n}@example.com", role="to", state=DeliveryState(s), code=code)
        for n, s in enumerate(states)
    ]


@pytest.mark.parametrize(
    ("states", "problem", "outcome", "reason"),
    [
        (["accepted"], None, Outcome.DELIVERED, Reason.DELIVERED),
        (["accepted"] * 3, UNREACHABLE, Outcome.DELIVERED, Reason.DELIVERED),
        (
            ["accepted", "refused"],
            None,
            Outcome.PARTIALLY_DELIVERED,
            Reason.RECIPIENTS_REFUSED,
        ),
        (
            ["accepted", "deferred"],
            UNREACHABLE,
            Outcome.PARTIALLY_DELIVERED,
            Reason.RECIPIENTS_REFUSED,
        ),
        (["accepted", "unknown"], None, Outcome.FAILED, Reason.DELIVERY_UNKNOWN),
        (["refused", "unknown"], UNREACHABLE, Outcome.FAILED, Reason.DELIVERY_UNKNOWN),
        (["deferred", "deferred"], UNREACHABLE, Outcome.FAILED, Reason.SMTP_UNREACHABLE),
        (["refused", "deferred"], None, Outcome.FAILED, Reason.SMTP_REJECTED),
    ],
)
def test_the_rows_decide(
    states: list[str], problem: Problem | None, outcome: Outcome, reason: Reason
) -> None:
    ending = ending_of(rows(*states), problem)

    assert (ending.outcome, ending.reason) == (outcome, reason)
    assert ending.message
    assert "@" not in ending.message


def test_a_message_counts_and_gives_codes() -> None:
    ending = ending_of([*rows("accepted"), *rows("refused", "refused", code=550)], None)

    assert "2 of 3 recipients" in ending.message
    assert "(550)" in ending.message


def test_the_failure_mail_does_not_count() -> None:
    failed = DeliveryRow(
        recipient="x@example.com", role="failure", state=DeliveryState.REFUSED, code=550
    )
    assert ending_of([*rows("accepted"), failed], None).outcome == Outcome.DELIVERED


@pytest.mark.parametrize(
    ("outcome", "reason", "due"),
    [
        (Outcome.FAILED, Reason.SCRIPT_ERROR, True),
        (Outcome.FAILED, Reason.SOURCE_TIMEOUT, True),
        (Outcome.FAILED, Reason.DELIVERY_UNKNOWN, True),
        (Outcome.FAILED, Reason.DEADLINE_EXCEEDED, True),
        (Outcome.FAILED, Reason.INTERNAL_ERROR, True),
        (Outcome.FAILED, Reason.STOPPED, False),
        (Outcome.FAILED, Reason.API_UNAVAILABLE, False),
        (Outcome.FAILED, Reason.SMTP_NOT_CONFIGURED, False),
        (Outcome.FAILED, Reason.SMTP_AUTH_FAILED, False),
        (Outcome.DELIVERED, Reason.DELIVERED, False),
        (Outcome.PARTIALLY_DELIVERED, Reason.RECIPIENTS_REFUSED, False),
    ],
)
def test_people_are_told_of_failures_that_mail_can_tell(
    outcome: Outcome, reason: Reason, due: bool
) -> None:
    assert wants_failure_mail(Ending(outcome, reason, "")) == due


@given(st.text(max_size=2000), st.integers(0, 50))
def test_last_words_fit_and_are_read_again(message: str, recipients: int) -> None:
    """At most 1 KiB of ASCII, whatever the message holds; the result itself can be read from it."""
    result = RunResult(
        outcome=Outcome.FAILED,
        reason=Reason.SCRIPT_ERROR,
        message=message,
        line=3,
        rows=10**12,
        deliveries=rows(*["refused"] * recipients, "accepted", "unknown"),
    )
    text = termination_message(result)

    assert len(text.encode("ascii")) <= 1024
    told = json.loads(text)
    assert list(told)[:3] == ["outcome", "reason", "message"]
    again = RunResult.observed(told)
    assert (again.outcome, again.reason, again.rows) == (result.outcome, result.reason, 10**12)
    assert (told["accepted"], told["unknown"]) == (1, 1)
    assert again.message == message or again.message.endswith("…")


def test_short_last_words_are_not_cut() -> None:
    result = RunResult(outcome=Outcome.DELIVERED, reason=Reason.DELIVERED, message="sent", rows=3)

    assert json.loads(termination_message(result)) == {
        "outcome": "Delivered",
        "reason": "Delivered",
        "message": "sent",
        "rows": 3,
    }

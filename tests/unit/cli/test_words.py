"""Schedules in words are true, for every form of a schedule."""

import pytest

from report_cli.words import describe
from report_types.cron import parse


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("0 9 * * 1-5", "At 09:00, Monday through Friday"),
        ("09:00", "At 09:00"),
        ("@weekly", "At 00:00, only on Sunday"),
        ("@yearly", "At 00:00, on day 1 of the month, only in January"),
        ("*/5 * * * *", "Every 5 minutes"),
        ("0 9,17 * * ?", "At 09:00 and 17:00"),
        ("0 9 * * FR\u0130", "At 09:00, only on Friday"),
    ],
)
def test_every_form_is_said_plainly(schedule: str, words: str) -> None:
    """
    Descriptors, times of day and Kubernetes' own corners are said as what they mean.
    """
    assert words == describe(parse(schedule))


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("0 9 1 * 1-5", ", or on Monday, Tuesday, Wednesday, Thursday, and Friday"),
        ("0 9 */2 * MON", "31 of the month, or on Monday"),
        ("*/90 * * * *", "Every hour"),
        ("*/40 * * * *", "At 0 and 40 minutes past the hour"),
        ("0 9 * * 5/2", "only on Friday"),
    ],
)
def test_words_do_not_promise_what_will_not_happen(schedule: str, words: str) -> None:
    """
    "Every 90 minutes", "every 2 weeks" or a missing "or" would be plain to read, and wrong.
    """
    assert describe(parse(schedule)).endswith(words)

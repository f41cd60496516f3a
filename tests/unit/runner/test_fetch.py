"""When an attempt is followed by another one, and how requests are built."""

from datetime import UTC, datetime

import pytest

from report_runner.fetch import build_request, retry_after, wait_before_next, with_query
from report_runner.http_request import AttemptError, RequestHeader
from report_types.outcome import Reason
from report_types.report import RetryFetch
from report_types.source import HTTPSource

RETRY = RetryFetch(limit=3, backoff_seconds=2)
NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


def failed(**facts: object) -> AttemptError:
    return AttemptError(Reason.SOURCE_UNREACHABLE, "x", **{"transient": True, **facts})  # type: ignore[arg-type]


def test_the_wait_doubles() -> None:
    waits = [wait_before_next(failed(), number, RETRY, "GET", 0.0) for number in (1, 2, 3, 4)]

    assert waits == [2, 4, 8, None]


def test_the_wait_has_a_bound() -> None:
    patient = RetryFetch(limit=10, backoff_seconds=60)

    assert wait_before_next(failed(), 10, patient, "GET", 0.0) == 60


def test_jitter_takes_up_to_a_quarter() -> None:
    assert wait_before_next(failed(), 1, RETRY, "GET", 1.0) == 1.5


def test_what_is_final_is_not_tried_again() -> None:
    assert wait_before_next(failed(transient=False), 1, RETRY, "GET", 0.0) is None


def test_no_retries_means_one_attempt() -> None:
    assert wait_before_next(failed(), 1, RetryFetch(limit=0), "GET", 0.0) is None


@pytest.mark.parametrize(
    ("facts", "again"),
    [
        ({"sent": False}, True),
        ({"sent": True}, False),
        ({"sent": True, "not_acted_on": True}, True),
    ],
)
def test_a_post_is_tried_again_only_if_it_cannot_have_worked(
    facts: dict[str, object], again: bool
) -> None:
    assert (wait_before_next(failed(**facts), 1, RETRY, "POST", 0.0) is not None) == again


@pytest.mark.parametrize(("asked", "wait"), [(0, 2), (30, 30), (60, 60), (61, None)])
def test_a_server_may_ask_for_a_minute(asked: float, wait: float | None) -> None:
    assert wait_before_next(failed(retry_after=asked), 1, RETRY, "GET", 0.0) == wait


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("17", 17),
        (" 17 ", 17),
        ("Sun, 22 Nov 2026 08:00:30 GMT", 30),
        ("Sun, 22 Nov 2026 07:00:00 GMT", 0),
        ("-1", None),
        ("soon", None),
        ("", None),
        ("9" * 400, 999_999_999),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": header}, NOW) == seconds


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("https://a.example", "https://a.example?q=1%2B1&r=%C3%A4"),
        ("https://a.example/x?y=%20", "https://a.example/x?y=%20&q=1%2B1&r=%C3%A4"),
        ("https://a.example/x#part", "https://a.example/x?q=1%2B1&r=%C3%A4"),
    ],
)
def test_a_query_is_added_encoded(url: str, whole: str) -> None:
    assert with_query(url, [("q", "1+1"), ("r", "ä")]) == whole


def test_a_report_may_set_a_usual_header_itself() -> None:
    source = HTTPSource(url="https://a.example", format="CSV")  # type: ignore[arg-type]
    mine = RequestHeader(name="accept-encoding", value=b"gzip")

    headers = build_request(source, (mine,)).headers
    found = [header for header in headers if header.name.lower() == "accept-encoding"]
    assert found == [mine]

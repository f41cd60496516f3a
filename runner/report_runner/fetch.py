"""
Fetching an HTTP source: attempts, waits between them, and what to tell when none was good.

A request that asks for data (GET) is tried again after anything that may be gone next time. A POST
may change something at the other end: it is tried again only where the server cannot have acted on
it, that is when the connection was not made, or when it answered 429 or 503.
"""

import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from threading import Event
from typing import BinaryIO, Final
from urllib.parse import quote, urlencode, urlsplit

from report_runner import content
from report_runner.files import FetchCancelledError, create_input
from report_runner.http_client import Answer, Limits, attempt
from report_runner.http_request import AttemptError, Request, RequestHeader
from report_runner.logs import RunLog
from report_types.outcome import Reason, RunError
from report_types.plan import MAX_RETRY_AFTER_SECONDS
from report_types.quantity import to_bytes
from report_types.report import RetryFetch
from report_types.source import HTTPSource

MAX_BACKOFF_SECONDS: Final = 60.0
_TRANSIENT_STATUS: Final = frozenset({408, 429, *range(500, 600)})
_NOT_ACTED_ON: Final = frozenset({429, 503})
_USUAL_HEADERS: Final = {
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "User-Agent": "scheduled-reports",
}
_ADVICE: Final = {
    400: "check url, query and body",
    401: "check the headers, and the Secret that holds their values",
    403: "check the headers, and that their owner may read this",
    404: "check the path in url",
    405: "check method",
    406: "check the Accept header",
    408: "raise http.timeoutSeconds, or ask for less",
    410: "check the path in url",
    415: "check the Content-Type header",
    422: "check query and body",
    429: "run the report at another time, or ask for more calls from whoever runs the server",
}


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A source in its file: how many bytes, and after how many attempts."""

    bytes: int
    attempts: int


class Fetcher:
    """Fetches sources until *cancelled* is set; *jitter* returns numbers from 0 to 1."""

    def __init__(
        self, log: RunLog, cancelled: Event, jitter: Callable[[], float] = random.random
    ) -> None:
        self._log = log
        self._cancelled = cancelled
        self._jitter = jitter

    def fetch(
        self,
        name: str,
        source: HTTPSource,
        headers: tuple[RequestHeader, ...],
        target: Path,
        retry: RetryFetch,
    ) -> Fetched:
        """
        Fetch the source *name* into the new file *target*.

        Raises:
            RunError: it cannot be had; the message names the field, the host and the way out.
            FetchCancelledError: it is not needed any more.
        """
        request = build_request(source, headers)
        number = 0
        with create_input(target) as file:
            while True:
                number += 1
                try:
                    size = self._attempt(source, request, file)
                except AttemptError as error:
                    wait = wait_before_next(error, number, retry, request.method, self._jitter())
                    self._tell(name, source, number, error, wait)
                    if wait is None:
                        raise _failure(name, source, number, error) from error
                else:
                    self._log.info("fetched", source=name, bytes=size, attempts=number)
                    return Fetched(bytes=size, attempts=number)
                if self._cancelled.wait(wait):
                    raise FetchCancelledError
                file.seek(0)
                file.truncate()

    def _attempt(self, source: HTTPSource, request: Request, file: BinaryIO) -> int:
        """Try once; return the number of bytes."""
        start = bytearray()

        def watch(piece: bytes) -> None:
            if self._cancelled.is_set():
                raise FetchCancelledError
            if len(start) < content.SNIFFED:
                start.extend(piece[: content.SNIFFED])
                _check_start(bytes(start), source)

        limits = Limits(
            seconds=source.timeout_seconds, max_bytes=to_bytes(source.max_size), watch=watch
        )
        answer = attempt(request, file, limits)
        _check_status(answer)
        if answer.size <= content.SNIFFED and content.is_blank(bytes(start)):
            raise AttemptError(
                Reason.SOURCE_INVALID, "answers with no data at all", "check url and query"
            )
        return answer.size

    def _tell(
        self, name: str, source: HTTPSource, number: int, error: AttemptError, wait: float | None
    ) -> None:
        self._log.warning(
            "fetch attempt failed",
            source=name,
            host=host_of(source.url),
            attempt=number,
            reason=str(error.reason),
            what=error.what,
            next_attempt_in=None if wait is None else round(wait, 2),
        )


def build_request(source: HTTPSource, headers: tuple[RequestHeader, ...]) -> Request:
    """Return the request for *source*: its query encoded, its *headers* over the usual ones."""
    given = {header.name.lower() for header in headers}
    usual = tuple(
        RequestHeader(name=name, value=value.encode())
        for name, value in _USUAL_HEADERS.items()
        if name.lower() not in given
    )
    return Request(
        url=with_query(source.url, [(item.name, item.value) for item in source.query]),
        method=source.method,
        headers=(*usual, *headers),
        body=source.body.encode() if source.body is not None else None,
    )


def with_query(url: str, query: list[tuple[str, str]]) -> str:
    """Return *url* with the parameters added to those that it has."""
    parts = urlsplit(url)
    added = urlencode(query, quote_via=quote)
    joined = "&".join(part for part in (parts.query, added) if part)
    return parts._replace(query=joined, fragment="").geturl()


def wait_before_next(
    error: AttemptError, number: int, retry: RetryFetch, method: str, jitter: float
) -> float | None:
    """
    Return the seconds to wait after the failed attempt *number*; None if it was the last.

    The wait doubles each time. Up to a quarter is taken off by *jitter*, so that many reports that
    failed together do not come back together; what the server asks for itself is kept to.
    """
    if number > retry.limit or not error.transient:
        return None
    if method == "POST" and error.sent and not error.not_acted_on:
        return None
    backoff = min(retry.backoff_seconds * 2.0 ** (number - 1), MAX_BACKOFF_SECONDS)
    wait = backoff * (1 - jitter / 4)
    if error.retry_after is None:
        return wait
    if error.retry_after > MAX_RETRY_AFTER_SECONDS:
        return None
    return max(wait, error.retry_after)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that the header Retry-After asks for, if it is there and makes sense."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    with suppress(ValueError, TypeError, OverflowError):
        moment = parsedate_to_datetime(text)
        return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())
    return None


def host_of(url: str) -> str:
    """Return the host and port of a URL, which is what may be shown of it."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _check_start(start: bytes, source: HTTPSource) -> None:
    what = content.misfit(start, source.format)
    if what:
        raise AttemptError(
            Reason.SOURCE_INVALID, f"answers with {what}", "check url, headers and format"
        )


def _check_status(answer: Answer) -> None:
    status = answer.status
    if 200 <= status < 300:
        return
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
    reason = Reason.SOURCE_REJECTED if status < 500 else Reason.SOURCE_UNREACHABLE
    raise AttemptError(
        Reason.SOURCE_TIMEOUT if status == 408 else reason,
        f"answered {status} {phrase}".strip(),
        _ADVICE.get(status, "ask whoever runs the server"),
        transient=status in _TRANSIENT_STATUS,
        not_acted_on=status in _NOT_ACTED_ON,
        retry_after=retry_after(answer.headers, datetime.now(UTC)),
    )


def _failure(name: str, source: HTTPSource, number: int, error: AttemptError) -> RunError:
    """Return what ends the run, in words for the report's owner."""
    attempts = "" if number == 1 else f" ({number} attempts)"
    later = ""
    if error.retry_after is not None and error.retry_after > MAX_RETRY_AFTER_SECONDS:
        later = f", and asks to come back in {error.retry_after:.0f} s"
    advice = f": {error.advice}" if error.advice else ""
    return RunError(
        error.reason,
        f"spec.sources[{name}].http: {host_of(source.url)} {error.what}{later}{attempts}{advice}",
    )

"""
One attempt to fetch from an HTTP server, within a time that nothing can stretch.

This is the only module that knows httpx. Its timeouts are per operation, so a server that sends a
byte now and then would never time out: here each operation gets what is left of the whole time.
"""

import os
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, BinaryIO, Final

import httpcore
import httpx

from report_runner.http_request import (
    MAX_REDIRECTS,
    REDIRECTS,
    AttemptError,
    Request,
    redirected,
)
from report_types.outcome import Reason

_PLAIN_CODINGS: Final = frozenset({"", "identity", "gzip", "deflate"})


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer's status and headers (in lower case); *size* bytes of body were written."""

    status: int
    headers: Mapping[str, str]
    size: int = 0


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Seconds for the whole attempt, bytes after decompression; *watch* sees each piece."""

    seconds: float
    max_bytes: int
    watch: Callable[[bytes], None]


def attempt(request: Request, target: BinaryIO, limits: Limits) -> Answer:
    """
    Fetch once, following redirects; the body of a good answer goes to *target*.

    Raises:
        AttemptError: there is no answer, none in time, or none that could be taken whole.
    """
    clock = _Clock(limits.seconds)
    for _ in range(MAX_REDIRECTS + 1):
        headers = [(header.name.encode(), header.value) for header in request.headers]
        with (
            _translated(clock),
            _client(request.url, clock) as client,
            client.stream(
                request.method, request.url, headers=headers, content=request.body
            ) as response,
        ):
            if response.status_code not in REDIRECTS:
                return _take(response, target, limits)
            location = response.headers.get("location", "")
        request = redirected(request, response.status_code, location)
    raise AttemptError(
        Reason.SOURCE_REJECTED,
        f"redirects more than {MAX_REDIRECTS} times",
        "give the final address as url",
    )


def _take(response: httpx.Response, target: BinaryIO, limits: Limits) -> Answer:
    """Write the body of a good answer to *target*."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    if not response.is_success:
        return Answer(status=response.status_code, headers=headers)
    _check_coding(headers.get("content-encoding", ""))
    size = 0
    announced = headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limits.max_bytes:
        raise _too_large(limits.max_bytes)
    for piece in response.iter_bytes():
        size += len(piece)
        if size > limits.max_bytes:
            raise _too_large(limits.max_bytes)
        limits.watch(piece)
        target.write(piece)
    return Answer(status=response.status_code, headers=headers, size=size)


def _check_coding(codings: str) -> None:
    for coding in codings.lower().split(","):
        if coding.strip() not in _PLAIN_CODINGS:
            raise AttemptError(
                Reason.SOURCE_INVALID,
                f"compresses its answer as {coding.strip()[:20]}",
                "add the header Accept-Encoding with the value identity or gzip",
            )


def _too_large(max_bytes: int) -> AttemptError:
    return AttemptError(
        Reason.SOURCE_TOO_LARGE,
        f"answers with more than {max_bytes / 2**20:g} MiB",
        "ask for less by its query, or raise http.maxSize",
    )


@contextmanager
def _translated(clock: "_Clock") -> Iterator[None]:
    """Turn what httpx raises into an AttemptError."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise AttemptError(
            Reason.SOURCE_TIMEOUT,
            f"did not answer in full within {clock.seconds:g} s",
            "raise http.timeoutSeconds, or ask for less",
            transient=True,
            sent=clock.sent,
        ) from error
    except httpx.DecodingError as error:
        raise AttemptError(
            Reason.SOURCE_INVALID, "answers with data that cannot be decompressed"
        ) from error
    except (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.LocalProtocolError) as error:
        raise AttemptError(
            Reason.INVALID_SPEC, "cannot be asked this way", "check url and headers"
        ) from error
    except httpx.TransportError as error:
        raise _unreachable(error, clock) from error


def _unreachable(error: httpx.TransportError, clock: "_Clock") -> AttemptError:
    cause = _cause(error)
    sent = clock.sent
    if isinstance(cause, ssl.SSLCertVerificationError):
        return AttemptError(
            Reason.SOURCE_UNREACHABLE,
            f"shows a certificate that is not trusted ({cause.verify_message})",
            "correct url or the server's certificate, or add its authority to the runner's image",
        )
    if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
        told = f"does not speak TLS with us ({cause.reason or 'handshake failed'})"
        return AttemptError(Reason.SOURCE_UNREACHABLE, told, "check url: https or http, and port")
    if isinstance(cause, socket.gaierror):
        told, advice = "is not a known name", "check the host in url, and the cluster's DNS"
    elif isinstance(cause, ConnectionRefusedError):
        told, advice = "refuses connections", "check host and port in url"
    elif clock.sent:
        told, advice = "broke off before its answer was complete", "see that the server is well"
    else:
        told, advice = "cannot be reached", "check url, and that the network lets the runner out"
    return AttemptError(Reason.SOURCE_UNREACHABLE, told, advice, transient=True, sent=sent)


def _cause(error: BaseException) -> BaseException:
    """Return the error of the operating system or of TLS that *error* is made of."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return error


def _client(url: str, clock: "_Clock") -> httpx.Client:
    return httpx.Client(
        transport=_Transport(url, clock),
        trust_env=False,
        follow_redirects=False,
        timeout=clock.seconds,
    )


class _Clock:
    """What is left of an attempt's time; *sent* is set with the first byte of a request."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.sent = False
        self._deadline = time.monotonic() + seconds

    def left(self, otherwise: type[Exception]) -> float:
        """Return the seconds left; raises *otherwise* when there are none."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise otherwise
        return left


class _Transport(httpx.HTTPTransport):
    """httpx's transport, with connections that keep to the clock."""

    def __init__(self, url: str, clock: _Clock) -> None:
        super().__init__(verify=False, trust_env=False)
        # Loading the authorities takes longer than a small fetch: only where they are needed.
        context = system_authorities() if url.lower().startswith("https:") else None
        self._pool = httpcore.ConnectionPool(
            ssl_context=context, max_connections=1, network_backend=_Backend(clock)
        )


class _Backend(httpcore.SyncBackend):
    """Makes connections within the clock, whatever number of addresses a name has."""

    def __init__(self, clock: _Clock) -> None:
        self._clock = clock

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(str(error)) from error
        failure: Exception = httpcore.ConnectError("the name has no address")
        for *_, address in found:
            left = self._clock.left(httpcore.ConnectTimeout)
            try:
                stream = super().connect_tcp(str(address[0]), port, left, None, socket_options)
                return _Stream(stream, self._clock)
            except httpcore.ConnectError as error:
                failure = error
        raise failure


class _Stream(httpcore.NetworkStream):
    """A connection whose every operation has what is left on the clock."""

    def __init__(self, stream: httpcore.NetworkStream, clock: _Clock) -> None:
        self._stream = stream
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._clock.left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        left = self._clock.left(httpcore.WriteTimeout)
        self._clock.sent = True
        self._stream.write(buffer, left)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._clock.left(httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


@cache
def system_authorities() -> ssl.SSLContext:
    """Return a context that trusts the machine's certificate authorities (``SSL_CERT_FILE``)."""
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if not paths.cafile and not (paths.capath and os.listdir(paths.capath)):
        import certifi  # a slim image may have no authorities of its own; httpx brings some

        context.load_verify_locations(cafile=certifi.where())
    return context

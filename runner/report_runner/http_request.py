"""
A request to an HTTP server, and what becomes of it when the server sends us elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple
from urllib.parse import urljoin, urlsplit

from report_types.outcome import Reason

MAX_REDIRECTS: Final = 3
REDIRECTS: Final = (301, 302, 303, 307, 308)

_KEEP_METHOD: Final = (307, 308)
_PERSONAL: Final = frozenset({"authorization", "cookie", "proxy-authorization", "host"})
_ABOUT_BODY: Final = frozenset({"content-type", "content-length", "content-encoding"})
_DEFAULT_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}


class AttemptError(Exception):
    """
    An attempt came to nothing: *what* happened, and the *advice* on it.

    *transient* may be gone next time. *sent*: the server may have seen the request, but has not
    acted on it if *not_acted_on*. *retry_after* are the seconds that it asks to wait.
    """

    def __init__(
        self,
        reason: Reason,
        what: str,
        advice: str = "",
        *,
        transient: bool = False,
        sent: bool = True,
        not_acted_on: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(what)
        self.reason = reason
        self.what = what
        self.advice = advice
        self.transient = transient
        self.sent = sent
        self.not_acted_on = not_acted_on
        self.retry_after = retry_after


@dataclass(frozen=True, kw_only=True)
class RequestHeader:
    """A request header; one with a *secret* value never goes to another host."""

    name: str
    value: bytes = field(repr=False)
    secret: bool = False


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked for; *url* holds the query."""

    url: str
    method: str = "GET"
    headers: tuple[RequestHeader, ...] = ()
    body: bytes | None = None


def redirected(request: Request, status: int, location: str) -> Request:
    """
    Return the request that a redirect to *location* leads to, without what is not for strangers.

    Raises:
        AttemptError: it leads nowhere, or out of encryption.
    """
    old, new = _place(request.url), _place(url := urljoin(request.url, location))
    if old is None or new is None or not location:
        raise AttemptError(
            Reason.SOURCE_REJECTED, f"answered {status} with no usable Location", "check url"
        )
    if old.scheme == "https" and new.scheme == "http":
        raise AttemptError(
            Reason.SOURCE_REJECTED,
            "redirects from https to http, where anyone could read along",
            "give an https address as url",
        )
    keep_method = request.method == "GET" or status in _KEEP_METHOD
    headers = request.headers
    if not old.is_as_good_as(new):
        headers = tuple(h for h in headers if not h.secret and h.name.lower() not in _PERSONAL)
    if not keep_method:
        headers = tuple(h for h in headers if h.name.lower() not in _ABOUT_BODY)
        return Request(url=url, headers=headers)
    return replace(request, url=url, headers=headers)


class _Place(NamedTuple):
    """A server, as a URL names it."""

    scheme: str
    host: str
    port: int

    def is_as_good_as(self, other: "_Place") -> bool:
        """Whether both are one server; its change from http to https does not count."""
        ports = (self.port, other.port)
        return self.host == other.host and (ports[0] == ports[1] or ports == (80, 443))


def _place(url: str) -> _Place | None:
    """Return the server that *url* names; None if it names none, or credentials too."""
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    # A backslash is a slash to some readers of URLs, and not to others.
    if parts.scheme not in _DEFAULT_PORTS or parts.username is not None or "\\" in url:
        return None
    if port is None or not parts.hostname:
        return None
    return _Place(parts.scheme, parts.hostname, port)

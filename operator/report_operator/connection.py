"""
How the API server is reached: from inside the cluster, or with a kubeconfig during development.

Our own client and kopf each get an HTTP session made here. A session reads the token's file again
every minute, since the kubelet replaces it, and tells a ``Contact`` of every answer.
"""

import dataclasses
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import aiohttp
import kopf
from yarl import URL

_FOLDER: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_TOKEN_SECONDS: Final = 60.0
Listener = Callable[[str, URL, int], None]  # method, address and status code of an answer
_TIMEOUT: Final = aiohttp.ClientTimeout(total=30, sock_connect=10)


class ConnectionMissingError(Exception):
    """Neither a ServiceAccount nor a kubeconfig is there."""


class Contact:
    """When the API server last answered, and which watches are open."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.answered = clock()
        self.watched: dict[str, float] = {}
        self.on_list: Callable[[str], None] = lambda path: None

    def note_answer(self, method: str, url: URL, status: int) -> None:
        """Take note of an answer of the API server, to whomever."""
        if status < 500:
            self.answered = self.clock()

    def note_watcher(self, method: str, url: URL, status: int) -> None:
        """Take note of an answer to kopf, which does nothing but list and watch."""
        self.note_answer(method, url, status)
        if url.query.get("watch") == "true" and status == 200:
            self.watched[url.path] = self.clock()
        elif url.path in self.watched:
            self.on_list(url.path)  # kopf has lost its place in a watch, and lists again

    def silent_for(self) -> float:
        """Return the seconds since the last answer."""
        return self.clock() - self.answered

    def oldest_watch(self) -> float:
        """Return the seconds since that watch began which has not been renewed for longest."""
        return max((self.clock() - since for since in self.watched.values()), default=0.0)


@dataclasses.dataclass(frozen=True, slots=True)
class Connection:
    """Where the API server is, and how to prove who we are."""

    info: kopf.ConnectionInfo
    token_file: Path | None

    @property
    def server(self) -> str:
        """The API server's address, such as ``https://10.96.0.1:443``."""
        return self.info.server.rstrip("/")

    def session(self, listener: Listener, connections: int) -> aiohttp.ClientSession:
        """
        Return a new HTTP session that tells *listener* of each answer; its owner closes it.

        It opens at most so many *connections*, 0 for any number; each takes 128 KiB.
        """

        async def tell(_: object, context: object, end: aiohttp.TraceRequestEndParams) -> None:
            listener(end.method.upper(), end.url, end.response.status)

        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(tell)
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections, ssl=self.info.as_ssl_context()),
            headers={"User-Agent": "scheduled-reports-operator"},
            middlewares=(self._authorize(),),
            trace_configs=[trace],
            timeout=_TIMEOUT,
        )

    def _authorize(self) -> aiohttp.ClientMiddlewareType:
        headers, read_at = self.info.as_http_headers(), time.monotonic()

        async def authorize(
            request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
        ) -> aiohttp.ClientResponse:
            nonlocal headers, read_at
            if self.token_file and time.monotonic() - read_at > _TOKEN_SECONDS:
                headers = {"Authorization": f"Bearer {self.token_file.read_text().strip()}"}
                read_at = time.monotonic()
            request.headers.update(headers)
            return await send(request)

        return authorize


def connect() -> Connection:
    """
    Find the way to the API server.

    Raises:
        ConnectionMissingError: there is none; the message says what was looked for.
    """
    settings = kopf.OperatorSettings()
    # The address in the environment works without the cluster's DNS, kopf's own does not.
    host, port = (os.environ.get(f"KUBERNETES_SERVICE_{part}") for part in ("HOST", "PORT"))
    if (info := kopf.login_with_service_account(settings=settings)) and host:
        host = f"[{host}]" if ":" in host else host
        server = f"https://{host}:{port or 443}"
        return Connection(dataclasses.replace(info, server=server), _FOLDER / "token")
    if info := kopf.login_with_kubeconfig(settings=settings):
        return Connection(info, None)
    raise ConnectionMissingError(
        f"no way to the API server: there is neither {_FOLDER} nor a KUBECONFIG"
    )

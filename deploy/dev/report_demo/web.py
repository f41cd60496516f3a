"""
The small HTTP server under the mail catcher and the data source.

A service is one function from Request to Response; this module does the rest, in threads of its
own, so that a service can also run inside a test.
"""

import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """What was asked: the path is as sent, *query* holds the last value of each parameter."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Message


@dataclass(frozen=True)
class Response:
    """What is answered; the length is added."""

    body: bytes = b""
    status: int = 200
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


Service = Callable[[Request], Response]


def as_json(value: Any, status: int = 200) -> Response:
    """Return *value* as a JSON answer."""
    return Response(json.dumps(value, ensure_ascii=False).encode(), status, "application/json")


def as_text(text: str, status: int = 200) -> Response:
    """Return *text* as a plain answer."""
    return Response(f"{text}\n".encode(), status)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds that an idle connection keeps its thread
    service: ClassVar[Service]

    def _answer(self) -> None:
        response = type(self).service(self._request())
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    do_GET = do_HEAD = do_DELETE = _answer  # noqa: N815  the base's names

    def _request(self) -> Request:
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        method = "GET" if self.command == "HEAD" else self.command
        return Request(method, url.path, query, self.headers)

    def version_string(self) -> str:
        return "scheduled-reports-demo"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        if self.path != "/healthz":
            super().log_request(code, size)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's name
        log.info(format, *args)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Log a request that broke in one line; a client that went away is no error."""
        log.info("a request ended early", exc_info=log.isEnabledFor(logging.DEBUG))


class WebServer:
    """Serves *service* from threads, from the moment it is made until ``stop``."""

    def __init__(self, service: Service, host: str = "127.0.0.1", port: int = 0) -> None:
        handler = type("Handler", (_Handler,), {"service": staticmethod(service)})
        self._server = _Server((host, port), handler)
        self.host = host
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """The address, without a slash at its end."""
        return f"http://{self.host}:{self.port}"

    def stop(self) -> None:
        """Stop listening; requests that are being answered are left to end by themselves."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def method_not_allowed(request: Request) -> Response:
    """Say that the address exists, but not for this method."""
    return as_text(f"{request.method} is not possible here", HTTPStatus.METHOD_NOT_ALLOWED)


def not_found(request: Request) -> Response:
    """Say that there is nothing under this path."""
    return as_text(f"there is nothing at {request.path}", HTTPStatus.NOT_FOUND)

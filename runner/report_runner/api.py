"""
A thin client for the ReportRuns of one namespace: read, create, patch the status. Nothing else.

It speaks with the pod's short-lived token, over one connection that is kept between requests.
"""

import json
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, Final

from report_types.names import GROUP, RUN_PLURAL, VERSION

REQUEST_SECONDS: Final = 10.0
_MAX_BODY: Final = 4 * 2**20

Body = Mapping[str, Any]


class ApiError(Exception):
    """The API server said no, with the HTTP *status*."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class ApiAwayError(ApiError):
    """The API server is away, or cannot be asked for now; *status* is 0 without an answer."""


class NotFoundError(ApiError):
    """There is no such ReportRun."""


class ConflictError(ApiError):
    """The ReportRun is there already, or was changed since it was read."""


_ERRORS: Final[Mapping[int, type[ApiError]]] = {
    404: NotFoundError,
    409: ConflictError,
    422: ConflictError,  # a failed test of a JSON Patch, among others
    # The operator grants the right to a namespace's first report at the same time as it runs.
    401: ApiAwayError,
    403: ApiAwayError,
    429: ApiAwayError,
}


class RunsApi:
    """The ReportRuns of *namespace*. Every method raises ApiError."""

    def __init__(self, host: str, port: int, namespace: str, credentials: Path) -> None:
        self._credentials = credentials
        self._address = (host, port)
        self._path = f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{RUN_PLURAL}"
        self._connection: HTTPSConnection | None = None

    def get(self, name: str) -> Body:
        """Return the ReportRun *name*."""
        return self._request("GET", f"{self._path}/{name}")

    def create(self, body: Body) -> Body:
        """Create a ReportRun, and return it as it was stored."""
        return self._request("POST", self._path, body)

    def patch_status(self, name: str, patch: Sequence[Body]) -> Body:
        """Apply a JSON Patch to the status of the ReportRun *name*, and return it as stored."""
        return self._request(
            "PATCH", f"{self._path}/{name}/status", patch, "application/json-patch+json"
        )

    def _request(
        self,
        method: str,
        path: str,
        body: Body | Sequence[Body] | None = None,
        content_type: str = "application/json",
    ) -> Body:
        payload = None if body is None else json.dumps(body).encode()
        was_kept = self._connection is not None
        try:
            status, answer = self._exchange(method, path, payload, content_type)
        except (OSError, HTTPException) as error:
            self._drop()
            if was_kept:
                # It may have been closed while a script was running. All that is asked for here
                # may be asked for twice.
                return self._request(method, path, body, content_type)
            raise ApiAwayError(0, f"{type(error).__name__}") from error
        told = _parse(answer)
        if status in (200, 201):
            return told
        default = ApiAwayError if status >= 500 else ApiError
        raise _ERRORS.get(status, default)(status, str(told.get("message", ""))[:300])

    def _exchange(
        self, method: str, path: str, payload: bytes | None, content_type: str
    ) -> tuple[int, bytes]:
        connection = self._connection or self._connect()
        headers = {
            "Authorization": f"Bearer {self._read('token').strip()}",
            "Accept": "application/json",
            "Content-Type": content_type,
            "User-Agent": "scheduled-reports-runner",
        }
        connection.request(method, path, payload, headers)
        response = connection.getresponse()
        answer = response.read(_MAX_BODY)
        if response.will_close:
            self._drop()
        return response.status, answer

    def _connect(self) -> HTTPSConnection:
        context = ssl.create_default_context(cafile=str(self._credentials / "ca.crt"))
        host, port = self._address
        self._connection = HTTPSConnection(host, port, timeout=REQUEST_SECONDS, context=context)
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            with suppress(OSError):
                self._connection.close()
        self._connection = None

    def _read(self, name: str) -> str:
        """Read a file of the credentials anew: the kubelet replaces the token in time."""
        return (self._credentials / name).read_text("ascii")


def _parse(answer: bytes) -> Body:
    try:
        told = json.loads(answer)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}

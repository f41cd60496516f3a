"""The thin client for ReportRuns, against a real HTTPS server."""

import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from http_server import Answer, HttpServer, answer
from report_runner.api import (
    ApiAwayError,
    ApiError,
    ConflictError,
    NotFoundError,
    RunsApi,
)

PATH = "/apis/scheduledreports.dev/v1alpha1/namespaces/shop/reportruns"
RUN = json.dumps({"metadata": {"name": "r-1"}}).encode()
routes: dict[str, Answer] = {}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HttpServer]:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.crt"))
    (tmp_path / "token").write_text("t-1\n")
    routes.clear()
    routes[f"{PATH}/r-1"] = routes[PATH] = routes[f"{PATH}/r-1/status"] = answer(RUN)
    with HttpServer(routes, tls=context) as running:
        yield running


@pytest.fixture
def api(server: HttpServer, tmp_path: Path) -> RunsApi:
    return RunsApi("127.0.0.1", server.port, "shop", tmp_path)


def test_each_verb_asks_for_what_it_says(api: RunsApi, server: HttpServer) -> None:
    patch = [{"op": "test", "path": "/metadata/resourceVersion", "value": "1"}]
    assert api.get("r-1") == {"metadata": {"name": "r-1"}}
    api.create({"kind": "ReportRun"})
    api.patch_status("r-1", patch)

    asked = [(method, path) for method, path, _, _ in server.asked]
    assert asked == [("GET", f"{PATH}/r-1"), ("POST", PATH), ("PATCH", f"{PATH}/r-1/status")]
    assert server.asked[2][2]["content-type"] == "application/json-patch+json"
    assert json.loads(server.asked[2][3]) == patch


def test_the_token_is_read_each_time(api: RunsApi, server: HttpServer, tmp_path: Path) -> None:
    """The kubelet puts a new one there before the old one ends."""
    api.get("r-1")
    (tmp_path / "token").write_text("t-2")
    api.get("r-1")

    assert [headers["authorization"] for _, _, headers, _ in server.asked] == [
        "Bearer t-1",
        "Bearer t-2",
    ]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, NotFoundError),
        (409, ConflictError),
        (422, ConflictError),
        (401, ApiAwayError),
        (403, ApiAwayError),
        (429, ApiAwayError),
        (500, ApiAwayError),
        (503, ApiAwayError),
        (400, ApiError),
    ],
)
def test_an_answer_is_judged_by_its_status(
    api: RunsApi, status: int, error: type[ApiError]
) -> None:
    routes[f"{PATH}/r-1"] = answer(b'{"message": "why"}', status)
    with pytest.raises(ApiError) as caught:
        api.get("r-1")

    assert type(caught.value) is error
    assert "why" in str(caught.value)


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>"])
def test_an_answer_that_is_no_json_is_no_accident(api: RunsApi, body: bytes) -> None:
    """A proxy in between may answer anything."""
    routes[f"{PATH}/r-1"] = answer(body, 502)
    with pytest.raises(ApiAwayError):
        api.get("r-1")


def test_a_lost_connection_is_made_again(api: RunsApi) -> None:
    routes[f"{PATH}/r-1"] = lambda request: request.connection.close()
    with pytest.raises(ApiAwayError):
        api.get("r-1")
    routes[f"{PATH}/r-1"] = answer(RUN)

    assert api.get("r-1")


def test_a_server_of_another_authority_gets_no_token(api: RunsApi, tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.crt"))
    with pytest.raises(ApiAwayError):
        api.get("r-1")

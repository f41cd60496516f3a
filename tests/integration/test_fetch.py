"""Fetching from a real web server: what is tried again, what ends the run, and in which words."""

import gzip
import ssl
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event, Timer
from typing import Any

import pytest
import trustme

from http_server import Answer, HttpServer, answer, one_after_the_other
from report_runner import http_client
from report_runner.fetch import Fetched, Fetcher
from report_runner.files import FetchCancelledError
from report_runner.http_request import RequestHeader
from report_runner.logs import RunLog
from report_types.outcome import Reason, RunError
from report_types.report import RetryFetch
from report_types.source import HTTPSource

CSV = b"a,b\n1,2\n"
NO_WAIT = RetryFetch(limit=3, backoff_seconds=0)
SECRET = RequestHeader(name="X-Key", value=b"s3cret", secret=True)


class Case:
    """A fetcher, with what it logs and where it writes."""

    def __init__(self, folder: Path) -> None:
        self.target = folder / "data.csv"
        self.entries: list[Any] = []
        self.cancelled = Event()
        self.fetcher = Fetcher(RunLog(self.entries.append), self.cancelled, jitter=lambda: 0.0)

    def fetch(
        self, url: str, *headers: RequestHeader, retry: RetryFetch = NO_WAIT, **more: Any
    ) -> Fetched:
        source = HTTPSource.model_validate({"url": url, "format": "CSV", **more})
        return self.fetcher.fetch("data", source, headers, self.target, retry)

    def failure(self, url: str, *headers: RequestHeader, **more: Any) -> RunError:
        with pytest.raises(RunError) as caught:
            self.fetch(url, *headers, **more)
        assert "spec.sources[data].http" in caught.value.message
        return caught.value


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def serve(*answers: Answer) -> HttpServer:
    return HttpServer({"/x": one_after_the_other(*answers)})


def test_data_arrive_whole(case: Case) -> None:
    """Bytes are written as they come; a second run does not append."""
    body = b"a,b\n" + b"1,2\n" * 500_000
    with serve(answer(body)) as server:
        fetched = case.fetch(server.url("/x"))

    assert (fetched.bytes, fetched.attempts) == (len(body), 1)
    assert case.target.read_bytes() == body


def test_a_request_is_as_the_report_says(case: Case) -> None:
    """Query, headers, method and body; no compression unless it is asked for."""
    more = {
        "query": [{"name": "q", "value": "ä b&c"}],
        "method": "POST",
        "body": "select é",
    }
    with serve(answer(CSV)) as server:
        case.fetch(server.url("/x?y=1"), SECRET, **more)

    ((method, path, headers, body),) = server.asked
    assert (method, path, body) == ("POST", "/x?y=1&q=%C3%A4%20b%26c", "select é".encode())
    assert headers["x-key"] == "s3cret"
    assert headers["accept-encoding"] == "identity"


def test_proxies_of_the_environment_are_not_used(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with serve(answer(CSV)) as server:
        assert case.fetch(server.url("/x")).attempts == 1


def truncated(request: BaseHTTPRequestHandler) -> None:
    answer(b"a,b\n1", Content_Length="100")(request)


def hung_up(request: BaseHTTPRequestHandler) -> None:
    request.connection.close()


@pytest.mark.parametrize(
    "failing",
    [
        pytest.param(answer(status=500), id="500"),
        pytest.param(answer(status=503), id="503"),
        pytest.param(answer(status=429), id="429"),
        pytest.param(answer(status=408), id="408"),
        pytest.param(truncated, id="truncated"),
        pytest.param(hung_up, id="hung-up"),
    ],
)
def test_what_may_be_gone_next_time_is_tried_again(case: Case, failing: Answer) -> None:
    """After two failures the third attempt counts, and nothing of the others is left."""
    with serve(failing, failing, answer(CSV)) as server:
        fetched = case.fetch(server.url("/x"))

    assert (fetched.attempts, case.target.read_bytes()) == (3, CSV)


@pytest.mark.parametrize(
    ("answers", "reason", "told"),
    [
        pytest.param(answer(status=500), Reason.SOURCE_UNREACHABLE, "answered 500", id="500"),
        pytest.param(answer(status=429), Reason.SOURCE_REJECTED, "answered 429", id="429"),
        pytest.param(truncated, Reason.SOURCE_UNREACHABLE, "broke off", id="truncated"),
        pytest.param(hung_up, Reason.SOURCE_UNREACHABLE, "broke off", id="hung-up"),
    ],
)
def test_a_source_that_stays_ill_ends_the_run_after_all_attempts(
    case: Case, answers: Answer, reason: Reason, told: str
) -> None:
    with serve(answers) as server:
        failure = case.failure(server.url("/x"))

    assert failure.reason == reason
    assert told in failure.message
    assert "(4 attempts)" in failure.message
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    ("status", "way_out"),
    [
        (400, "query"),
        (401, "Secret"),
        (403, "headers"),
        (404, "path in url"),
        (405, "method"),
        (418, "whoever runs the server"),
    ],
)
def test_a_refusal_is_not_argued_with(case: Case, status: int, way_out: str) -> None:
    """A client error is told at once, with what to check; the body of the answer is not shown."""
    with serve(answer(b"for bob@example.com only", status)) as server:
        failure = case.failure(server.url("/x"))

    assert failure.reason == Reason.SOURCE_REJECTED
    assert f"answered {status}" in failure.message
    assert way_out in failure.message
    assert "bob" not in failure.message
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("body", "told"),
    [
        pytest.param(b"", "no data at all", id="empty"),
        pytest.param(b" \r\n", "no data at all", id="blank"),
        pytest.param(b"\xef\xbb\xbf", "no data at all", id="only-bom"),
        pytest.param(b"\n<!DOCTYPE html><title>Log in", "web page", id="html"),
        pytest.param(b"<html>" + b"x" * 9999, "web page", id="html-long"),
        pytest.param(b"<?xml version='1.0'?><a/>", "XML", id="xml"),
        pytest.param(gzip.compress(CSV), "gzip", id="gzip"),
        pytest.param(b"PK\x03\x04....", "ZIP", id="xlsx"),
    ],
)
def test_what_is_no_data_is_told_early(case: Case, body: bytes, told: str) -> None:
    with serve(answer(body)) as server:
        failure = case.failure(server.url("/x"))

    assert failure.reason == Reason.SOURCE_INVALID
    assert told in failure.message
    assert len(server.asked) == 1


def test_a_header_without_rows_is_data(case: Case) -> None:
    with serve(answer(b"a,b\n")) as server:
        assert case.fetch(server.url("/x")).bytes == 4


def test_an_answer_without_content_is_told(case: Case) -> None:
    with serve(answer(status=204)) as server:
        assert case.failure(server.url("/x")).reason == Reason.SOURCE_INVALID


def test_data_that_were_compressed_all_the_same_are_unpacked(case: Case) -> None:
    with serve(answer(gzip.compress(CSV), Content_Encoding="gzip")) as server:
        case.fetch(server.url("/x"))

    assert case.target.read_bytes() == CSV


@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param(answer(gzip.compress(b"x" * 9_000_000), Content_Encoding="gzip"), id="gzip"),
        pytest.param(answer(b"x" * 9_000_000), id="announced"),
    ],
)
def test_too_much_is_not_taken(case: Case, bomb: Answer) -> None:
    """The limit counts after decompression."""
    with serve(bomb) as server:
        failure = case.failure(server.url("/x"), maxSize="1Mi")

    assert failure.reason == Reason.SOURCE_TOO_LARGE
    assert "1 MiB" in failure.message
    assert "http.maxSize" in failure.message
    assert case.target.stat().st_size <= 2**20


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(answer(b"not gzip at all", Content_Encoding="gzip"), id="not-gzip"),
        pytest.param(answer(CSV, Content_Encoding="br"), id="brotli"),
    ],
)
def test_a_compression_that_cannot_be_undone_is_told(case: Case, broken: Answer) -> None:
    with serve(broken) as server:
        assert case.failure(server.url("/x")).reason == Reason.SOURCE_INVALID


def drip_body(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    for _ in range(100):
        request.wfile.write(b"x,")
        time.sleep(0.1)


def drip_headers(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(100):
        request.wfile.write(b"X-%d: y\r\n" % number)
        time.sleep(0.1)


def silent(request: BaseHTTPRequestHandler) -> None:
    time.sleep(3)


@pytest.mark.parametrize("slow", [drip_body, drip_headers, silent])
def test_the_time_of_an_attempt_cannot_be_stretched(case: Case, slow: Answer) -> None:
    """A server that sends a little now and then runs out of time like one that sends nothing."""
    with serve(slow) as server:
        began = time.monotonic()
        failure = case.failure(
            server.url("/x"), timeoutSeconds=1, retry=RetryFetch(limit=1, backoff_seconds=0)
        )

    assert failure.reason == Reason.SOURCE_TIMEOUT
    assert "within 1 s" in failure.message
    assert "http.timeoutSeconds" in failure.message
    assert time.monotonic() - began < 4


def test_what_a_server_asks_to_wait_is_waited(case: Case) -> None:
    with serve(answer(status=503, Retry_After="1"), answer(CSV)) as server:
        began = time.monotonic()
        case.fetch(server.url("/x"))

    assert time.monotonic() - began >= 1


def test_a_server_that_asks_for_a_long_wait_is_given_up(case: Case) -> None:
    with serve(answer(status=429, Retry_After="3600")) as server:
        failure = case.failure(server.url("/x"))

    assert "come back in 3600 s" in failure.message
    assert len(server.asked) == 1


def test_a_post_is_not_repeated_when_it_may_have_worked(case: Case) -> None:
    """A second POST could order twice."""
    with serve(answer(status=500), answer(CSV)) as server:
        case.failure(server.url("/x"), method="POST", body="x")

    assert len(server.asked) == 1


def test_a_post_is_repeated_when_the_server_did_nothing(case: Case) -> None:
    with serve(answer(status=503), answer(CSV)) as server:
        assert case.fetch(server.url("/x"), method="POST", body="x").attempts == 2


def test_a_redirect_is_followed(case: Case) -> None:
    routes = {"/x": answer(status=302, Location="/y?z=1"), "/y": answer(CSV)}
    with HttpServer(routes) as server:
        case.fetch(server.url("/x?a=1"), SECRET)

    assert [path for _, path, _, _ in server.asked] == ["/x?a=1", "/y?z=1"]
    assert server.asked[1][2]["x-key"] == "s3cret"


def test_secrets_do_not_follow_to_another_host(case: Case) -> None:
    """Authorization, cookies and all that comes from a Secret stay with the host they are for."""
    with HttpServer({"/y": answer(CSV)}) as other:
        routes = {"/x": answer(status=307, Location=other.url("/y", "localhost"))}
        with HttpServer(routes) as server:
            headers = [
                SECRET,
                RequestHeader(name="Authorization", value=b"Bearer t"),
                RequestHeader(name="Cookie", value=b"c=1"),
                RequestHeader(name="X-Plain", value=b"1"),
            ]
            case.fetch(server.url("/x"), *headers)

    ((_, _, seen, _),) = other.asked
    assert seen["x-plain"] == "1"
    assert not {"x-key", "authorization", "cookie"} & set(seen)


def test_redirects_end(case: Case) -> None:
    with serve(answer(status=302, Location="/x")) as server:
        failure = case.failure(server.url("/x"))

    assert failure.reason == Reason.SOURCE_REJECTED
    assert "more than 3 times" in failure.message
    assert len(server.asked) == 4


@pytest.mark.parametrize("location", ["", "ftp://127.0.0.1/x", "http://u:p@127.0.0.1/x", "//"])
def test_a_redirect_to_nowhere_is_told(case: Case, location: str) -> None:
    with serve(answer(status=302, Location=location)) as server:
        assert case.failure(server.url("/x")).reason == Reason.SOURCE_REJECTED


def test_a_server_that_is_not_there_is_tried_again(case: Case) -> None:
    with serve() as server:
        url = server.url("/x?token=t0p")
    failure = case.failure(url)

    assert failure.reason == Reason.SOURCE_UNREACHABLE
    assert "refuses connections (4 attempts)" in failure.message
    assert "t0p" not in failure.message


def test_a_name_that_is_not_known_is_told(case: Case) -> None:
    failure = case.failure("http://data.invalid/x")

    assert failure.reason == Reason.SOURCE_UNREACHABLE
    assert "data.invalid is not a known name" in failure.message


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def secure(authority: trustme.CA, *names: str) -> HttpServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return HttpServer({"/x": answer(CSV)}, tls=context)


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the authority among the machine's."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    http_client.system_authorities.cache_clear()


@pytest.mark.usefixtures("trusted")
def test_https_is_fetched(case: Case, authority: trustme.CA) -> None:
    """The machine's authorities are trusted, as SSL_CERT_FILE names them."""
    with secure(authority, "127.0.0.1") as server:
        case.fetch(server.url("/x"))

    assert case.target.read_bytes() == CSV


@pytest.mark.usefixtures("trusted")
def test_a_certificate_for_another_name_is_final(case: Case, authority: trustme.CA) -> None:
    with secure(authority, "other.example.com") as server:
        failure = case.failure(server.url("/x"))

    assert failure.reason == Reason.SOURCE_UNREACHABLE
    assert "certificate that is not trusted" in failure.message
    assert "attempts" not in failure.message


def test_a_certificate_of_an_unknown_authority_is_final(case: Case, authority: trustme.CA) -> None:
    http_client.system_authorities.cache_clear()
    with secure(authority, "127.0.0.1") as server:
        failure = case.failure(server.url("/x"))

    assert "certificate that is not trusted" in failure.message
    assert server.asked == []


def test_https_on_a_plain_port_is_told(case: Case) -> None:
    with serve(answer(CSV)) as server:
        failure = case.failure(f"https://127.0.0.1:{server.port}/x")

    assert "does not speak TLS" in failure.message


@pytest.mark.usefixtures("trusted")
def test_https_never_leads_to_http(case: Case, authority: trustme.CA) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with HttpServer({"/y": answer(CSV)}) as plain:
        routes = {"/x": answer(status=301, Location=plain.url("/y"))}
        with HttpServer(routes, tls=context) as server:
            failure = case.failure(server.url("/x"), SECRET)

    assert failure.reason == Reason.SOURCE_REJECTED
    assert "https to http" in failure.message
    assert plain.asked == []


def test_a_fetch_that_is_not_needed_any_more_ends(case: Case) -> None:
    """When another source has failed, nobody waits for this one's next attempt."""
    with serve(answer(status=500)) as server:
        Timer(0.3, case.cancelled.set).start()
        began = time.monotonic()
        with pytest.raises(FetchCancelledError):
            case.fetch(server.url("/x"), retry=RetryFetch(limit=3, backoff_seconds=30))

    assert time.monotonic() - began < 5


def test_attempts_are_logged_without_the_url(case: Case) -> None:
    with serve(answer(status=500), answer(CSV)) as server:
        case.fetch(server.url("/x?token=t0p"), SECRET)

    assert [entry["event"] for entry in case.entries] == ["fetch attempt failed", "fetched"]
    assert "t0p" not in str(case.entries)
    assert "s3cret" not in str(case.entries)


def test_an_old_file_in_the_way_is_not_overwritten(case: Case) -> None:
    """The input folder is new with each pod: what lies there is not ours."""
    case.target.symlink_to("/etc/passwd")
    with serve(answer(CSV)) as server, pytest.raises(FileExistsError):
        case.fetch(server.url("/x"))

"""The data source over HTTP: the real data, and the answers that a report must cope with."""

import gzip
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from report_demo.data_source import DataSource
from report_demo.datasets import FLIGHT_ROWS, STOCK_ROWS


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with (
        DataSource() as source,
        httpx.Client(base_url=source.url, trust_env=False, timeout=10) as client,
    ):
        yield client


def test_all_flights_are_served_as_csv(client: httpx.Client) -> None:
    answer = client.get("/flights.csv", headers={"Accept-Encoding": "identity"})

    assert "text/csv; charset=utf-8" == answer.headers["Content-Type"]
    assert "Content-Encoding" not in answer.headers
    lines = answer.content.splitlines()
    assert FLIGHT_ROWS + 1 == len(lines)
    assert lines[0].startswith(b"year,month,day,dep_time,")
    assert lines[1].startswith(b"2013,1,1,517,515,2,830,819,11,UA,1545,N14228,EWR,IAH,227,1400,")


def test_flights_are_the_same_when_gzip_is_asked_for(client: httpx.Client) -> None:
    plain = client.get("/flights.csv", headers={"Accept-Encoding": "identity"}).content
    with client.stream("GET", "/flights.csv", headers={"Accept-Encoding": "gzip"}) as answer:
        packed = b"".join(answer.iter_raw())

    assert "gzip" == answer.headers["Content-Encoding"]
    assert len(packed) < len(plain) / 3
    assert plain == gzip.decompress(packed)


def test_all_stocks_are_served_as_json_records(client: httpx.Client) -> None:
    items = client.get("/stocks.json").json()["items"]

    assert STOCK_ROWS == len(items)
    assert {"symbol": "MSFT", "date": "2000-01-01", "price": 39.81} == items[0]
    assert {"MSFT", "AMZN", "IBM", "GOOG", "AAPL"} == {item["symbol"] for item in items}


@pytest.mark.parametrize("code", [200, 204, 304, 401, 404, 429, 500, 503])
def test_any_status_can_be_asked_for_and_the_connection_goes_on(
    client: httpx.Client, code: int
) -> None:
    assert code == client.get(f"/status/{code}").status_code
    assert "ok\n" == client.get("/healthz").text


@pytest.mark.parametrize("code", ["99", "100", "600", "x", "", "²"])
def test_what_is_no_status_is_a_bad_request(client: httpx.Client, code: str) -> None:
    assert 400 == client.get(f"/status/{code}").status_code


def test_a_slow_answer_takes_its_time(client: httpx.Client) -> None:
    started = time.monotonic()

    assert "seconds\n0.3\n" == client.get("/slow?seconds=0.3").text
    assert time.monotonic() - started >= 0.3


@pytest.mark.parametrize(("seconds", "status"), [("x", 400), ("nan", 200), ("-1", 200)])
def test_odd_waits_do_no_harm(client: httpx.Client, seconds: str, status: int) -> None:
    assert status == client.get(f"/slow?seconds={seconds}").status_code


def test_request_headers_come_back_as_records(client: httpx.Client) -> None:
    items = client.get("/echo-headers", headers={"Authorization": "Bearer x"}).json()["items"]

    assert {"name": "Authorization", "value": "Bearer x"} in items


def test_a_page_and_nothing_can_stand_in_for_data(client: httpx.Client) -> None:
    assert client.get("/html").headers["Content-Type"].startswith("text/html")
    assert b"" == client.get("/empty").content


def test_what_is_not_there_is_not_found_and_data_cannot_be_changed(client: httpx.Client) -> None:
    assert 404 == client.get("/nothing").status_code
    assert 405 == client.delete("/flights.csv").status_code


def test_it_starts_fast_serves_without_pandas_in_little_memory_and_ends_when_told() -> None:
    """
    As in a pod: its own process, isolated mode, a port from the environment, SIGTERM.
    """
    with DataSource() as other:
        port = other.port  # free again in a moment
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-I", "-m", "report_demo.data_source"],
        env={**os.environ, "HTTP_PORT": str(port)},
        stderr=subprocess.DEVNULL,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            answer = _when_up(client)
            assert time.monotonic() - started < 5
            assert "ok\n" == answer.text
            client.get("/flights.csv", headers={"Accept-Encoding": "identity"})
            client.get("/flights.csv")
        with open(f"/proc/{process.pid}/status") as status:
            memory = {line.split(":")[0]: line.split()[1] for line in status if line.split()[1:]}
        assert int(memory["VmHWM"]) < 200 * 1024
        with open(f"/proc/{process.pid}/maps") as maps:
            assert "pandas" not in maps.read()
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(timeout=5)
    finally:
        process.kill()
        process.wait()


def _when_up(client: httpx.Client) -> httpx.Response:
    for _ in range(100):
        try:
            return client.get("/healthz")
        except httpx.ConnectError:
            time.sleep(0.05)
    raise TimeoutError("the data source did not start within 5 s")

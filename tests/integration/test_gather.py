"""Gathering: all sources at once, a few at a time, with the headers that the report gives."""

import errno
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from fake_runs import FakeRuns, ledger, plan
from http_server import HttpServer, answer
from report_runner import gather
from report_runner.gather import MAX_PARALLEL, Gathering, Places, mounted_volume
from report_runner.logs import RunLog
from report_types.outcome import Reason, RunError
from report_types.source import Source

CSV = b"a\n1\n"


def start(folder: Path, sources: list[dict[str, Any]], secret: str | None = None) -> Gathering:
    made = plan()
    spec = made.spec.model_copy(update={"sources": [Source.model_validate(s) for s in sources]})
    made = made.model_copy(update={"spec": spec})
    places = Places(
        input=folder,
        volume_of=lambda source: mounted_volume(source, folder),
        read_secret=lambda *_: secret,
    )
    gathering = Gathering(made, places, ledger(FakeRuns()), RunLog(lambda entry: None))
    gathering.start()
    return gathering


def http(name: str, url: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "http": {"url": url, "format": "CSV", **more}}


def test_sources_are_fetched_a_few_at_a_time(tmp_path: Path) -> None:
    """Together they take as long as the slowest few, and no server meets them all at once."""
    lock, now, most = threading.Lock(), 0, 0

    def slow(request: BaseHTTPRequestHandler) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.2)
        with lock:
            now -= 1
        answer(CSV)(request)

    with HttpServer({"/x": slow}) as web:
        files = start(tmp_path, [http(f"s{n}", web.url("/x")) for n in range(8)]).wait()

    assert [file.file for file in files] == [f"s{n}.csv" for n in range(8)]
    assert most == MAX_PARALLEL
    assert all((tmp_path / file.file).read_bytes() == CSV for file in files)


def test_headers_are_sent_as_they_stand(tmp_path: Path) -> None:
    headers = [
        {"name": "X-Plain", "value": "é 1"},
        {"name": "X-Key", "valueFrom": {"secretKeyRef": {"name": "report-api", "key": "k"}}},
    ]
    with HttpServer({"/x": answer(CSV)}) as web:
        start(tmp_path, [http("data", web.url("/x"), headers=headers)], "s3cret\r\n").wait()

    seen = web.asked[0][2]
    assert seen["x-plain"].encode("latin-1").decode() == "é 1"
    assert seen["x-key"] == "s3cret"


def test_a_secret_of_several_lines_is_no_header(tmp_path: Path) -> None:
    """It would add a header of its own."""
    headers = [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "report-api", "key": "k"}}}]
    with pytest.raises(RunError) as caught:
        start(tmp_path, [http("data", "http://127.0.0.1:9", headers=headers)], "a\nX-B: c").wait()

    assert caught.value.reason == Reason.INVALID_SPEC
    assert "key k of Secret report-api" in caught.value.message
    assert "X-B" not in caught.value.message


def test_a_full_volume_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(gather, "copy_file_source", full)
    file = {"persistentVolumeClaim": {"claimName": "c"}, "path": "x.csv", "format": "CSV"}
    with pytest.raises(RunError) as caught:
        start(tmp_path, [{"name": "data", "file": file}]).wait()

    assert caught.value.reason == Reason.SOURCE_TOO_LARGE
    assert "no room" in caught.value.message


@pytest.mark.parametrize(
    ("volume", "called"),
    [
        ({"configMap": {"name": "prices"}}, "ConfigMap prices"),
        ({"persistentVolumeClaim": {"claimName": "c"}}, "PersistentVolumeClaim c"),
    ],
)
def test_a_volume_is_called_by_its_object(volume: dict[str, Any], called: str) -> None:
    file = {**volume, "path": "x.csv", "format": "CSV"}
    found = mounted_volume(Source.model_validate({"name": "data", "file": file}), Path("/s"))

    assert (found.path, found.called) == (Path("/s/data"), called)

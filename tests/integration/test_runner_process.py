"""The container ``runner`` as a process: from its variables to its exit code and last words."""

import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import trustme

from fake_runs import NAME, FakeRuns, plan
from http_server import Answer, HttpServer, answer
from report_runner.api import ApiError
from smtp_server import SmtpServer

# The paths of the pod are fixed; here they lie in the folder that the first argument names.
START = """
import sys
from pathlib import Path
from report_runner import __main__ as runner, settings
room = Path(sys.argv[1])
names = ("input", "output", "work", "sources", "credentials")
paths = settings.Paths(**{name: room / name for name in names})
settings.Paths.in_pod = classmethod(lambda cls: paths)
runner.TERMINATION_LOG = room / "termination-log"
runner.leave(runner.main())
"""
PATH = "/apis/scheduledreports.dev/v1alpha1/namespaces/shop/reportruns"


def api_routes(runs: FakeRuns, asked: Callable[[], bytes]) -> dict[str, Answer]:
    """Speak for *runs* over HTTP; *asked* returns the body of the request."""

    def speak(act: Callable[[], Any]) -> Answer:
        def reply(request: BaseHTTPRequestHandler) -> None:
            try:
                answer(json.dumps(act()).encode())(request)
            except ApiError as error:
                answer(b"{}", error.status)(request)

        return reply

    return {
        PATH: speak(lambda: runs.create(json.loads(asked()))),
        f"{PATH}/{NAME}": speak(lambda: runs.get(NAME)),
        f"{PATH}/{NAME}/status": speak(lambda: runs.patch_status(NAME, json.loads(asked()))),
    }


@dataclass
class Room:
    """A pod's folders, the servers around it, and how to start its two containers."""

    folder: Path
    environ: dict[str, str]
    runs: FakeRuns
    web: HttpServer
    mail: SmtpServer

    def start(self) -> "subprocess.Popen[str]":
        """Start the runner, and the script host beside it."""
        arguments = {
            "--socket": self.folder / "input" / "script.sock",
            "--input": self.folder / "input",
            "--output": self.folder / "output",
        }
        host = [part for pair in arguments.items() for part in map(str, pair)]
        self.host = subprocess.Popen(
            [sys.executable, "-I", "-m", "report_runner.script_host", *host],
            env={},
            stdout=subprocess.DEVNULL,
        )
        return subprocess.Popen(
            [sys.executable, "-I", "-c", START, str(self.folder)],
            env=self.environ,
            stdout=subprocess.PIPE,
            text=True,
        )

    def last_words(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self.folder / "termination-log").read_text())
        return told


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    for name in ("input", "output", "work", "sources", "credentials/smtp"):
        (tmp_path / name).mkdir(parents=True)
    credentials = tmp_path / "credentials"
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.cert_pem.write_to_path(str(credentials / "ca.crt"))
    (credentials / "token").write_text("t")
    runs = FakeRuns()
    routes: dict[str, Answer] = {}
    with (
        HttpServer(routes, tls=tls) as api,
        HttpServer({"/x": answer(b"a,b\n1,2\n")}) as web,
        SmtpServer() as mail,
    ):
        routes.update(api_routes(runs, lambda: api.asked[-1][3]))
        smtp = {"HOST": "127.0.0.1", "PORT": str(mail.port), "FROM_EMAIL": "r@example.com"}
        for key, value in {**smtp, "USE_TLS": "false"}.items():
            (credentials / "smtp" / f"SMTP_{key}").write_text(value)
        told = plan().to_wire()
        told["spec"]["sources"] = [
            {"name": "data", "http": {"url": web.url("/x"), "format": "CSV"}}
        ]
        environ = {
            "REPORT_PLAN": json.dumps(told),
            "REPORT_SCRIPT": "result = data",
            "RUN_NAME": NAME,
            "POD_NAME": f"{NAME}-x",
            "POD_UID": "pod-1",
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": str(api.port),
        }
        made = Room(tmp_path, environ, runs, web, mail)
        yield made
        made.host.wait(20)


def test_a_run_ends_with_zero_and_its_last_words(room: Room) -> None:
    """Logs are JSON lines; the termination message tells the same as the object."""
    runner = room.start()
    out, _ = runner.communicate(timeout=60)

    assert runner.returncode == 0
    assert room.last_words() == {
        "outcome": "Delivered",
        "reason": "Delivered",
        "message": "sent to 1 recipient",
        "rows": 1,
        "accepted": 1,
    }
    assert room.runs.body
    assert room.runs.body["status"]["outcome"] == "Delivered"
    assert len(room.mail.taken) == 1
    entries = [json.loads(line) for line in out.splitlines()]
    assert [entry["event"] for entry in entries] == [
        "started",
        "fetched",
        "script host ready",
        "result checked",
        "claimed",
        "mail handed over",
        "finished",
    ]
    assert {entry["run"] for entry in entries} == {NAME}
    assert "analyst" not in out


def test_a_failed_run_ends_with_its_code(room: Room) -> None:
    room.environ["REPORT_SCRIPT"] = "result = data.nope"
    runner = room.start()
    runner.communicate(timeout=60)

    assert runner.returncode == 13
    assert (room.last_words()["reason"], room.last_words()["line"]) == ("ScriptError", 1)


def test_a_stop_ends_a_run_at_once(room: Room) -> None:
    """While it fetches; no outcome is written, and the exit code asks for another pod."""
    room.environ["REPORT_PLAN"] = room.environ["REPORT_PLAN"].replace(
        room.web.url("/x"), room.web.url("/slow")
    )
    fetching = Path(room.folder / "fetching")
    room.web.routes["/slow"] = lambda _: (fetching.touch(), time.sleep(20))
    runner = room.start()
    wait_for(fetching.exists)
    began = time.monotonic()
    runner.send_signal(signal.SIGTERM)
    runner.communicate(timeout=60)
    room.host.kill()

    assert runner.returncode == 75
    assert room.last_words()["reason"] == "Stopped"
    assert time.monotonic() - began < 5
    assert room.mail.taken == []


def test_a_stop_while_a_mail_is_sent_lets_it_end(room: Room) -> None:
    """The server takes the mail a second after the signal, and the run is delivered."""
    room.mail.before["dot"] = lambda: (
        os.kill(runner.pid, signal.SIGTERM),
        time.sleep(1),
    )
    runner = room.start()
    runner.communicate(timeout=60)

    assert runner.returncode == 0
    assert room.last_words()["outcome"] == "Delivered"
    assert len(room.mail.taken) == 1


@pytest.mark.parametrize("spoilt", ["REPORT_PLAN", "POD_UID"])
def test_a_pod_of_another_version_says_so(room: Room, spoilt: str) -> None:
    """There is no object to write to yet: the last words have to do."""
    del room.environ[spoilt]
    runner = room.start()
    runner.communicate(timeout=60)
    room.host.kill()

    assert runner.returncode == 10
    assert room.last_words()["reason"] == "InvalidSpec"
    assert spoilt in room.last_words()["message"]


def test_an_accident_at_the_start_is_told(room: Room) -> None:
    room.environ["KUBERNETES_SERVICE_PORT"] = "none"
    runner = room.start()
    runner.communicate(timeout=60)
    room.host.kill()

    assert runner.returncode == 19
    assert room.last_words()["reason"] == "InternalError"
    assert "ValueError" in room.last_words()["message"]


def wait_for(probe: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not probe():
        assert time.monotonic() < ends
        time.sleep(0.02)

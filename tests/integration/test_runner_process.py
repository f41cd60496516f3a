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


def test_what_is_mounted_is_used(room: Room) -> None:
    """The value of a header, a file source and the script itself, each from its volume."""
    volumes = room.folder / "credentials"
    (volumes / "headers" / "data").mkdir(parents=True)
    (volumes / "headers" / "data" / "0").write_text("s3cret-key\n")
    (volumes / "script").mkdir()
    (volumes / "script" / "script.py").write_text('result = sources["more"]')
    (room.folder / "sources" / "more").mkdir()
    (room.folder / "sources" / "more" / "m.csv").write_text("c\n1\n2\n3\n")
    told = json.loads(room.environ["REPORT_PLAN"])
    ref = {"secretKeyRef": {"name": "report-api", "key": "k"}}
    told["spec"]["sources"][0]["http"]["headers"] = [{"name": "X-Key", "valueFrom": ref}]
    file = {"configMap": {"name": "more"}, "path": "m.csv", "format": "CSV"}
    told["spec"]["sources"].append({"name": "more", "file": file})
    told["spec"]["script"] = {"configMapKeyRef": {"name": "scripts", "key": "x.py"}}
    room.environ["REPORT_PLAN"] = json.dumps(told)
    runner = room.start()
    out, _ = runner.communicate(timeout=60)

    assert (runner.returncode, room.last_words()["rows"]) == (0, 3)
    assert room.web.asked[0][2]["x-key"] == "s3cret-key"
    assert "s3cret" not in out


@pytest.mark.parametrize(
    ("lost", "reason", "named"),
    [
        ("smtp", "SmtpNotConfigured", "Secret report-smtp"),
        ("smtp/SMTP_FROM_EMAIL", "SmtpNotConfigured", "lacks SMTP_FROM_EMAIL"),
    ],
)
def test_a_missing_secret_is_named(room: Room, lost: str, reason: str, named: str) -> None:
    """On the object and in the last words; the pod does not wait for anybody."""
    path = room.folder / "credentials" / lost
    for key in path.iterdir() if path.is_dir() else [path]:
        key.unlink()
    runner = room.start()
    runner.communicate(timeout=60)

    assert runner.returncode == 10
    assert room.last_words()["reason"] == reason
    assert named in room.last_words()["message"]
    assert room.runs.body
    assert room.runs.body["status"]["reason"] == reason


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


KILL_POINTS = [
    # Where the first pod dies; whether the second one sends; how many mails there are in all.
    *[(f"api {point}", True, 1) for point in ("get", "create", "claim before")],
    ("fetch", True, 1),
    ("api claim after", False, 0),
    *[(f"smtp {phase}", False, 0) for phase in ("banner", "EHLO", "MAIL", "RCPT", "DATA")],
    *[(f"smtp {phase}", False, 1) for phase in ("dot", "QUIT")],
    ("api record before", False, 1),
    ("api record after", False, 1),
]


@pytest.mark.parametrize(("point", "is_sent_again", "mails"), KILL_POINTS)
def test_a_pod_that_dies_anywhere_leaves_at_most_one_mail(
    room: Room, point: str, is_sent_again: bool, mails: int
) -> None:
    """Another pod takes over: it sends where nothing can have been sent, and else says so."""
    first: list[subprocess.Popen[str]] = []

    def die() -> None:
        while first and first[0].poll() is None:
            first[0].kill()
            first[0].wait()

    lay_trap(room, point, die)
    first.append(room.start())
    first[0].wait(60)
    room.host.kill()
    room.host.wait(30)
    first_died = first[0].returncode == -signal.SIGKILL
    for name in ("input", "output", "work"):
        clear(room.folder / name)
    room.environ |= {"POD_NAME": f"{NAME}-y", "POD_UID": "pod-2"}
    second = room.start()
    second.communicate(timeout=60)

    assert first_died
    results = [mail for mail in room.mail.taken if b"Subject: Job Results" in mail.data]
    assert len(results) == mails
    words = room.last_words()
    if is_sent_again or point == "api record after":
        assert (second.returncode, words["outcome"]) == (0, "Delivered")
    else:
        assert (second.returncode, words["reason"]) == (18, "DeliveryUnknown")


def lay_trap(room: Room, point: str, die: Callable[[], None]) -> None:
    """Have *die* called once, when the runner gets to *point*."""
    kind, _, place = point.partition(" ")
    armed = [True]

    def once() -> None:
        if armed:
            armed.clear()
            die()

    if kind == "smtp":
        room.mail.before[place] = once
    elif kind == "fetch":
        good = room.web.routes["/x"]
        room.web.routes["/x"] = lambda request: (once(), good(request))
    elif place in ("get", "create"):
        act = getattr(room.runs, place)
        setattr(room.runs, place, lambda *told: (once(), act(*told))[1])
    else:
        trap_patch(room.runs, place, once)


def trap_patch(runs: FakeRuns, place: str, once: Callable[[], None]) -> None:
    which, _, side = place.partition(" ")
    number = {"claim": 1, "record": 2}[which]
    patch, calls = runs.patch_status, []

    def patch_status(name: str, told: Any) -> Any:
        calls.append(name)
        if len(calls) == number and side == "before":
            once()
            raise ApiError(500, "the client is gone")
        done = patch(name, told)
        if len(calls) == number and side == "after":
            once()
        return done

    runs.patch_status = patch_status  # type: ignore[method-assign]


def clear(folder: Path) -> None:
    """Empty a folder, as a new pod finds it."""
    for path in folder.iterdir():
        path.unlink()


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

"""A whole run on this machine: real fetch, real sandbox, real SMTP; only the cluster is missing."""

import email
import email.policy
import json
import ssl
import time
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import trustme

from http_server import HttpServer, answer
from report_cases import PLAINEST
from report_runner.local import run_local
from report_runner.settings import SmtpSettings
from report_types.outcome import Outcome, Reason
from report_types.report import ScheduledReport
from report_types.run import RunResult
from smtp_server import HANG_UP, SmtpServer

SALES = {"items": [{"category": c, "amount": n} for n, c in enumerate("abcab" * 20)]}
SUM = 'result = data.groupby("category", as_index=False)["amount"].sum()'
Run = Callable[..., RunResult]


def report(**spec: Any) -> ScheduledReport:
    no_waits = {"fetch": {"limit": 0}, "delivery": {"limit": 1, "backoffSeconds": 0}}
    told = {**PLAINEST["spec"], "retry": no_waits, "script": {"inline": SUM}, **spec}
    return ScheduledReport.model_validate({**PLAINEST, "spec": told})


def mail_of(data: bytes) -> EmailMessage:
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def settings_for(server: SmtpServer, **more: Any) -> SmtpSettings:
    told = {"host": "127.0.0.1", "port": server.port, "sender": "r@example.com", "tls": "none"}
    return SmtpSettings(**{**told, **more})


@pytest.fixture
def sales(tmp_path: Path) -> dict[str, Path]:
    path = tmp_path / "sales.json"
    path.write_text(json.dumps(SALES))
    return {"data": path}


@pytest.fixture
def run(tmp_path: Path, sales: dict[str, Path]) -> Run:
    """Run a report on a local file into the folder ``out``, without its print on the screen."""

    def run_it(spec: ScheduledReport, **more: Any) -> RunResult:
        with (tmp_path / "printed").open("w+b") as printed:
            told = {"out": tmp_path / "out", "files": sales, "script_output": printed, **more}
            return run_local(spec, **told)

    return run_it


def test_a_report_goes_from_its_source_to_the_inbox(run: Run) -> None:
    """Fetched by HTTP, run behind walls, mailed over TLS with a login: with the right numbers."""
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    ca = authority.cert_pem.bytes().decode()
    more = {"tls": "starttls", "user": "me", "password": "pw1234", "ca_certificates": ca}
    entries: list[Any] = []
    with (
        HttpServer({"/sales": answer(json.dumps(SALES).encode())}) as web,
        SmtpServer(tls=tls, user=("me", "pw1234")) as server,
    ):
        http = {
            "url": web.url("/sales"),
            "format": "JSON",
            "recordsPath": "items",
            "headers": [
                {
                    "name": "X-Key",
                    "valueFrom": {"secretKeyRef": {"name": "report-api", "key": "k"}},
                }
            ],
        }
        result = run(
            report(sources=[{"name": "data", "http": http}]),
            files={},
            secrets={("report-api", "k"): "s3cret-key\n"},
            smtp=settings_for(server, **more),
            on_log=entries.append,
        )

    assert (result.outcome, result.reason) == (Outcome.DELIVERED, Reason.DELIVERED)
    assert web.asked[0][2]["x-key"] == "s3cret-key"
    (taken,) = server.taken
    (attachment,) = mail_of(taken.data).iter_attachments()
    expected = pd.DataFrame(SALES["items"]).groupby("category", as_index=False)["amount"].sum()
    assert attachment.get_payload(decode=True) == expected.to_csv(index=False).encode()
    assert (result.rows, result.columns) == (3, ["category", "amount"])
    assert result.sandbox
    assert result.sandbox.confined
    assert [row.state.value for row in result.deliveries] == ["accepted"]
    seconds = result.duration_seconds
    assert None not in (seconds.fetch, seconds.script, seconds.render, seconds.delivery)
    told = json.dumps(entries)
    assert "finished" in told
    for hidden in ("s3cret-key", "pw1234", "analyst@example.com"):
        assert hidden not in told


def test_without_a_mail_server_the_mail_is_a_file(run: Run, tmp_path: Path) -> None:
    """The CSV and the mail lie in the folder, and the message says that nothing was sent."""
    result = run(report())

    (csv,) = result.files
    assert (tmp_path / "out" / csv.name).stat().st_size == csv.bytes
    (path,) = (tmp_path / "out").glob("*.eml")
    message = mail_of(path.read_bytes())
    assert message["To"] == "analyst@example.com"
    assert "not sent" in result.message
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted([csv.name, path.name])


def test_a_formula_is_escaped_and_told(run: Run) -> None:
    result = run(report(script={"inline": 'result = pd.DataFrame({"x": ["=1+1", "-5"]})'}))

    assert result.outcome == Outcome.DELIVERED
    assert any("1 cell looked like a formula" in warning for warning in result.warnings)


def test_a_script_from_a_config_map_is_given(run: Run) -> None:
    ref = {"configMapKeyRef": {"name": "scripts", "key": "x.py"}}

    assert run(report(script=ref), script="result = data").rows == 100


FAILURES = [
    pytest.param(
        {"script": {"configMapKeyRef": {"name": "scripts", "key": "x.py"}}},
        Reason.SCRIPT_MISSING, 10, ["spec.script.configMapKeyRef", "scripts", "x.py"],
        id="script-missing",
    ),
    pytest.param(
        {"script": {"inline": "x = 1\nresult = data.nope"}},
        Reason.SCRIPT_ERROR, 13, ["line 2", "result = data.nope"], id="script-error",
    ),
    pytest.param(
        {"script": {"inline": "result = ("}}, Reason.SCRIPT_ERROR, 13, ["line 1"], id="syntax"
    ),
    pytest.param(
        {"script": {"inline": "x = 1"}}, Reason.RESULT_INVALID, 16, ["`result`"], id="no-result"
    ),
    pytest.param(
        {"script": {"inline": "while True: pass", "timeoutSeconds": 1}},
        Reason.SCRIPT_TIMEOUT, 14, ["spec.script.timeoutSeconds"], id="script-timeout",
    ),
    pytest.param(
        {"script": {"inline": "x = 'x' * 10**9"}, "resources": {"limits": {"memory": "256Mi"}}},
        Reason.OUT_OF_MEMORY, 15, ["spec.resources.limits.memory"], id="memory",
    ),
    pytest.param(
        {"script": {"inline": 'result = pd.DataFrame({"x": ["\\0"]})'}},
        Reason.RESULT_INVALID, 16, ["NUL"], id="nul",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "reason", "code", "named"), FAILURES)
def test_a_failure_is_told_with_the_way_out(
    run: Run, tmp_path: Path, spec: dict[str, Any], reason: Reason, code: int, named: list[str]
) -> None:
    """By reason, message and exit code, and by a mail to the readers that holds no data."""
    result = run(report(**spec))

    assert (result.outcome, result.reason) == (Outcome.FAILED, reason)
    assert result.reason.exit_code == code
    for word in named:
        assert word in result.message
    (path,) = (tmp_path / "out").glob("*-failed.eml")
    message = mail_of(path.read_bytes())
    assert message["Subject"].startswith("Job Failed: daily-sales - ")
    assert reason in message.get_content()
    assert "Traceback" not in message.get_content()
    assert not list(message.iter_attachments())


def source(**http: Any) -> list[dict[str, Any]]:
    told = {"url": "http://127.0.0.1:9/x", "format": "JSON", **http}
    return [{"name": "data", "http": told}]


SOURCES = [
    pytest.param(source(), Reason.SOURCE_UNREACHABLE, ["127.0.0.1:9", "url"], id="unreachable"),
    pytest.param(
        source(url="{404}"), Reason.SOURCE_REJECTED, ["answered 404", "path in url"], id="404"
    ),
    pytest.param(
        source(url="{html}"), Reason.SOURCE_INVALID, ["web page", "JSON"], id="html"
    ),
    pytest.param(
        source(url="{bad}"), Reason.SOURCE_INVALID, ['source "data"'], id="broken-json"
    ),
    pytest.param(
        source(url="{good}", recordsPath="rows"),
        Reason.SOURCE_INVALID, ["recordsPath", "rows"], id="records-path",
    ),
    pytest.param(
        source(url="{good}", maxSize="10"),
        Reason.SOURCE_TOO_LARGE, ["http.maxSize"], id="too-large",
    ),
    pytest.param(
        source(
            headers=[
                {
                    "name": "X-Key",
                    "valueFrom": {"secretKeyRef": {"name": "report-api", "key": "k"}},
                }
            ]
        ),
        Reason.SECRET_MISSING, ["report-api", "the key k", "X-Key"], id="secret-missing",
    ),
    pytest.param(
        [
            {
                "name": "data",
                "file": {"configMap": {"name": "x"}, "path": "nope.csv", "format": "CSV"},
            }
        ],
        Reason.SOURCE_MISSING, ["nope.csv", "file.path"], id="file-missing",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("sources", "reason", "named"), SOURCES)
def test_a_source_that_cannot_be_had_is_named(
    run: Run, sources: list[dict[str, Any]], reason: Reason, named: list[str]
) -> None:
    routes = {
        "/404": answer(status=404),
        "/html": answer(b"<!doctype html>"),
        "/bad": answer(b'{"items": ['),
        "/good": answer(json.dumps(SALES).encode()),
    }
    with HttpServer(routes) as web:
        text = json.dumps(sources)
        for path in routes:
            text = text.replace("{" + path[1:] + "}", web.url(path))
        result = run(report(sources=json.loads(text)), files={})

    assert (result.outcome, result.reason) == (Outcome.FAILED, reason)
    assert result.reason.exit_code in (10, 11)
    for word in ("data", *named):
        assert word in result.message


def test_one_source_that_fails_does_not_wait_for_the_others(run: Run) -> None:
    """The run ends with the first failure, and names its source."""
    with HttpServer({"/slow": lambda _: time.sleep(20), "/gone": answer(status=404)}) as web:
        sources = [*source(url=web.url("/slow")), {**source()[0], "name": "gone"}]
        sources[1]["http"] = {**sources[1]["http"], "url": web.url("/gone")}
        began = time.monotonic()
        result = run(report(sources=sources), files={})

    assert "spec.sources[gone]" in result.message
    assert time.monotonic() - began < 10


MAIL = [
    pytest.param(
        {"RCPT": "550 5.1.1 no"}, Outcome.FAILED, Reason.SMTP_REJECTED, 17, ["refused"],
        id="all-refused",
    ),
    pytest.param(
        {"RCPT b@example.com": "550 5.1.1 no"},
        Outcome.PARTIALLY_DELIVERED, Reason.RECIPIENTS_REFUSED, 17, ["accepted", "refused"],
        id="one-refused",
    ),
    pytest.param(
        {"RCPT b@example.com": ["450 4.2.0 later", "250 ok"]},
        Outcome.DELIVERED, Reason.DELIVERED, 0, ["accepted"], id="one-later",
    ),
    pytest.param(
        {"MAIL": ["451 4.3.0 later", "250 ok"]},
        Outcome.DELIVERED, Reason.DELIVERED, 0, ["accepted"], id="later",
    ),
    pytest.param(
        {"DATA": HANG_UP}, Outcome.FAILED, Reason.SMTP_UNREACHABLE, 17, ["deferred"], id="cut"
    ),
    pytest.param(
        {"dot": [HANG_UP, "250 ok"]},
        Outcome.FAILED, Reason.DELIVERY_UNKNOWN, 18, ["unknown"], id="unknown",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("replies", "outcome", "reason", "code", "states"), MAIL)
def test_what_the_mail_server_says_is_what_is_told(
    run: Run,
    replies: dict[str, Any],
    outcome: Outcome,
    reason: Reason,
    code: int,
    states: list[str],
) -> None:
    """Nobody gets the mail twice, and each row says what became of its recipient."""
    to = {"email": {"to": ["a@example.com", "b@example.com"]}}
    with SmtpServer(replies=replies) as server:
        result = run(report(delivery=to), smtp=settings_for(server))

    assert (result.outcome, result.reason) == (outcome, reason)
    assert result.reason.exit_code == code
    rows = [row for row in result.deliveries if row.role != "failure"]
    assert sorted({row.state.value for row in rows}) == sorted(states)
    assert "example.com" not in result.message
    got = [
        who
        for mail in server.taken
        if "Job Results" in mail_of(mail.data)["Subject"]
        for who in mail.recipients
    ]
    assert len(got) == len(set(got)) == [row.state.value for row in rows].count("accepted")


def test_failures_are_told_to_those_who_asked(run: Run) -> None:
    notices = [{"name": "ops", "events": ["Failed"], "email": {"to": ["ops@example.com"]}}]
    with SmtpServer() as server:
        result = run(
            report(script={"inline": "1/0"}, notifications=notices), smtp=settings_for(server)
        )

    (taken,) = server.taken
    assert taken.recipients == ["ops@example.com"]
    assert [(row.role, row.state.value) for row in result.deliveries] == [("failure", "accepted")]


def test_a_failure_mail_that_fails_changes_nothing(run: Run) -> None:
    with SmtpServer(replies={"RCPT": "550 no"}) as server:
        result = run(report(script={"inline": "1/0"}), smtp=settings_for(server))

    assert result.reason == Reason.SCRIPT_ERROR
    assert [row.state.value for row in result.deliveries] == ["refused"]

"""Each class of failure ends in its reason, condition, exit code and mail."""

from typing import Any

import pytest

pytestmark = pytest.mark.cluster


def _http(stage: Any, path: str, **more: Any) -> dict[str, Any]:
    http = {"url": stage.source(path), "format": "JSON", **more}
    return {"sources": [{"name": "data", "http": http}]}


def _email(stage: Any, *to: str, **more: Any) -> dict[str, Any]:
    return {"delivery": {"email": {"to": [stage.address(name) for name in to], **more}}}


# What is wrong, the script or spec that shows it, and the reason, the exit code and the words of
# the message that name the field or the way out. Every one of them tells the readers by mail.
FAILURES: dict[str, tuple[Any, str, int, str]] = {
    "not found": (lambda s: _http(s, "status/404"), "SourceRejected", 11, "404"),
    "server error": (lambda s: _http(s, "status/503"), "SourceUnreachable", 11, "503"),
    "unreachable": (
        lambda s: {
            "sources": [
                {"name": "data", "http": {"url": "http://nowhere.invalid/", "format": "CSV"}}
            ]
        },
        "SourceUnreachable",
        11,
        "nowhere.invalid",
    ),
    "slow": (
        lambda s: _http(s, "slow?seconds=8", timeoutSeconds=1),
        "SourceTimeout",
        11,
        "timeoutSeconds",
    ),
    "html": (lambda s: _http(s, "html"), "SourceInvalid", 11, "data"),
    "too large": (
        lambda s: _http(s, "flights.csv", format="CSV", maxSize="1Mi"),
        "SourceTooLarge",
        11,
        "maxSize",
    ),
    "no such file": (
        lambda s: {
            "sources": [
                {
                    "name": "data",
                    "file": {"configMap": {"name": "none"}, "path": "a.csv", "format": "CSV"},
                }
            ]
        },
        "SourceMissing",
        11,
        "none",
    ),
    "no such script": (
        lambda s: {"script": {"configMapKeyRef": {"name": "none", "key": "a.py"}}},
        "ScriptMissing",
        10,
        "none",
    ),
    "no such secret": (
        lambda s: _http(
            s,
            "stocks.json",
            headers=[
                {"name": "A", "valueFrom": {"secretKeyRef": {"name": "report-none", "key": "k"}}}
            ],
        ),
        "SecretMissing",
        10,
        "report-none",
    ),
    "exception": (
        lambda s: {"script": {"inline": "x = 1\nresult = data['no']"}},
        "ScriptError",
        13,
        "line 2",
    ),
    "syntax": (lambda s: {"script": {"inline": "result ="}}, "ScriptError", 13, "line 1"),
    "no result": (lambda s: {"script": {"inline": "x = 1"}}, "ResultInvalid", 16, "result"),
    "not a table": (
        lambda s: {"script": {"inline": "result = {'a': 1}"}},
        "ResultInvalid",
        16,
        "dict",
    ),
    "endless": (
        lambda s: {"script": {"inline": "while True: pass", "timeoutSeconds": 2}},
        "ScriptTimeout",
        14,
        "timeoutSeconds",
    ),
    "memory": (
        lambda s: {"script": {"inline": "result = pd.DataFrame({'a': np.ones(10**9)})"}},
        "OutOfMemory",
        15,
        "memory",
    ),
    "network": (
        lambda s: {
            "script": {
                "inline": "import socket\nsocket.create_connection(('10.96.0.1', 443))\nresult = 1"
            }
        },
        "ScriptError",
        13,
        "line 2",
    ),
}


@pytest.mark.parametrize("case", FAILURES)
def test_failure_is_told_where_the_user_looks(stage: Any, case: str) -> None:
    """
    Reason and message stand on the run and the report; the readers get one mail without data.
    """
    change, reason, code, words = FAILURES[case]
    stage.apply(stage.report("fails", **change(stage)))
    run = stage.run_now("fails")

    status = stage.finished(run)
    report = stage.rolled_up("fails", run)

    assert ("Failed", reason) == (status["outcome"], status["reason"]), status.get("message")
    assert words in status["message"]
    assert (reason, 1) == (report["lastRun"]["reason"], report["consecutiveFailures"])
    condition = stage.condition("fails", "Succeeding")
    assert ("False", reason) == (condition["status"], condition["reason"])
    assert code == stage.exit_code(run)
    (mail,) = stage.inbox.mails()
    assert mail["subject"].startswith("Job Failed: fails - ")
    assert words in " ".join(mail["text"].split())
    assert [] == mail["attachments"]
    assert "Traceback" not in mail["text"]


def test_failure_goes_to_those_who_look_after_the_report(stage: Any) -> None:
    """
    With a notification for `Failed`, the readers are left in peace.
    """
    owners = {"name": "owners", "events": ["Failed"], "email": {"to": [stage.address("owner")]}}
    stage.apply(stage.report("owned", "result = nothing", notifications=[owners]))
    stage.finished(stage.run_now("owned"))

    assert [[stage.address("owner")]] == [mail["to"] for mail in stage.inbox.mails()]


def test_refused_recipient_makes_the_delivery_partial(stage: Any) -> None:
    """
    The others get their mail; the run says who did not, and why, by code.
    """
    stage.apply(stage.report("partly", **_email(stage, "reader", "refuse")))
    run = stage.run_now("partly")
    status = stage.finished(run)

    rows = {row["recipient"]: (row["state"], row.get("code")) for row in status["deliveries"]}
    assert "PartiallyDelivered" == status["outcome"]
    assert {
        stage.address("reader"): ("accepted", 250),
        stage.address("refuse"): ("refused", 550),
    } == rows
    assert 17 == stage.exit_code(run)
    assert 1 == len([m for m in stage.inbox.mails() if m["attachments"]])


@pytest.mark.parametrize(
    ("secret", "reason", "words"),
    [
        ({"SMTP_HOST": "mail-catcher.e2e-parts", "SMTP_PORT": "1026"}, "SmtpUnreachable", "1026"),
        (
            {"SMTP_HOST": "mail-catcher.e2e-parts", "SMTP_PORT": "x"},
            "SmtpNotConfigured",
            "SMTP_PORT",
        ),
        ({"SMTP_PORT": "25"}, "SmtpNotConfigured", "SMTP_HOST"),
        (
            {"SMTP_HOST": "mail-catcher.e2e-parts", "SMTP_PORT": "1025", "SMTP_USE_TLS": "true"},
            "SmtpTlsFailed",
            "STARTTLS",
        ),
        (
            {
                "SMTP_HOST": "mail-catcher.e2e-parts",
                "SMTP_PORT": "1025",
                "SMTP_USER": "u",
                "SMTP_PASSWORD": "hunter2",
            },
            "SmtpNotConfigured",
            "SMTP_USE_TLS",
        ),
    ],
)
def test_mail_server_trouble_is_told_on_the_report(
    stage: Any, secret: dict[str, str], reason: str, words: str
) -> None:
    """
    Where no mail can be sent, the condition says what to change in which Secret.
    """
    data = {"SMTP_FROM_EMAIL": "reports@example.com", "SMTP_USE_TLS": "false", **secret}
    smtp = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "report-other"},
        "stringData": data,
    }
    stage.apply(
        smtp,
        stage.report("mute", **_email(stage, "reader", smtpSecretRef={"name": "report-other"})),
    )
    run = stage.run_now("mute")
    status = stage.finished(run)
    stage.rolled_up("mute", run)

    assert ("Failed", reason) == (status["outcome"], status["reason"]), status
    assert words in status["message"]
    assert "hunter2" not in str(stage.get("srep,rrun,events"))
    assert reason == stage.condition("mute", "Succeeding")["reason"]
    assert [] == stage.inbox.mails()


def test_quota_that_lets_no_pod_start_shows_within_a_minute(stage: Any, eventually: Any) -> None:
    """
    A run that cannot start is a condition on its report, which names the cause.
    """
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "none"},
        "spec": {"hard": {"pods": "0"}},
    }
    stage.apply(quota, stage.report("stuck"))
    run = stage.run_now("stuck")

    blocked = eventually(lambda: stage.condition("stuck", "RunBlocked"), 60, "RunBlocked")
    assert ("True", "QuotaExceeded") == (blocked["status"], blocked["reason"])
    assert run in blocked["message"]

    stage.cluster.kubectl("-n", stage.namespace, "delete", "quota", "none")
    assert "Delivered" == stage.finished(run, 120)["outcome"]
    eventually(lambda: not stage.condition("stuck", "RunBlocked"), 30, "the condition's end")


def test_missing_volume_shows_within_a_minute(stage: Any, eventually: Any) -> None:
    """
    The claim that is not there is named.
    """
    file = {
        "persistentVolumeClaim": {"claimName": "no-such-claim"},
        "path": "a.csv",
        "format": "CSV",
    }
    stage.apply(stage.report("volume", sources=[{"name": "data", "file": file}]))
    stage.run_now("volume")

    blocked = eventually(lambda: stage.condition("volume", "RunBlocked"), 60, "RunBlocked")
    assert "Unschedulable" == blocked["reason"]
    assert "no-such-claim" in blocked["message"]

"""The settings of the mail server and of the pod: what is wrong is said with its name."""

import json
from pathlib import Path

import pytest

from report_cases import PLAINEST
from report_runner.settings import PodSettings, SmtpSettings
from report_types.outcome import Reason, RunError
from report_types.plan import SandboxPolicy, plan_of
from report_types.report import ScheduledReport
from report_types.run import Trigger

GOOD = {"SMTP_HOST": "mail.example.com", "SMTP_FROM_EMAIL": "reports@example.com"}


def read(**values: str) -> SmtpSettings:
    return SmtpSettings.from_values({**GOOD, **values}, "Secret report-smtp")


def test_host_and_sender_are_enough() -> None:
    """Without more, mail is submitted on 587 with STARTTLS."""
    settings = read()

    assert (settings.host, settings.port, settings.tls) == ("mail.example.com", 587, "starttls")


@pytest.mark.parametrize(
    ("values", "tls"),
    [
        ({"SMTP_PORT": "465"}, "implicit"),
        ({"SMTP_PORT": "25"}, "starttls"),
        ({"SMTP_USE_TLS": "True"}, "starttls"),
        ({"SMTP_USE_TLS": "false"}, "none"),
        ({"SMTP_USE_TLS": "no", "SMTP_PORT": "1025"}, "none"),
    ],
)
def test_encryption_follows_from_port_and_switch(values: dict[str, str], tls: str) -> None:
    assert read(**values).tls == tls


def test_line_breaks_at_the_end_of_a_secret_are_none_of_it() -> None:
    settings = read(SMTP_HOST="mail.example.com\n", SMTP_USER="me\n", SMTP_PASSWORD="pw\n")

    assert (settings.host, settings.user, settings.password) == ("mail.example.com", "me", "pw")


def test_a_sender_may_have_a_name() -> None:
    settings = read(SMTP_FROM_EMAIL="The Reports <reports@example.com>")

    assert (settings.sender_name, settings.sender) == ("The Reports", "reports@example.com")


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"SMTP_HOST": ""}, "SMTP_HOST"),
        ({"SMTP_HOST": " ", "SMTP_FROM_EMAIL": ""}, "SMTP_HOST, SMTP_FROM_EMAIL"),
        ({"SMTP_USER": "me"}, "SMTP_PASSWORD"),
        ({"SMTP_PASSWORD": "pw"}, "SMTP_USER"),
        ({"SMTP_PORT": "smtp"}, "SMTP_PORT"),
        ({"SMTP_PORT": "70000"}, "SMTP_PORT"),
        ({"SMTP_USE_TLS": "maybe"}, "SMTP_USE_TLS"),
        ({"SMTP_FROM_EMAIL": "reports"}, "SMTP_FROM_EMAIL"),
        ({"SMTP_FROM_EMAIL": "a@example.com, b@example.com"}, "SMTP_FROM_EMAIL"),
        ({"SMTP_HOST": "a\nb"}, "SMTP_HOST"),
        ({"SMTP_USE_TLS": "false", "SMTP_USER": "me", "SMTP_PASSWORD": "pw"}, "in the clear"),
        ({"SMTP_CA_CERT": "no certificate"}, "SMTP_CA_CERT"),
    ],
)
def test_what_is_wrong_is_named(values: dict[str, str], named: str) -> None:
    with pytest.raises(RunError) as caught:
        read(**values)

    assert caught.value.reason == Reason.SMTP_NOT_CONFIGURED
    assert named in caught.value.message
    assert "Secret report-smtp" in caught.value.message
    assert "pw" not in caught.value.message


def test_a_password_is_not_in_the_settings_own_text() -> None:
    assert "pw12" not in repr(read(SMTP_USER="me", SMTP_PASSWORD="pw12"))


def environ(**more: str) -> dict[str, str]:
    report = ScheduledReport.model_validate(PLAINEST)
    plan = plan_of(report, Trigger.SCHEDULE, SandboxPolicy()).to_wire()
    names = {"RUN_NAME": "r-1", "POD_NAME": "r-1-x", "POD_UID": "u"}
    return {"REPORT_PLAN": json.dumps(plan), "REPORT_SCRIPT": "result = data", **names, **more}


def test_a_pod_is_told_by_its_variables() -> None:
    pod = PodSettings.from_environ(environ(), Path("/nowhere"))

    assert (pod.run_name, pod.script, pod.plan.report.name) == (
        "r-1",
        "result = data",
        "daily-sales",
    )


def test_a_plan_of_a_newer_operator_is_read() -> None:
    plan = json.loads(environ()["REPORT_PLAN"])
    plan["spec"]["newField"] = 1

    told = PodSettings.from_environ(environ(REPORT_PLAN=json.dumps(plan)), Path("/nowhere"))
    assert told.plan.report.name == "daily-sales"


@pytest.mark.parametrize(
    ("plan", "named"),
    [("", "not JSON"), ("[]", "REPORT_PLAN"), ('{"trigger": "Manual"}', "report")],
)
def test_a_plan_that_is_none_is_told(plan: str, named: str) -> None:
    with pytest.raises(RunError) as caught:
        PodSettings.from_environ(environ(REPORT_PLAN=plan), Path("/nowhere"))

    assert caught.value.reason == Reason.INVALID_SPEC
    assert named in caught.value.message


def test_a_variable_that_is_not_set_is_named() -> None:
    told = environ()
    del told["POD_UID"]
    with pytest.raises(RunError, match="POD_UID"):
        PodSettings.from_environ(told, Path("/nowhere"))

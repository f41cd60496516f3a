"""Outcomes, quantities, placeholders, plans: the small pieces of the contract."""

from decimal import Decimal

import pytest

from report_types.outcome import PERMANENT_EXIT_CODES, Outcome, Reason
from report_types.plan import SandboxPolicy, plan_of
from report_types.quantity import parse_quantity, to_bytes
from report_types.report import ScheduledReport
from report_types.run import DeliveryState, Trigger
from report_types.template import fill

REPORT = ScheduledReport.model_validate(
    {
        "metadata": {"name": "a", "namespace": "n", "uid": "u", "generation": 3},
        "spec": {
            "schedule": "09:00",
            "sources": [{"name": "data", "http": {"url": "http://x.example/", "format": "CSV"}}],
            "script": {"inline": "result = data  # $(SECRET)"},
            "delivery": {"email": {"to": ["a@example.com"]}},
        },
    }
)


@pytest.mark.parametrize("reason", list(Reason))
def test_exit_code_tells_whether_another_pod_may_help(reason: Reason) -> None:
    """
    Final failures use 10 to 19, which fail the Job; only 0 is success and only 75 asks for more.
    """
    if reason is Reason.DELIVERED:
        assert 0 == reason.exit_code
    elif reason in (Reason.API_UNAVAILABLE, Reason.STOPPED):
        assert 75 == reason.exit_code
    else:
        assert reason.exit_code in PERMANENT_EXIT_CODES


def test_partial_delivery_is_no_success() -> None:
    """
    Somebody did not get the report, so somebody has to do something.
    """
    assert [Outcome.DELIVERED, Outcome.SKIPPED] == [o for o in Outcome if o.is_success]


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1), ("500m", Decimal("0.5")), ("1.5", Decimal("1.5")), ("2Gi", 2**31), ("3k", 3000)],
)
def test_quantity_is_a_number(text: str, number: Decimal) -> None:
    """
    Units are those of Kubernetes.
    """
    assert number == parse_quantity(text)


@pytest.mark.parametrize("text", ["", "x", "1x", "-1", "1 Mi", "1e3", "Mi"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    """
    The error shows how to write one.
    """
    with pytest.raises(ValueError, match="such as 500m or 512Mi"):
        parse_quantity(text)


def test_memory_is_whole_bytes() -> None:
    """
    A part of a byte is cut off.
    """
    assert 512 * 2**20 == to_bytes("512Mi")


def test_placeholders_are_replaced() -> None:
    """
    Only what the template names is put in, and braces elsewhere stay.
    """
    text = fill(
        "{{ report.name }}: {{result.rows}} rows {x}", {"report.name": "a", "result.rows": 3}
    )

    assert "a: 3 rows {x}" == text


def test_value_with_braces_is_not_filled_again() -> None:
    """
    What is put in is text, never another template.
    """
    assert "{{ run.name }}" == fill("{{ report.name }}", {"report.name": "{{ run.name }}"})


def test_plan_leaves_the_inline_script_to_its_own_variable() -> None:
    """
    The script would otherwise count twice against the size of a pod's variables.
    """
    plan = plan_of(REPORT, Trigger.SCHEDULE, SandboxPolicy())

    assert "SECRET" not in plan.model_dump_json()
    assert ("a", "n", "u", 3) == (
        plan.report.name,
        plan.report.namespace,
        plan.report.uid,
        plan.report.generation,
    )


def test_rows_that_may_be_tried_again_are_not_final() -> None:
    """
    `deferred` is for another attempt; `unknown` waits for a person.
    """
    assert {"accepted", "refused", "unknown"} == {s for s in DeliveryState if s.is_final}

"""What the demo tells about a run while it waits."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from report_demo.runs import describe
from report_types.names import API_VERSION, RUN_KIND
from report_types.run import ReportRun

SLOT = datetime(2026, 11, 22, 12, 5, tzinfo=UTC)
ROW = {"recipient": "a@example.com", "role": "to", "state": "sending"}


def make_run(**status: Any) -> ReportRun:
    return ReportRun.model_validate(
        {
            "apiVersion": API_VERSION,
            "kind": RUN_KIND,
            "metadata": {"name": "sales-1"},
            "spec": {"reportRef": {"name": "sales"}},
            "status": status,
        }
    )


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (make_run(), "created"),
        (make_run(deliveries=[ROW]), "sends the mail"),
        (make_run(outcome="Delivered", reason="Delivered", rows=5), "Delivered, 5 rows"),
        (
            make_run(outcome="Failed", reason="ScriptError", message="line 1: no"),
            "Failed: ScriptError, line 1: no",
        ),
    ],
)
def test_a_run_is_told_in_a_few_words(run: ReportRun, said: str) -> None:
    assert said == describe(run, SLOT, SLOT)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (59.5, "due within 60 s, at 12:05 UTC"),
        (40, "due within 40 s, at 12:05 UTC"),
        (0.1, "due within 20 s, at 12:05 UTC"),
        (0, "due now"),
        (-5, "due now"),
    ],
)
def test_a_run_that_is_not_there_yet_is_due_in_so_long(seconds: float, said: str) -> None:
    assert said == describe(None, SLOT - timedelta(seconds=seconds), SLOT)

"""
How a run ended, told three ways: in the ReportRun's status, in the pod's termination message, by
the exit code.
"""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from report_runner.smtp_problems import Problem, Verdict
from report_types.outcome import Outcome, Reason
from report_types.run import DeliveryRow, DeliveryState, RunResult

MAX_TERMINATION_MESSAGE: Final = 1024
"""Bytes that Kubernetes keeps for certain, whatever other containers the pod has."""

_SILENT: Final = frozenset(
    {
        # The run goes on in another pod, or nobody may claim.
        Reason.STOPPED,
        Reason.API_UNAVAILABLE,
        Reason.REPORT_NOT_FOUND,
        # The mail server would not take this mail either.
        Reason.SMTP_NOT_CONFIGURED,
        Reason.SMTP_UNREACHABLE,
        Reason.SMTP_TLS_FAILED,
        Reason.SMTP_AUTH_FAILED,
    }
)
_DIED_SENDING: Final = (
    "an earlier pod of this run ended while it was sending: the mail may have arrived or not, so "
    "it is not sent again by itself"
)
UNFINISHED: Final = frozenset({Reason.STOPPED, Reason.API_UNAVAILABLE})
"""Reasons of a pod that leaves the run to another pod, so that the run has no outcome yet."""


class Ending(NamedTuple):
    """How a run ended, before it is told."""

    outcome: Outcome
    reason: Reason
    message: str


def wants_failure_mail(ending: Ending) -> bool:
    """Whether people are to be told by mail."""
    return ending.outcome is Outcome.FAILED and ending.reason not in _SILENT


def ending_of(rows: Sequence[DeliveryRow], problem: Problem | None) -> Ending:
    """Return how a run ended whose result was to be sent: *rows* are those of its recipients."""
    rows = [row for row in rows if row.role != "failure"]
    total = len(rows)
    count = Counter(row.state for row in rows)
    accepted, unknown = count[DeliveryState.ACCEPTED], count[DeliveryState.UNKNOWN]
    if accepted == total:
        return Ending(Outcome.DELIVERED, Reason.DELIVERED, f"sent to {_recipients(total)}")
    if unknown:
        message = (
            problem.message
            if problem and problem.reason is Reason.DELIVERY_UNKNOWN
            else _DIED_SENDING
        )
        return Ending(
            Outcome.FAILED,
            Reason.DELIVERY_UNKNOWN,
            f"{message}. This concerns {unknown} of {_recipients(total)}: ask them, and create "
            "another ReportRun if it is missing",
        )
    if accepted:
        return Ending(
            Outcome.PARTIALLY_DELIVERED,
            Reason.RECIPIENTS_REFUSED,
            f"{total - accepted} of {_recipients(total)} did not get the mail "
            f"({_codes(rows)}): status.deliveries of the run shows who; correct their addresses in "
            "delivery.email, or ask whoever runs their mail server",
        )
    if problem is None:
        message = f"the mail server took the mail for nobody ({_codes(rows)}): check the addresses"
        return Ending(Outcome.FAILED, Reason.SMTP_REJECTED, message)
    return Ending(Outcome.FAILED, problem.reason, problem.message)


def termination_message(result: RunResult) -> str:
    """Return the pod's last words: ASCII JSON of at most 1 KiB, the most important fields first."""
    count = Counter(row.state.value for row in result.deliveries if row.role != "failure")
    told: dict[str, Any] = {
        "outcome": result.outcome,
        "reason": result.reason,
        "message": result.message,
        "line": result.line,
        "rows": result.rows,
        **{state: count[state] or None for state in map(str, DeliveryState)},
    }
    told = {key: value for key, value in told.items() if value is not None}
    while len(text := json.dumps(told)) > MAX_TERMINATION_MESSAGE:
        # A character may take up to twelve bytes here, and an ellipsis takes six.
        excess = (len(text) - MAX_TERMINATION_MESSAGE) // 12 + 2
        told["message"] = told["message"][:-excess].removesuffix("…") + "…"
    return text


def _recipients(total: int) -> str:
    return "1 recipient" if total == 1 else f"{total} recipients"


def _codes(rows: Sequence[DeliveryRow]) -> str:
    """Return the codes of those that did not get the mail: ``550 5.1.1, 452``."""
    codes = {
        Verdict(state=row.state, code=row.code, enhanced_code=row.enhanced_code).codes
        for row in rows
        if row.state != DeliveryState.ACCEPTED
    }
    return ", ".join(sorted(codes - {""})) or "no reply"

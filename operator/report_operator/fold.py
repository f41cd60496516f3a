"""
The status of a run whose runner could not write it: folded from its last words and the ledger.

A runner writes its outcome by itself. Where it died first, or lost the API server, what remains
are the rows of its ReportRun, the termination message of its container, which may be cut or not
be ours at all, and what the node says of the pod.
"""

import json
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from report_operator.diagnose import Finding, newest_pod
from report_operator.observed import PodSeen, RunSeen
from report_operator.pod import RUNNER
from report_types.outcome import Outcome, Reason
from report_types.run import DeliveryRow, DeliveryState, RunResult, RunStatus

_CUT_FIELD: Final = r'"{}"\s*:\s*("(?:[^"\\]|\\.)*")'
# A runner that was told to stop does not know why; the cluster does.
_KNOWN_BETTER: Final = frozenset(
    {Reason.DEADLINE_EXCEEDED, Reason.EVICTED, Reason.NODE_LOST, Reason.OUT_OF_MEMORY}
)
_MAX_WORDS: Final = 4096  # what Kubernetes keeps of a termination message


def read_last_words(pods: Iterable[PodSeen]) -> RunResult | None:
    """Return what the runner of the newest pod left in its termination message, if it is ours."""
    pod = newest_pod(pods)
    runner = next((c for c in pod.containers if c.name == RUNNER), None) if pod else None
    return parse_last_words(runner.last_words) if runner else None


def parse_last_words(text: str) -> RunResult | None:
    """Read a termination message, whole or cut short; never raises, whatever it holds."""
    text = text[:_MAX_WORDS]
    for fields in (_whole(text), _first_fields(text)):
        try:
            return RunResult.observed(fields)
        except (ValidationError, RecursionError):
            continue
    return None


def fold(run: RunSeen, words: RunResult | None, finding: Finding, ended: datetime) -> RunStatus:
    """
    Return the final status of *run*, which ended at *ended* without an outcome.

    *finding* counts where there are no *words*, or only that it was stopped. A mail that was being
    sent is `unknown`: nobody knows whether its server took it.
    """
    if words and words.reason is Reason.STOPPED and finding.reason in _KNOWN_BETTER:
        words = None
    rows = [_settle(row, words) for row in run.status.deliveries]
    if words is None:
        words = _judge(rows, finding)
    known = run.status.model_dump(exclude_none=True)
    told = words.model_dump(exclude_defaults=True)
    final = {"deliveries": rows, "completion_time": ended, "conditions": []}
    return RunStatus.model_validate({**known, **told, **final})


def _whole(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _first_fields(text: str) -> dict[str, Any]:
    """Find the fields that a runner writes first, in JSON that was cut."""
    found = {}
    for name in ("outcome", "reason", "message"):
        if match := re.search(_CUT_FIELD.format(name), text):
            found[name] = _whole(match[1])
    return found


def _settle(row: DeliveryRow, words: RunResult | None) -> DeliveryRow:
    for told in words.deliveries if words else ():
        if (told.recipient, told.role) == (row.recipient, row.role):
            row = told
    if row.state is not DeliveryState.SENDING:
        return row
    was_taken = words is not None and words.outcome is Outcome.DELIVERED
    state = DeliveryState.ACCEPTED if was_taken else DeliveryState.UNKNOWN
    return row.model_copy(update={"state": state})


def _judge(rows: list[DeliveryRow], finding: Finding) -> RunResult:
    """Tell how a run ended by its ledger: what was delivered stays so, however the runner ended."""
    states = [row.state for row in rows if row.role != "failure"]
    taken = states.count(DeliveryState.ACCEPTED)
    if states and taken == len(states):
        return RunResult(outcome=Outcome.DELIVERED, reason=Reason.DELIVERED)
    reason, message = finding.reason, finding.message
    if unknown := states.count(DeliveryState.UNKNOWN):
        reason = Reason.DELIVERY_UNKNOWN
        message = (
            f"the runner ended while sending, so {unknown} of {len(states)} recipients may or may "
            f"not have the mail; nothing is sent again by itself ({finding.message})"
        )
    outcome = Outcome.PARTIALLY_DELIVERED if taken else Outcome.FAILED
    return RunResult(outcome=outcome, reason=reason, message=message[:2000])

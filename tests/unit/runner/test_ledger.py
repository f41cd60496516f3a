"""The ledger in the cluster: no claim, no send; and nothing is claimed twice."""

from typing import Any

import pytest

from fake_runs import FINE, LOSE_ANSWER, LOSE_REQUEST, FakeRuns, ledger
from report_runner.ledger import LedgerAwayError
from report_types.outcome import Outcome, Reason, RunError
from report_types.run import DeliveryRow, DeliveryState, ReportRun, RunResult, Trigger

DELIVERED = RunResult(outcome=Outcome.DELIVERED, reason=Reason.DELIVERED, rows=3)


def row(state: str = "pending", **more: Any) -> DeliveryRow:
    return DeliveryRow(
        **{"recipient": "a@example.com", "role": "to", "state": DeliveryState(state), **more}
    )


def test_a_run_is_made_where_nobody_has() -> None:
    """It belongs to the report, carries the labels, and knows its slot."""
    api = FakeRuns()
    ledger(api).open()

    assert api.requests == ["GET", "POST"]
    assert api.body
    run = ReportRun.observed(api.body)
    (owner,) = run.metadata.owner_references
    assert (owner.kind, owner.uid, owner.controller) == ("ScheduledReport", "u-1", None)
    assert "blockOwnerDeletion" not in api.body["metadata"]["ownerReferences"][0]
    assert run.spec.report_ref.name == "daily-sales"
    assert run.spec.trigger is Trigger.SCHEDULE
    assert api.body["spec"]["scheduledTime"] == "2025-11-18T14:00:00Z"
    assert run.metadata.labels["scheduledreports.dev/report"] == "daily-sales"


def test_a_run_that_is_there_is_used() -> None:
    api = FakeRuns()
    ledger(api).open()
    api.requests.clear()
    ledger(api, "pod-2").open()

    assert api.requests == ["GET"]


def test_a_run_costs_one_claim_and_one_record() -> None:
    """GET or POST once, and two patches."""
    api = FakeRuns()
    ours = ledger(api)
    ours.open()
    rows = ours.claim([row()])
    ours.record(
        [one.model_copy(update={"state": DeliveryState.ACCEPTED}) for one in rows], DELIVERED
    )

    assert api.requests == ["GET", "POST", "PATCH", "PATCH"]
    assert api.body
    status = ReportRun.observed(api.body).status
    assert (status.outcome, status.reason, status.rows) == ("Delivered", "Delivered", 3)
    assert (status.pod_name, status.observed_generation) == ("name-of-pod-1", 7)
    assert status.start_time
    assert status.completion_time
    assert [one.state.value for one in status.deliveries] == ["accepted"]


def test_only_one_of_two_pods_claims() -> None:
    """The other one sees that somebody is sending, and leaves it alone."""
    api = FakeRuns()
    first, second = ledger(api, "pod-1"), ledger(api, "pod-2")
    first.open()
    second.open()

    (claimed,) = first.claim([row()])
    (seen,) = second.claim([row()])
    assert (claimed.state, claimed.holder) == (DeliveryState.SENDING, "pod-1")
    assert (seen.state, seen.holder) == (DeliveryState.UNKNOWN, "pod-1")


def test_what_we_know_outlives_what_others_wrote() -> None:
    """A mail that was accepted is accepted, even if it was given up for unknown meanwhile."""
    api = FakeRuns()
    first, second = ledger(api, "pod-1"), ledger(api, "pod-2")
    (claimed,) = first.claim([row()])
    second.claim([row()])
    first.record([claimed.model_copy(update={"state": DeliveryState.ACCEPTED})], DELIVERED)

    assert api.states() == {"a@example.com": "accepted"}


def test_fields_of_others_stay() -> None:
    """The operator writes conditions into the same status."""
    api = FakeRuns()
    ours = ledger(api)
    ours.open()
    api.write(conditions=[{"type": "X"}])
    ours.record(ours.claim([row()]), DELIVERED)

    assert api.body
    assert api.body["status"]["conditions"] == [{"type": "X"}]


def test_a_write_in_between_is_no_harm() -> None:
    """A write that somebody else was faster with is done again on what is there now."""
    api = FakeRuns()
    ours = ledger(api)
    ours.open()
    api.write(other=1)
    (claimed,) = ours.claim([row()])

    assert claimed.state == DeliveryState.SENDING
    assert api.requests == ["GET", "POST", "PATCH", "GET", "PATCH"]


@pytest.mark.parametrize("fault", [LOSE_REQUEST, LOSE_ANSWER, "500", "429", "403", "401"])
@pytest.mark.parametrize("number", range(4))
def test_a_fault_at_any_request_changes_nothing(fault: str, number: int) -> None:
    """Lost requests, lost answers, refusals for now: the claim is ours and the record is there."""
    api = FakeRuns([FINE] * number + [fault])
    ours = ledger(api)
    ours.open()
    rows = ours.claim([row()])
    assert [(one.state.value, one.holder) for one in rows] == [("sending", "pod-1")]
    ours.record(
        [one.model_copy(update={"state": DeliveryState.ACCEPTED}) for one in rows], DELIVERED
    )

    assert api.states() == {"a@example.com": "accepted"}


def test_no_claim_while_the_api_server_is_away() -> None:
    """After some patience the run is left to another pod; the message says that nothing is sent."""
    api = FakeRuns([LOSE_REQUEST] * 100)
    with pytest.raises(LedgerAwayError, match="nothing is sent"):
        ledger(api, waits=5).claim([row()])

    assert len(api.requests) == 6


def test_a_missing_right_is_named() -> None:
    api = FakeRuns(["403"] * 100)
    with pytest.raises(LedgerAwayError, match="RoleBinding scheduled-reports-runner"):
        ledger(api, waits=3).open()


def test_a_run_that_is_deleted_meanwhile_is_not_made_again() -> None:
    """Who deletes a run does not want its mail."""
    api = FakeRuns()
    ours = ledger(api)
    ours.open()
    api.body = None
    with pytest.raises(RunError) as caught:
        ours.claim([row()])

    assert caught.value.reason == Reason.REPORT_NOT_FOUND
    with pytest.raises(LedgerAwayError):
        ours.record([row("accepted")], DELIVERED)


def test_the_run_of_another_report_is_left_alone() -> None:
    api = FakeRuns()
    ledger(api).open()
    with pytest.raises(RunError, match="belongs to another report"):
        ledger(api, uid="u-2").open()


def test_a_status_that_the_api_server_never_takes_ends() -> None:
    """An invalid status looks like a conflict, but nobody has changed the run."""
    api = FakeRuns()
    ours = ledger(api)
    ours.open()
    api.invalid = True
    with pytest.raises(RunError) as caught:
        ours.claim([row()])

    assert caught.value.reason == Reason.INTERNAL_ERROR


def test_a_run_that_everybody_writes_to_is_given_up() -> None:
    """Conflicts are no reason to ask for ever."""

    class Busy(FakeRuns):
        def get(self, name: str) -> Any:
            body = super().get(name)
            self.write(noise=len(self.requests))
            return body

    api = Busy()
    ours = ledger(api, waits=0)
    ours.open()
    api.write(noise=0)
    with pytest.raises(LedgerAwayError):
        ours.claim([row()])

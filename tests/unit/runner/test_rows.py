"""What may be claimed: each row by one pod, once."""

from datetime import UTC, datetime
from typing import Any

import pytest

from report_runner.rows import claimed, recorded, scheduled_time
from report_types.plan import PlannedReport
from report_types.run import DeliveryRow, DeliveryState

REPORT = PlannedReport(name="daily-sales", namespace="shop", uid="u-1", generation=1)


def row(who: str = "a@example.com", state: str = "pending", **more: Any) -> DeliveryRow:
    return DeliveryRow(**{"recipient": who, "role": "to", "state": DeliveryState(state), **more})


def claim(*known: DeliveryRow, is_retry: bool = False) -> list[tuple[str, str | None]]:
    wanted = [row(message_id="<m>")]
    rows = claimed(known, wanted, "me", is_retry=is_retry)
    return [(one.state.value, one.holder) for one in rows]


@pytest.mark.parametrize(
    "known", [[], [row()], [row(state="deferred", holder="other")]], ids=["new", "open", "deferred"]
)
def test_what_was_not_sent_is_claimed(known: list[DeliveryRow]) -> None:
    assert claim(*known) == [("sending", "me")]


@pytest.mark.parametrize("state", ["accepted", "refused", "unknown"])
def test_what_has_ended_stays(state: str) -> None:
    assert claim(row(state=state, holder="other")) == [(state, "other")]


@pytest.mark.parametrize("holder", ["other", "me", None])
def test_what_another_was_sending_is_never_sent_again(holder: str | None) -> None:
    """Nor what a process of the same pod was sending before this one."""
    assert claim(row(state="sending", holder=holder)) == [("unknown", holder)]


def test_our_own_claim_counts_when_its_answer_was_lost() -> None:
    assert claim(row(state="sending", holder="me"), is_retry=True) == [("sending", "me")]
    assert claim(row(state="sending", holder="other"), is_retry=True) == [("unknown", "other")]


def test_the_failure_mail_has_rows_of_its_own() -> None:
    """The same person may get the result of one pod and the failure notice of another."""
    failure = row(role="failure")
    rows = claimed([row(state="accepted")], [failure], "me", is_retry=False)

    assert [(one.role, one.state.value) for one in rows] == [
        ("to", "accepted"),
        ("failure", "sending"),
    ]


def test_an_address_is_one_whatever_its_case() -> None:
    assert claim(row("A@Example.com", state="accepted")) == [("accepted", None)]


def test_what_we_know_of_our_rows_is_the_truth() -> None:
    """Also where somebody gave them up for unknown meanwhile."""
    known = [row(state="unknown"), row("b@example.com", state="accepted")]

    after = recorded(known, [row(state="accepted", code=250)])
    assert [one.state.value for one in after] == ["accepted", "accepted"]


@pytest.mark.parametrize(
    ("name", "slot"),
    [
        ("daily-sales-29391240", datetime(2025, 11, 18, 14, 0, tzinfo=UTC)),
        ("daily-sales-now", None),
        ("daily-sales", None),
        ("other-29391240", None),
        ("daily-sales-99999999999999", None),
    ],
)
def test_the_slot_is_in_the_name(name: str, slot: datetime | None) -> None:
    assert scheduled_time(name, REPORT) == slot

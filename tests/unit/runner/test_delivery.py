"""Delivering: what is tried again, how often, and that nobody is served twice."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fake_runs import FINE, LOSE_ANSWER, LOSE_REQUEST, FakeRuns, ledger
from report_cases import changed
from report_runner.delivery import Courier, Delivery, failure_rows, result_rows
from report_runner.interrupts import STOPPED, Interrupts
from report_runner.ledger import LedgerAwayError, LocalLedger
from report_runner.logs import RunLog
from report_runner.smtp import Conversation, Parcel
from report_runner.smtp_problems import Problem, Verdict
from report_types.outcome import Reason
from report_types.report import Email, RetryDelivery, ScheduledReport
from report_types.run import DeliveryRow, DeliveryState

A, B, C = "a@example.com", "b@example.com", "c@example.com"
PARCEL = Parcel(sender="from@example.com", size=1, wire=lambda: [b"x\r\n"])
NO_WAIT = RetryDelivery(limit=2, backoff_seconds=0)
VERDICTS = {
    "accepted": Verdict(state=DeliveryState.ACCEPTED, code=250),
    "refused": Verdict(state=DeliveryState.REFUSED, code=550, enhanced_code="5.1.1"),
    "deferred": Verdict(state=DeliveryState.DEFERRED, code=450),
    "unknown": Verdict(state=DeliveryState.UNKNOWN),
}


class Server:
    """A transport that answers as told, one list of states for each conversation."""

    def __init__(self, *conversations: Sequence[str], problem: Problem | None = None) -> None:
        self.rest = list(conversations)
        self.problem = problem
        self.asked: list[list[str]] = []

    def send(self, parcel: Parcel, recipients: Sequence[str]) -> Conversation:
        self.asked.append(list(recipients))
        states = self.rest.pop(0) if len(self.rest) > 1 else self.rest[0]
        verdicts = dict(zip(recipients, (VERDICTS[state] for state in states), strict=False))
        return Conversation(verdicts=verdicts, problem=self.problem)


def rows(*recipients: str) -> list[DeliveryRow]:
    return result_rows(Email(to=list(recipients)), "<m@example.com>")


def deliver(
    server: Server, *recipients: str, interrupts: Interrupts | None = None, limit: int = 2
) -> Delivery:
    courier = Courier(
        LocalLedger(),
        server,
        RetryDelivery(limit=limit, backoff_seconds=0),
        interrupts=interrupts or Interrupts(),
        log=RunLog(lambda entry: None),
    )
    return courier.deliver(PARCEL, rows(*recipients))


def states(delivery: Delivery) -> list[str]:
    return [row.state.value for row in delivery.rows]


def test_one_conversation_is_enough_where_all_is_well() -> None:
    server = Server(["accepted", "accepted"])
    delivery = deliver(server, A, B)

    assert states(delivery) == ["accepted", "accepted"]
    assert server.asked == [[A, B]]
    assert [(row.attempts, row.code, row.message_id) for row in delivery.rows] == [
        (1, 250, "<m@example.com>")
    ] * 2


def test_only_who_was_deferred_is_asked_for_again() -> None:
    server = Server(["accepted", "deferred", "refused"], ["accepted"])
    delivery = deliver(server, A, B, C)

    assert states(delivery) == ["accepted", "accepted", "refused"]
    assert server.asked == [[A, B, C], [B]]


def test_retries_have_an_end() -> None:
    server = Server(["deferred"])
    delivery = deliver(server, A, limit=2)

    assert states(delivery) == ["deferred"]
    assert len(server.asked) == 3
    assert delivery.rows[0].attempts == 3


def test_a_server_that_takes_a_few_at_a_time_is_not_failing() -> None:
    """Each conversation that serves somebody is progress, and does not count as a failure."""
    many = [f"r{number}@example.com" for number in range(10)]
    server = Server(["accepted", *["deferred"] * 9])
    server.rest = [["accepted", *["deferred"] * (9 - number)] for number in range(10)]
    delivery = deliver(server, *many, limit=0)

    assert states(delivery) == ["accepted"] * 10


@pytest.mark.parametrize("state", ["unknown", "refused"])
def test_what_is_final_is_not_tried_again(state: str) -> None:
    server = Server([state])
    assert states(deliver(server, A)) == [state]
    assert len(server.asked) == 1


def test_a_problem_that_stays_is_not_tried_again() -> None:
    problem = Problem(reason=Reason.SMTP_AUTH_FAILED, message="x", transient=False)
    server = Server(["deferred"], problem=problem)
    delivery = deliver(server, A)

    assert len(server.asked) == 1
    assert delivery.problem == problem


def test_a_stop_lets_a_conversation_end_and_begins_none() -> None:
    interrupts = Interrupts()
    interrupts.keep()
    interrupts.interrupt(STOPPED)
    server = Server(["deferred"])

    assert states(deliver(server, A, interrupts=interrupts)) == ["deferred"]
    assert len(server.asked) == 1


def test_nothing_is_sent_without_a_claim() -> None:
    server = Server(["accepted"])
    courier = Courier(
        ledger(FakeRuns([LOSE_REQUEST] * 99), waits=3),
        server,
        NO_WAIT,
        interrupts=Interrupts(),
        log=RunLog(lambda entry: None),
    )
    with pytest.raises(LedgerAwayError):
        courier.deliver(PARCEL, rows(A))

    assert server.asked == []


def test_progress_is_written_down_before_the_next_try() -> None:
    """If the pod dies while it waits, it is known who has been served."""
    api = FakeRuns()
    seen: list[dict[str, str]] = []

    class Watching(Server):
        def send(self, parcel: Parcel, recipients: Sequence[str]) -> Conversation:
            seen.append(api.states())
            return super().send(parcel, recipients)

    server = Watching(["accepted", "deferred"], ["accepted"])
    log = RunLog(lambda entry: None)
    Courier(ledger(api), server, NO_WAIT, interrupts=Interrupts(), log=log).deliver(
        PARCEL, rows(A, B)
    )

    assert seen == [{A: "sending", B: "sending"}, {A: "accepted", B: "sending"}]


def test_progress_that_cannot_be_written_down_holds_up_nobody() -> None:
    """The rows stay ours, so that the rest may still be served."""
    api = FakeRuns([FINE] * 3 + [LOSE_REQUEST] * 99)
    server = Server(["accepted", "deferred"], ["accepted"])
    entries: list[object] = []
    mine = ledger(api, waits=3)
    mine.open()
    courier = Courier(mine, server, NO_WAIT, interrupts=Interrupts(), log=RunLog(entries.append))

    assert states(courier.deliver(PARCEL, rows(A, B))) == ["accepted", "accepted"]
    assert "progress not recorded" in str(entries)


class Died(BaseException):
    """The pod is gone."""


class Inbox:
    """A mail server whose client may die before or after the server has taken a mail."""

    def __init__(self, deaths: Sequence[str]) -> None:
        self.got: list[str] = []
        self._deaths = iter(deaths)

    def send(self, parcel: Parcel, recipients: Sequence[str]) -> Conversation:
        death = next(self._deaths, "")
        if death == "before":
            raise Died
        self.got += recipients
        if death == "after":
            raise Died
        return Conversation(verdicts=dict.fromkeys(recipients, VERDICTS["accepted"]))


faults = st.lists(st.sampled_from([FINE, FINE, LOSE_REQUEST, LOSE_ANSWER]), max_size=30)
deaths = st.lists(st.sampled_from(["", "before", "after"]), max_size=6)


@settings(max_examples=300)
@given(faults, deaths, st.integers(1, 6))
def test_nobody_is_served_twice_whatever_dies(
    faults: list[str], deaths: list[str], pods: int
) -> None:
    """Pods of one run follow each other; requests, answers and whole pods get lost."""
    api, inbox = FakeRuns(faults), Inbox(deaths)
    log = RunLog(lambda entry: None)
    for number in range(pods):
        mine = ledger(api, f"pod-{number}", waits=4)
        courier = Courier(mine, inbox, NO_WAIT, interrupts=Interrupts(), log=log)
        try:
            mine.record(courier.deliver(PARCEL, rows(A, B)).rows)
        except (Died, LedgerAwayError):
            continue

    assert sorted(inbox.got) in ([], [A, B])
    accepted = {who for who, state in _states(api).items() if state == "accepted"}
    assert accepted <= set(inbox.got)


def _states(api: FakeRuns) -> dict[str, str]:
    return api.states() if api.body and "status" in api.body else {}


def test_an_address_gets_one_mail_however_often_it_is_listed() -> None:
    email = Email(to=[A, B], cc=["B@example.com", C], bcc=[C, "d@example.com"])

    told = [(row.recipient, row.role) for row in result_rows(email, "<m>")]
    assert told == [(A, "to"), (B, "to"), (C, "cc"), ("d@example.com", "bcc")]


def test_failures_are_told_to_readers_unless_others_ask() -> None:
    notices = [{"name": "ops", "events": ["Failed"], "email": {"to": [B, C]}}]
    asked = ScheduledReport.model_validate(changed("spec.notifications", notices)).spec
    silent = ScheduledReport.model_validate(changed("spec.suspend", True)).spec

    assert [row.recipient for row in failure_rows(asked, "<m>")] == [B, C]
    assert [row.recipient for row in failure_rows(silent, "<m>")] == ["analyst@example.com"]
    assert {row.role for row in failure_rows(asked, "<m>")} == {"failure"}

"""
Delivering a mail: claim its recipients, hand it over, try again what may be tried again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from report_runner.interrupts import Interrupts
from report_runner.ledger import Ledger, LedgerAwayError
from report_runner.logs import RunLog
from report_runner.rows import recorded
from report_runner.settings import SmtpSettings
from report_runner.smtp import Conversation, Parcel, converse
from report_runner.smtp_problems import Problem, Verdict
from report_types.report import Email, ReportSpec, RetryDelivery
from report_types.run import DeliveryRow, DeliveryState

Role = Literal["to", "cc", "bcc"]

MAX_CONVERSATION_SECONDS: Final = 900.0
_MAX_CONVERSATIONS: Final = 60  # each that does not count as a failure has served a recipient


class Transport(Protocol):
    """What takes a mail to its recipients."""

    def send(self, parcel: Parcel, recipients: Sequence[str]) -> Conversation:
        """Try once; never raises."""


class SmtpTransport:
    """Sends by SMTP."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings

    def send(self, parcel: Parcel, recipients: Sequence[str]) -> Conversation:
        """Hold one conversation with the mail server."""
        return converse(self._settings, parcel, recipients, seconds=MAX_CONVERSATION_SECONDS)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What became of a mail: all rows of the run, and the last problem if there was any."""

    rows: tuple[DeliveryRow, ...]
    problem: Problem | None = None


class Courier:
    """Delivers the mails of a run, each of them once."""

    def __init__(
        self,
        ledger: Ledger,
        transport: Transport,
        retry: RetryDelivery,
        *,
        interrupts: Interrupts,
        log: RunLog,
    ) -> None:
        self._ledger = ledger
        self._transport = transport
        self._retry = retry
        self._interrupts = interrupts
        self._log = log

    def deliver(
        self, parcel: Parcel, wanted: Sequence[DeliveryRow], known: Sequence[DeliveryRow] = ()
    ) -> Delivery:
        """
        Claim the rows *wanted*, and send to those that are ours; *known* rows are written as well.

        Raises:
            LedgerAwayError: nothing could be claimed, and nothing was sent.
            RunError: the run is gone, or is not ours.
        """
        rows = self._ledger.claim(wanted, known)
        roles = {row.role for row in wanted}
        ours = {
            row.recipient: row
            for row in rows
            if row.role in roles
            and row.state == DeliveryState.SENDING
            and row.holder == self._ledger.holder
        }
        self._log.info("claimed", rows=len(ours), of=len(wanted))
        problem = self._send(parcel, ours) if ours else None
        return Delivery(rows=tuple(recorded(rows, ours.values())), problem=problem)

    def _send(self, parcel: Parcel, ours: dict[str, DeliveryRow]) -> Problem | None:
        """Send until nothing is left to be tried; keep *ours* up to date."""
        waiting = list(ours)
        failures, problem = 0, None
        for _ in range(_MAX_CONVERSATIONS):
            conversation = self._transport.send(parcel, waiting)
            self._tell(conversation)
            problem = conversation.problem
            for recipient, verdict in conversation.verdicts.items():
                ours[recipient] = judged(ours[recipient], verdict)
            waiting = [who for who in waiting if ours[who].state == DeliveryState.DEFERRED]
            # A server that takes some at a time is not failing.
            served = any(
                verdict.state == DeliveryState.ACCEPTED
                for verdict in conversation.verdicts.values()
            )
            failures += not served
            if not waiting or (problem and not problem.transient) or failures > self._retry.limit:
                break
            if served:
                self._note(ours)
            if self._interrupts.wait(self._retry.backoff_seconds):
                break
        return problem

    def _note(self, ours: dict[str, DeliveryRow]) -> None:
        """Write down who has been served; the others stay claimed while they are tried again."""
        rows = [
            row.model_copy(update={"state": DeliveryState.SENDING})
            if row.state == DeliveryState.DEFERRED
            else row
            for row in ours.values()
        ]
        try:
            self._ledger.record(rows)
        except LedgerAwayError as error:
            self._log.warning("progress not recorded", error=str(error))

    def _tell(self, conversation: Conversation) -> None:
        states = [verdict.state.value for verdict in conversation.verdicts.values()]
        counts = {state: states.count(state) for state in sorted(set(states))}
        problem = conversation.problem
        if problem is None:
            self._log.info("mail handed over", recipients=counts, tls=conversation.tls)
            return
        self._log.warning(
            "mail not handed over",
            recipients=counts,
            tls=conversation.tls,
            reason=str(problem.reason),
            message=problem.message,
            server_said=problem.detail,
        )


def judged(row: DeliveryRow, verdict: Verdict) -> DeliveryRow:
    """Return the row after a conversation with this verdict."""
    return row.model_copy(
        update={
            "state": verdict.state,
            "code": verdict.code,
            "enhanced_code": verdict.enhanced_code,
            "attempts": row.attempts + 1,
        }
    )


def result_rows(email: Email, message_id: str) -> list[DeliveryRow]:
    """Return the rows of the result's mail: each address once, in the list that shows it most."""
    rows: dict[str, DeliveryRow] = {}
    lists: Mapping[Role, list[str]] = {"to": email.to, "cc": email.cc, "bcc": email.bcc}
    for role, addresses in lists.items():
        for address in addresses:
            row = DeliveryRow(
                recipient=address,
                role=role,
                state=DeliveryState.PENDING,
                message_id=message_id,
            )
            rows.setdefault(address.lower(), row)
    return list(rows.values())


def failure_rows(spec: ReportSpec, message_id: str) -> list[DeliveryRow]:
    """Return the rows of the failure mail: those who asked for it, else the report's readers."""
    asked = [who for notice in spec.notifications for who in notice.email.to]
    return list(
        {
            address.lower(): DeliveryRow(
                recipient=address,
                role="failure",
                state=DeliveryState.PENDING,
                message_id=message_id,
            )
            for address in asked or spec.delivery.email.to
        }.values()
    )

"""
The mails of a run: the result to its recipients, or the notice that it failed.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from report_runner.conclusion import Ending
from report_runner.delivery import Courier, Delivery, failure_rows, result_rows
from report_runner.edges import Edges, Mailing
from report_runner.message import (
    Letter,
    Occasion,
    ResultFacts,
    failure_letter,
    message_id,
    result_letter,
)
from report_runner.smtp import Parcel
from report_types.report import ReportSpec
from report_types.run import DeliveryRow


class Mails:
    """
    Builds and delivers the mails about one *occasion*.

    Both methods raise LedgerAwayError where nothing could be claimed, and RunError where the run
    is gone; then nothing was sent.
    """

    def __init__(
        self, spec: ReportSpec, occasion: Occasion, mailing: Mailing, edges: Edges
    ) -> None:
        self._spec = spec
        self._occasion = occasion
        self._sender = mailing.sender
        self._courier = Courier(
            edges.ledger,
            mailing.transport,
            spec.retry.delivery,
            interrupts=edges.interrupts,
            log=edges.log,
        )

    def send_result(self, facts: ResultFacts, csv: Path) -> Delivery:
        """Send the CSV to all recipients that have not got it yet."""
        email = self._spec.delivery.email
        letter = result_letter(email, self._occasion, facts, self._sender)
        parcel = _parcel(letter, self._occasion.file_name(".eml"), csv)
        return self._courier.deliver(parcel, result_rows(email, letter.message_id))

    def send_failure(self, ending: Ending, known: Sequence[DeliveryRow]) -> Delivery:
        """Tell how the run failed, once per run; *known* rows are written down with the claim."""
        rows = failure_rows(self._spec, message_id(self._occasion, self._sender, "failure"))
        letter = failure_letter(
            tuple(row.recipient for row in rows),
            self._occasion,
            self._sender,
            ending.reason,
            ending.message,
        )
        parcel = _parcel(letter, self._occasion.file_name("-failed.eml"))
        return self._courier.deliver(parcel, rows, known)


def _parcel(letter: Letter, file_name: str, attachment: Path | None = None) -> Parcel:
    def wire() -> Iterator[bytes]:
        if attachment is None:
            yield from letter.wire(None)
            return
        with attachment.open("rb") as file:
            yield from letter.wire(file)

    return Parcel(sender=letter.sender, size=letter.size, file_name=file_name, wire=wire)

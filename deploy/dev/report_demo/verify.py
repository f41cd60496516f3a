"""Whether a run's mails really arrived: each recipient's once, with the right numbers in it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from report_demo.expect import Table, differences
from report_demo.inbox import Mail
from report_types.run import DeliveryRow


@dataclass(frozen=True)
class Receipt:
    """What came of one recipient's mail; it was delivered if nothing is wrong with it."""

    report: str
    recipient: str
    mail: Mail | None
    problems: tuple[str, ...] = ()

    @property
    def delivered(self) -> bool:
        """Whether the mail arrived once and is right."""
        return not self.problems


def receipts(
    report: str,
    recipients: Sequence[str],
    ledger: Sequence[DeliveryRow],
    mails: Sequence[Mail],
    expected: Table,
) -> list[Receipt]:
    """Judge the mails of one run: what arrived is told apart by the run's own Message-IDs."""
    ids = {row.recipient: row.message_id for row in ledger if row.role != "failure"}
    found = {
        recipient: [
            mail
            for mail in mails
            if recipient in mail.recipients and message_id(mail) == ids.get(recipient)
        ]
        for recipient in recipients
    }
    return [_receipt(report, recipient, found[recipient], expected) for recipient in recipients]


def _receipt(report: str, recipient: str, found: list[Mail], expected: Table) -> Receipt:
    if len(found) != 1:
        arrived = f"arrived {len(found)} times" if found else "did not arrive"
        return Receipt(report, recipient, None, (f"the mail to {recipient} {arrived}",))
    (mail,) = found
    files = [file for file in mail.attachments if file.content_type == "text/csv"]
    if len(files) != 1:
        return Receipt(report, recipient, mail, (f"it has {len(files)} CSV files; expected 1",))
    return Receipt(report, recipient, mail, tuple(differences(files[0].content, expected)))


def message_id(mail: Mail) -> str | None:
    """Return the mail's Message-ID."""
    value = mail.message.get("Message-ID")
    return None if value is None else str(value).strip()


def strangers(mails: Sequence[Mail], ledgers: Iterable[Sequence[DeliveryRow]]) -> list[Mail]:
    """Return the mails that stand in no run's ledger: sent twice, or without a claim."""
    known = {row.message_id for ledger in ledgers for row in ledger}
    return [mail for mail in mails if message_id(mail) not in known]

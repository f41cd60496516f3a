"""
The mails of a run, as bytes: the result with its CSV attached, and the notice of a failure.

Nothing here depends on the clock or on chance: Message-ID, Date and MIME boundary follow from the
report, the run and the kind of mail, so that a mail that is sent again is the same mail.
"""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from hashlib import sha256
from typing import BinaryIO, Final, Literal
from zoneinfo import ZoneInfo

from report_types.outcome import Reason
from report_types.report import Email
from report_types.template import fill

Kind = Literal["result", "failure"]

_POLICY: Final = SMTP.clone(cte_type="7bit")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_LINE: Final = 57  # bytes that make a line of 76 characters of base64
_BLOCK: Final = _LINE * 8192


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """The run that a mail is about; *moment* is its slot, or when it was asked for."""

    report: str
    namespace: str
    uid: str
    run: str
    moment: datetime
    time_zone: str
    display_name: str | None = None

    @property
    def local(self) -> datetime:
        """The moment in the report's own time zone."""
        return self.moment.astimezone(ZoneInfo(self.time_zone))

    @property
    def timestamp(self) -> str:
        """The moment as people read it: ``2026-11-22 09:00 CET``."""
        return f"{self.local:%Y-%m-%d %H:%M %Z}"

    @property
    def title(self) -> str:
        """What people call the report."""
        return f"{self.display_name} ({self.report})" if self.display_name else self.report

    def file_name(self, suffix: str) -> str:
        """Return the name of a file of this run: ``daily-sales-2026-11-22.csv``."""
        return f"{self.report}-{self.local:%Y-%m-%d}{suffix}"


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Who a mail comes from."""

    address: str
    name: str = ""

    @property
    def domain(self) -> str:
        """The part behind the @."""
        return self.address.rpartition("@")[2]


@dataclass(frozen=True, kw_only=True)
class ResultFacts:
    """What a mail says about the result."""

    rows: int
    columns: tuple[str, ...]
    bytes: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Letter:
    """
    A mail on its way: the bytes before and after its attachment, of *attached* bytes.

    The attachment itself stays in its file until it is sent.
    """

    sender: str
    message_id: str
    head: bytes
    tail: bytes = b""
    attached: int = 0

    @property
    def size(self) -> int:
        """Bytes on the wire, without dots that are doubled."""
        encoded = (self.attached + 2) // 3 * 4
        return len(self.head) + encoded + 2 * -(-encoded // 76) + len(self.tail)

    def wire(self, attachment: BinaryIO | None) -> Iterator[bytes]:
        """Yield the mail; each piece ends a line."""
        yield self.head
        if attachment is not None:
            attachment.seek(0)
            while block := attachment.read(_BLOCK):
                yield _base64_lines(block)
            yield self.tail


def result_letter(email: Email, occasion: Occasion, facts: ResultFacts, sender: Sender) -> Letter:
    """Build the mail that brings the result; its attachment goes on the wire behind its head."""
    values = _values(occasion, facts.rows)
    subject = fill(email.subject, values) if email.subject else f"Job Results: {_about(occasion)}"
    text = fill(email.text, values) if email.text else result_text(occasion, facts)
    message = _message(occasion, sender, subject, text, kind="result")
    message["To"] = _addresses(email.to)
    if email.cc:
        message["Cc"] = _addresses(email.cc)
    if email.reply_to:
        message["Reply-To"] = _addresses(email.reply_to)
    message.add_attachment(
        b"",
        maintype="text",
        subtype="csv",
        filename=occasion.file_name(".csv"),
        params={"charset": "utf-8"},
    )
    boundary = _token(occasion, "result", "boundary")
    message.set_boundary(boundary)
    # The last delimiter ends the attachment, which is empty yet.
    head, delimiter, rest = message.as_bytes().rpartition(f"\r\n--{boundary}--".encode())
    return Letter(
        sender=sender.address,
        message_id=message["Message-ID"],
        head=head.rstrip(b"\r\n") + b"\r\n\r\n",
        tail=delimiter.lstrip(b"\r\n") + rest,
        attached=facts.bytes,
    )


def failure_letter(
    to: tuple[str, ...], occasion: Occasion, sender: Sender, reason: Reason, explanation: str
) -> Letter:
    """Build the notice that the run failed: what was wrong and what to do, without any data."""
    text = failure_text(occasion, reason, explanation)
    message = _message(occasion, sender, f"Job Failed: {_about(occasion)}", text, kind="failure")
    message["To"] = _addresses(to)
    return Letter(sender=sender.address, message_id=message["Message-ID"], head=message.as_bytes())


def message_id(occasion: Occasion, sender: Sender, kind: Kind) -> str:
    """Return the Message-ID of a run's mail."""
    return f"<{_token(occasion, kind, 'message-id')}@{sender.domain}>"


def result_text(occasion: Occasion, facts: ResultFacts) -> str:
    """Return what the mail says where the report says nothing else."""
    shown = ", ".join(facts.columns[:12]) + (", …" if len(facts.columns) > 12 else "")
    lines = [
        f"The report {occasion.title} has run. Its result is attached.",
        "",
        f"Rows:     {facts.rows:,}",
        f"Columns:  {shown or 'none'}",
        f"File:     {occasion.file_name('.csv')} ({_readable(facts.bytes)})",
        f"For:      {occasion.timestamp}",
        f"Run:      {occasion.run} in namespace {occasion.namespace}",
    ]
    if facts.warnings:
        lines += ["", "Please note:", *(f"- {warning}" for warning in facts.warnings)]
    lines += [
        "",
        "The attachment is a CSV file in UTF-8, for a spreadsheet or pandas.read_csv.",
        "This mail was sent by a machine. Who looks after the report sees the run with",
        f"  kubectl describe reportrun {occasion.run} -n {occasion.namespace}",
    ]
    return "\n".join(lines) + "\n"


def failure_text(occasion: Occasion, reason: Reason, explanation: str) -> str:
    """Return what the notice of a failure says."""
    place = f"-n {occasion.namespace}"
    lines = [
        _what_became_of_it(occasion, reason),
        "",
        f"Reason:         {reason}",
        f"What happened:  {explanation}",
        "",
        f"For:            {occasion.timestamp}",
        f"Run:            {occasion.run} in namespace {occasion.namespace}",
        "",
        "Where to look:",
        f"  kubectl describe reportrun {occasion.run} {place}",
        f"  kubectl logs job/{occasion.run} -c script {place}",
        f"  kubectl logs job/{occasion.run} -c runner {place}",
        "",
        "The next scheduled run tries again. To run the report before that:",
        "  kubectl create -f - <<'EOF'",
        "  apiVersion: scheduledreports.dev/v1alpha1",
        "  kind: ReportRun",
        f"  metadata: {{generateName: {occasion.report[:50]}-, namespace: {occasion.namespace}}}",
        f"  spec: {{reportRef: {{name: {occasion.report}}}}}",
        "  EOF",
    ]
    return "\n".join(lines) + "\n"


def _what_became_of_it(occasion: Occasion, reason: Reason) -> str:
    if reason == Reason.DELIVERY_UNKNOWN:
        return (
            f"The report {occasion.title} has run, but it is not known whether its mail arrived. "
            "It is not sent a second time by itself."
        )
    return f"The report {occasion.title} failed: no result was sent."


def _message(
    occasion: Occasion, sender: Sender, subject: str, text: str, *, kind: Kind
) -> EmailMessage:
    message = EmailMessage(policy=_POLICY)
    message["From"] = Address(display_name=sender.name, addr_spec=sender.address)
    message["Subject"] = _CONTROL.sub(" ", subject).strip()
    message["Date"] = occasion.local.replace(microsecond=0)
    message["Message-ID"] = message_id(occasion, sender, kind)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Scheduled-Report-Run"] = f"{occasion.namespace}/{occasion.run}"
    message.set_content(text, charset="utf-8")
    return message


def _about(occasion: Occasion) -> str:
    return f"{occasion.report} - {occasion.timestamp}"


def _values(occasion: Occasion, rows: int) -> Mapping[str, object]:
    return {
        "report.name": occasion.report,
        "report.namespace": occasion.namespace,
        "run.name": occasion.run,
        "run.date": f"{occasion.local:%Y-%m-%d}",
        "run.time": f"{occasion.local:%H:%M}",
        "result.rows": rows,
    }


def _addresses(addresses: list[str] | tuple[str, ...]) -> tuple[Address, ...]:
    """Parse each alone, so that none can smuggle in another."""
    return tuple(Address(addr_spec=address) for address in addresses)


def _token(occasion: Occasion, kind: Kind, use: str) -> str:
    seed = "|".join((occasion.uid, occasion.run, kind, use))
    return sha256(seed.encode()).hexdigest()[:32]


def _base64_lines(block: bytes) -> bytes:
    encoded = b64encode(block)
    lines = [encoded[start : start + 76] for start in range(0, len(encoded), 76)]
    return b"\r\n".join([*lines, b""])


def _readable(size: int) -> str:
    if size < 1000:
        return f"{size} bytes"
    return f"{size / 1000:.1f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"

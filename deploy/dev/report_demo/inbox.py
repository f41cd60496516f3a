"""What the mail catcher has taken: the mails in memory, the newest ones if there are too many."""

import threading
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from typing import Any, Final

MAX_MAILS: Final = 500
MAX_BYTES: Final = 128 * 2**20


@dataclass(frozen=True)
class Attachment:
    """A file of a mail."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True)
class Mail:
    """One mail as the server took it: the envelope, and the bytes after DATA."""

    id: int
    sender: str
    recipients: tuple[str, ...]
    received: datetime
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        """The mail, parsed."""
        return message_from_bytes(self.raw, policy=policy.default)

    @property
    def attachments(self) -> list[Attachment]:
        """Its files, in the order in which they stand."""
        parts = (part for part in self.message.walk() if part.is_attachment())
        return [
            Attachment(part.get_filename() or "", part.get_content_type(), _content(part))
            for part in parts
        ]

    @property
    def text(self) -> str:
        """Its plain text, empty if it has none."""
        body = self.message.get_body(("plain",))
        if body is None:
            return ""
        charset = body.get_content_charset("utf-8")
        try:
            return _content(body).decode(charset, "replace")
        except LookupError:  # a charset that nobody knows
            return _content(body).decode("utf-8", "replace")

    def to_wire(self) -> dict[str, Any]:
        """Return the mail as the HTTP API shows it."""
        message = self.message
        return {
            "id": self.id,
            "from": self.sender,
            "to": list(self.recipients),
            "subject": str(message.get("Subject", "")),
            "received": self.received.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "size": len(self.raw),
            "headers": {name: str(value) for name, value in message.items()},
            "text": self.text,
            "attachments": [
                {"name": file.name, "contentType": file.content_type, "size": len(file.content)}
                for file in self.attachments
            ],
        }


def _content(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


class Inbox:
    """Mails in the order of their arrival; safe to use from several threads."""

    def __init__(self, max_mails: int = MAX_MAILS, max_bytes: int = MAX_BYTES) -> None:
        self._max_mails, self._max_bytes = max_mails, max_bytes
        self._mails: deque[Mail] = deque()
        self._bytes = 0
        self._last_id = 0
        self._arrival = threading.Condition()

    def add(self, sender: str, recipients: tuple[str, ...], raw: bytes) -> Mail:
        """Keep a mail, and let go of the oldest ones that are too many."""
        with self._arrival:
            self._last_id += 1
            mail = Mail(self._last_id, sender, recipients, datetime.now(UTC), raw)
            self._mails.append(mail)
            self._bytes += len(raw)
            while len(self._mails) > self._max_mails or self._bytes > self._max_bytes:
                self._bytes -= len(self._mails.popleft().raw)
            self._arrival.notify_all()
            return mail

    def mails(self) -> list[Mail]:
        """Return the mails that are kept, oldest first."""
        with self._arrival:
            return list(self._mails)

    def get(self, mail_id: int) -> Mail | None:
        """Return one mail, if it is still there."""
        return next((mail for mail in self.mails() if mail.id == mail_id), None)

    def clear(self) -> None:
        """Forget all mails; ids go on."""
        with self._arrival:
            self._mails.clear()
            self._bytes = 0

    def wait_for(self, count: int, timeout: float = 10.0) -> list[Mail]:
        """
        Return the mails as soon as there are *count*.

        Raises:
            TimeoutError: fewer have come within *timeout* seconds.
        """
        with self._arrival:
            if not self._arrival.wait_for(lambda: len(self._mails) >= count, timeout):
                raise TimeoutError(f"{len(self._mails)} of {count} mails within {timeout:g} s")
            return list(self._mails)

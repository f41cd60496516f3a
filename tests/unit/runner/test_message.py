"""The mails of a run: who, what, and always the same bytes."""

import email
import email.policy
import io
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report_runner.message import (
    Letter,
    Occasion,
    ResultFacts,
    Sender,
    failure_letter,
    message_id,
    result_letter,
)
from report_types.outcome import Reason
from report_types.report import Email

CSV = b"a,b\n1,2\n"
SENDER = Sender(address="reports@example.com", name="Réports")


def occasion(**more: Any) -> Occasion:
    told: dict[str, Any] = {
        "report": "daily-sales",
        "namespace": "shop",
        "uid": "u-1",
        "run": "daily-sales-29391240",
        "moment": datetime(2026, 11, 22, 8, 0, 30, 500, UTC),
        "time_zone": "Europe/Berlin",
    }
    return Occasion(**{**told, **more})


def letter_of(csv: bytes = CSV, warnings: tuple[str, ...] = (), **mail: Any) -> Letter:
    facts = ResultFacts(rows=1234, columns=("a", "b"), bytes=len(csv), warnings=warnings)
    return result_letter(Email(to=["a@example.com"], **mail), occasion(), facts, SENDER)


def wire_of(letter: Letter, csv: bytes | None = CSV) -> bytes:
    return b"".join(letter.wire(None if csv is None else io.BytesIO(csv)))


def parsed(wire: bytes) -> EmailMessage:
    message = email.message_from_bytes(wire, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body
    return str(body.get_content())


def test_a_result_goes_to_its_readers() -> None:
    """To and Cc are seen by all, Bcc by nobody; answers go where the report says."""
    mail = {"cc": ["b@example.com"], "bcc": ["c@example.com"], "reply_to": ["d@example.com"]}
    message = parsed(wire_of(letter_of(**mail)))

    assert message["To"] == "a@example.com"
    assert message["Cc"] == "b@example.com"
    assert message["Reply-To"] == "d@example.com"
    assert message["From"] == "Réports <reports@example.com>"
    assert message["Bcc"] is None
    assert b"c@example.com" not in wire_of(letter_of(**mail))


def test_the_subject_names_report_and_time() -> None:
    """The time is in the report's own zone."""
    message = parsed(wire_of(letter_of()))

    assert message["Subject"] == "Job Results: daily-sales - 2026-11-22 09:00 CET"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Scheduled-Report-Run"] == "shop/daily-sales-29391240"
    assert message["Date"] == "Sun, 22 Nov 2026 09:00:30 +0100"


def test_placeholders_are_filled() -> None:
    message = parsed(
        wire_of(
            letter_of(
                subject="{{ report.name }} {{run.date}} {{ run.time }} Größe",
                text="{{ result.rows }} rows in {{ report.namespace }}, {{ run.name }} ☃",
            )
        )
    )

    assert message["Subject"] == "daily-sales 2026-11-22 09:00 Größe"
    assert text_of(message).strip() == "1234 rows in shop, daily-sales-29391240 ☃"


def test_the_text_says_what_came_out() -> None:
    text = text_of(parsed(wire_of(letter_of(warnings=("3 cells were escaped",)))))

    for told in ("1,234", "a, b", "daily-sales-2026-11-22.csv", "- 3 cells were escaped"):
        assert told in text


@pytest.mark.parametrize("size", [0, 1, 56, 57, 58, 57 * 8192 - 1, 57 * 8192, 57 * 8192 + 1])
def test_the_csv_is_attached_byte_for_byte(size: int) -> None:
    """Whatever its size; and the size of the mail is known before it is read."""
    csv = bytes(range(256)) * (size // 256 + 1)
    csv = csv[:size]
    letter = letter_of(csv)
    wire = wire_of(letter, csv)
    (attachment,) = parsed(wire).iter_attachments()

    assert attachment.get_payload(decode=True) == csv
    assert attachment.get_filename() == "daily-sales-2026-11-22.csv"
    assert attachment.get_content_type() == "text/csv"
    assert attachment.get_content_charset() == "utf-8"
    assert letter.size == len(wire)


def test_every_line_fits_the_wire() -> None:
    """CRLF only, at most 998 bytes a line, 7 bit, and each piece ends a line."""
    letter = letter_of(CSV * 100_000, text="ü" * 5000 + "\n.\n" + "x" * 4000)
    pieces = list(letter.wire(io.BytesIO(CSV * 100_000)))
    wire = b"".join(pieces)

    assert all(piece.endswith(b"\r\n") for piece in pieces)
    assert b"\n" not in wire.replace(b"\r\n", b"")
    assert max(map(len, wire.split(b"\r\n"))) <= 998
    assert wire.isascii()


def test_the_same_run_makes_the_same_bytes() -> None:
    """A mail that is sent again is the same mail, for servers that know it already."""
    assert wire_of(letter_of()) == wire_of(letter_of())


def test_message_ids_differ_where_mails_do() -> None:
    ids = {
        message_id(occasion(), SENDER, "result"),
        message_id(occasion(), SENDER, "failure"),
        message_id(occasion(run="daily-sales-29391241"), SENDER, "result"),
        message_id(occasion(uid="u-2"), SENDER, "result"),
    }

    assert len(ids) == 4
    assert all(one.startswith("<") and one.endswith("@example.com>") for one in ids)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80))
def test_no_subject_adds_a_header(subject: str) -> None:
    """A name or subject with line breaks stays within its own header."""
    title = occasion(display_name=subject)
    facts = ResultFacts(rows=0, columns=(subject,), bytes=0)
    mail = Email(to=["a@example.com"]).model_copy(update={"subject": subject.replace("{", "")})
    message = parsed(wire_of(result_letter(mail, title, facts, SENDER), b""))

    assert set(message.keys()) == {
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "X-Scheduled-Report-Run",
        "MIME-Version",
        "Content-Type",
    }
    assert len(list(message.iter_parts())) == 2


@pytest.mark.parametrize(
    "address", ["a@example.com\r\nBcc: x@example.com", "a@example.com, b@example.com", "a b@c.d"]
)
def test_an_address_is_one_address(address: str) -> None:
    """What got past the schema by accident still cannot smuggle in a recipient."""
    mail = Email(to=["a@example.com"]).model_copy(update={"to": [address]})
    with pytest.raises(Exception):  # noqa: B017,PT011  the email package has many
        result_letter(mail, occasion(), ResultFacts(rows=0, columns=(), bytes=0), SENDER)


def test_a_failure_says_what_and_what_to_do() -> None:
    """Reason, explanation and commands; nothing attached."""
    letter = failure_letter(
        ("a@example.com", "b@example.com"),
        occasion(display_name="Täglich"),
        SENDER,
        Reason.SCRIPT_ERROR,
        "KeyError: no column 'x' (script line 3)",
    )
    message = parsed(wire_of(letter, None))
    text = text_of(message)

    assert message["Subject"] == "Job Failed: daily-sales - 2026-11-22 09:00 CET"
    assert message["To"] == "a@example.com, b@example.com"
    assert not list(message.iter_attachments())
    for told in (
        "Täglich",
        "ScriptError",
        "script line 3",
        "kubectl logs job/daily-sales-29391240",
    ):
        assert told in text
    assert letter.size == len(wire_of(letter, None))


def test_an_unknown_delivery_is_not_called_unsent() -> None:
    letter = failure_letter(("a@example.com",), occasion(), SENDER, Reason.DELIVERY_UNKNOWN, "x")

    assert "not known whether" in text_of(parsed(wire_of(letter, None)))

"""The mail catcher's memory: what it keeps, what it lets go, how it reads a mail."""

from email.message import EmailMessage

import pytest

from report_demo.inbox import Inbox, Mail


def make_raw(subject: str = "Hello", text: str = "Grüße\n", charset: str = "utf-8") -> bytes:
    message = EmailMessage()
    message["Subject"] = subject
    message.set_content(text, charset=charset)
    message.add_attachment(b"a,b\n1,2\n", maintype="text", subtype="csv", filename="ré.csv")
    return message.as_bytes()


def add(inbox: Inbox, raw: bytes) -> Mail:
    return inbox.add("from@example.com", ("to@example.com",), raw)


def test_the_oldest_mails_go_when_there_are_too_many() -> None:
    inbox = Inbox(max_mails=2)
    for subject in "abc":
        add(inbox, make_raw(subject))

    assert ["b", "c"] == [mail.message["Subject"] for mail in inbox.mails()]


def test_the_oldest_mails_go_when_they_are_too_large_together() -> None:
    inbox = Inbox(max_bytes=100)
    for _ in range(3):
        add(inbox, b"x" * 40)

    assert [2, 3] == [mail.id for mail in inbox.mails()]


def test_cleared_space_is_free_again_and_ids_go_on() -> None:
    inbox = Inbox(max_bytes=100)
    add(inbox, b"x" * 90)
    inbox.clear()
    add(inbox, b"x" * 90)

    assert [2] == [mail.id for mail in inbox.mails()]
    assert inbox.get(1) is None


def test_a_mail_is_shown_with_decoded_text_and_files() -> None:
    wire = add(Inbox(), make_raw("Grüße", charset="latin-1")).to_wire()

    assert "Grüße" == wire["subject"]
    assert "Grüße" == wire["text"].strip()
    assert [{"name": "ré.csv", "contentType": "text/csv", "size": 8}] == wire["attachments"]


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"no header at all", id="no header"),
        pytest.param(b"Content-Type: text/plain; charset=nonsense\n\n\xff", id="unknown charset"),
        pytest.param(b"Content-Type: multipart/mixed\n\n--x\n", id="broken multipart"),
        pytest.param(b"Subject: =?utf-8?b?/w==?=\nFrom: <<\n\n\xff\x00", id="broken headers"),
    ],
)
def test_a_broken_mail_is_shown_all_the_same(raw: bytes) -> None:
    assert len(raw) == add(Inbox(), raw).to_wire()["size"]


def test_waiting_ends_when_too_few_mails_come() -> None:
    inbox = Inbox()
    add(inbox, b"one")

    assert 1 == len(inbox.wait_for(1, timeout=0))
    with pytest.raises(TimeoutError, match="1 of 2 mails"):
        inbox.wait_for(2, timeout=0.01)

"""The mail catcher's page shows mails, and nothing from a mail is ever HTML."""

from datetime import UTC, datetime
from email.message import EmailMessage

from report_demo.inbox import Mail
from report_demo.mail_page import list_page, mail_page

EVIL = "<script>alert(1)</script>"


def make_mail(lines: int = 3) -> Mail:
    message = EmailMessage()
    message["Subject"] = EVIL
    message.set_content(EVIL)
    rows = "".join(f"{n},{EVIL}\n" for n in range(lines)).encode()
    message.add_attachment(rows, maintype="text", subtype="csv", filename=f"{EVIL}.csv")
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    return Mail(7, EVIL, (EVIL,), moment, message.as_bytes())


def test_everything_from_a_mail_is_escaped() -> None:
    pages = list_page([make_mail()]) + mail_page(make_mail())

    assert "<script" not in pages
    assert "&lt;script&gt;" in pages


def test_the_list_leads_to_the_mail_and_the_mail_to_its_file() -> None:
    assert 'href="/messages/7/view"' in list_page([make_mail()])
    assert 'href="/messages/7/attachments/0"' in mail_page(make_mail())


def test_a_long_file_is_cut_and_says_so() -> None:
    assert "and 30 more lines" in mail_page(make_mail(lines=50))


def test_an_empty_inbox_says_so() -> None:
    assert "No mail yet" in list_page([])

"""What the demo prints is plain and aligned, and its last line tells the truth."""

from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from report_demo.inbox import Attachment, Mail
from report_demo.show import conclude, file_lines, heading, show_mails
from report_demo.verify import Receipt


def make_mail() -> Mail:
    message = EmailMessage()
    message["From"] = "reports@example.com"
    message["Subject"] = "Numbers"
    message["Message-ID"] = "<1@x>"
    message.set_content("Good morning\n")
    message.add_attachment(b"n\n1\n", maintype="text", subtype="csv", filename="n.csv")
    return Mail(1, "r@example.com", ("a@example.com",), datetime.now(UTC), message.as_bytes())


def test_the_first_rows_of_a_file_are_aligned_and_the_rest_is_counted() -> None:
    content = b"name,n\n" + b"".join(b"row%d,%d\n" % (n, 10**n) for n in range(7))

    assert [
        "f.csv: 7 rows, 77 bytes",
        "name  n",
        "row0  1",
        "row1  10",
        "row2  100",
        "row3  1000",
        "row4  10000",
        "and 2 more rows",
    ] == file_lines(Attachment("f.csv", "text/csv", content))


@pytest.mark.parametrize("content", [b"", b"a,b\n1\n", b"\xff\n"])
def test_a_broken_file_is_shown_all_the_same(content: bytes) -> None:
    assert file_lines(Attachment("f.csv", "text/csv", content))


def test_a_mail_is_shown_with_headers_text_and_rows(capsys: pytest.CaptureFixture[str]) -> None:
    show_mails([Receipt("sales", "a@example.com", make_mail())])

    shown = capsys.readouterr().out
    assert "Mail of sales to a@example.com" in shown
    assert "  Subject:     Numbers\n" in shown
    assert "  Good morning\n" in shown
    assert "  n.csv: 1 row, " in shown


def test_a_mail_to_several_is_shown_once(capsys: pytest.CaptureFixture[str]) -> None:
    show_mails([Receipt("sales", to, make_mail()) for to in ("a@example.com", "b@example.com")])

    shown = capsys.readouterr().out
    assert "Mail of sales to a@example.com, b@example.com\n" in shown
    assert 1 == shown.count("Good morning")


def test_a_mail_that_did_not_arrive_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    show_mails([Receipt("sales", "a@example.com", None, ("it did not arrive",))])

    assert "" == capsys.readouterr().out


def test_a_heading_is_plain_where_no_terminal_is(capsys: pytest.CaptureFixture[str]) -> None:
    heading("Mails")

    assert "\nMails\n" == capsys.readouterr().out


def test_all_delivered_is_success(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == conclude([Receipt("sales", "a@example.com", make_mail())], [])
    assert capsys.readouterr().out.endswith("\ndelivered 1 of 1\n")


def test_a_mail_that_is_wrong_is_not_delivered(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = Receipt("sales", "a@example.com", make_mail(), ("row 1, n: 2; expected 1",))

    assert 1 == conclude([wrong], [])
    assert capsys.readouterr().out.endswith("\ndelivered 0 of 1\n")


def test_a_mail_too_many_is_a_failure() -> None:
    assert 1 == conclude([Receipt("sales", "a@example.com", make_mail())], [make_mail()])

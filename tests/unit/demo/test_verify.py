"""When a mail counts as delivered: once, from this run, with the right numbers."""

from datetime import UTC, datetime
from email.message import EmailMessage

from report_demo.expect import Table
from report_demo.inbox import Mail
from report_demo.verify import Receipt, receipts, strangers
from report_types.run import DeliveryRow, DeliveryState

TABLE = Table(("a",), ((1,),))


def make_mail(message_id: str = "<1@x>", to: str = "a@example.com", *files: bytes) -> Mail:
    message = EmailMessage()
    message["Message-ID"] = message_id
    message.set_content("hello")
    for content in files:
        message.add_attachment(content, maintype="text", subtype="csv", filename="r.csv")
    return Mail(1, "r@example.com", (to,), datetime.now(UTC), message.as_bytes())


def make_ledger(message_id: str = "<1@x>") -> list[DeliveryRow]:
    return [
        DeliveryRow(
            recipient="a@example.com",
            role="to",
            state=DeliveryState.ACCEPTED,
            message_id=message_id,
        )
    ]


def judge(*mails: Mail) -> Receipt:
    (receipt,) = receipts("report", ["a@example.com"], make_ledger(), mails, TABLE)
    return receipt


def test_one_mail_with_the_right_numbers_is_delivered() -> None:
    assert judge(make_mail("<1@x>", "a@example.com", b"a\n1\n")).delivered


def test_a_mail_of_another_run_does_not_count() -> None:
    assert ("the mail to a@example.com did not arrive",) == judge(make_mail("<2@x>")).problems


def test_a_mail_to_somebody_else_does_not_count() -> None:
    receipt = judge(make_mail("<1@x>", "b@example.com", b"a\n1\n"))

    assert ("the mail to a@example.com did not arrive",) == receipt.problems


def test_a_mail_that_arrived_twice_is_not_delivered() -> None:
    mail = make_mail("<1@x>", "a@example.com", b"a\n1\n")

    assert ("the mail to a@example.com arrived 2 times",) == judge(mail, mail).problems


def test_a_mail_without_its_file_is_not_delivered() -> None:
    assert ("it has 0 CSV files; expected 1",) == judge(make_mail()).problems


def test_a_mail_with_wrong_numbers_is_not_delivered() -> None:
    receipt = judge(make_mail("<1@x>", "a@example.com", b"a\n2\n"))

    assert ("row 1, a: 2; expected 1",) == receipt.problems


def test_a_mail_that_no_run_has_recorded_is_found() -> None:
    known, strange = make_mail("<1@x>"), make_mail("<2@x>")

    assert [strange] == strangers([known, strange], [make_ledger()])

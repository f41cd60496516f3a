"""One conversation with a mail server: what the client believes is what the server did."""

import ssl
import time

import pytest
import trustme

from report_runner import smtp
from report_runner.settings import SmtpSettings
from report_runner.smtp import Conversation, Parcel, converse
from report_types.outcome import Reason
from report_types.run import DeliveryState
from smtp_server import HANG_UP, SILENCE, SmtpServer

A, B, C = "a@example.com", "b@example.com", "c@example.com"
BODY = b"Subject: x\r\n\r\n.leading dot\r\nlast\r\n"


def plain(server: SmtpServer, **more: object) -> SmtpSettings:
    told = {"host": "127.0.0.1", "port": server.port, "sender": "from@example.com", "tls": "none"}
    return SmtpSettings(**{**told, "where": "Secret report-smtp", **more})  # type: ignore[arg-type]


def parcel(body: bytes = BODY) -> Parcel:
    return Parcel(sender="from@example.com", size=len(body), wire=lambda: [body])


def send(server: SmtpServer, *recipients: str, **more: object) -> Conversation:
    return converse(plain(server, **more), parcel(), recipients or (A,), seconds=30)


def states(conversation: Conversation) -> list[DeliveryState]:
    return [verdict.state for verdict in conversation.verdicts.values()]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def trusted(authority: trustme.CA) -> dict[str, object]:
    """Settings of a client that trusts the authority and logs in."""
    pem = authority.cert_pem.bytes().decode()
    return {"tls": "starttls", "ca_certificates": pem, "user": "me", "password": "s3crét"}


def test_a_mail_arrives_byte_for_byte() -> None:
    """Dots at the start of a line are doubled on the wire and come out single."""
    with SmtpServer() as server:
        conversation = send(server, A, B)

    assert states(conversation) == [DeliveryState.ACCEPTED] * 2
    assert conversation.problem is None
    (taken,) = server.taken
    assert (taken.sender, taken.recipients, taken.data) == ("from@example.com", [A, B], BODY)


def test_a_mail_goes_over_starttls_with_a_login(
    tls: ssl.SSLContext, trusted: dict[str, object]
) -> None:
    """Nothing but EHLO and STARTTLS is said in the clear; a password may have any letters."""
    with SmtpServer(tls=tls, user=("me", "s3crét")) as server:
        conversation = send(server, **trusted)

    assert states(conversation) == [DeliveryState.ACCEPTED]
    assert conversation.tls in ("TLSv1.2", "TLSv1.3")
    assert [line.split()[0].upper() for line in server.in_the_clear] == ["EHLO", "STARTTLS"]


@pytest.mark.parametrize("offer", ["AUTH LOGIN", "AUTH PLAIN", "AUTH=LOGIN PLAIN"])
def test_a_login_uses_what_the_server_offers(
    offer: str, tls: ssl.SSLContext, trusted: dict[str, object]
) -> None:
    with SmtpServer(tls=tls, user=("me", "s3crét"), extensions=(offer,)) as server:
        assert states(send(server, **trusted)) == [DeliveryState.ACCEPTED]


def test_implicit_tls_encrypts_from_the_first_byte(
    tls: ssl.SSLContext, trusted: dict[str, object]
) -> None:
    with SmtpServer(tls=tls, implicit=True, user=("me", "s3crét")) as server:
        conversation = send(server, **{**trusted, "tls": "implicit"})

    assert states(conversation) == [DeliveryState.ACCEPTED]
    assert server.in_the_clear == []


REFUSALS = [
    pytest.param(
        {"banner": "554 5.7.1 no"}, Reason.SMTP_REJECTED, "refused", False, "554", id="banner-554"
    ),
    pytest.param(
        {"banner": "421 busy"}, Reason.SMTP_UNREACHABLE, "deferred", True, "421", id="banner-421"
    ),
    pytest.param(
        {"banner": HANG_UP}, Reason.SMTP_UNREACHABLE, "deferred", True, "hung up", id="no-banner"
    ),
    pytest.param(
        {"banner": "SSH-2.0-x"}, Reason.SMTP_UNREACHABLE, "deferred", True, "SMTP_PORT", id="ssh"
    ),
    pytest.param(
        {"EHLO": HANG_UP}, Reason.SMTP_UNREACHABLE, "deferred", True, "at EHLO", id="ehlo-cut"
    ),
    pytest.param(
        {"MAIL": "550 5.7.1 no"},
        Reason.SMTP_REJECTED,
        "refused",
        False,
        "SMTP_FROM_EMAIL",
        id="mail-550",
    ),
    pytest.param(
        {"MAIL": "530 5.7.0 log in"},
        Reason.SMTP_AUTH_FAILED,
        "deferred",
        False,
        "SMTP_USER",
        id="mail-530",
    ),
    pytest.param(
        {"MAIL": "451 4.3.0 later"},
        Reason.SMTP_REJECTED,
        "deferred",
        True,
        "451 4.3.0",
        id="mail-451",
    ),
    pytest.param(
        {"MAIL": "552 5.3.4 big"}, Reason.SMTP_REJECTED, "refused", False, "larger", id="mail-552"
    ),
    pytest.param(
        {"RCPT": "550 5.1.1 who"},
        Reason.SMTP_REJECTED,
        "refused",
        False,
        "550 5.1.1",
        id="rcpt-550",
    ),
    pytest.param(
        {"RCPT": "450 4.2.0 later"},
        Reason.SMTP_REJECTED,
        "deferred",
        True,
        "450 4.2.0",
        id="rcpt-450",
    ),
    pytest.param(
        {"RCPT": "421 4.7.0 bye"},
        Reason.SMTP_REJECTED,
        "deferred",
        True,
        "421 4.7.0",
        id="rcpt-421",
    ),
    pytest.param(
        {"RCPT": HANG_UP}, Reason.SMTP_UNREACHABLE, "deferred", True, "at RCPT", id="rcpt-cut"
    ),
    pytest.param(
        {"DATA": "554 5.7.1 no"},
        Reason.SMTP_REJECTED,
        "refused",
        False,
        "554 5.7.1",
        id="data-554",
    ),
    pytest.param(
        {"DATA": "451 4.3.0 later"}, Reason.SMTP_REJECTED, "deferred", True, "451", id="data-451"
    ),
    pytest.param(
        {"DATA": HANG_UP}, Reason.SMTP_UNREACHABLE, "deferred", True, "at DATA", id="data-cut"
    ),
    pytest.param(
        {"dot": "552 5.2.3 big"}, Reason.SMTP_REJECTED, "refused", False, "larger", id="dot-552"
    ),
    pytest.param(
        {"dot": "554 5.6.0 spam"},
        Reason.SMTP_REJECTED,
        "refused",
        False,
        "554 5.6.0",
        id="dot-554",
    ),
    pytest.param(
        {"dot": "451 4.3.0 later"}, Reason.SMTP_REJECTED, "deferred", True, "451", id="dot-451"
    ),
    pytest.param(
        {"dot": HANG_UP},
        Reason.DELIVERY_UNKNOWN,
        "unknown",
        False,
        "may have arrived",
        id="dot-cut",
    ),
    pytest.param(
        {"dot": "\0\0"},
        Reason.DELIVERY_UNKNOWN,
        "unknown",
        False,
        "may have arrived",
        id="dot-nul",
    ),
    pytest.param(
        {"dot": "250-" + "x" * 9000},
        Reason.DELIVERY_UNKNOWN,
        "unknown",
        False,
        "may have",
        id="dot-long-line",
    ),
    pytest.param(
        {"dot": "\r\n".join(["250-x"] * 200)},
        Reason.DELIVERY_UNKNOWN,
        "unknown",
        False,
        "may",
        id="dot-without-end",
    ),
]
"""What a server may refuse, and what the report's owner is told."""


@pytest.mark.parametrize(("replies", "reason", "state", "transient", "told"), REFUSALS)
def test_a_refusal_is_judged_by_its_phase(
    replies: dict[str, str], reason: Reason, state: str, transient: bool, told: str
) -> None:
    """Before the final dot a mail may be sent again, after it only if the server has said no."""
    with SmtpServer(replies=replies) as server:
        conversation = send(server, A, B)

    problem = conversation.problem
    assert problem
    assert (problem.reason, problem.transient) == (reason, transient)
    assert states(conversation) == [DeliveryState(state)] * 2
    assert told in problem.message
    assert "example.com" not in problem.message
    assert server.taken == [] or reason is Reason.DELIVERY_UNKNOWN


def test_each_recipient_has_its_own_verdict() -> None:
    """One that is refused or deferred keeps nobody else from getting the mail."""
    replies = {f"RCPT {B}": "550 5.1.1 no", f"RCPT {C}": "452 4.5.3 too many"}
    with SmtpServer(replies=replies) as server:
        conversation = send(server, A, B, C)

    told = [(v.state.value, v.code, v.enhanced_code) for v in conversation.verdicts.values()]
    assert told == [
        ("accepted", 250, "2.0.0"),
        ("refused", 550, "5.1.1"),
        ("deferred", 452, "4.5.3"),
    ]
    assert server.taken[0].recipients == [A]


def test_a_refusal_stands_when_the_link_breaks_later() -> None:
    """What a server has refused for good is not tried again because of what came after."""
    with SmtpServer(replies={f"RCPT {A}": "550 5.1.1 no", "dot": HANG_UP}) as server:
        conversation = send(server, A, B)

    assert states(conversation) == [DeliveryState.REFUSED, DeliveryState.UNKNOWN]


@pytest.mark.parametrize("cut", range(0, 40, 3))
def test_a_link_cut_in_a_small_mail_is_never_taken_for_success(cut: int) -> None:
    """All of it may have left before the cut shows: nobody can know, and we say so."""
    with SmtpServer(cut_body=cut) as server:
        conversation = send(server)

    assert states(conversation)[0] in (DeliveryState.UNKNOWN, DeliveryState.DEFERRED)
    assert server.taken == []


def test_a_link_cut_in_the_body_may_be_tried_again() -> None:
    """A server that hangs up in the middle of a mail has not taken it."""
    pieces = [b"x" * 76 + b"\r\n"] * 1000
    large = Parcel(
        sender="from@example.com", size=1, wire=lambda: (b"".join(pieces) for _ in "x" * 400)
    )
    with SmtpServer(cut_body=10_000) as server:
        conversation = converse(plain(server), large, [A], seconds=30)

    assert conversation.problem
    assert conversation.problem.reason == Reason.SMTP_UNREACHABLE
    assert conversation.problem.transient
    assert states(conversation) == [DeliveryState.DEFERRED]


@pytest.mark.parametrize("farewell", [HANG_UP, SILENCE, "500 no", "\0"])
def test_a_farewell_changes_nothing(farewell: str) -> None:
    """What was taken is taken, however the server parts from us, and without waiting for it."""
    with SmtpServer(replies={"QUIT": farewell}) as server:
        began = time.monotonic()
        conversation = send(server)

    assert states(conversation) == [DeliveryState.ACCEPTED]
    assert time.monotonic() - began < 5


def test_a_mail_larger_than_announced_is_not_begun() -> None:
    """SIZE is kept to before a byte of the mail is sent; the message names both sizes."""
    with SmtpServer(extensions=("SIZE 1048576",)) as server:
        big = Parcel(sender="from@example.com", size=3 * 2**20, wire=lambda: [BODY])
        conversation = converse(plain(server), big, [A], seconds=30)

    assert conversation.problem
    assert "3.0 MiB" in conversation.problem.message
    assert "1.0 MiB" in conversation.problem.message
    assert conversation.verdicts[A].code == 552
    assert "MAIL" not in " ".join(server.commands)


def test_a_size_is_announced() -> None:
    with SmtpServer(extensions=("SIZE 0",)) as server:
        send(server)

    assert any(line.endswith(f"SIZE={len(BODY)}") for line in server.commands)


def test_a_server_without_starttls_gets_no_login() -> None:
    """Credentials never travel in the clear, whatever else the server offers."""
    with SmtpServer(extensions=("AUTH PLAIN",)) as server:
        conversation = send(server, tls="starttls", user="me", password="pw")

    assert conversation.problem
    assert conversation.problem.reason == Reason.SMTP_TLS_FAILED
    assert "STARTTLS" in conversation.problem.message
    assert not any(line.startswith(("AUTH", "MAIL")) for line in server.commands)


def test_a_certificate_of_an_unknown_authority_is_not_trusted(tls: ssl.SSLContext) -> None:
    with SmtpServer(tls=tls) as server:
        conversation = send(server, tls="starttls")

    assert conversation.problem
    assert conversation.problem.reason == Reason.SMTP_TLS_FAILED
    assert not conversation.problem.transient
    assert "SMTP_CA_CERT" in conversation.problem.message
    assert not any(line.startswith("MAIL") for line in server.commands)


def test_a_certificate_for_another_name_is_not_trusted(
    authority: trustme.CA, trusted: dict[str, object]
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("other.example.com").configure_cert(context)
    with SmtpServer(tls=context, user=("me", "s3crét")) as server:
        conversation = send(server, **trusted)

    assert conversation.problem
    assert conversation.problem.reason == Reason.SMTP_TLS_FAILED
    assert "SMTP_HOST" in conversation.problem.message


def test_implicit_tls_on_a_plain_port_names_the_port() -> None:
    with SmtpServer() as server:
        conversation = send(server, tls="implicit")

    assert conversation.problem
    assert conversation.problem.reason == Reason.SMTP_TLS_FAILED
    assert "SMTP_PORT" in conversation.problem.message


def test_a_wrong_password_is_told_without_the_password(
    tls: ssl.SSLContext, trusted: dict[str, object]
) -> None:
    with SmtpServer(tls=tls, user=("me", "other")) as server:
        conversation = send(server, **trusted)

    assert conversation.problem
    assert conversation.problem.reason == Reason.SMTP_AUTH_FAILED
    assert not conversation.problem.transient
    assert "535 5.7.8" in conversation.problem.message
    assert "SMTP_PASSWORD" in conversation.problem.message
    assert "s3crét" not in conversation.problem.message


def test_a_login_that_is_refused_for_now_may_be_tried_again(
    tls: ssl.SSLContext, trusted: dict[str, object]
) -> None:
    with SmtpServer(tls=tls, user=("me", "s3crét"), replies={"AUTH": "454 4.7.0 later"}) as server:
        conversation = send(server, **trusted)

    assert conversation.problem
    assert conversation.problem.transient


def test_a_server_without_a_login_is_told_apart(
    tls: ssl.SSLContext, trusted: dict[str, object]
) -> None:
    with SmtpServer(tls=tls) as server:
        conversation = send(server, **trusted)

    assert conversation.problem
    assert conversation.problem.reason == Reason.SMTP_AUTH_FAILED
    assert "PLAIN or LOGIN" in conversation.problem.message


def test_a_server_that_is_not_there_is_named() -> None:
    with SmtpServer() as server:
        settings = plain(server)
    conversation = converse(settings, parcel(), [A], seconds=30)

    assert conversation.problem
    assert conversation.problem.reason == Reason.SMTP_UNREACHABLE
    assert conversation.problem.transient
    assert f"127.0.0.1:{settings.port}" in conversation.problem.message
    assert "SMTP_HOST" in conversation.problem.message


def test_a_name_that_is_not_known_is_told() -> None:
    with SmtpServer() as server:
        settings = plain(server, host="mail.invalid")
    conversation = converse(settings, parcel(), [A], seconds=30)

    assert conversation.problem
    assert "mail.invalid is not known" in conversation.problem.message


@pytest.mark.parametrize(
    ("phase", "reason"),
    [
        ("banner", Reason.SMTP_UNREACHABLE),
        ("MAIL", Reason.SMTP_UNREACHABLE),
        ("dot", Reason.DELIVERY_UNKNOWN),
    ],
)
def test_a_silent_server_is_given_up_in_time(phase: str, reason: Reason) -> None:
    """The time for a conversation bounds every wait in it, that for the final answer too."""
    with SmtpServer(replies={phase: SILENCE}) as server:
        began = time.monotonic()
        conversation = converse(plain(server), parcel(), [A], seconds=1)

    assert conversation.problem
    assert conversation.problem.reason == reason
    assert time.monotonic() - began < 5


def test_no_conversation_begins_without_time() -> None:
    with SmtpServer() as server:
        conversation = converse(plain(server), parcel(), [A], seconds=-1)

    assert conversation.problem
    assert conversation.problem.reason == Reason.DEADLINE_EXCEEDED
    assert states(conversation) == [DeliveryState.DEFERRED]
    assert server.connections == 0


def test_a_small_mail_does_not_wait_for_acknowledgements() -> None:
    """The final dot goes out at once; with Nagle's algorithm it would wait 40 ms each time."""
    seconds = []
    with SmtpServer() as server:
        for _ in range(5):
            began = time.perf_counter()
            send(server)
            seconds.append(time.perf_counter() - began)

    assert min(seconds) < 0.035


def test_the_final_answer_may_take_ten_minutes() -> None:
    """A client that gives up sooner sends a mail twice (RFC 5321, 4.5.3.2.6)."""
    assert smtp.FINAL_DOT_SECONDS >= 600

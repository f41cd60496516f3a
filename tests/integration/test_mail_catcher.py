"""The mail catcher in a real SMTP conversation, and over HTTP."""

import json
import smtplib
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from email.message import EmailMessage

import pytest
import trustme

from report_demo.catcher_client import fetch_mails, over_http
from report_demo.mail_catcher import MailCatcher, Options, options_from

CSV = b"a,b\r\n1,2\r\n"


@pytest.fixture
def catcher() -> Iterator[MailCatcher]:
    with MailCatcher() as running:
        yield running


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(scope="module")
def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def make_message() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = "reports@example.com", "a@example.com"
    message["Subject"] = "Grüße"
    message.set_content("Good morning\n")
    message.add_attachment(CSV, maintype="text", subtype="csv", filename="result.csv")
    return message


def connect(catcher: MailCatcher) -> smtplib.SMTP:
    return smtplib.SMTP(catcher.host, catcher.smtp_port, timeout=5)


def send(client: smtplib.SMTP, *recipients: str) -> dict[str, tuple[int, bytes]]:
    return client.send_message(make_message(), to_addrs=recipients or ["a@example.com"])


def get(catcher: MailCatcher, path: str, method: str = "GET") -> tuple[int, bytes]:
    request = urllib.request.Request(catcher.url + path, method=method)
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_a_mail_is_listed_with_its_envelope_headers_text_and_files(catcher: MailCatcher) -> None:
    with connect(catcher) as client:
        send(client, "a@example.com", "b@example.com")

    _, body = get(catcher, "/messages")
    (mail,) = json.loads(body)
    assert datetime.fromisoformat(mail.pop("received")).tzinfo
    assert mail.pop("size") > 100
    assert "reports@example.com" == mail.pop("headers")["From"]
    assert "Good morning" == mail.pop("text").strip()
    assert mail == {
        "id": 1,
        "from": "reports@example.com",
        "to": ["a@example.com", "b@example.com"],
        "subject": "Grüße",
        "attachments": [{"name": "result.csv", "contentType": "text/csv", "size": len(CSV)}],
    }


def test_the_bytes_of_a_mail_and_of_its_file_are_those_that_were_sent(catcher: MailCatcher) -> None:
    raw = b"Subject: dots\r\n\r\n..two\r\n.one\r\n"
    with connect(catcher) as client:
        client.sendmail("r@example.com", ["a@example.com"], raw)
        send(client)

    assert (200, raw) == get(catcher, "/messages/1/raw")
    assert (200, CSV) == get(catcher, "/messages/2/attachments/0")


def test_deleted_mails_are_gone(catcher: MailCatcher) -> None:
    with connect(catcher) as client:
        send(client)

    assert (204, b"") == get(catcher, "/messages", "DELETE")
    assert (200, b"[]") == get(catcher, "/messages")


@pytest.mark.parametrize(
    "path",
    [
        "/messages/1/raw",
        "/messages/x/raw",
        "/messages/2/attachments/0",
        "/nothing",
        "/messages/²/raw",
    ],
)
def test_what_is_not_there_is_not_found(catcher: MailCatcher, path: str) -> None:
    assert 404 == get(catcher, urllib.request.quote(path))[0]


@pytest.mark.parametrize("number", ["1", "-1", "x"])
def test_an_attachment_that_is_not_there_is_not_found(catcher: MailCatcher, number: str) -> None:
    with connect(catcher) as client:
        send(client)

    assert 404 == get(catcher, f"/messages/1/attachments/{number}")[0]


def test_a_method_that_means_nothing_is_refused(catcher: MailCatcher) -> None:
    assert 405 == get(catcher, "/messages/1/raw", "DELETE")[0]


def test_the_page_shows_the_mail(catcher: MailCatcher) -> None:
    with connect(catcher) as client:
        send(client)

    assert "Grüße" in get(catcher, "/")[1].decode()
    assert "Good morning" in get(catcher, "/messages/1/view")[1].decode()


def test_the_client_rebuilds_the_mails_that_the_server_has(catcher: MailCatcher) -> None:
    with connect(catcher) as client:
        send(client)

    (mail,) = fetch_mails(over_http(catcher.url))
    (kept,) = catcher.inbox.mails()
    assert (kept.raw, kept.recipients, kept.sender) == (mail.raw, mail.recipients, mail.sender)


def test_some_recipients_are_refused_and_deferred_and_the_others_get_the_mail(
    catcher: MailCatcher,
) -> None:
    with connect(catcher) as client:
        refused = send(client, "a@example.com", "refuse.me@example.com", "defer@example.com")

    assert {"refuse.me@example.com": 550, "defer@example.com": 451} == {
        address: code for address, (code, _) in refused.items()
    }
    assert ("a@example.com",) == catcher.inbox.wait_for(1)[0].recipients


def test_a_vanishing_connection_leaves_the_mail_behind(catcher: MailCatcher) -> None:
    with connect(catcher) as client, pytest.raises(smtplib.SMTPServerDisconnected):
        send(client, "vanish@example.com")

    assert 1 == len(catcher.inbox.wait_for(1))


def test_a_mail_that_is_too_large_is_refused() -> None:
    with MailCatcher(Options(max_mail_bytes=100)) as catcher, connect(catcher) as client:
        with pytest.raises(smtplib.SMTPSenderRefused, match="552"):
            send(client)

        assert [] == catcher.inbox.mails()


def test_starttls_is_required_before_a_mail(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    with MailCatcher(Options(tls=server_tls)) as catcher, connect(catcher) as client:
        with pytest.raises(smtplib.SMTPSenderRefused, match="530"):
            send(client)
        client.starttls(context=client_tls)
        send(client)

        assert 1 == len(catcher.inbox.wait_for(1))


def test_tls_can_be_spoken_from_the_first_byte(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    options = Options(tls=server_tls, implicit_tls=True, user="me", password="p")
    with (
        MailCatcher(options) as catcher,
        smtplib.SMTP_SSL(catcher.host, catcher.smtp_port, timeout=5, context=client_tls) as client,
    ):
        client.login("me", "p")
        send(client)

        assert 1 == len(catcher.inbox.wait_for(1))


def test_signing_in_is_required_and_offered_only_after_starttls(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    options = Options(tls=server_tls, user="me", password="p")
    with MailCatcher(options) as catcher, connect(catcher) as client:
        client.ehlo()
        assert not client.has_extn("auth")
        client.starttls(context=client_tls)
        with pytest.raises(smtplib.SMTPSenderRefused, match="530"):
            send(client)
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("me", "wrong")
        client.login("me", "p")
        send(client)

        assert 1 == len(catcher.inbox.wait_for(1))


def test_signing_in_can_be_asked_for_in_plain_text() -> None:
    with MailCatcher(Options(user="me", password="p")) as catcher, connect(catcher) as client:
        client.ehlo()
        assert client.has_extn("auth")
        client.login("me", "p")
        send(client)

        assert 1 == len(catcher.inbox.wait_for(1))


def test_two_catchers_run_side_by_side_and_a_stopped_one_is_gone() -> None:
    with MailCatcher() as one, MailCatcher() as other:
        assert one.smtp_port != other.smtp_port
        still_open = connect(one)

    with pytest.raises(OSError, match="refused"):
        connect(one)
    still_open.close()


def test_the_options_come_from_the_environment(authority: trustme.CA, tmp_path: object) -> None:
    certificate = authority.issue_cert("localhost")
    with certificate.private_key_and_cert_chain_pem.tempfile() as pem:
        options = options_from(
            {
                "SMTP_TLS_CERT": pem,
                "SMTP_TLS_IMPLICIT": "true",
                "SMTP_USER": "u",
                "SMTP_PASSWORD": "p",
            }
        )

    assert options.tls is not None
    assert (True, "u", "p") == (options.implicit_tls, options.user, options.password)
    assert Options() == options_from({})

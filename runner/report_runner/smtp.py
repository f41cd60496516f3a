"""
One conversation with a mail server, phase by phase: only the phase in which it breaks tells
whether the mail may be sent again.

Until the final dot nothing has been taken, and everything may be tried again. After the server's
answer to the dot all is known. Between the two lies the one place where nobody can know: a link
that breaks there leaves the mail ``unknown``, and it is never sent again by itself.

Credentials never travel in the clear: the connection is encrypted, and the server's certificate
checked against its name, before they are sent.
"""

import re
import smtplib
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from report_runner import smtp_problems as problems
from report_runner.settings import SmtpSettings
from report_runner.smtp_client import Client, TlsClient
from report_runner.smtp_problems import Problem, Reply, SmtpError, Verdict
from report_types.run import DeliveryState

CONNECT_SECONDS: Final = 30.0
COMMAND_SECONDS: Final = 60.0
FINAL_DOT_SECONDS: Final = 600.0  # RFC 5321, 4.5.3.2.6: who gives up sooner makes doubles
QUIT_SECONDS: Final = 2.0

_LEADING_DOT: Final = re.compile(rb"(?m)^\.")


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """
    A mail as it is handed over: *wire* yields its bytes, each piece of them ending a line.

    *file_name* is how it is called where mails are kept as files.
    """

    sender: str
    size: int
    file_name: str = "mail.eml"
    wire: Callable[[], Iterable[bytes]] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """
    What one conversation came to: a verdict for each recipient, and the problem if there was any.

    *tls* is the version of TLS; None means in the clear.
    """

    verdicts: Mapping[str, Verdict]
    problem: Problem | None = None
    tls: str | None = None


def converse(
    settings: SmtpSettings, parcel: Parcel, recipients: Sequence[str], *, seconds: float
) -> Conversation:
    """Try to hand over one mail for all *recipients* within *seconds*; never raises."""
    session = _Session(settings, time.monotonic() + seconds)
    verdicts: dict[str, Verdict] = {}
    problem = None
    try:
        session.open()
        session.announce(parcel)
        for recipient in recipients:
            verdicts[recipient] = session.name(recipient)
        if not any(_accepted(verdict) for verdict in verdicts.values()):
            raise SmtpError(problems.all_refused(settings, verdicts.values()))
        answer = session.hand_over(parcel)
        verdicts |= {who: answer for who, verdict in verdicts.items() if _accepted(verdict)}
    except SmtpError as error:
        problem = error.problem
        verdicts = {who: _after(verdicts.get(who), problem) for who in recipients}
    finally:
        session.close()
    return Conversation(verdicts=verdicts, problem=problem, tls=session.tls)


def _accepted(verdict: Verdict) -> bool:
    return verdict.state == DeliveryState.ACCEPTED


def _after(verdict: Verdict | None, problem: Problem) -> Verdict:
    """Return what *problem* leaves of a recipient's verdict: a refusal stands, a yes does not."""
    return problem.verdict if verdict is None or _accepted(verdict) else verdict


class _Session:
    """The phases, in their order; each raises SmtpError."""

    def __init__(self, settings: SmtpSettings, deadline: float) -> None:
        self._settings = settings
        self._deadline = deadline
        self._client: Client
        self._is_open = False
        self.tls: str | None = None

    def open(self) -> None:
        """Connect, encrypt, log in."""
        implicit = self._settings.tls == "implicit"
        context = None if self._settings.tls == "none" else _tls_context(self._settings)
        self._client = self._connect(context if implicit else None)
        self._is_open = True
        # Else the final dot waits 40 ms for the server to acknowledge what came before it.
        self._client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        host = self._client.socket.getsockname()[0]
        self._client.local_hostname = f"[IPv6:{host}]" if ":" in host else f"[{host}]"
        self._greet()
        if context and not implicit:
            self._start_tls(context)
            self._greet()
        self.tls = self._client.tls_version
        if self._settings.user:
            self._log_in()

    def announce(self, parcel: Parcel) -> None:
        """Say who the mail is from, and how large it is."""
        option = ""
        if self._client.has_extn("size"):
            option = f" SIZE={parcel.size}"
            limit = _number(self._client.esmtp_features["size"])
            if 0 < limit < parcel.size:
                raise SmtpError(problems.larger_than_announced(self._settings, parcel.size, limit))
        reply = self._command(f"MAIL FROM:<{parcel.sender}>{option}", "at MAIL")
        if not reply.is_good:
            raise SmtpError(problems.sender_refused(self._settings, reply, parcel.size))

    def name(self, recipient: str) -> Verdict:
        """Name a recipient, and return whether the server would take the mail for it."""
        reply = self._command(f"RCPT TO:<{recipient}>", "at RCPT")
        if reply.code == 421:  # the server is about to hang up
            raise SmtpError(problems.content_refused(self._settings, reply, 0))
        return reply.verdict

    def hand_over(self, parcel: Parcel) -> Verdict:
        """Send the mail itself, and return what the server says to it."""
        reply = self._command("DATA", "at DATA")
        if reply.code != 354:
            raise SmtpError(problems.content_refused(self._settings, reply, parcel.size))
        with self._phase("while the mail was sent", COMMAND_SECONDS):
            for piece in parcel.wire():
                self._client.socket.settimeout(self._bounded(COMMAND_SECONDS))
                self._client.send(_LEADING_DOT.sub(b"..", piece))
        reply = self._end()
        if not reply.is_good:
            raise SmtpError(problems.content_refused(self._settings, reply, parcel.size))
        return reply.verdict

    def close(self) -> None:
        """Take leave, without waiting for long: what was said before counts."""
        if not self._is_open:
            return
        with suppress(OSError, smtplib.SMTPException):
            self._client.socket.settimeout(QUIT_SECONDS)
            self._client.docmd("QUIT")
        self._client.close()

    def _connect(self, context: ssl.SSLContext | None) -> Client:
        settings, timeout = self._settings, self._bounded(CONNECT_SECONDS)
        # The name is set when the connection's own address is known: looking it up takes seconds.
        name = "localhost"
        try:
            if context is None:
                return Client(settings.host, settings.port, name, timeout)
            return TlsClient(settings.host, settings.port, name, timeout=timeout, context=context)
        except smtplib.SMTPConnectError as error:
            reply = _reply(error.smtp_code, error.smtp_error)
            raise SmtpError(problems.not_welcome(settings, reply)) from error
        except smtplib.SMTPServerDisconnected as error:
            raise SmtpError(problems.link_lost(settings, "at its greeting", error)) from error
        except ssl.SSLError as error:
            raise SmtpError(problems.tls_failed(settings, error)) from error
        except OSError as error:
            raise SmtpError(problems.unreachable(settings, error)) from error

    def _greet(self) -> None:
        with self._phase("at EHLO", COMMAND_SECONDS):
            try:
                self._client.ehlo_or_helo_if_needed()
            except smtplib.SMTPHeloError as error:
                reply = _reply(error.smtp_code, error.smtp_error)
                raise SmtpError(problems.not_welcome(self._settings, reply)) from error

    def _start_tls(self, context: ssl.SSLContext) -> None:
        if not self._client.has_extn("starttls"):
            raise SmtpError(problems.no_starttls(self._settings))
        with self._phase("at STARTTLS", COMMAND_SECONDS):
            try:
                self._client.starttls(context=context)
            except ssl.SSLError as error:
                raise SmtpError(problems.tls_failed(self._settings, error)) from error
            except smtplib.SMTPResponseException as error:
                transient = error.smtp_code < 500
                raise SmtpError(problems.no_starttls(self._settings, transient)) from error

    def _log_in(self) -> None:
        offered = self._client.esmtp_features.get("auth", "").upper().split()
        user, password = self._settings.user, self._settings.password
        if "PLAIN" in offered:
            secret = _base64("\0".join(("", user, password)))
            reply = self._command(f"AUTH PLAIN {secret}", "at AUTH")
        elif "LOGIN" in offered:
            reply = self._command(f"AUTH LOGIN {_base64(user)}", "at AUTH")
            if reply.code == 334:
                reply = self._command(_base64(password), "at AUTH")
        else:
            raise SmtpError(problems.no_login_offered(self._settings))
        if not reply.is_good:
            raise SmtpError(problems.login_failed(self._settings, reply))

    def _end(self) -> Reply:
        """Send the final dot, and wait for the answer; from here on a lost link is unknown."""
        # Checked before: once the dot is on its way there is no going back.
        timeout = self._bounded(FINAL_DOT_SECONDS)
        try:
            self._client.socket.settimeout(timeout)
            self._client.send(b".\r\n")
            return _reply(*self._client.getreply())
        except (OSError, smtplib.SMTPException) as error:
            raise SmtpError(problems.nobody_knows(self._settings, error)) from error

    def _command(self, line: str, phase: str) -> Reply:
        with self._phase(phase, COMMAND_SECONDS):
            return _reply(*self._client.docmd(line))

    @contextmanager
    def _phase(self, phase: str, seconds: float) -> Iterator[None]:
        """Bound the time that the socket may take, and tell a lost link by its phase."""
        timeout = self._bounded(seconds)
        try:
            self._client.socket.settimeout(timeout)
            yield
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            raise SmtpError(problems.link_lost(self._settings, phase, error)) from error

    def _bounded(self, seconds: float) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise SmtpError(problems.out_of_time(self._settings))
        return min(seconds, left)


def _tls_context(settings: SmtpSettings) -> ssl.SSLContext:
    """Return a context that checks the server's certificate and its name."""
    context = ssl.create_default_context()
    if settings.ca_certificates:
        context.load_verify_locations(cadata=settings.ca_certificates)
    return context


def _reply(code: int, text: bytes | str) -> Reply:
    return Reply(code, text.decode("utf-8", "replace") if isinstance(text, bytes) else text)


def _base64(text: str) -> str:
    return b64encode(text.encode("utf-8")).decode("ascii")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() else 0

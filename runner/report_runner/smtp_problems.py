"""
What can go wrong with a mail server, in words: where it was, what to check, whether to try again.

A server's own text never stands in a message, since it repeats addresses; its codes do.
"""

import re
import socket
import ssl
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, NamedTuple

from report_runner.settings import SmtpSettings
from report_types.outcome import Reason
from report_types.run import DeliveryState

_ENHANCED: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?!\d)")
_TOO_LARGE: Final = ("5.2.3", "5.3.4")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of the mail to one recipient."""

    state: DeliveryState
    code: int | None = None
    enhanced_code: str | None = None

    @property
    def codes(self) -> str:
        """The codes, as a message shows them: ``550 5.1.1``; empty if there are none."""
        return " ".join(str(code) for code in (self.code, self.enhanced_code) if code)


class Reply(NamedTuple):
    """A server's reply."""

    code: int
    text: str

    @property
    def is_good(self) -> bool:
        """Whether the command was done."""
        return 200 <= self.code < 300

    @property
    def is_final(self) -> bool:
        """Whether the same command would be refused again."""
        return self.code >= 500

    @property
    def verdict(self) -> Verdict:
        """What this reply means for a recipient."""
        state = DeliveryState.DEFERRED
        if self.is_good:
            state = DeliveryState.ACCEPTED
        elif self.is_final:
            state = DeliveryState.REFUSED
        match = _ENHANCED.match(self.text)
        return Verdict(state=state, code=self.code, enhanced_code=match[0] if match else None)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """
    Why a conversation went wrong, for the report's owner; *transient* may be gone next time.

    *verdict* is what it means for those who would have got the mail. *detail* is for the log only.
    """

    reason: Reason
    message: str
    transient: bool = False
    verdict: Verdict = Verdict(state=DeliveryState.DEFERRED)
    detail: str = ""


class SmtpError(Exception):
    """A conversation cannot go on."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def server(settings: SmtpSettings) -> str:
    """Return how messages call the server."""
    return f"the mail server {settings.host}:{settings.port}"


def unreachable(settings: SmtpSettings, error: OSError) -> Problem:
    """Return the problem of a connection that is not made."""
    check = f"check SMTP_HOST and SMTP_PORT in {settings.where}"
    if isinstance(error, socket.gaierror):
        told = f"the mail server's name {settings.host} is not known: {check}"
    elif isinstance(error, TimeoutError):
        told = f"{server(settings)} does not answer: {check}, and that the network lets mail out"
    elif isinstance(error, ConnectionRefusedError):
        told = f"{server(settings)} refuses connections: {check}"
    else:
        told = f"{server(settings)} cannot be reached ({error.strerror or 'link lost'}): {check}"
    return Problem(reason=Reason.SMTP_UNREACHABLE, message=told, transient=True, detail=str(error))


def link_lost(settings: SmtpSettings, phase: str, error: Exception) -> Problem:
    """Return the problem of a connection that breaks in *phase*, before the final dot."""
    return Problem(
        reason=Reason.SMTP_UNREACHABLE,
        message=f"{server(settings)} hung up or fell silent {phase}: see that it is well, and that "
        f"SMTP_PORT and SMTP_USE_TLS in {settings.where} suit it",
        transient=True,
        detail=str(error),
    )


def not_welcome(settings: SmtpSettings, reply: Reply) -> Problem:
    """Return the problem of a server that greets with a refusal."""
    return Problem(
        reason=Reason.SMTP_REJECTED if reply.is_final else Reason.SMTP_UNREACHABLE,
        message=f"{server(settings)} takes no mail from here ({reply.verdict.codes}): ask whoever "
        f"runs it, or name another one as SMTP_HOST in {settings.where}",
        transient=not reply.is_final,
        verdict=_not_accepted(reply),
        detail=reply.text,
    )


def no_starttls(settings: SmtpSettings, transient: bool = False) -> Problem:
    """Return the problem of a server that does not encrypt."""
    return Problem(
        reason=Reason.SMTP_TLS_FAILED,
        message=f"{server(settings)} does not offer STARTTLS: use its port for encrypted mail "
        f"(587, or 465) as SMTP_PORT in {settings.where}; SMTP_USE_TLS false sends in the clear, "
        "and without a login only",
        transient=transient,
    )


def tls_failed(settings: SmtpSettings, error: ssl.SSLError) -> Problem:
    """Return the problem of an encrypted connection that does not come about."""
    if isinstance(error, ssl.SSLCertVerificationError):
        told = (
            f"the certificate of {server(settings)} is not trusted ({error.verify_message}): "
            "correct SMTP_HOST, renew the certificate, or give the authority that issued it as "
            f"SMTP_CA_CERT in {settings.where}"
        )
    else:
        told = (
            f"no encrypted connection to {server(settings)} ({error.reason or 'handshake failed'}):"
            f" port 465 is for TLS from the first byte, 587 for STARTTLS; check SMTP_PORT in "
            f"{settings.where}"
        )
    return Problem(reason=Reason.SMTP_TLS_FAILED, message=told, detail=str(error))


def no_login_offered(settings: SmtpSettings) -> Problem:
    """Return the problem of a server without a way to log in."""
    return Problem(
        reason=Reason.SMTP_AUTH_FAILED,
        message=f"{server(settings)} offers no login by PLAIN or LOGIN: remove SMTP_USER and "
        f"SMTP_PASSWORD from {settings.where}, or use its submission port as SMTP_PORT",
    )


def login_failed(settings: SmtpSettings, reply: Reply) -> Problem:
    """Return the problem of a login that is refused."""
    return Problem(
        reason=Reason.SMTP_AUTH_FAILED,
        message=f"{server(settings)} refused the login ({reply.verdict.codes}): check SMTP_USER "
        f"and SMTP_PASSWORD in {settings.where}",
        transient=not reply.is_final,
        detail=reply.text,
    )


def sender_refused(settings: SmtpSettings, reply: Reply, size: int) -> Problem:
    """Return the problem of a MAIL command that is refused."""
    if reply.code == 530:
        message = (
            f"{server(settings)} wants a login ({reply.verdict.codes}): add SMTP_USER and "
            f"SMTP_PASSWORD to {settings.where}"
        )
        return Problem(reason=Reason.SMTP_AUTH_FAILED, message=message, detail=reply.text)
    if _is_about_size(reply):
        return too_large(settings, size, reply)
    return Problem(
        reason=Reason.SMTP_REJECTED,
        message=f"{server(settings)} refused the sender ({reply.verdict.codes}): check that "
        f"SMTP_USER may send as SMTP_FROM_EMAIL in {settings.where}",
        transient=not reply.is_final,
        verdict=_not_accepted(reply),
        detail=reply.text,
    )


def content_refused(settings: SmtpSettings, reply: Reply, size: int) -> Problem:
    """Return the problem of a mail that is refused at DATA or after its last byte."""
    if _is_about_size(reply):
        return too_large(settings, size, reply)
    return Problem(
        reason=Reason.SMTP_REJECTED,
        message=f"{server(settings)} refused the mail ({reply.verdict.codes}): ask whoever runs it "
        "why; the reply stands in the log of the runner",
        transient=not reply.is_final,
        verdict=_not_accepted(reply),
        detail=reply.text,
    )


def all_refused(settings: SmtpSettings, verdicts: Collection[Verdict]) -> Problem:
    """Return the problem of a mail that no recipient may get."""
    codes = "; ".join(sorted({verdict.codes for verdict in verdicts}))
    final = all(verdict.state == DeliveryState.REFUSED for verdict in verdicts)
    word = "refused" if final else "did not take for now"
    return Problem(
        reason=Reason.SMTP_REJECTED,
        message=f"{server(settings)} {word} every recipient ({codes}): check the addresses in "
        f"delivery.email, and that SMTP_USER in {settings.where} may send to them",
        transient=not final,
    )


def too_large(settings: SmtpSettings, size: int, reply: Reply) -> Problem:
    """Return the problem of a mail that is larger than the server takes."""
    return Problem(
        reason=Reason.SMTP_REJECTED,
        message=f"the mail has {_in_mib(size)} and is larger than {server(settings)} takes "
        f"({reply.verdict.codes}): aggregate, filter, or leave columns out",
        verdict=_not_accepted(reply),
        detail=reply.text,
    )


def larger_than_announced(settings: SmtpSettings, size: int, limit: int) -> Problem:
    """Return the problem of a mail that is larger than the server said it takes."""
    return Problem(
        reason=Reason.SMTP_REJECTED,
        message=f"the mail has {_in_mib(size)}, and {server(settings)} takes {_in_mib(limit)}: "
        "aggregate, filter, or leave columns out",
        verdict=Verdict(state=DeliveryState.REFUSED, code=552, enhanced_code="5.3.4"),
    )


def nobody_knows(settings: SmtpSettings, error: Exception) -> Problem:
    """Return the problem of a link that breaks between the final dot and the answer to it."""
    return Problem(
        reason=Reason.DELIVERY_UNKNOWN,
        message=f"the link to {server(settings)} broke after the mail was handed over and before "
        "it was confirmed: it may have arrived or not, so it is not sent again by itself",
        verdict=Verdict(state=DeliveryState.UNKNOWN),
        detail=str(error),
    )


def out_of_time(settings: SmtpSettings) -> Problem:
    """Return the problem of a conversation for which there is no time left."""
    return Problem(
        reason=Reason.DEADLINE_EXCEEDED,
        message=f"no time was left to talk to {server(settings)}",
    )


def _not_accepted(reply: Reply) -> Verdict:
    """Return what a refusal of the whole mail means; a server may say anything but yes."""
    if reply.is_good:
        return Verdict(state=DeliveryState.DEFERRED, code=reply.code)
    return reply.verdict


def _is_about_size(reply: Reply) -> bool:
    return reply.is_final and (reply.code == 552 or reply.verdict.enhanced_code in _TOO_LARGE)


def _in_mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"

"""
A real SMTP server that keeps what it gets in memory and lists it over HTTP.

HTTP: ``GET /messages`` lists the mails, ``GET /messages/{id}/raw`` and
``GET /messages/{id}/attachments/{n}`` (from 0) give their bytes, ``DELETE /messages`` forgets them
all, ``/`` is a page for people.

Tests can script its answers by the first letters of a recipient:

=============  =================================================================================
``refuse…``    ``550 5.1.1``: no such mailbox
``defer…``     ``451 4.7.1``: try again later
``vanish…``    the mail is kept, but the connection breaks before the answer
=============  =================================================================================

Run it with ``python -m report_demo.mail_catcher``. Environment: SMTP_PORT (1025), HTTP_PORT (8025),
SMTP_TLS_CERT and SMTP_TLS_KEY (PEM files: STARTTLS is offered, and asked for before any mail),
SMTP_TLS_IMPLICIT (``true``: TLS from the first byte instead), SMTP_USER and SMTP_PASSWORD (a
sign-in is asked for).
"""

import asyncio
import hmac
import logging
import os
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from report_demo.inbox import Inbox
from report_demo.mail_api import mail_service
from report_demo.serve import serve_until_stopped
from report_demo.web import WebServer

log = logging.getLogger(__name__)

SMTP_PORT: Final = 1025
HTTP_PORT: Final = 8025
MAX_MAIL_BYTES: Final = 25 * 2**20
_REFUSALS: Final = {
    "refuse": "550 5.1.1 no such mailbox",
    "defer": "451 4.7.1 greylisted, try again later",
}
_VANISH: Final = "vanish"


@dataclass(frozen=True)
class Options:
    """
    What the server asks of its clients: by default nothing.

    *tls* is offered by STARTTLS and then required, or with *implicit_tls* spoken from the first
    byte. With *user*, a mail is taken only after signing in.
    """

    tls: ssl.SSLContext | None = None
    implicit_tls: bool = False
    user: str = ""
    password: str = ""
    max_mail_bytes: int = MAX_MAIL_BYTES


class MailCatcher:
    """The mail catcher in this process; ports are of the system's choice unless given."""

    def __init__(
        self,
        options: Options = Options(),
        *,
        host: str = "127.0.0.1",
        smtp_port: int = 0,
        http_port: int = 0,
    ) -> None:
        self.inbox = Inbox()
        self.host = host
        self._options = options
        self._ports = smtp_port, http_port
        self._loop = asyncio.new_event_loop()

    def start(self) -> Self:
        """Listen; ``smtp_port``, ``http_port`` and ``url`` are there from now on."""
        smtp_port, http_port = self._ports
        tls = self._options.tls if self._options.implicit_tls else None
        listening = self._loop.create_server(self._session, self.host, smtp_port, ssl=tls)
        self._smtp = self._loop.run_until_complete(listening)
        self.smtp_port: int = self._smtp.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._web = WebServer(mail_service(self.inbox), self.host, http_port)
        self.http_port = self._web.port
        self.url = self._web.url
        return self

    def stop(self) -> None:
        """Stop listening and hang up on whoever is still connected."""
        self._web.stop()
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _session(self) -> SMTP:
        options = self._options
        starttls = None if options.implicit_tls else options.tls
        return SMTP(
            _Handler(self.inbox),
            hostname="mail-catcher",  # looking up our own name can take seconds
            ident="Scheduled Reports demo",
            loop=self._loop,
            enable_SMTPUTF8=True,
            data_size_limit=options.max_mail_bytes,
            tls_context=starttls,
            require_starttls=starttls is not None,
            auth_required=bool(options.user),
            auth_require_tls=starttls is not None,
            authenticator=self._authenticate,
        )

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        options = self._options
        known = isinstance(data, LoginPassword) and hmac.compare_digest(
            data.login + b"\0" + data.password, f"{options.user}\0{options.password}".encode()
        )
        return AuthResult(success=known, handled=False)

    async def _hang_up(self) -> None:
        self._smtp.close()
        others = asyncio.all_tasks(self._loop) - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


class _Handler:
    """The hooks of aiosmtpd: which recipients are taken, and what becomes of a mail."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        for prefix, reply in _REFUSALS.items():
            if address.startswith(prefix):
                log.info("refused a recipient: %s", reply)
                return reply
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802  aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        recipients = tuple(envelope.rcpt_tos)
        raw = envelope.original_content or b""
        mail = self._inbox.add(envelope.mail_from or "", recipients, raw)
        log.info("took mail %d: %d recipients, %d bytes", mail.id, len(recipients), len(mail.raw))
        if any(address.startswith(_VANISH) for address in recipients):
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return f"250 2.0.0 OK: kept as {mail.id}"


def options_from(environment: Mapping[str, str]) -> Options:
    """Read the options from environment variables; the module's text names them."""
    tls = None
    if certificate := environment.get("SMTP_TLS_CERT"):
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, environment.get("SMTP_TLS_KEY"))
    return Options(
        tls=tls,
        implicit_tls=environment.get("SMTP_TLS_IMPLICIT", "").lower() == "true",
        user=environment.get("SMTP_USER", ""),
        password=environment.get("SMTP_PASSWORD", ""),
    )


def main() -> None:
    """Serve on all addresses until told to stop."""
    catcher = MailCatcher(
        options_from(os.environ),
        host="0.0.0.0",  # noqa: S104  a service of the cluster
        smtp_port=int(os.environ.get("SMTP_PORT", SMTP_PORT)),
        http_port=int(os.environ.get("HTTP_PORT", HTTP_PORT)),
    )
    serve_until_stopped(catcher)


if __name__ == "__main__":
    main()

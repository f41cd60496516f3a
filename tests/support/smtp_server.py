"""
A mail server that does as it is told: gives these replies, hangs up there, falls silent.

It takes mails like any other where nothing else is said, so that what a client believes can be
held against what the server has really taken.
"""

import socket
import ssl
import threading
from base64 import b64decode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

HANG_UP = "hang up"
SILENCE = "silence"


@dataclass
class Taken:
    """A mail that the server has said 250 to."""

    sender: str
    recipients: list[str]
    data: bytes


@dataclass
class Script:
    """
    What to say at ``banner``, ``EHLO``, ``STARTTLS``, ``AUTH``, ``MAIL``, ``RCPT``, ``RCPT <who>``,
    ``DATA``, ``dot`` and ``QUIT``; a list is said one after the other, its last for ever.

    *cut_body* is the number of bytes of the mail after which to hang up.
    """

    replies: Mapping[str, str | list[str]] = field(default_factory=dict)
    extensions: tuple[str, ...] = ()
    cut_body: int | None = None
    tls: ssl.SSLContext | None = None
    implicit: bool = False
    user: tuple[str, str] | None = None


class SmtpServer:
    """Listens on loopback; *taken*, *commands*, *connections* tell what happened, *before* acts."""

    def __init__(self, script: Script | None = None, **told: object) -> None:
        self.script = script or Script(**told)  # type: ignore[arg-type]
        self.taken: list[Taken] = []
        self.commands: list[str] = []
        self.in_the_clear: list[str] = []
        self.connections = 0
        self.before: dict[str, Callable[[], object]] = {}
        self._said: dict[str, int] = {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            connection.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with suppress(OSError, _Gone):
            connection.settimeout(20)
            if self.script.implicit:
                assert self.script.tls
                connection = self.script.tls.wrap_socket(connection, server_side=True)
            _Talk(self, connection).run()

    def say(self, phase: str, otherwise: str) -> str:
        self.before.get(phase, lambda: None)()
        told = self.script.replies.get(phase, otherwise)
        if isinstance(told, str):
            return told
        number = self._said.get(phase, 0)
        self._said[phase] = number + 1
        return told[min(number, len(told) - 1)]


class _Gone(Exception):
    pass


class _Talk:
    def __init__(self, server: SmtpServer, connection: socket.socket) -> None:
        self.server = server
        self.connection = connection
        self.buffer = b""
        self.sender = ""
        self.recipients: list[str] = []
        self.encrypted = server.script.implicit

    def run(self) -> None:
        self.reply("banner", "220 ready")
        while True:
            line = self.line()
            self.server.commands.append(line)
            if not self.encrypted:
                self.server.in_the_clear.append(line)
            verb = line.partition(" ")[0].upper()
            handler = getattr(self, f"on_{verb.lower()}", None)
            if handler is None:
                self.send("502 what")
                continue
            with suppress(_Next):
                handler(line)

    def on_ehlo(self, line: str) -> None:
        script = self.server.script
        offers = [*script.extensions]
        if script.tls and not self.encrypted:
            offers.append("STARTTLS")
        if script.user and self.encrypted and not any("AUTH" in offer for offer in offers):
            offers.append("AUTH PLAIN LOGIN")
        lines = ["test", *offers]
        text = "\r\n".join(f"250-{offer}" for offer in lines[:-1])
        self.reply("EHLO", f"{text}\r\n250 {lines[-1]}".lstrip())

    def on_helo(self, line: str) -> None:
        self.reply("HELO", "250 test")

    def on_starttls(self, line: str) -> None:
        self.reply("STARTTLS", "220 go")
        assert self.server.script.tls
        self.connection = self.server.script.tls.wrap_socket(self.connection, server_side=True)
        self.encrypted = True

    def on_auth(self, line: str) -> None:
        _, mechanism, *rest = line.split(" ")
        if mechanism == "PLAIN":
            _, user, password = b64decode(rest[0]).decode().split("\0")
        else:
            user = b64decode(rest[0]).decode()
            self.send("334 UGFzc3dvcmQ6")
            password = b64decode(self.line()).decode()
        good = (user, password) == self.server.script.user
        self.reply("AUTH", "235 2.7.0 welcome" if good else "535 5.7.8 who are you")

    def on_mail(self, line: str) -> None:
        self.sender, self.recipients = line.partition("<")[2].partition(">")[0], []
        self.reply("MAIL", "250 2.1.0 ok")

    def on_rcpt(self, line: str) -> None:
        who = line.partition("<")[2].partition(">")[0]
        said = self.server.say(f"RCPT {who}", "") or self.server.say("RCPT", "250 2.1.5 ok")
        if said.startswith("2"):
            self.recipients.append(who)
        self.send(said)

    def on_data(self, line: str) -> None:
        self.reply("DATA", "354 go on")
        data = self.body()
        said = self.server.say("dot", "250 2.0.0 taken")
        if said.startswith("250"):
            self.server.taken.append(Taken(self.sender, self.recipients, data))
        self.send(said)

    def on_quit(self, line: str) -> None:
        self.reply("QUIT", "221 bye")
        raise _Gone

    def body(self) -> bytes:
        cut = self.server.script.cut_body
        while b"\r\n.\r\n" not in self.buffer:
            if cut is not None and len(self.buffer) >= cut:
                self.hang_up()
            self.more()
        if cut is not None:
            self.hang_up()
        data, _, self.buffer = self.buffer.partition(b"\r\n.\r\n")
        return (data + b"\r\n").replace(b"\r\n..", b"\r\n.")

    def line(self) -> str:
        while b"\r\n" not in self.buffer:
            self.more()
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line.decode("utf-8", "replace")

    def more(self) -> None:
        data = self.connection.recv(65536)
        if not data:
            raise _Gone
        self.buffer += data

    def reply(self, phase: str, otherwise: str) -> None:
        said = self.server.say(phase, otherwise)
        self.send(said)
        if not said.startswith(otherwise[:3]):
            raise _Next if said[:1] in "45" and phase != "banner" else _Gone

    def send(self, said: str) -> None:
        if said == HANG_UP:
            self.hang_up()
        if said == SILENCE:
            with suppress(OSError):
                self.connection.recv(65536)
                self.connection.recv(65536)
            raise _Gone
        self.connection.sendall(said.encode() + b"\r\n")

    def hang_up(self) -> None:
        self.connection.close()
        raise _Gone


class _Next(Exception):
    """The command was refused; wait for the next one."""

"""
smtplib's client, made fit for servers that are strangers.
"""

import re
import smtplib
import socket
import ssl
from typing import Final

_MAX_LINE: Final = 4096
_MAX_LINES: Final = 100
_REPLY_LINE: Final = re.compile(rb"[2-5]\d\d[ \r\n-]")


class LinkLostError(smtplib.SMTPServerDisconnected):
    """The server hung up, fell silent, or does not speak SMTP."""


class Client(smtplib.SMTP):
    """smtplib's client, with replies of bounded size."""

    @property
    def socket(self) -> socket.socket:
        """The connection; raises LinkLostError when there is none any more."""
        if self.sock is None:
            raise LinkLostError("not connected")
        return self.sock

    @property
    def tls_version(self) -> str | None:
        """The version of TLS that the connection is encrypted with; None is in the clear."""
        return self.sock.version() if isinstance(self.sock, ssl.SSLSocket) else None

    def getreply(self) -> tuple[int, bytes]:
        """Return the code and the text of the next reply; raises LinkLostError."""
        texts = []
        for _ in range(_MAX_LINES):
            line = self._read_line()
            texts.append(line[4:].strip())
            if line[3:4] != b"-":
                return int(line[:3]), b"\n".join(texts)
        self.close()
        raise LinkLostError("a reply without end")

    def _read_line(self) -> bytes:
        try:
            if self.file is None:
                self.file = self.socket.makefile("rb")
            line: bytes = self.file.readline(_MAX_LINE)
        except OSError as error:
            self.close()
            raise LinkLostError(type(error).__name__) from error
        if not line.endswith(b"\n") or not _REPLY_LINE.match(line):
            self.close()
            raise LinkLostError("a reply that is not SMTP" if line else "hung up")
        return line


class TlsClient(Client, smtplib.SMTP_SSL):
    """The same over a connection that is encrypted from its first byte."""

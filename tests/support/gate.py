"""A gate in front of the API server: open, or so shut that nothing says that it is."""

import select
import socket
import threading
from typing import Final
from urllib.parse import urlsplit

_CHUNK: Final = 65536


class Gate:
    """Forwards connections to a server; while it is shut, bytes vanish and nobody is told."""

    def __init__(self, server: str) -> None:
        parts = urlsplit(server)
        self._target = (parts.hostname, parts.port or 443)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._shut = threading.Event()
        self._over = threading.Event()
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def shut(self) -> None:
        """Let nothing through from now on; connections that are open stay dead for good."""
        self._shut.set()

    def open(self) -> None:
        """Let new connections through again."""
        self._shut.clear()

    def close(self) -> None:
        """End all of it."""
        self._over.set()
        self._listener.close()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        with client:
            if self._shut.is_set():
                self._hang(client)
                return
            with socket.create_connection(self._target) as server:
                ends = {client: server, server: client}
                while not self._over.is_set():
                    ready, _, _ = select.select([*ends], [], [], 0.2)
                    if self._shut.is_set():
                        self._hang(client)
                        return
                    for end in ready:
                        data = end.recv(_CHUNK)
                        if not data:
                            return
                        ends[end].sendall(data)

    def _hang(self, client: socket.socket) -> None:
        """Hold a connection that leads nowhere until its client gives it up."""
        client.settimeout(0.5)
        while not self._over.is_set():
            try:
                if not client.recv(_CHUNK):
                    return
            except TimeoutError:
                continue
            except OSError:
                return

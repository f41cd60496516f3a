"""
What an attack could harm: a secret, a folder, a process, listeners. And whether it did.

Everything is a decoy made for one attack, so that the control, which runs without walls, really
harms something and nothing of anybody's.
"""

import ctypes
import os
import resource
import secrets
import select
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

HARMS: Final = ("leaked", "touched", "connected", "meddled")

_VICTIM: Final = """
import ctypes, os, sys, time
secret = ctypes.create_string_buffer(os.environ["SECRET"].encode())
print(ctypes.addressof(secret), flush=True)
time.sleep(120)
"""


@dataclass
class World:
    """The decoys; *flag* is a text that an attack prints when it got where it must not."""

    flag: str
    secret: Path
    outside: Path
    victim: "subprocess.Popen[str]"
    address: int
    listeners: dict[str, socket.socket]

    def params(self) -> dict[str, Any]:
        """What the attack is told: more than a real one would know."""
        return {
            "flag": self.flag,
            "secret": str(self.secret),
            "outside": str(self.outside),
            "victim": self.victim.pid,
            "address": self.address,
            "length": len(self.flag),
            "tcp": self.listeners["tcp"].getsockname()[1],
            "udp": self.listeners["udp"].getsockname()[1],
            "unix": self.listeners["unix"].getsockname(),
            "abstract": self.listeners["abstract"].getsockname()[1:].decode(),
        }

    def harms(self, said: str) -> set[str]:
        """Return which harms came about; *said* is all that the attack made anybody read."""
        found = {
            "leaked": self.flag in said,
            "touched": bool(list(self.outside.iterdir())) or self.secret.read_text() != self.flag,
            "connected": bool(select.select(list(self.listeners.values()), [], [], 0)[0]),
            "meddled": self._is_victim_changed(),
        }
        return {harm for harm, came_about in found.items() if came_about}

    def _is_victim_changed(self) -> bool:
        if self.victim.poll() is not None:
            return True
        pid = self.victim.pid
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        limit = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        return state in "tT" or limit != resource.getrlimit(resource.RLIMIT_NOFILE)


@contextmanager
def attack_world() -> Iterator[World]:
    """Set the decoys up, and take them away."""
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="decoy-")))
        flag = secrets.token_hex(16)
        secret, outside = root / "secret.csv", root / "outside"
        secret.write_text(flag)
        outside.mkdir()
        victim = subprocess.Popen(
            [sys.executable, "-c", _VICTIM],
            env={"SECRET": flag},
            stdout=subprocess.PIPE,
            text=True,
        )
        stack.callback(_end, victim)
        assert victim.stdout is not None
        address = int(victim.stdout.readline())
        listeners = _listeners(root, stack)
        yield World(flag, secret, outside, victim, address, listeners)


def _listeners(root: Path, stack: ExitStack) -> dict[str, socket.socket]:
    places: dict[str, tuple[int, int, Any]] = {
        "tcp": (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
        "udp": (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
        "unix": (socket.AF_UNIX, socket.SOCK_STREAM, str(root / "listener")),
        "abstract": (socket.AF_UNIX, socket.SOCK_STREAM, "\0" + secrets.token_hex(8)),
    }
    made = {}
    for name, (family, kind, address) in places.items():
        listener = stack.enter_context(socket.socket(family, kind))
        listener.bind(address)
        if kind == socket.SOCK_STREAM:
            listener.listen(8)
        made[name] = listener
    return made


def _end(victim: "subprocess.Popen[str]") -> None:
    victim.kill()
    victim.wait()
    assert victim.stdout is not None
    victim.stdout.close()


def machine_is(name: str) -> bool:
    """Whether this is the machine that an attack in machine code is written for."""
    return os.uname().machine == name and ctypes.sizeof(ctypes.c_void_p) == 8

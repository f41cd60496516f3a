"""
The Landlock wall: which files a process and its threads may still open, and nobody to talk to.

Paths only; what is open already stays open. Each version of the kernel's interface (ABI) adds
rights that can be taken away, and a ruleset names all those that this kernel knows.
"""

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from report_runner.kernel import KernelError, call

WRITE_FILE, READ_FILE, READ_DIR = 1 << 1, 1 << 2, 1 << 3
TRUNCATE: Final = 1 << 14

_FIRST_RIGHTS: Final = (1 << 13) - 1
_LATER_RIGHTS: Final = {2: 1 << 13, 3: TRUNCATE, 5: 1 << 15}  # refer, truncate, ioctl on devices
_NET_ABI, _NET_RIGHTS = 4, 0b11  # bind and connect TCP
_SCOPE_ABI, _SCOPES = 6, 0b11  # abstract Unix sockets, signals


class _Attributes(ctypes.Structure):
    _fields_ = [
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    ]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def supported_abi() -> int:
    """Return the version of Landlock that this kernel offers; 0 if it has none or has it off."""
    ask_version = 1
    try:
        return call("landlock_create_ruleset", None, 0, ask_version)
    except KernelError:
        return 0


def file_rights(abi: int) -> int:
    """Return all rights on files that version *abi* can take away."""
    later = (right for since, right in _LATER_RIGHTS.items() if abi >= since)
    return _FIRST_RIGHTS | sum(later)


def restrict(abi: int, *, readable: Iterable[Path], writable: Iterable[Path]) -> None:
    """
    Leave this thread, and those it starts, only these paths; takes away TCP, signals, exec.

    *readable* are folders or files, *writable* are files that exist. A path that does not exist
    for this user is passed over. ``no_new_privs`` must be set, and there must be one thread only.

    Raises:
        KernelError: the kernel does not let us.
    """
    handled = file_rights(abi)
    ruleset = _create_ruleset(abi, handled)
    try:
        for path in readable:
            _allow(ruleset, path, handled & (READ_FILE | READ_DIR))
        for path in writable:
            _allow(ruleset, path, handled & (READ_FILE | WRITE_FILE | TRUNCATE))
        call("landlock_restrict_self", ruleset, 0)
    finally:
        os.close(ruleset)


def _create_ruleset(abi: int, handled: int) -> int:
    attributes = _Attributes(
        handled,
        _NET_RIGHTS if abi >= _NET_ABI else 0,
        _SCOPES if abi >= _SCOPE_ABI else 0,
    )
    # An older kernel refuses a structure that is larger than the one it knows.
    size = 8 if abi < _NET_ABI else 16 if abi < _SCOPE_ABI else 24
    return call("landlock_create_ruleset", ctypes.byref(attributes), size, 0)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    beneath_path = 1
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    try:
        if not path.is_dir():
            rights &= ~READ_DIR
        rule = _PathBeneath(rights, parent)
        call("landlock_add_rule", ruleset, beneath_path, ctypes.byref(rule), 0)
    finally:
        os.close(parent)

"""Raw system calls for the walls, through the C library's ``syscall``; Linux only."""

import ctypes
import os
import sys
from functools import cache

from report_runner import syscalls


class KernelError(Exception):
    """A system call that a wall needs has failed; the message names it and the error."""


def call(name: str, *arguments: object) -> int:
    """
    Make the system call *name*: ints, None for a null pointer, or ctypes pointers.

    Raises:
        KernelError: it failed, or this machine has no such call.
    """
    arch = syscalls.this_machine()
    number = None if arch is None else syscalls.number_of(name, arch)
    if number is None:
        raise KernelError(f"{name}: not known for this machine")
    result: int = _c_library().syscall(ctypes.c_long(number), *map(_to_c, arguments))
    if result < 0:
        raise KernelError(f"{name}: {os.strerror(ctypes.get_errno())}")
    return result


def control_process(option: int, value: int) -> None:
    """
    Make the call ``prctl`` with *option* and *value*.

    Raises:
        KernelError: it failed.
    """
    call("prctl", option, value, 0, 0, 0)


def refuse_tracing() -> None:
    """Let no process of the same user look into this one (Linux only)."""
    if sys.platform == "linux":
        dumpable = 4
        control_process(dumpable, 0)


def _to_c(argument: object) -> object:
    """Widen plain ints: a variadic C function reads whole registers."""
    return ctypes.c_long(argument) if isinstance(argument, int) else argument


@cache
def _c_library() -> ctypes.CDLL:
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    return library

"""
Starts a program as on a kernel that lacks system calls: ``kernel_without.py CALL… -- PROGRAM …``.

A seccomp filter answers those calls with ENOSYS, as an older kernel or a stricter container would.
"""

import ctypes
import errno
import os
import struct
import sys

from report_runner import syscalls
from report_runner.kernel import call

_ALLOW, _NO_SUCH_CALL = 0x7FFF0000, 0x00050000 | errno.ENOSYS
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06


def main() -> None:
    """Install the filter, become the program."""
    split = sys.argv.index("--")
    missing, program = sys.argv[1:split], sys.argv[split + 1 :]
    arch = syscalls.this_machine()
    assert arch is not None
    code = [struct.pack("=HBBI", _LOAD, 0, 0, 0)]
    for name in missing:
        number = syscalls.number_of(name, arch)
        code.append(struct.pack("=HBBI", _JUMP_IF_EQUAL, 0, 1, number))
        code.append(struct.pack("=HBBI", _RETURN, 0, 0, _NO_SUCH_CALL))
    code.append(struct.pack("=HBBI", _RETURN, 0, 0, _ALLOW))
    buffer = ctypes.create_string_buffer(b"".join(code), 8 * len(code))

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

    no_new_privileges, set_mode_filter = 38, 1
    call("prctl", no_new_privileges, 1, 0, 0, 0)
    header = Program(len(code), ctypes.addressof(buffer))
    call("seccomp", set_mode_filter, 0, ctypes.byref(header))
    os.execv(program[0], program)


if __name__ == "__main__":
    main()

"""The filter's program, run by a small interpreter on the calls that a process could make."""

import errno
import struct

import pytest

from report_runner import syscalls
from report_runner.seccomp import ALLOW, ALLOWED, KILL, KILLED, argument_rules, build_filter
from report_runner.syscalls import ARM64, X86_64

PID = 4242
EPERM, ENOSYS = 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS
BOTH = pytest.mark.parametrize("arch", [X86_64, ARM64], ids=["x86-64", "arm64"])


def verdict(arch: int, number: int, *arguments: int, on: int | None = None) -> int:
    """Return what the filter of *arch* says to a call made by the convention of *on*."""
    given = [argument & 2**64 - 1 for argument in (*arguments, *[0] * (6 - len(arguments)))]
    data = struct.pack("=IIQ6Q", number & 0xFFFFFFFF, on or arch, 0, *given)
    program = list(struct.iter_unpack("=HBBI", build_filter(arch, PID)))
    accumulator, at = 0, 0
    while True:
        operation, if_true, if_false, value = program[at]
        at += 1
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, value)
        elif operation == 0x54:
            accumulator &= value
        elif operation == 0x06:
            return int(value)
        else:
            holds = {
                0x15: accumulator == value,
                0x35: accumulator >= value,
                0x25: accumulator > value,
            }[operation]
            at += if_true if holds else if_false


def call(arch: int, name: str, *arguments: int) -> int:
    """Return what the filter says to the call *name*, which the machine must have."""
    number = syscalls.number_of(name, arch)
    assert number is not None
    return verdict(arch, number, *arguments)


@BOTH
def test_every_call_of_the_lists_gets_its_verdict(arch: int) -> None:
    def verdicts(names: tuple[str, ...]) -> set[int]:
        return {call(arch, n) for n in names if syscalls.number_of(n, arch) is not None}

    assert {ALLOW} == verdicts(ALLOWED)
    assert {KILL} == verdicts(KILLED)


@BOTH
def test_all_other_calls_are_refused(arch: int) -> None:
    named = {syscalls.number_of(name, arch) for name in (*ALLOWED, *KILLED, *argument_rules(PID))}
    others = set(range(syscalls.NEWEST_KNOWN + 1)) - named

    assert {EPERM} == {verdict(arch, number) for number in others}


@BOTH
def test_calls_younger_than_the_table_seem_not_to_exist(arch: int) -> None:
    assert ENOSYS == verdict(arch, syscalls.NEWEST_KNOWN + 1)


@BOTH
def test_calls_by_another_machines_convention_end_the_process(arch: int) -> None:
    i386, arm = 0x40000003, 0x40000028

    assert {KILL} == {verdict(arch, 0, on=on) for on in (i386, arm)}


def test_x32_numbers_end_the_process() -> None:
    assert KILL == verdict(X86_64, 0x40000000)
    assert KILL == verdict(X86_64, 0x40000000 | 39)


@BOTH
def test_no_call_is_in_two_lists(arch: int) -> None:
    names = [*ALLOWED, *KILLED, *argument_rules(PID)]

    assert len(set(names)) == len(names)


PTHREAD = 0x3D0F00
SHARED, PRIVATE, ANONYMOUS = 1, 2, 0x20


@BOTH
@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("clone", (PTHREAD,), ALLOW),
        ("clone", (17,), EPERM),
        ("clone", (0x4111,), EPERM),  # vfork
        ("clone", (PTHREAD | 0x10000000,), EPERM),  # and a user namespace
        ("clone", (PTHREAD | 0x20000,), EPERM),  # and a mount namespace
        ("clone3", (1,), ENOSYS),
        ("mmap", (0, 4096, 3, PRIVATE | ANONYMOUS), ALLOW),
        ("mmap", (0, 4096, 5, PRIVATE), ALLOW),
        ("mmap", (0, 4096, 1, SHARED), ALLOW),
        ("mmap", (0, 4096, 3, SHARED | ANONYMOUS), EPERM),
        ("mmap", (0, 4096, 3, 3 | ANONYMOUS), EPERM),  # MAP_SHARED_VALIDATE
        ("tgkill", (PID, PID, 6), ALLOW),
        ("tgkill", (1, 1, 9), EPERM),
        ("prlimit64", (0, 7), ALLOW),
        ("prlimit64", (1, 7), EPERM),
        ("fcntl", (3, 4), ALLOW),
        ("fcntl", (3, 8), EPERM),  # F_SETOWN
        ("fcntl", (3, 10), EPERM),  # F_SETSIG
        ("fcntl", (3, 1031), EPERM),  # F_SETPIPE_SZ
        ("ioctl", (1, 0x5401), ALLOW),
        ("ioctl", (1, 0x5412), EPERM),  # TIOCSTI
        ("ioctl", (1, 0x100005412), EPERM),  # the kernel reads 32 bits of it
        ("prctl", (15,), ALLOW),
        ("prctl", (4,), EPERM),  # PR_SET_DUMPABLE
        ("prctl", (1,), EPERM),  # PR_SET_PDEATHSIG
        ("socket", (2, 1), EPERM),
        ("execve", (), KILL),
    ],
)
def test_calls_that_are_allowed_in_part(
    arch: int, name: str, arguments: tuple[int, ...], expected: int
) -> None:
    assert expected == call(arch, name, *arguments)


@pytest.mark.parametrize("column", [0, 1], ids=["x86-64", "arm64"])
def test_no_two_calls_have_one_number(column: int) -> None:
    numbers = [pair[column] for pair in syscalls.NUMBERS.values() if pair[column] is not None]

    assert len(set(numbers)) == len(numbers)


@BOTH
def test_the_program_is_no_longer_than_the_kernel_takes(arch: int) -> None:
    assert len(build_filter(arch, PID)) // 8 <= 4096

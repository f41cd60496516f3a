"""
The seccomp wall: an allow-list of system calls, written as a classic BPF program.

What ordinary pandas work needs is allowed. Calls that only an attack would make end the process;
everything else fails with EPERM, which the script sees as an ordinary PermissionError on its own
line. Calls that are younger than our table fail with ENOSYS, so that a newer C library falls back
to the older call.
"""

import ctypes
import errno
import struct
from dataclasses import dataclass
from typing import Final

from report_runner import syscalls
from report_runner.kernel import KernelError, call

ALLOW: Final = 0x7FFF0000
KILL: Final = 0x80000000
_ERRNO: Final = 0x00050000


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ALLOWED: Final = _names("""
    read write close fstat newfstatat stat lstat statx lseek readv writev pread64 pwrite64
    access faccessat faccessat2 openat readlink readlinkat getcwd getdents64 ftruncate fadvise64
    dup dup2 dup3 pipe pipe2 poll ppoll select pselect6
    brk munmap mprotect mremap madvise
    rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack restart_syscall getitimer setitimer
    futex sched_yield sched_getaffinity getcpu set_robust_list rseq membarrier exit exit_group
    getpid getppid gettid getuid geteuid getgid getegid uname sysinfo getrusage getrlimit times
    time gettimeofday clock_gettime clock_getres clock_nanosleep nanosleep getrandom
""")

KILLED: Final = _names("""
    ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd execve execveat
    bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register
    unshare setns mount umount2 move_mount open_tree fsopen fsconfig fsmount fspick mount_setattr
    pivot_root chroot keyctl add_key request_key init_module finit_module delete_module
    kexec_load kexec_file_load open_by_handle_at iopl ioperm modify_ldt
""")


@dataclass(frozen=True)
class ArgumentRule:
    """A call that is allowed when argument *index*, masked, is one of *values*; else *otherwise*.

    Only the lower 32 bits count: all arguments named here are C ints or flags that fit.
    """

    index: int
    values: tuple[int, ...]
    mask: int = 0xFFFFFFFF
    otherwise: int = _ERRNO | errno.EPERM


CLONE_THREAD, CLONE_VM = 0x10000, 0x100
_CLONE_NEW_NAMESPACES: Final = 0x7E020080
MAP_SHARED, MAP_ANONYMOUS = 0x01, 0x20


def argument_rules(pid: int) -> dict[str, ArgumentRule]:
    """Return the calls that are allowed in part, for the process *pid*."""
    duplicates, flags, locks = (0, 1030), (1, 2, 3, 4), (5, 6, 7)
    is_terminal, close_on_exec, no_delay, readable, width = 0x5401, 0x5451, 0x5421, 0x541B, 0x5413
    name_thread = 15
    return {
        # A thread is allowed; a process of its own, or a new namespace, is not.
        "clone": ArgumentRule(
            0, (CLONE_THREAD | CLONE_VM,), CLONE_THREAD | CLONE_VM | _CLONE_NEW_NAMESPACES
        ),
        # Its flags lie in memory, where a filter cannot look; the C library falls back to clone.
        "clone3": ArgumentRule(0, (), otherwise=_ERRNO | errno.ENOSYS),
        # Memory that is shared and has no file escapes the limit on data. One of the two, or none.
        "mmap": ArgumentRule(3, (0, MAP_SHARED, MAP_ANONYMOUS), MAP_SHARED | MAP_ANONYMOUS),
        # abort() signals the process itself; nobody else may be signalled.
        "tgkill": ArgumentRule(0, (pid,)),
        # Another process of the same user could be given a limit that kills it.
        "prlimit64": ArgumentRule(0, (0, pid)),
        # Not F_SETOWN with F_SETSIG, which signals others, nor F_SETPIPE_SZ.
        "fcntl": ArgumentRule(1, (*duplicates, *flags, *locks)),
        "ioctl": ArgumentRule(1, (is_terminal, close_on_exec, no_delay, readable, width)),
        "prctl": ArgumentRule(0, (name_thread,)),
    }


_LOAD, _AND, _JEQ, _JGE, _JGT, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x25, 0x06
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
_X32: Final = 0x40000000


def build_filter(arch: int, pid: int) -> bytes:
    """Return the BPF program for the machine *arch* and the process *pid*."""
    code = [_load(_ARCH), _jump(_JEQ, arch, 1, 0), _return(KILL), _load(_NUMBER)]
    code += [_jump(_JGE, _X32, 0, 1), _return(KILL)]
    for name in ALLOWED:
        code += _when(syscalls.number_of(name, arch), [_return(ALLOW)])
    for name, rule in argument_rules(pid).items():
        code += _when(syscalls.number_of(name, arch), _judge_argument(rule))
    for name in KILLED:
        code += _when(syscalls.number_of(name, arch), [_return(KILL)])
    code += [_jump(_JGT, syscalls.NEWEST_KNOWN, 0, 1), _return(_ERRNO | errno.ENOSYS)]
    return b"".join([*code, _return(_ERRNO | errno.EPERM)])


def install(arch: int, pid: int) -> None:
    """
    Put the filter on every thread of this process, for ever. ``no_new_privs`` must be set.

    Raises:
        KernelError: the kernel, or a filter that stands already, does not let us.
    """
    program = build_filter(arch, pid)
    buffer = ctypes.create_string_buffer(program, len(program))

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

    header = Program(len(program) // 8, ctypes.addressof(buffer))
    set_mode_filter, on_all_threads = 1, 1
    out_of_step = call("seccomp", set_mode_filter, on_all_threads, ctypes.byref(header))
    if out_of_step:
        raise KernelError(f"seccomp: thread {out_of_step} has a filter of its own")


def _judge_argument(rule: ArgumentRule) -> list[bytes]:
    code = [_load(_ARGUMENTS + 8 * rule.index), struct.pack("=HBBI", _AND, 0, 0, rule.mask)]
    for value in rule.values:
        code += [_jump(_JEQ, value & 0xFFFFFFFF, 0, 1), _return(ALLOW)]
    return [*code, _return(rule.otherwise)]


def _when(number: int | None, body: list[bytes]) -> list[bytes]:
    """Return the code that runs *body*, which always returns, for the call *number*."""
    return [] if number is None else [_jump(_JEQ, number, 0, len(body)), *body]


def _load(offset: int) -> bytes:
    return struct.pack("=HBBI", _LOAD, 0, 0, offset)


def _jump(operation: int, value: int, if_true: int, if_false: int) -> bytes:
    return struct.pack("=HBBI", operation, if_true, if_false, value)


def _return(verdict: int) -> bytes:
    return struct.pack("=HBBI", _RETURN, 0, 0, verdict)

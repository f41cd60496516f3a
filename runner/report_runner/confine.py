"""
Confines the process it runs in, for ever: limits, no privileges, Landlock, seccomp.

The order matters. Limits and privileges come first because the later walls forbid setting them;
Landlock comes before seccomp, which does not know its calls; at the end each wall is touched, so
that what is reported is what was felt and not what was asked for.
"""

import ctypes
import os
import resource
import signal
import sys
import sysconfig
import zoneinfo
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from report_runner import landlock, seccomp, syscalls
from report_runner.kernel import KernelError, call, control_process, refuse_tracing
from report_runner.script_job import MIB, ScriptJob, ScriptLimits, Walls

MEMORY_RESERVE: Final = 16 * MIB
"""Bytes between the soft and the hard limit: what is left to say that memory ran out."""

_NO_NEW_PRIVILEGES, _DEATH_SIGNAL = 38, 1  # options of prctl
_LIBRARY_FOLDERS: Final = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib")
_INITIAL_USER_NAMESPACE: Final = ["0", "0", "4294967295"]


class SandboxUnavailableError(Exception):
    """A wall cannot be raised here; the message says which, and the way out."""


def confine(job: ScriptJob, *, sources: Iterable[Path], result: Path, descriptor: int) -> Walls:
    """
    Leave this process only what *job* needs, and return what stands.

    It may still read the *sources* and Python's own files, write the file *result*, and use the
    standard descriptors and *descriptor*.

    Raises:
        SandboxUnavailableError: a wall is missing and the job does not allow that.
    """
    if sys.platform != "linux" and not job.unconfined:
        raise SandboxUnavailableError(
            "only Linux can confine a script: run it on Linux, or, if you trust the script, "
            "without walls by srep run --local --unconfined"
        )
    set_limits(job.limits)
    if job.unconfined:
        return Walls(user_namespace=_in_user_namespace())
    try:
        return _raise_walls(job, [*python_paths(), *sources], result, descriptor)
    except (KernelError, OSError) as error:
        raise SandboxUnavailableError(f"the script could not be confined: {error}") from error


def die_with_parent() -> None:
    """Have the kernel kill this process when the script host dies (Linux only)."""
    if sys.platform == "linux":
        control_process(_DEATH_SIGNAL, signal.SIGKILL)


def be_killed_first() -> None:
    """Ask the kernel to choose this process when memory runs out, not the one that can tell."""
    try:
        Path("/proc/self/oom_score_adj").write_text("1000")
    except OSError:
        return  # Where there is no such file, or another rule, the kernel picks the largest.


def rlimits(limits: ScriptLimits, cpu_used: float) -> dict[str, tuple[int, int]]:
    """Return the resource limits, soft and hard, of a process that used *cpu_used* seconds."""
    seconds = int(cpu_used + limits.cpu_budget) + 1
    table = {
        "RLIMIT_CORE": (0, 0),
        "RLIMIT_CPU": (seconds, seconds + 1),
        "RLIMIT_FSIZE": (limits.output_bytes, limits.output_bytes),
        "RLIMIT_MEMLOCK": (0, 0),
        "RLIMIT_MSGQUEUE": (0, 0),
        "RLIMIT_NOFILE": (64, 64),
        # Counted per user on the whole node: it bounds a bomb and is not a quota.
        "RLIMIT_NPROC": (4096, 4096),
    }
    if limits.memory_bytes:
        # Data, not address space: maps of libraries are no memory that the cgroup would count.
        table["RLIMIT_DATA"] = (limits.memory_bytes, limits.memory_bytes + MEMORY_RESERVE)
    return table


def set_limits(limits: ScriptLimits) -> None:
    """Set the resource limits, as far as this system knows them; an existing one stays lower."""
    for name, (soft, hard) in rlimits(limits, cpu_seconds()).items():
        if not hasattr(resource, name):
            continue
        which = getattr(resource, name)
        ceiling = resource.getrlimit(which)[1]
        if ceiling != resource.RLIM_INFINITY:
            soft, hard = min(soft, ceiling), min(hard, ceiling)
        resource.setrlimit(which, (soft, hard))


def cpu_seconds() -> float:
    """Return the seconds of CPU that this process has used."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def use_memory_reserve() -> None:
    """Lift the soft limit on memory to the hard one, to be able to say that it was reached."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def python_paths() -> list[Path]:
    """Return the folders from which Python and its packages may load something later."""
    scheme = sysconfig.get_paths()
    packages = [scheme[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")]
    loaded = [sys.modules[name].__file__ for name in ("numpy", "pandas") if name in sys.modules]
    site_folders = [str(Path(file).parent.parent) for file in loaded if file]
    libraries = [*_LIBRARY_FOLDERS, f"{sys.base_prefix}/lib"]
    unique = dict.fromkeys([*packages, *site_folders, *libraries, *zoneinfo.TZPATH])
    return [Path(path) for path in unique]


def _raise_walls(job: ScriptJob, readable: list[Path], result: Path, descriptor: int) -> Walls:
    arch = syscalls.this_machine()
    if len(os.listdir("/proc/self/task")) != 1:
        raise KernelError("Landlock holds one thread, and there are more already")
    user_namespace = _in_user_namespace()
    _close_all_but({0, 1, 2, descriptor})
    _drop_capabilities()
    refuse_tracing()
    control_process(_NO_NEW_PRIVILEGES, 1)
    abi = _raise_landlock(job, readable, result)
    filtered = _raise_seccomp(job, arch)
    return Walls(
        confined=abi >= job.min_landlock_abi and filtered,
        landlock_abi=abi,
        seccomp=filtered,
        user_namespace=user_namespace,
    )


def _raise_landlock(job: ScriptJob, readable: list[Path], result: Path) -> int:
    abi = landlock.supported_abi()
    if abi < job.min_landlock_abi and not job.allow_degraded:
        raise SandboxUnavailableError(
            f"this kernel offers Landlock ABI {abi}, and {job.min_landlock_abi} is asked for: "
            "use nodes with Linux 6.7 or newer and Landlock enabled, or have the admin allow a "
            "degraded sandbox (sandbox.allowDegraded)"
        )
    if abi == 0:
        return 0
    landlock.restrict(abi, readable=readable, writable=[result])
    _must_fail(lambda: os.close(os.open("/proc/self/status", os.O_RDONLY)), "Landlock")
    return abi


def _raise_seccomp(job: ScriptJob, arch: int | None) -> bool:
    try:
        if arch is None:
            raise KernelError(f"no system call table for {os.uname().machine}")
        seccomp.install(arch, os.getpid())
    except KernelError as error:
        if job.allow_degraded:
            return False
        raise SandboxUnavailableError(
            f"the seccomp filter could not be installed ({error}): run the pod under the "
            "RuntimeDefault profile, or have the admin allow a degraded sandbox "
            "(sandbox.allowDegraded)"
        ) from error
    unix, stream = 1, 1
    _must_fail(lambda: os.close(call("socket", unix, stream, 0)), "seccomp")
    return True


def _must_fail(forbidden: Callable[[], None], wall: str) -> None:
    try:
        forbidden()
    except (PermissionError, KernelError):
        return
    raise SandboxUnavailableError(f"{wall} was installed but does not hold")


def _close_all_but(kept: set[int]) -> None:
    for entry in os.listdir("/proc/self/fd"):
        if int(entry) not in kept:
            _close_quietly(int(entry))


def _close_quietly(descriptor: int) -> None:
    try:
        os.close(descriptor)
    except OSError:
        return  # The one with which the folder itself was listed is closed by now.


def _drop_capabilities() -> None:
    """Give up all capabilities, which only root on one's own machine has here."""
    version_3, this_process, words = 0x20080522, 0, 6
    header = (ctypes.c_uint32 * 2)(version_3, this_process)
    nothing = (ctypes.c_uint32 * words)()
    call("capset", ctypes.byref(header), ctypes.byref(nothing))


def _in_user_namespace() -> bool:
    try:
        return Path("/proc/self/uid_map").read_text().split() != _INITIAL_USER_NAMESPACE
    except OSError:
        return False

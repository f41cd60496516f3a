"""
The words for a script that did not end by itself, and what its process's end says about it.
"""

import signal
from typing import Final

from report_runner.script_job import ScriptLimits, in_mib
from report_types.outcome import Reason

GRACE_SECONDS: Final = 1.0
"""How long after its time the script may take to notice; then the process is killed."""

TAMPERED: Final = (
    "the script used a channel that is the sandbox's own: "
    "a script may compute and set `result`, nothing else"
)


def out_of_memory(limits: ScriptLimits, where: str = "") -> str:
    """Return the message for a script that reached its memory limit; *where* names the place."""
    limit = f"the limit is {in_mib(limits.memory_bytes)}" if limits.memory_bytes else ""
    facts = "; ".join(filter(None, [where, limit]))
    return (
        f"out of memory{f' ({facts})' if facts else ''}: raise spec.resources.limits.memory, "
        "or let the script hold less at a time"
    )


def timed_out(limits: ScriptLimits, where: str = "") -> str:
    """Return the message for a script that did not end in time; *where* names the place."""
    return (
        f"the script did not end within {limits.timeout_seconds:g} s"
        f"{f' ({where})' if where else ''}: make it faster, or raise spec.script.timeoutSeconds"
    )


def verdict_on_exit(
    returncode: int, limits: ScriptLimits, cpu_seconds: float
) -> tuple[Reason, str]:
    """
    Return why a child that used *cpu_seconds* ended without an answer; we did not kill it.

    *returncode* is negative for a signal. Nobody else in the container may signal the child, so a
    SIGKILL came from the kernel: for memory, or for CPU time when the script ignored the warning.
    """
    number = -returncode
    if number <= 0:
        return Reason.SCRIPT_ERROR, "the script ended its own process before there was a result"
    if number == signal.SIGXCPU or (number == signal.SIGKILL and cpu_seconds >= limits.cpu_budget):
        return Reason.SCRIPT_TIMEOUT, (
            f"the script used {cpu_seconds:.0f} s of CPU time, more than it may: "
            "make it faster, or raise spec.script.timeoutSeconds"
        )
    if number == signal.SIGKILL:
        return Reason.OUT_OF_MEMORY, out_of_memory(limits)
    if number == signal.SIGXFSZ:
        return Reason.RESULT_TOO_LARGE, result_too_large(limits)
    if number == signal.SIGSYS:
        return Reason.SCRIPT_ERROR, (
            "the script tried something that the sandbox forbids, such as starting a program: "
            "a script may compute and set `result`, nothing else"
        )
    return Reason.SCRIPT_ERROR, f"the script crashed its process ({signal_name(number)})"


def host_vanished(limits: ScriptLimits) -> str:
    """Return the message for a script host that hung up without an answer."""
    limit = f": limit {in_mib(limits.memory_bytes)}" if limits.memory_bytes else ""
    return (
        "the script container ended without an answer, most likely it ran out of memory"
        f"{limit}; raise spec.resources.limits.memory or use less"
    )


def signal_name(number: int) -> str:
    """Return the name of a signal, such as SIGSEGV."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def verdict_before_script(returncode: int | None) -> tuple[Reason, str]:
    """Return why a child was gone, or stuck, while only our own code ran in it."""
    if returncode == -signal.SIGKILL:
        return Reason.OUT_OF_MEMORY, out_of_memory(ScriptLimits(), "before the script was started")
    how = "did not get ready" if returncode is None else f"ended with {returncode}"
    return Reason.SANDBOX_UNAVAILABLE, (
        f"the process for the script {how}: the log of the script says why; "
        "the image must have pandas, and the container enough CPU"
    )


def result_too_large(limits: ScriptLimits) -> str:
    """Return the message for a CSV that is larger than it may be."""
    return (
        f"the CSV is larger than {in_mib(limits.output_bytes)}: "
        "aggregate, filter, or leave columns out"
    )

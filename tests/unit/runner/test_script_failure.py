"""What the end of a process says about a script that gave no answer."""

import signal

import pytest

from report_runner.script_failure import (
    out_of_memory,
    timed_out,
    verdict_before_script,
    verdict_on_exit,
)
from report_runner.script_job import MIB, ScriptLimits
from report_types.outcome import Reason

LIMITS = ScriptLimits(timeout_seconds=300, memory_bytes=512 * MIB, cpu_seconds=60)


@pytest.mark.parametrize(
    ("returncode", "cpu", "reason", "words"),
    [
        (0, 1, Reason.SCRIPT_ERROR, "ended its own process"),
        (3, 1, Reason.SCRIPT_ERROR, "ended its own process"),
        (-signal.SIGKILL, 1, Reason.OUT_OF_MEMORY, "the limit is 512Mi"),
        (-signal.SIGKILL, 60.5, Reason.SCRIPT_TIMEOUT, "60 s of CPU time"),
        (-signal.SIGXCPU, 60.1, Reason.SCRIPT_TIMEOUT, "of CPU time"),
        (-signal.SIGXFSZ, 1, Reason.RESULT_TOO_LARGE, "larger than 100Mi"),
        (-signal.SIGSYS, 1, Reason.SCRIPT_ERROR, "the sandbox forbids"),
        (-signal.SIGSEGV, 1, Reason.SCRIPT_ERROR, "crashed its process (SIGSEGV)"),
        (-63, 1, Reason.SCRIPT_ERROR, "crashed its process (signal 63)"),
    ],
)
def test_end_of_the_script_process(returncode: int, cpu: float, reason: Reason, words: str) -> None:
    said, message = verdict_on_exit(returncode, LIMITS, cpu)

    assert reason == said
    assert words in message


@pytest.mark.parametrize(
    ("returncode", "reason"),
    [
        (-signal.SIGKILL, Reason.OUT_OF_MEMORY),
        (1, Reason.SANDBOX_UNAVAILABLE),
        (None, Reason.SANDBOX_UNAVAILABLE),
    ],
)
def test_end_before_the_script_is_not_the_scripts_fault(
    returncode: int | None, reason: Reason
) -> None:
    assert reason == verdict_before_script(returncode)[0]


def test_messages_name_the_place_the_limit_and_the_field() -> None:
    assert (
        "out of memory (script line 3: x = y; the limit is 512Mi): "
        "raise spec.resources.limits.memory, or let the script hold less at a time"
    ) == out_of_memory(LIMITS, "script line 3: x = y")
    assert (
        "the script did not end within 300 s: make it faster, or raise spec.script.timeoutSeconds"
    ) == timed_out(LIMITS)


def test_cpu_is_by_default_a_backstop_and_no_tighter_than_the_timeout() -> None:
    assert ScriptLimits(timeout_seconds=10).cpu_budget >= 10

"""
What a run of a script comes to, on the runner's side: a checked result, or a failure.
"""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from report_runner import script_failure
from report_runner.script_job import ScriptLimits, Walls
from report_types.outcome import Reason, RunError


class ScriptFailure(RunError):  # noqa: N818  the word that the status uses
    """
    The script did not come to a result. *walls* stood around it, *seconds* went into phases.

    *line_text* is the text of the script's line *line*, where one is to blame.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        line: int | None = None,
        line_text: str = "",
        walls: Walls | None = None,
        seconds: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(reason, message, line=line)
        self.line_text = line_text
        self.walls = walls
        self.seconds = seconds or {}


@dataclass(frozen=True, kw_only=True)
class ScriptResult:
    """
    What a script came to: *csv* is the open result, checked to be a plain file of bounded size.

    *rows* and *columns* are the script's own word for it; the CSV says what is true.
    """

    csv: BinaryIO
    rows: int | None
    columns: tuple[str, ...]
    warnings: tuple[str, ...]
    walls: Walls
    seconds: Mapping[str, float]
    peak_memory_bytes: int | None


def open_result(path: Path, limits: ScriptLimits) -> BinaryIO:
    """
    Open the result at *path* without trusting whoever made it: no link, no pipe, no surprise.

    Raises:
        ScriptFailure: it is missing, is no plain file, or is too large.
    """
    try:
        # O_NONBLOCK: opening a named pipe would wait for a writer for ever.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(path, flags)
    except OSError as error:
        message = f"the script's result cannot be opened: {error.strerror}"
        raise ScriptFailure(Reason.RESULT_INVALID, message) from error
    try:
        _check(os.fstat(descriptor), limits)
    except ScriptFailure:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def _check(facts: os.stat_result, limits: ScriptLimits) -> None:
    if not stat.S_ISREG(facts.st_mode) or facts.st_nlink != 1:
        raise ScriptFailure(Reason.RESULT_INVALID, "the script's result is not a plain file")
    if facts.st_size == 0:
        # Even a DataFrame without rows and columns is written as one line.
        raise ScriptFailure(Reason.RESULT_INVALID, "the script's result was never written")
    if facts.st_size > limits.output_bytes:
        raise ScriptFailure(Reason.RESULT_TOO_LARGE, script_failure.result_too_large(limits))

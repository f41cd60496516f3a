"""
The work itself, inside the walls: build the DataFrames, run the script, write the CSV.

Whatever goes wrong becomes a FailureError that names the script's own line, with a message that
is fit for a status and, apart from it, the full text for the script's log.
"""

import signal
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import CodeType, FrameType, SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from report_runner import confine, script_errors, script_failure
from report_runner.script_job import RunFacts, ScriptJob
from report_runner.script_result import (
    ResultInvalidError,
    ResultTooLargeError,
    column_names,
    result_of,
    write_csv,
)
from report_runner.script_sources import SourceInvalidError, load_source
from report_types.outcome import Reason


class ScriptTimeoutError(BaseException):
    """The script's time is over. Not an Exception, so that ``except Exception`` lets it pass."""


class FailureError(Exception):
    """The script or its data failed; what the script host is told."""

    def __init__(
        self, reason: Reason, message: str, *, line: int | None = None, log: str = ""
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.line = line
        self.log = log

    def to_wire(self) -> dict[str, Any]:
        """Return the frame that tells it."""
        told = {"message": self.message[:2000], "line": self.line, "log": self.log}
        return {"ok": False, "reason": str(self.reason), **told}


class Stopwatch:
    """Seconds by phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.phase = ""
        self._since = 0.0

    def enter(self, phase: str) -> None:
        """End the phase that runs, and begin *phase*; an empty one only ends."""
        now = time.perf_counter()
        if self.phase:
            self.seconds[self.phase] = round(now - self._since, 4)
        self.phase, self._since = phase, now


def run_job(job: ScriptJob, script: str, input_dir: Path, result: Path) -> dict[str, Any]:
    """
    Run *script* on the job's sources, write its result to the file *result*; return the answer.

    Every way to fail is an answer too; this raises nothing that the script could cause.
    """
    watch = Stopwatch()
    try:
        _start_timer(job.limits.timeout_seconds)
        return _guard(lambda: _work(job, script, input_dir, result, watch), job, script, watch)
    except FailureError as failure:
        return failure.to_wire()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _work(
    job: ScriptJob, script: str, input_dir: Path, result: Path, watch: Stopwatch
) -> dict[str, Any]:
    code = _compile(script)
    watch.enter("load")
    # With more threads, read_csv infers types part by part, needs memory for each of them at once,
    # and counts the node's CPUs rather than the limit of ours. A script may set it otherwise.
    pd.set_option("mode.max_threads", 1)
    sources = {source.name: load_source(source, input_dir) for source in job.sources}
    namespace = namespace_of(job, sources)
    watch.enter("script")
    _execute(code, namespace)
    watch.enter("write")
    frame, warnings = result_of(namespace)
    write_csv(frame, result)
    watch.enter("")
    told = {"columns": column_names(frame), "warnings": warnings, "seconds": watch.seconds}
    return {"ok": True, "rows": len(frame), **told}


def _compile(script: str) -> CodeType:
    script_errors.remember_source(script)
    try:
        return compile(script, script_errors.SCRIPT_FILE, "exec", dont_inherit=True)
    except (ValueError, RecursionError, MemoryError) as error:
        message = f"the script cannot be compiled ({type(error).__name__})"
        raise FailureError(Reason.SCRIPT_ERROR, message, log=f"{error}\n") from error


def namespace_of(job: ScriptJob, sources: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """Return the names that the script finds: data, sources, params, run, pd and np."""
    namespace: dict[str, Any] = {"__name__": "__main__", "pd": pd, "np": np}
    namespace |= {"sources": sources, "params": dict(job.params), "run": run_of(job.run)}
    if "data" in sources:
        namespace["data"] = sources["data"]
    elif len(sources) == 1:
        (namespace["data"],) = sources.values()
    return namespace


def run_of(facts: RunFacts) -> SimpleNamespace:
    """Return what the script sees as ``run``; its times are in the report's own time zone."""
    scheduled = datetime.fromisoformat(facts.scheduled_time)
    local = scheduled.astimezone(ZoneInfo(facts.time_zone))
    return SimpleNamespace(
        name=facts.name,
        report=facts.report,
        namespace=facts.namespace,
        scheduled_time=local,
        date=local.date(),
        time_zone=facts.time_zone,
        trigger=facts.trigger,
    )


def _execute(code: CodeType, namespace: dict[str, Any]) -> None:
    try:
        exec(code, namespace)  # noqa: S102  this is what the walls are for
    except SystemExit as error:
        # sys.exit() at the end of a script is a habit, and no failure.
        if error.code not in (None, 0):
            raise


def _guard(
    work: Callable[[], dict[str, Any]], job: ScriptJob, script: str, watch: Stopwatch
) -> dict[str, Any]:
    """Do *work*; whatever it raises becomes a FailureError that says where and why."""
    try:
        return work()
    except FailureError:
        raise
    except SourceInvalidError as error:
        raise FailureError(Reason.SOURCE_INVALID, str(error)) from error
    except ResultInvalidError as error:
        raise FailureError(Reason.RESULT_INVALID, str(error)) from error
    except ResultTooLargeError as error:
        message = script_failure.result_too_large(job.limits)
        raise FailureError(Reason.RESULT_TOO_LARGE, message) from error
    except MemoryError as error:
        confine.use_memory_reserve()
        line, where = _place(error, script, watch.phase)
        message = script_failure.out_of_memory(job.limits, where)
        raise FailureError(Reason.OUT_OF_MEMORY, message, line=line) from error
    except ScriptTimeoutError as error:
        line, where = _place(error, script, watch.phase)
        message = script_failure.timed_out(job.limits, where)
        raise FailureError(Reason.SCRIPT_TIMEOUT, message, line=line) from error
    except BaseException as error:
        raise _failure_of(error, script, watch.phase) from error


def _failure_of(error: BaseException, script: str, phase: str) -> FailureError:
    """Return what an exception of the script, or of writing its result, comes to."""
    try:
        message, line = script_errors.describe(error, script), script_errors.error_line(error)
        log = script_errors.traceback_text(error)
    except Exception:  # its __str__ is the script's own code
        message, line, log = type(error).__name__, None, ""
    if phase == "write":
        message = f"`result` could not be written as CSV: {message}"
        return FailureError(Reason.RESULT_INVALID, message, line=line, log=log)
    return FailureError(Reason.SCRIPT_ERROR, message, line=line, log=log)


def _place(error: BaseException, script: str, phase: str) -> tuple[int | None, str]:
    """Return the script's line that was running, and how a message names the place."""
    line = script_errors.script_line(error.__traceback__)
    doing = {"load": "reading a source", "write": "writing the CSV"}.get(phase, "")
    return line, script_errors.line_in_script(script, line) or doing


def _start_timer(seconds: float) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        raise ScriptTimeoutError

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)

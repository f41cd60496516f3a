"""
The supervisor: stands between the runner and the child, and believes neither about the other.

It never parses data and never imports pandas. From the child it takes frames of bounded size, of
which it believes the shape alone; time, walls and death it sees for itself.
"""

import argparse
import resource
import signal
import sys
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from types import FrameType
from typing import Any, Final, NoReturn

from report_runner import script_failure
from report_runner.frames import FrameError, encode, write_frame
from report_runner.kernel import refuse_tracing
from report_runner.plain_text import escape
from report_runner.script_answer import Answer, AnswerError, parse_answer, parse_walls
from report_runner.script_job import ScriptJob, ScriptLimits, Walls
from report_runner.script_link import ChildGoneError, DeadlineError, Link, RunnerGoneError
from report_runner.script_log import ScriptLog
from report_runner.script_process import ChildProcess
from report_types.outcome import Reason

SERVED, NO_RUNNER = 0, 75
_IMPORT_SECONDS: Final = 120.0
_WALLS_SECONDS: Final = 30.0


class FailedError(Exception):
    """The script failed, or must not be run; *answer* says how."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.answer = Answer(reason=reason, message=message)


def supervise(child: ChildProcess, arguments: list[str]) -> int:
    """Serve one job with *child*; return the exit code."""
    options = _parse(arguments)
    signal.signal(signal.SIGTERM, _stop)
    refuse_tracing()
    log = ScriptLog(_print)
    link = Link(child, log)
    if not link.connect(options.socket, options.patience):
        return NO_RUNNER
    with suppress(RunnerGoneError):
        Supervisor(child, link, options).serve()
    return SERVED


class Supervisor:
    """One child, one runner, one job."""

    def __init__(self, child: ChildProcess, link: Link, options: argparse.Namespace) -> None:
        self._child = child
        self._link = link
        self._folders = {"input": options.input, "output": options.output}
        self._seconds: dict[str, float] = {}
        self._walls = Walls()

    def serve(self) -> None:
        """
        Tell the runner that the child is ready, take its job, see it through, answer.

        Raises:
            RunnerGoneError: there is nobody to answer to any more.
        """
        try:
            answer = self._converse()
        except FailedError as failed:
            answer = failed.answer
        # Dead before anybody reads the result: nothing can change it afterwards.
        self._child.kill()
        self._link.drain()
        for line in answer.log.splitlines():
            _print(escape(line) + "\n")
        answer = replace(answer, seconds={**answer.seconds, **self._seconds})
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        told = {"walls": asdict(self._walls), "peakMemoryBytes": peak}
        self._link.send(encode({**answer.to_wire(), **told}))

    def _converse(self) -> Answer:
        ready = self._hear_own_code(_IMPORT_SECONDS)
        self._seconds = dict(parse_answer({**ready, "ok": True}).seconds)
        self._link.send(encode({"ready": True, "seconds": self._seconds}))
        job = ScriptJob.from_wire(self._link.receive()["job"])
        self._order({"job": job.without_script().to_wire(), **self._folders})
        self._walls = self._look_at_walls(self._hear_own_code(_WALLS_SECONDS), job)
        self._order({"script": job.script})
        return self._hear_script(job)

    def _order(self, message: dict[str, Any]) -> None:
        # A child that is gone by now is found out by whoever waits for its answer.
        with suppress(BrokenPipeError):
            write_frame(self._child.orders, message)

    def _hear_own_code(self, seconds: float) -> dict[str, Any]:
        """Return the next frame of a child that has not seen a byte of data or script yet."""
        try:
            return self._link.hear(seconds)
        except ChildGoneError as gone:
            raise FailedError(*script_failure.verdict_before_script(gone.returncode)) from gone
        except (DeadlineError, FrameError) as error:
            raise FailedError(*script_failure.verdict_before_script(None)) from error

    def _hear_script(self, job: ScriptJob) -> Answer:
        """Return the answer of a child that runs the script, or the verdict on its end."""
        limits = job.limits
        try:
            return parse_answer(
                self._link.hear(limits.timeout_seconds + script_failure.GRACE_SECONDS)
            )
        except ChildGoneError as gone:
            raise FailedError(*_verdict(gone.returncode, limits)) from gone
        except DeadlineError as error:
            raise FailedError(Reason.SCRIPT_TIMEOUT, script_failure.timed_out(limits)) from error
        except (FrameError, AnswerError) as error:
            raise FailedError(Reason.SCRIPT_ERROR, script_failure.TAMPERED) from error

    def _look_at_walls(self, said: dict[str, Any], job: ScriptJob) -> Walls:
        """Return the walls that the child told of, if they may do and the kernel confirms them."""
        if "unavailable" in said:
            raise FailedError(Reason.SANDBOX_UNAVAILABLE, str(said["unavailable"]))
        walls = parse_walls(said.get("walls"))
        if walls.seccomp and not _kernel_confirms(self._child.pid):
            message = "the kernel does not confirm the walls around the script"
            raise FailedError(Reason.SANDBOX_UNAVAILABLE, message)
        if not (walls.confined or job.allow_degraded or job.unconfined):
            raise FailedError(Reason.SANDBOX_UNAVAILABLE, "a wall around the script is missing")
        return walls


def _verdict(returncode: int | None, limits: ScriptLimits) -> tuple[Reason, str]:
    if returncode is None:
        return Reason.SCRIPT_ERROR, script_failure.TAMPERED
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = usage.ru_utime + usage.ru_stime
    return script_failure.verdict_on_exit(returncode, limits, used)


def _kernel_confirms(pid: int) -> bool:
    """Whether the kernel says, from outside, that a filter stands and no privilege can be won."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    return facts.get("Seccomp") == "2" and facts.get("NoNewPrivs") == "1"


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="report_runner.script_host")
    parser.add_argument("--socket", default="/run/report/input/script.sock")
    parser.add_argument("--input", default="/run/report/input")
    parser.add_argument("--output", default="/run/report/output")
    # The runner listens before all else, so one that does not come by then is dead.
    parser.add_argument("--patience", type=float, default=30.0)
    return parser.parse_args(arguments)


def _print(text: str) -> None:
    # Nobody may be reading the log; the run goes on without it.
    with suppress(OSError):
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)

"""
The runner's side of the sandbox: asks a script host to run a script, and checks what comes back.

The script host lives in the pod's other container, or is a child process of
``srep run --local``; the protocol and the code are the same. Nothing that comes from there is
believed beyond its shape, and the result is opened as a stranger's file.
"""

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

from report_runner import script_failure
from report_runner.frames import MAX_REPLY, FrameBuffer, FrameError, encode
from report_runner.script_answer import (
    HOST_REASONS,
    Answer,
    AnswerError,
    parse_answer,
    parse_walls,
)
from report_runner.script_job import RESULT_FILE, ScriptJob, ScriptLimits, Walls, line_text
from report_runner.script_outcome import ScriptFailure, ScriptResult, open_result
from report_types.outcome import Reason

ANSWER_MARGIN: Final = 10.0
"""Seconds beyond the script's own time after which a silent script host is given up."""


class ScriptHost:
    """A script host that will connect to *socket_path*, or has; it serves one job."""

    def __init__(self, socket_path: Path, output_dir: Path) -> None:
        """
        Listen for the script host.

        Raises:
            OSError: the socket cannot be made there.
        """
        self._output_dir = output_dir
        self._socket_path = socket_path
        self._connection: socket.socket | None = None
        self._buffer = FrameBuffer(MAX_REPLY)
        self._process: subprocess.Popen[bytes] | None = None
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        socket_path.unlink(missing_ok=True)
        self._listener.bind(str(socket_path))
        # The script container has another user; both are in the group that owns the folder.
        socket_path.chmod(0o660)
        self._listener.listen(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up: the script host ends its child and itself."""
        self._listener.close()
        self._socket_path.unlink(missing_ok=True)
        if self._connection is not None:
            self._connection.close()

    def watch(self, process: "subprocess.Popen[bytes]") -> None:
        """Give up waiting when *process*, which is the script host, ends."""
        self._process = process

    def wait_ready(self, timeout: float) -> Mapping[str, float]:
        """
        Wait until the script host has pandas imported; return the seconds that it took.

        Raises:
            ScriptFailure: it does not get ready within *timeout* seconds, or cannot.
        """
        deadline = time.monotonic() + timeout
        try:
            self._connection = self._accept(deadline)
            said = self._receive(deadline)
            if said.get("ready") is True:
                return parse_answer({**said, "ok": True}).seconds
            answer = parse_answer(said, HOST_REASONS)
        except TimeoutError as error:
            message = f"the script container did not get ready within {timeout:g} s"
            raise ScriptFailure(Reason.SANDBOX_UNAVAILABLE, message) from error
        except (EOFError, OSError) as error:
            message = script_failure.host_vanished(ScriptLimits())
            raise ScriptFailure(Reason.OUT_OF_MEMORY, message) from error
        except (FrameError, AnswerError) as error:
            raise ScriptFailure(Reason.SCRIPT_ERROR, script_failure.TAMPERED) from error
        raise ScriptFailure(answer.reason or Reason.SANDBOX_UNAVAILABLE, answer.message)

    def run(self, job: ScriptJob, deadline: float = float("inf")) -> ScriptResult:
        """
        Have *job* run, which ``wait_ready`` must precede; the caller closes the result's file.

        *deadline* is on the clock ``time.monotonic``; the script's own time may end sooner.

        Raises:
            ScriptFailure: there is no result, or none that can be sent.
        """
        latest = time.monotonic() + job.limits.timeout_seconds + ANSWER_MARGIN
        try:
            said = self._ask(job, min(deadline, latest))
        except TimeoutError as error:
            if deadline < latest:
                message = "the run's own deadline passed while the script ran"
                raise ScriptFailure(Reason.DEADLINE_EXCEEDED, message) from error
            message = script_failure.timed_out(job.limits)
            raise ScriptFailure(Reason.SCRIPT_TIMEOUT, message) from error
        answer = self._understand(said, job)
        walls = parse_walls(said["walls"])
        if answer.reason is not None:
            raise _failure_of(answer, job, walls)
        if not (walls.confined or job.allow_degraded or job.unconfined):
            raise ScriptFailure(Reason.SANDBOX_UNAVAILABLE, "the script was not confined")
        peak = said.get("peakMemoryBytes")
        return ScriptResult(
            csv=open_result(self._output_dir / RESULT_FILE, job.limits),
            rows=answer.rows,
            columns=answer.columns,
            warnings=answer.warnings,
            walls=walls,
            seconds=answer.seconds,
            peak_memory_bytes=peak if isinstance(peak, int) else None,
        )

    def _ask(self, job: ScriptJob, deadline: float) -> dict[str, Any]:
        """Send the job, return the answer; raises ScriptFailure, or TimeoutError at *deadline*."""
        assert self._connection is not None, "wait_ready comes first"
        try:
            self._connection.settimeout(_until(deadline))
            self._connection.sendall(encode({"job": job.to_wire()}))
            return self._receive(deadline)
        except TimeoutError:
            raise
        except (EOFError, OSError) as error:
            message = script_failure.host_vanished(job.limits)
            raise ScriptFailure(Reason.OUT_OF_MEMORY, message) from error
        except FrameError as error:
            raise ScriptFailure(Reason.SCRIPT_ERROR, script_failure.TAMPERED) from error

    @staticmethod
    def _understand(said: Mapping[str, Any], job: ScriptJob) -> Answer:
        try:
            parse_walls(said.get("walls"))
            return parse_answer(said, HOST_REASONS)
        except AnswerError as error:
            raise ScriptFailure(Reason.SCRIPT_ERROR, script_failure.TAMPERED) from error

    def _accept(self, deadline: float) -> socket.socket:
        while True:
            self._listener.settimeout(min(_until(deadline), 0.2))
            with suppress(TimeoutError):
                connection, _ = self._listener.accept()
                # One script host, once: whoever else finds the socket finds nobody there.
                self._listener.close()
                return connection
            if self._process is not None and (code := self._process.poll()) is not None:
                raise ScriptFailure(*script_failure.verdict_before_script(code))

    def _receive(self, deadline: float) -> dict[str, Any]:
        """Return the next frame; raises TimeoutError, EOFError, OSError or FrameError."""
        assert self._connection is not None
        while (message := self._buffer.pop()) is None:
            self._connection.settimeout(_until(deadline))
            data = self._connection.recv(min(self._buffer.wanted(), 65_536))
            if not data:
                raise EOFError
            self._buffer.feed(data)
        return message


@contextmanager
def local_script_host(directory: Path, *, log: int | IO[Any] | None = None) -> Iterator[ScriptHost]:
    """
    Start a script host on this machine, with *directory*/input and *directory*/output.

    What the script prints goes to the file *log*, by default to standard error.

    Raises:
        OSError: the folders cannot be made, or the process not started.
    """
    input_dir, output_dir = directory / "input", directory / "output"
    for folder in (input_dir, output_dir):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (output_dir / RESULT_FILE).unlink(missing_ok=True)
    # Not in *directory*: a socket's path may have about a hundred bytes.
    with tempfile.TemporaryDirectory(prefix="srep-") as socket_dir:
        socket_path = Path(socket_dir, "script.sock")
        with ScriptHost(socket_path, output_dir) as host:
            process = _start_host(socket_path, input_dir, output_dir, log or sys.stderr)
            host.watch(process)
            try:
                yield host
            finally:
                host.close()
                _end(process)


def _start_host(
    socket_path: Path, input_dir: Path, output_dir: Path, log: int | IO[Any]
) -> "subprocess.Popen[bytes]":
    arguments = ["--socket", socket_path, "--input", input_dir, "--output", output_dir]
    return subprocess.Popen(
        [sys.executable, "-I", "-B", "-m", "report_runner.script_host", *map(str, arguments)],
        env={},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd="/",
        # Ctrl-C is for the command; the host ends when the command hangs up.
        start_new_session=True,
    )


def _end(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _failure_of(answer: Answer, job: ScriptJob, walls: Walls) -> ScriptFailure:
    assert answer.reason is not None
    return ScriptFailure(
        answer.reason,
        answer.message,
        line=answer.line,
        line_text=line_text(job.script, answer.line),
        walls=walls,
        seconds=answer.seconds,
    )


def _until(deadline: float) -> float:
    """Return the seconds left, as a socket's timeout; raises TimeoutError when there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return min(left, 86_400.0)

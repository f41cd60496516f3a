"""
What a supervisor listens to: the runner's socket, the child's answers, what the child prints.
"""

import os
import selectors
import socket
import time
from typing import Any, Final

from report_runner.frames import MAX_JOB, MAX_REPLY, FrameBuffer, FrameError
from report_runner.script_log import ScriptLog
from report_runner.script_process import ChildProcess

TICK: Final = 0.25
"""Seconds for which a death that closes no pipe may go unseen: a script may have forked."""
_SEND_SECONDS: Final = 30.0
_READ: Final = 65_536


class RunnerGoneError(Exception):
    """The runner has closed its end, or makes no sense: nobody waits for an answer."""


class ChildGoneError(Exception):
    """The child has ended; *returncode* is None if it lives and has only closed its answers."""

    def __init__(self, returncode: int | None) -> None:
        super().__init__(returncode)
        self.returncode = returncode


class DeadlineError(Exception):
    """What was waited for did not come in time."""


class Link:
    """One child, and the one runner it works for. Whoever waits here also passes on the log."""

    def __init__(self, child: ChildProcess, log: ScriptLog) -> None:
        self._child = child
        self._log = log
        self._runner: socket.socket | None = None
        self._from_runner = FrameBuffer(MAX_JOB)
        self._from_child = FrameBuffer(MAX_REPLY)
        self._answers_open = True
        self._selector = selectors.DefaultSelector()
        self._selector.register(child.output, selectors.EVENT_READ, self._on_output)
        self._selector.register(child.answers, selectors.EVENT_READ, self._on_answers)

    def connect(self, path: str, patience: float) -> bool:
        """Connect to the runner as soon as it listens; False if *patience* seconds do not do."""
        parent, give_up, delay = os.getppid(), time.monotonic() + patience, 0.005
        while time.monotonic() < give_up and os.getppid() == parent:
            if self._try_to_connect(path):
                return True
            self._step(delay)
            delay = min(delay * 1.5, 0.1)
        return False

    def receive(self) -> dict[str, Any]:
        """
        Return the runner's next frame, however long that takes.

        Raises:
            RunnerGoneError: none will come.
        """
        try:
            while (message := self._from_runner.pop()) is None:
                self._step(TICK)
        except FrameError as error:
            raise RunnerGoneError from error
        return message

    def hear(self, seconds: float) -> dict[str, Any]:
        """
        Return the child's next frame.

        Raises:
            ChildGoneError: the child ended, or closed the pipe.
            DeadlineError: no frame came within *seconds*.
            FrameError: what came is no frame.
            RunnerGoneError: the runner ended first.
        """
        deadline = time.monotonic() + seconds
        while (message := self._from_child.pop()) is None:
            if not self._answers_open:
                raise ChildGoneError(self._await_end())
            if self._child.returncode() is not None and not self._on_answers():
                raise ChildGoneError(self._child.returncode())
            if (left := deadline - time.monotonic()) <= 0:
                raise DeadlineError
            self._step(min(left, TICK))
        return message

    def send(self, frame: bytes) -> None:
        """
        Send a frame to the runner.

        Raises:
            RunnerGoneError: it does not take it.
        """
        try:
            if self._runner is not None:
                self._runner.sendall(frame)
        except OSError as error:
            raise RunnerGoneError from error

    def drain(self) -> None:
        """Pass on what the child printed before its end."""
        while self._on_output():
            pass
        self._log.flush()

    def _try_to_connect(self, path: str) -> bool:
        runner = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        runner.settimeout(_SEND_SECONDS)
        try:
            runner.connect(path)
        except OSError:
            runner.close()
            return False
        self._runner = runner
        self._selector.register(runner, selectors.EVENT_READ, self._on_runner)
        return True

    def _await_end(self) -> int | None:
        """Return how the child ended; it has closed its answers, so that should be now."""
        give_up = time.monotonic() + 1
        while self._child.returncode() is None and time.monotonic() < give_up:
            self._step(0.005)
        return self._child.returncode()

    def _step(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            key.data()

    def _on_runner(self) -> None:
        assert self._runner is not None
        try:
            data = self._runner.recv(_READ)
        except OSError as error:
            raise RunnerGoneError from error
        if not data:
            raise RunnerGoneError
        self._from_runner.feed(data)

    def _on_answers(self) -> bool:
        """Take in part of an answer; False if there was nothing, now or ever."""
        if not self._answers_open:
            return False
        data = self._child.read(self._child.answers, self._from_child.wanted())
        if data:
            self._from_child.feed(data)
        elif data == b"":
            self._answers_open = False
            self._selector.unregister(self._child.answers)
        return bool(data)

    def _on_output(self) -> bool:
        """Pass on some of what the child printed; False if there was nothing, now or ever."""
        if self._child.output not in self._selector.get_map():
            return False
        data = self._child.read(self._child.output, _READ)
        if data:
            self._log.feed(data)
        elif data == b"":
            self._selector.unregister(self._child.output)
        return bool(data)

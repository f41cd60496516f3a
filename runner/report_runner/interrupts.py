"""
What ends a run from outside: SIGTERM, and the run's own deadline.

Both come as signals, and become an exception wherever the run is waiting. From the moment when a
mail is claimed they are only kept in mind: what is begun then is finished, since nobody could tell
afterwards what became of the mail, and nothing more is tried.
"""

import signal
from threading import Event
from types import FrameType
from typing import Final

from report_types.outcome import Reason, RunError

STOPPED: Final = RunError(
    Reason.STOPPED, "the pod was told to stop; another one of this run takes over, if there may be"
)
DEADLINE: Final = RunError(
    Reason.DEADLINE_EXCEEDED,
    "the run took longer than all its limits together: lower script.timeoutSeconds, "
    "http.timeoutSeconds or retry, or find out what it was waiting for",
)


class InterruptedRunError(BaseException):
    """The run is to end. Not an Exception, so that nothing on the way takes it for its own."""

    def __init__(self, error: RunError) -> None:
        super().__init__(error.message)
        self.error = error


class Interrupts:
    """Raises the first interrupt at once, unless they are kept; *pending* is the newest."""

    def __init__(self) -> None:
        self.pending: RunError | None = None
        self._came = Event()
        self._kept = False

    def install(self, deadline_seconds: float) -> None:
        """Take SIGTERM and the deadline as interrupts; for the main thread of a process."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGALRM, self._on_signal)
        signal.setitimer(signal.ITIMER_REAL, deadline_seconds)

    def keep(self) -> None:
        """From now on raise nothing, but let ``wait`` and *pending* tell."""
        self._kept = True

    def wait(self, seconds: float) -> bool:
        """Wait, and return whether an interrupt came (or had come)."""
        return self._came.wait(seconds)

    def interrupt(self, error: RunError) -> None:
        """
        End the run with *error*.

        Raises:
            InterruptedRunError: unless interrupts are kept.
        """
        self.pending = error
        self._came.set()
        if not self._kept:
            self._kept = True
            raise InterruptedRunError(error)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.interrupt(STOPPED if number == signal.SIGTERM else DEADLINE)

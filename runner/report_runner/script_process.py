"""
The child as a process: its start, its pipes and its end.

Imports as little as it can: the script host starts the child before it does anything else.
"""

import os
import signal
import subprocess
import sys
from typing import Final

ENVIRONMENT: Final = {
    # One thread of BLAS: Landlock must be raised while there is one thread, and a pod's share of
    # CPU is small.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "LANG": "C.UTF-8",
    "TZ": "UTC",
}
MODULE: Final = "report_runner.script_child"


class ChildProcess:
    """
    A started child in a session of its own.

    *orders* is the descriptor that it reads frames from, *answers* the one it writes them to,
    *output* what it prints. Reading the latter two does not block.
    """

    def __init__(self, module: str = MODULE) -> None:
        self.answers, answers_end = os.pipe()
        self.output, output_end = os.pipe()
        orders_end, self.orders = os.pipe()
        # -B: as PYTHONDONTWRITEBYTECODE, which -I ignores with the rest of the environment.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-B", "-m", module, str(answers_end)],
            stdin=orders_end,
            stdout=output_end,
            stderr=output_end,
            pass_fds=[answers_end],
            env=ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
        for descriptor in (answers_end, output_end, orders_end):
            os.close(descriptor)
        for descriptor in (self.answers, self.output):
            os.set_blocking(descriptor, False)

    @property
    def pid(self) -> int:
        """Its process id, which is its session's and process group's too."""
        return self._process.pid

    def returncode(self) -> int | None:
        """Return how it ended, negative for a signal, or None while it runs."""
        return self._process.poll()

    def kill(self) -> int:
        """End it with all it started, wait for that, and return how it ended."""
        if self._process.poll() is None:
            # The whole group: without walls a script may have started processes.
            os.killpg(self.pid, signal.SIGKILL)
        return self._process.wait()

    @staticmethod
    def read(descriptor: int, size: int) -> bytes | None:
        """Return what can be read at once; None if nothing yet, empty at the end."""
        try:
            return os.read(descriptor, size)
        except BlockingIOError:
            return None

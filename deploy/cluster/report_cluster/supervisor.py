"""Starting the node's components, and starting again one that died."""

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from report_cluster.talk import ClusterError, say, tail

PAUSE_SECONDS = 1
MOST_DEATHS = 20


class Supervisor:
    """The parent of all components, and of whatever process of the node lost its own."""

    def __init__(self, commands: Mapping[str, list[str]], log: Path) -> None:
        self._commands = commands
        self._log = log
        self._names: dict[int, str] = {}

    def start(self, name: str) -> None:
        """Start a component; what it says is added to its log."""
        log = str(self._log / f"{name}.log")
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        argv = self._commands[name]
        pid = os.posix_spawnp(argv[0], argv, os.environ, file_actions=actions, setsid=True)
        self._names[pid] = name

    def stop(self, name: str) -> None:
        """Kill a component for good."""
        pid = next(pid for pid, other in self._names.items() if other == name)
        del self._names[pid]
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

    def stay(self) -> None:
        """Start again each component that dies. Raises ClusterError when that does not help."""
        for _ in range(MOST_DEATHS):
            name, status = self._next_death()
            said = tail((self._log / f"{name}.log").read_text(errors="replace"), lines=2)
            say(f"{name} ended (status {status}), starting it again; it said:{said}")
            time.sleep(PAUSE_SECONDS)
            self.start(name)
        raise ClusterError(f"components died {MOST_DEATHS} times; their logs: {self._log}")

    def _next_death(self) -> tuple[str, int]:
        while True:
            pid, status = os.wait()  # orphans, too: the first process has to collect them
            if name := self._names.pop(pid, None):
                return name, os.waitstatus_to_exitcode(status)

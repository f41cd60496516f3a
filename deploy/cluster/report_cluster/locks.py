"""One command at a time."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from report_cluster.talk import say


@contextlib.contextmanager
def locked(file: Path, what: str) -> Iterator[None]:
    """Hold *file*'s lock; the kernel frees that of a killed process."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another command is at work on {what}: waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield

"""
Files that the runner makes for the script container to read.
"""

import os
from pathlib import Path
from typing import BinaryIO, Final

_BUFFER: Final = 2**20


class FetchCancelledError(Exception):
    """Another source has failed, so that this one is not needed any more."""


def create_input(path: Path) -> BinaryIO:
    """
    Open the new file *path*, which the script container may read, for reading and writing.

    Raises:
        OSError: it is there already, or cannot be made.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o640)
    # Whatever the umask: the other container has another user, of the same group.
    os.fchmod(descriptor, 0o640)
    return os.fdopen(descriptor, "w+b", buffering=_BUFFER)

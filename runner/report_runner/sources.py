"""
File sources: a file of a mounted volume, copied to where the script can read it.

Whoever fills the volume may have put links into it. They are followed (a ConfigMap is made of
links) but never out of the volume.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import BinaryIO, Final

from report_runner import content
from report_runner.files import FetchCancelledError, create_input
from report_types.outcome import Reason, RunError
from report_types.source import FileSource

MAX_FILE_BYTES: Final = 2**30
_BLOCK: Final = 2**20


@dataclass(frozen=True, kw_only=True)
class Volume:
    """Where files of a source are, and what it is called: ``ConfigMap prices``."""

    path: Path
    called: str


def copy_file_source(
    name: str, source: FileSource, volume: Volume, target: Path, cancelled: Event
) -> int:
    """
    Copy the file of the source *name* from its *volume* to *target*; return its bytes.

    Raises:
        RunError: it is missing, leads out of the volume, is no plain file, is too large or is not
            of its format; the message names the volume and the path.
        FetchCancelledError: it is not needed any more.
    """
    try:
        with _open_inside(volume.path, source) as file, create_input(target) as copy:
            return _copy(file, copy, source, cancelled)
    except _UnfitError as error:
        told = f"spec.sources[{name}].file.path: {volume.called} {error}"
        raise RunError(error.reason, told) from error


class _UnfitError(Exception):
    """The file cannot be the source, because of *what* its volume has there."""

    def __init__(self, reason: Reason, what: str, source: FileSource, advice: str) -> None:
        super().__init__(f"{what} {source.path!r}: {advice}")
        self.reason = reason


def _open_inside(volume: Path, source: FileSource) -> BinaryIO:
    """Open the file, and make sure that what was opened lies in the volume and is a plain file."""
    try:
        root = volume.resolve(strict=True)
        # O_NONBLOCK: a named pipe would keep us waiting for ever.
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(root / source.path, flags)
    except OSError as error:
        raise _unreadable(volume, source, error) from error
    try:
        if not _real_path(descriptor, root / source.path).is_relative_to(root):
            what, advice = "has a link out of the volume at", "put the file there"
            raise _UnfitError(Reason.SOURCE_MISSING, what, source, advice)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            what, advice = "has no plain file at", "name a file"
            raise _UnfitError(Reason.SOURCE_MISSING, what, source, advice)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _real_path(descriptor: int, path: Path) -> Path:
    """Return where an open file really lies: asked of the kernel, since links can be changed."""
    try:
        return Path(os.readlink(f"/proc/self/fd/{descriptor}"))
    except FileNotFoundError:
        return path.resolve()  # a system without /proc, where nobody but the author is about


def _unreadable(volume: Path, source: FileSource, error: OSError) -> _UnfitError:
    if isinstance(error, PermissionError):
        what, advice = "does not let the runner read", "make it readable for its group"
    elif not isinstance(error, FileNotFoundError):
        what, advice = f"cannot be read ({error.strerror}) at", "name a file"
    elif not volume.is_dir() or not any(volume.iterdir()):
        what, advice = "does not exist or is empty, looking for", "create it, or correct its name"
    else:
        kind = "key" if source.config_map else "file"
        what, advice = f"has no {kind}", "add it, or correct path"
    return _UnfitError(Reason.SOURCE_MISSING, what, source, advice)


def _copy(file: BinaryIO, copy: BinaryIO, source: FileSource, cancelled: Event) -> int:
    size = 0
    last = b""
    while block := file.read(_BLOCK):
        if cancelled.is_set():
            raise FetchCancelledError
        if size == 0 and (what := content.misfit(block[: content.SNIFFED], source.format)):
            told = f"has {what.partition(':')[0]} at"
            raise _UnfitError(Reason.SOURCE_INVALID, told, source, "correct path or format")
        size += len(block)
        if size > MAX_FILE_BYTES:
            raise _UnfitError(
                Reason.SOURCE_TOO_LARGE, "has more than 1 GiB at", source, "keep less in it"
            )
        copy.write(block)
        last = block
    if size <= content.SNIFFED and content.is_blank(last):
        raise _UnfitError(Reason.SOURCE_INVALID, "has no data in", source, "fill it")
    return size

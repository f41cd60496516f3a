"""The bytes of a file, or of standard input, as text."""

import sys
from pathlib import Path as FilePath
from typing import Final

MAX_BYTES: Final = 16 * 2**20
STDIN: Final = "-"


def shown(file: str) -> str:
    """Return the name of *file* as messages have it."""
    return "<stdin>" if file == STDIN else file


def read_text(file: str) -> str:
    """
    Return the text of *file*; ``-`` is standard input.

    Raises:
        ValueError: it cannot be read, is too large or no text; the message says so.
    """
    try:
        if file == STDIN:
            content = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with FilePath(file).open("rb") as stream:
                content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        problem = (error.strerror or str(error)).lower()
        raise ValueError(f"cannot be read, {problem}: check the path") from error
    if len(content) > MAX_BYTES:
        raise ValueError("is larger than 16 MiB: give the file that holds the reports alone")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"is not UTF-8 text in line {line}: save it as UTF-8") from error

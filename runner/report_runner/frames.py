"""
The protocol between ``runner``, the script host and the confined child: length-prefixed JSON.

A frame is four bytes of length, big-endian, and that many bytes of UTF-8 JSON, always an object.
Whoever reads one treats it as hostile: its size is bounded before a byte of it is kept, and JSON
is all that is ever parsed, never pickle.
"""

import json
import os
from collections.abc import Mapping
from typing import Any, Final, NoReturn

MAX_JOB: Final = 16 * 2**20
"""Bytes that a job may have: a script of 1 MiB and its parameters fit many times."""
MAX_REPLY: Final = 2**20
"""Bytes that an answer may have."""

_PREFIX: Final = 4


class FrameError(Exception):
    """What was read is not a frame, or is larger than a frame may be."""


def encode(message: Mapping[str, Any]) -> bytes:
    """Return *message* as one frame."""
    body = json.dumps(message, ensure_ascii=True, allow_nan=False).encode("ascii")
    return len(body).to_bytes(_PREFIX, "big") + body


def decode(body: bytes) -> dict[str, Any]:
    """
    Return the object that the body of a frame holds.

    Raises:
        FrameError: the body is no JSON object, or one that is nested too deeply to be ours.
    """
    try:
        message = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise FrameError("a frame is not JSON") from error
    if not isinstance(message, dict):
        raise FrameError("a frame is not a JSON object")
    return message


class FrameBuffer:
    """Puts frames together from bytes as they come; holds at most one frame of *limit* bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = bytearray()

    def feed(self, data: bytes) -> None:
        """Take in bytes that were read."""
        self._bytes += data

    def wanted(self) -> int:
        """Return how many bytes to read next, so that not more than one frame is ever held."""
        return max(1, self._end() - len(self._bytes))

    def pop(self) -> dict[str, Any] | None:
        """
        Return the next whole message, or None while it is not complete.

        Raises:
            FrameError: the frame is too large, or is not one.
        """
        if len(self._bytes) < _PREFIX or len(self._bytes) < (end := self._end()):
            return None
        body = bytes(self._bytes[_PREFIX:end])
        del self._bytes[:end]
        return decode(body)

    def _end(self) -> int:
        if len(self._bytes) < _PREFIX:
            return _PREFIX
        size = int.from_bytes(self._bytes[:_PREFIX], "big")
        if size > self._limit:
            raise FrameError(f"a frame is larger than {self._limit} bytes")
        return _PREFIX + size


def write_frame(fd: int, message: Mapping[str, Any]) -> None:
    """
    Write *message* to a blocking descriptor.

    Raises:
        OSError: the other side is gone.
    """
    rest = memoryview(encode(message))
    while rest:
        rest = rest[os.write(fd, rest) :]


def read_frame(fd: int, limit: int) -> dict[str, Any] | None:
    """
    Read one message from a blocking descriptor; None when the other side has closed it.

    Raises:
        FrameError: what came is no frame, or too large, or ends in the middle.
    """
    buffer = FrameBuffer(limit)
    while (message := buffer.pop()) is None:
        data = os.read(fd, buffer.wanted())
        if not data:
            return None
        buffer.feed(data)
    return message


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")

"""Frames: whole messages out of bytes as they come, and never more than may come."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report_runner.frames import FrameBuffer, FrameError, decode, encode

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.lists(st.dictionaries(st.text(), JSON), max_size=3), st.integers(1, 7))
def test_messages_come_out_as_they_went_in_however_they_are_cut(
    messages: list[dict[str, Any]], step: int
) -> None:
    stream = b"".join(encode(message) for message in messages)
    buffer, seen = FrameBuffer(2**20), []
    for start in range(0, len(stream), step):
        buffer.feed(stream[start : start + step])
        while (message := buffer.pop()) is not None:
            seen.append(message)

    assert messages == seen


@given(st.binary(max_size=40))
def test_hostile_bytes_are_a_message_nothing_yet_or_an_error(data: bytes) -> None:
    buffer = FrameBuffer(16)
    buffer.feed(data)
    try:
        message = buffer.pop()
    except FrameError:
        return

    assert message is None or isinstance(message, dict)


def test_frame_that_is_too_large_is_refused_before_it_is_read() -> None:
    buffer = FrameBuffer(100)
    buffer.feed((101).to_bytes(4, "big"))

    with pytest.raises(FrameError):
        buffer.wanted()


def test_no_more_is_wanted_than_the_frame_has() -> None:
    buffer = FrameBuffer(100)

    assert 4 == buffer.wanted()
    buffer.feed((10).to_bytes(4, "big") + b"{")
    assert 9 == buffer.wanted()


@pytest.mark.parametrize(
    "body",
    [b"[]", b"1", b'"x"', b"{", b"", b"\xff", b'{"a": NaN}', b"[" * 200_000],
    ids=["list", "number", "text", "cut", "empty", "no UTF-8", "NaN", "nested"],
)
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(FrameError):
        decode(body)


def test_not_a_number_is_never_sent() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode({"x": float("nan")})

"""What a script prints reaches the log in whole lines, harmless, and not without end."""

from hypothesis import given
from hypothesis import strategies as st

from report_runner.script_log import MAX_LINE, ScriptLog


def logged(*parts: bytes, limit: int = 1024) -> str:
    """Return what the log has after the script printed *parts*."""
    written: list[str] = []
    log = ScriptLog(written.append, limit)
    for part in parts:
        log.feed(part)
    log.flush()
    return "".join(written)


@given(st.text(st.characters(categories=["L", "N"])), st.integers(1, 5))
def test_text_passes_however_it_is_cut(text: str, step: int) -> None:
    raw = text.encode()
    parts = [raw[start : start + step] for start in range(0, len(raw), step)]

    assert text == logged(*parts, limit=10_000).removesuffix("\n")


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_nothing_but_printing_characters_and_line_ends_comes_through(parts: list[bytes]) -> None:
    for line in logged(*parts, limit=500).split("\n"):
        assert line.replace("\t", "").isprintable()


@given(st.lists(st.binary(max_size=2000), max_size=20))
def test_no_more_comes_through_than_the_limit_and_a_word_about_it(parts: list[bytes]) -> None:
    # An escape has at most four characters for each byte, and each line an end.
    assert len(logged(*parts, limit=500)) <= 500 * 5 + 100


def test_cut_is_told_once() -> None:
    text = logged(b"a" * 1000, b"b" * 1000, b"c" * 1000, limit=1024)

    assert 1 == text.count("[the script printed more than 1 KiB: the rest is cut]")
    assert 24 == text.count("b")
    assert 0 == text.count("c]")


def test_output_of_exactly_the_limit_is_not_cut() -> None:
    assert "a" * 1024 + "\n" == logged(b"a" * 1024, limit=1024)


def test_line_without_end_is_passed_on_in_pieces() -> None:
    written: list[str] = []
    ScriptLog(written.append).feed(b"a" * (MAX_LINE + 1))

    assert ["a" * MAX_LINE + "\n"] == written


def test_terminal_escapes_and_forged_lines_are_shown() -> None:
    assert "\\x1b[2J\\r\\x00\tx\n" == logged(b"\x1b[2J\r\x00\tx\n")
    assert "\\xff\n" == logged(b"\xff")

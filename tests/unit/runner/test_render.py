"""The CSV that is sent: byte for byte as pandas wrote it, but for what a spreadsheet would run."""

import csv
import io
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from report_runner.render import MAX_CELL, Rendered, escape_cell, render
from report_types.outcome import Reason, RunError

LIMIT = 2**26


def rendered(raw: bytes, limit: int = LIMIT) -> tuple[bytes, Rendered]:
    file, facts = render(io.BytesIO(raw), io.BytesIO(), io.BytesIO(), limit)
    file.seek(0)
    return file.read(), facts


def refused(raw: bytes, limit: int = LIMIT) -> RunError:
    with pytest.raises(RunError) as caught:
        rendered(raw, limit)
    return caught.value


@pytest.mark.parametrize(
    "cell", ["=1+1", "+x", "-x", "@x", "\tx", "\rx", "=", "+", "-", "\ufeff=1"]
)
def test_a_formula_is_escaped(cell: str) -> None:
    assert escape_cell(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["-2-3", "+49 170 1234", "-1,5", "-5%", "+-1", "--1", "-", "-1e"])
def test_what_is_almost_a_number_is_escaped(cell: str) -> None:
    assert escape_cell(cell) == "'" + cell


@pytest.mark.parametrize(
    "cell",
    [
        "-5",
        "+5",
        "-5.",
        "-.5",
        "-5.25",
        "+3.2e-7",
        "-1E+300",
        "-inf",
        "",
        "x=1",
        "'=1",
        " =1",
        "a\n=b",
    ],
)
def test_numbers_and_text_stay(cell: str) -> None:
    assert escape_cell(cell) == cell


def test_formulas_are_escaped_wherever_they_stand() -> None:
    """In the header, in the first and the last column, behind quotes, and nothing else changes."""
    raw = b'=h,b\n1,"=a,b"\n"+a\nb",-5\n"q""q",@x\n'
    safe, facts = rendered(raw)

    assert safe == b'\'=h,b\n1,"\'=a,b"\n"\'+a\nb",-5\n"q""q",\'@x\n'
    assert (facts.rows, facts.columns, facts.escaped) == (3, ("=h", "b"), 4)
    assert facts.warnings == (
        "4 cells looked like formulas and were escaped with a leading apostrophe",
    )


def test_a_carriage_return_at_the_start_of_a_cell_stays_quoted() -> None:
    safe, _ = rendered(b'a,b\n"\r=1",2\n')

    assert list(csv.reader(io.StringIO(safe.decode(), newline=""))) == [
        ["a", "b"],
        ["'\r=1", "2"],
    ]


texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=8
) | st.sampled_from(['"', ",", "\n", '",', "a\nb", "Ünï", "\u2028", "'", " ", "NaN", "1e5"])
cells = {
    "text": texts,
    "text or none": st.none() | texts,
    "int": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(),
    "bool": st.booleans(),
    "huge": st.integers(2**53, 2**80),
    "time": st.datetimes(min_value=pd.Timestamp(1700, 1, 1).to_pydatetime()),
    "mixed": st.one_of(texts, st.integers(), st.floats(), st.none(), st.booleans()),
}


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(st.integers(0, 6))
    kinds = draw(st.lists(st.sampled_from(sorted(cells)), max_size=4))
    names = draw(st.lists(texts, min_size=len(kinds), max_size=len(kinds), unique=True))
    columns = {
        name: draw(st.lists(cells[kind], min_size=rows, max_size=rows))
        for name, kind in zip(names, kinds, strict=True)
    }
    return pd.DataFrame(columns, index=range(rows))


@settings(max_examples=300, deadline=None)
@given(frames())
def test_a_result_without_formulas_is_what_pandas_wrote(frame: pd.DataFrame) -> None:
    """Quotes, line breaks, unicode, missing values, numbers of any size: not a byte is changed."""
    raw = frame.to_csv(index=False).encode()
    safe, facts = rendered(raw)

    parsed = list(csv.reader(io.StringIO(raw.decode(), newline="")))
    assert facts.rows == len(parsed) - 1 == len(frame)
    assert facts.columns == tuple(parsed[0])
    if facts.escaped == 0:
        assert safe == raw
        assert not any(escape_cell(cell) != cell for row in parsed for cell in row)
    again = list(csv.reader(io.StringIO(safe.decode(), newline="")))
    assert again == [[escape_cell(cell) for cell in row] for row in parsed]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.lists(
            st.sampled_from(
                ["=", "+", "-", "@", "\t", "1", ".", "e", "x", '"', ",", "\n", "\ufeff"]
            ),
            max_size=5,
        ).map("".join),
        min_size=1,
        max_size=4,
    )
)
def test_no_formula_gets_past_the_quick_look(header: list[str]) -> None:
    """What the quick look lets pass has nothing that looking at each cell would escape."""
    frame = pd.DataFrame([header], columns=[str(number) for number in range(len(header))])
    raw = frame.to_csv(index=False).encode()
    safe, facts = rendered(raw)

    cells_after = [
        cell for row in csv.reader(io.StringIO(safe.decode(), newline="")) for cell in row
    ]
    assert all(escape_cell(cell) == cell for cell in cells_after)
    assert facts.escaped == sum(escape_cell(cell) != cell for cell in header)


def test_a_quick_look_goes_over_the_borders_of_blocks() -> None:
    """A formula, or a number, may begin in one block of the file and end in the next."""
    for shift in range(20):
        fill = b"x" * (2**20 - 10 - shift)
        numbers = b"a,b\n" + fill + b",-12345.678\n"
        formula = b"a,b\n" + fill + b",=1234567890\n"
        assert rendered(numbers)[0] == numbers
        assert rendered(formula)[1].escaped == 1


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "empty"),
        (b"a,b\n1\n", "row 1 has 1 cells, and the header has 2 columns"),
        (b"a\n1,2\n", "row 1 has 2 cells"),
        (b'a\n"x\n', "row 1"),
        (b'a\n"x"y\n', "row 1"),
        (b"a\n\xff\n", "UTF-8"),
        (b"a\n\xed\xa0\x80\n", "UTF-8"),
        (b"a\n\0\n", "NUL"),
        (b"a\nx\ry\n", "carriage return"),
        (b"a\n" + b"x" * (MAX_CELL + 1) + b"\n", "field larger"),
        (b"a\n" + b"," * (5 * 2**20) + b"\n", "row 1 has"),
        (b'a\n"' + b"x\n" * (5 * 2**20) + b'"\n', "row 1"),
        (b"a\n" + b'"x\n",' * 2**20 + b"\n", "a row is longer than"),
    ],
    ids=lambda value: value[:12].decode("latin-1") if isinstance(value, bytes) else None,
)
def test_what_is_no_csv_is_refused(raw: bytes, told: str) -> None:
    """A stranger's bytes are parsed strictly, and end in a message that names the row."""
    failure = refused(raw)

    assert failure.reason == Reason.RESULT_INVALID
    assert told in failure.message


def test_a_result_that_is_too_large_is_refused_while_it_is_read() -> None:
    failure = refused(b"a\n" + b"1\n" * 2**20, limit=2**20)

    assert failure.reason == Reason.RESULT_TOO_LARGE
    assert "1Mi" in failure.message


@pytest.mark.parametrize(
    ("raw", "rows", "columns"),
    [(b"a,b\n", 0, ("a", "b")), (b"\n", 0, ()), (b"\n\n\n", 2, ()), (b'a\n""\n', 1, ("a",))],
)
def test_small_results_are_counted(raw: bytes, rows: int, columns: tuple[str, ...]) -> None:
    safe, facts = rendered(raw)

    assert (safe, facts.rows, facts.columns, facts.bytes) == (raw, rows, columns, len(raw))


def test_the_hash_is_of_what_is_sent() -> None:
    for raw in (b"a\n1\n", b"a\n=1\n"):
        safe, facts = rendered(raw)
        assert (facts.sha256, facts.bytes) == (sha256(safe).hexdigest(), len(safe))


def test_infinite_and_missing_numbers_stay() -> None:
    raw = pd.DataFrame({"x": [np.inf, -np.inf, np.nan, -0.0]}).to_csv(index=False).encode()

    assert rendered(raw)[0] == raw

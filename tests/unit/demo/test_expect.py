"""What counts as the right numbers: every cell, floats to 1e-9."""

import pytest

from report_demo.expect import Table, differences

TABLE = Table(("name", "count", "mean"), (("a", 3, 1 / 3), ("b", 0, -2.5)))
RIGHT = "name,count,mean\na,3,0.3333333333333333\nb,0,-2.5\n"


def test_a_right_result_has_no_differences() -> None:
    assert [] == differences(RIGHT.encode(), TABLE)


def test_a_float_may_differ_in_its_last_digits() -> None:
    assert [] == differences(RIGHT.replace("0.3333333333333333", "0.33333333334").encode(), TABLE)


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("0.3333333333333333", "0.33333333", "row 1, mean: 0.33333333; expected 0.333333333333"),
        ("a,3", "a,4", "row 1, count: 4; expected 3"),
        ("a,3", "a,3.0", "row 1, count: 3.0; expected 3"),
        ("b,0", "c,0", "row 2, name: c; expected b"),
        ("-2.5", "", "row 2, mean: ; expected -2.5"),
        ("-2.5", "nan", "row 2, mean: nan"),
        ("b,0,-2.5\n", "", "1 rows; expected 2"),
        ("name,count", "count,name", "columns are count, name, mean"),
        ("b,0,-2.5", "b,0", "more or fewer cells"),
    ],
)
def test_a_wrong_result_says_where(was: str, now: str, said: str) -> None:
    (difference,) = differences(RIGHT.replace(was, now).encode(), TABLE)

    assert said in difference


@pytest.mark.parametrize("content", [b"", b"\xff\xfe"])
def test_what_is_no_csv_is_wrong(content: bytes) -> None:
    assert differences(content, TABLE)

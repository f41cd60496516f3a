"""What a script may leave in ``result``, and what its author is told about it."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from report_runner.script_result import ResultInvalidError, column_names, result_of, warnings_about

FRAME = pd.DataFrame({"k": ["a", "b", "a"], "v": [1, 2, 3]})


@pytest.mark.parametrize(
    ("result", "csv"),
    [
        (FRAME, "k,v\na,1\nb,2\na,3\n"),
        (FRAME["v"], "v\n1\n2\n3\n"),
        (pd.Series([1, 2]), "result\n1\n2\n"),
        (FRAME.groupby("k")["v"].sum(), "k,v\na,4\nb,2\n"),
        (FRAME.groupby(["k", "v"]).size(), "k,v,result\na,1,1\na,3,1\nb,2,1\n"),
        (FRAME.groupby("k")["k"].count(), "k,result\na,2\nb,1\n"),
        (FRAME["k"].value_counts(), "k,count\na,2\nb,1\n"),
        (7, "result\n7\n"),
        (np.float64(0.5), "result\n0.5\n"),
        ("text", "result\ntext\n"),
        (pd.Timestamp("2026-01-02"), "result\n2026-01-02\n"),
    ],
)
def test_frames_series_and_scalars_become_a_csv(result: Any, csv: str) -> None:
    frame, _ = result_of({"result": result})

    assert csv == frame.to_csv(index=False)


@pytest.mark.parametrize(
    ("namespace", "words"),
    [
        ({}, "never sets `result`"),
        ({"result": None}, "inplace=True"),
        ({"result": [1]}, "of the type list"),
        ({"result": {"a": 1}}, "of the type dict"),
        ({"result": np.ones(3)}, "of the type ndarray"),
        ({"result": FRAME.groupby("k")}, "of the type DataFrameGroupBy"),
        ({"result": FRAME.groupby("k").agg(["sum"])}, "2 levels"),
    ],
)
def test_anything_else_is_refused_with_the_way_out(namespace: dict[str, Any], words: str) -> None:
    with pytest.raises(ResultInvalidError, match=words):
        result_of(namespace)


@pytest.mark.parametrize(
    "frame",
    [
        FRAME.set_index("k"),
        FRAME.groupby("k").sum(),
        FRAME.describe(),
        FRAME.set_index(["k", "v"], drop=False),
    ],
    ids=["named", "grouped", "labels", "levels"],
)
def test_index_that_says_something_is_warned_about(frame: pd.DataFrame) -> None:
    (warning,) = warnings_about(frame)

    assert "is not written to the CSV: add .reset_index()" in warning


@pytest.mark.parametrize(
    "frame",
    [FRAME, FRAME[FRAME["v"] > 1], FRAME.sort_values("v", ascending=False), FRAME.iloc[:0]],
    ids=["plain", "filtered", "sorted", "empty"],
)
def test_index_that_only_counts_rows_is_not(frame: pd.DataFrame) -> None:
    assert [] == warnings_about(frame)


def test_columns_of_one_name_or_none_at_all_are_warned_about() -> None:
    assert ["two columns of `result` have the same name"] == warnings_about(FRAME[["k", "k"]])
    assert ["`result` has no columns"] == warnings_about(pd.DataFrame())


def test_names_of_columns_are_texts_and_not_without_end() -> None:
    wide = pd.DataFrame([range(300)], columns=range(300))

    assert 200 == len(column_names(wide))
    assert ["0", "1"] == column_names(wide)[:2]
    assert [200] == [len(name) for name in column_names(pd.DataFrame({"x" * 500: [1]}))]

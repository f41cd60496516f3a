"""What a script comes to: a CSV, or a message that names the place and the way out."""

import pytest

from report_runner.script_job import MIB, SourceFile
from report_types.outcome import Reason
from script_runs import DATA, Ran, run_script

GROUPED = "result = data.groupby('category', as_index=False)['amount'].sum()"


# What is written, and what is said about it


def test_result_is_written_as_to_csv_writes_it() -> None:
    ran = run_script(GROUPED)

    assert "category,amount\nbread,4\nfruit,8\n" == ran.csv
    assert ran.result is not None
    assert 2 == ran.result.rows
    assert ("category", "amount") == ran.result.columns
    assert () == ran.result.warnings
    assert {"import", "load", "script", "write"} == set(ran.result.seconds)


@pytest.mark.parametrize(
    ("script", "csv"),
    [
        (
            "result = data.groupby('category')['amount'].sum()",
            "category,amount\nbread,4\nfruit,8\n",
        ),
        ("result = data['amount'] * 2", "amount\n6\n8\n10\n"),
        ("result = data['amount'].sum()", "result\n12\n"),
        ("result = run.date", "result\n2026-03-02\n"),
        ("result = data[data.amount > 99]", "category,amount\n"),
        ("import sys\nresult = data.head(1)\nsys.exit()", "category,amount\nfruit,3\n"),
    ],
    ids=["named Series", "Series", "scalar", "date", "no rows", "sys.exit"],
)
def test_what_a_csv_can_hold_becomes_one(script: str, csv: str) -> None:
    assert csv == run_script(script).csv


def test_index_that_is_not_written_is_warned_about() -> None:
    ran = run_script("result = data.groupby('category').sum()")

    assert ran.result is not None
    (warning,) = ran.result.warnings
    assert 'the index "category" is not written' in warning
    assert "reset_index()" in warning


@pytest.mark.parametrize(
    ("script", "reason", "message"),
    [
        (
            'x = 1\n\nresult = data.groupby("amout").sum()',
            Reason.SCRIPT_ERROR,
            "KeyError: 'amout' (script line 3: result = data.groupby(\"amout\").sum())",
        ),
        (
            "result = dat",
            Reason.SCRIPT_ERROR,
            "NameError: name 'dat' is not defined (script line 1: result = dat)",
        ),
        (
            "import polars",
            Reason.SCRIPT_ERROR,
            (
                "ModuleNotFoundError: No module named 'polars' (script line 1: import polars); "
                "only what is in the runner's image can be imported"
            ),
        ),
        (
            "result = (",
            Reason.SCRIPT_ERROR,
            "SyntaxError: '(' was never closed (script line 1: result = ()",
        ),
        (
            "x = data['category'].astype(float)",
            Reason.SCRIPT_ERROR,
            (
                "ValueError (script line 1: x = data['category'].astype(float)); "
                "its message is in the log of the script"
            ),
        ),
        (
            "def f():\n    return 1 / 0\nresult = f()",
            Reason.SCRIPT_ERROR,
            "ZeroDivisionError: division by zero (script line 2: return 1 / 0)",
        ),
        (
            "data",
            Reason.RESULT_INVALID,
            (
                "the script never sets `result`: assign the DataFrame that is to be sent, "
                "such as result = data"
            ),
        ),
        (
            "result = {'a': 1}",
            Reason.RESULT_INVALID,
            (
                "`result` is of the type dict, not a DataFrame: "
                "wrap it, such as result = pd.DataFrame(result)"
            ),
        ),
        (
            "result = data.sort_values('amount', inplace=True)",
            Reason.RESULT_INVALID,
            (
                "`result` is None: a call with inplace=True returns None, "
                "so assign the DataFrame itself"
            ),
        ),
        ("import sys\nsys.exit(3)", Reason.SCRIPT_ERROR, "SystemExit (script line 2: sys.exit(3))"),
        ("import os\nos._exit(0)", Reason.SCRIPT_ERROR, "ended its own process"),
        (
            "import ctypes\nctypes.string_at(0)",
            Reason.SCRIPT_ERROR,
            "crashed its process (SIGSEGV)",
        ),
        ("import os\nos.abort()", Reason.SCRIPT_ERROR, "crashed its process (SIGABRT)"),
    ],
)
def test_failure_names_the_line_and_the_way_out(script: str, reason: Reason, message: str) -> None:
    ran = run_script(script)

    assert reason == ran.reason
    assert message in ran.message


def test_rows_of_data_are_in_the_log_and_not_in_the_message() -> None:
    ran = run_script("x = data['category'].astype(float)")

    assert "fruit" in ran.log
    assert "fruit" not in ran.message


def test_failure_knows_the_line_and_its_text() -> None:
    ran = run_script("a = 1\nb = a + missing")

    assert ran.failure is not None
    assert (2, "b = a + missing") == (ran.failure.line, ran.failure.line_text)


def test_levels_of_columns_are_refused_with_a_way_to_flatten_them() -> None:
    ran = run_script("result = data.groupby('category').agg({'amount': ['sum', 'mean']})")

    assert Reason.RESULT_INVALID == ran.reason
    assert "flatten them" in ran.message


# Sources


def _load(file: str, content: str | bytes, **source: str) -> Ran:
    asked = SourceFile(name="data", file=file, **source)
    return run_script("result = data", files={file: content}, sources=(asked,))


@pytest.mark.parametrize(
    ("form", "path", "content"),
    [
        ("CSV", None, "a,b\n1,x\n2,y\n"),
        ("CSV", None, "\ufeffa,b\n1,x\n2,y\n"),
        ("JSON", None, '[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]'),
        ("JSON", "page.items", '{"page": {"items": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]}}'),
        ("JSON", None, '{"a": [1, 2], "b": ["x", "y"]}'),
        ("NDJSON", None, '{"a": 1, "b": "x"}\n\n{"a": 2, "b": "y"}\n'),
    ],
    ids=["CSV", "CSV with a mark", "JSON", "JSON at a path", "JSON columns", "NDJSON"],
)
def test_each_format_becomes_the_same_data(form: str, path: str | None, content: str) -> None:
    source = {"format": form} | ({"records_path": path} if path else {})

    assert "a,b\n1,x\n2,y\n" == _load("source", content, **source).csv


@pytest.mark.parametrize(
    ("form", "content", "message"),
    [
        ("CSV", "<!DOCTYPE html>\n<p>Alice</p>", "it looks like HTML"),
        ("CSV", b"PK\x03\x04Alice", "it looks like a ZIP archive or an Excel file"),
        ("CSV", "", "the file is empty"),
        ("CSV", "a,b\n1,2\n3,4,Alice\n", "line 3 has 3 fields where 2 are expected"),
        ("CSV", 'a,b\n1,"Alice\n', "a quoted field is never closed"),
        ("CSV", b"a\nAlice\xff\n", "is not UTF-8 text"),
        ("JSON", '[{"a": 1},\n {"a": Alice}]', "line 2, column 8: not valid JSON"),
        ("JSON", '{"a": 1}\n{"a": "Alice"}', "set format: NDJSON"),
        ("JSON", '{"items": ["Alice"], "n": 1}', "set recordsPath"),
        ("JSON", '["Alice"]', "record 1 is a text, not an object"),
        ("NDJSON", '{"a": 1}\nAlice\n', "line 2 is not valid JSON"),
        ("NDJSON", '[{"a": 1},\n{"a": "Alice"}]', "set format: JSON"),
    ],
)
def test_source_that_is_not_its_format_is_told_without_its_rows(
    form: str, content: str | bytes, message: str
) -> None:
    ran = _load("source", content, format=form)

    assert Reason.SOURCE_INVALID == ran.reason
    assert ran.message.startswith('source "data": ')
    assert message in ran.message
    assert "Alice" not in ran.message


def test_source_that_is_missing_is_told() -> None:
    ran = run_script("result = data", files={"other.csv": DATA})

    assert Reason.SOURCE_INVALID == ran.reason
    assert 'source "data": its file cannot be read: No such file or directory' == ran.message


def test_source_that_needs_too_much_memory_is_told() -> None:
    big = "a,b\n" + "1.25,some text that is long enough\n" * 1_000_000
    ran = run_script("result = data", files={"data.csv": big}, limits={"memory_bytes": 120 * MIB})

    assert Reason.OUT_OF_MEMORY == ran.reason
    assert "reading a source; the limit is 120Mi" in ran.message


# Time and output


def test_timeout_names_the_line_that_was_running() -> None:
    ran = run_script("import time\ntime.sleep(60)", limits={"timeout_seconds": 0.5})

    assert Reason.SCRIPT_TIMEOUT == ran.reason
    assert (
        "the script did not end within 0.5 s (script line 2: time.sleep(60)): "
        "make it faster, or raise spec.script.timeoutSeconds"
    ) == ran.message


def test_prints_before_a_timeout_are_in_the_log() -> None:
    ran = run_script("print('before')\nwhile True: pass", limits={"timeout_seconds": 0.5})

    assert "before\n" in ran.log


def test_log_is_cut_and_says_so() -> None:
    ran = run_script("for n in range(100_000): print('row', n)\nresult = data")

    assert "[the script printed more than 64 KiB: the rest is cut]\n" in ran.log
    assert len(ran.log) < 66 * 1024

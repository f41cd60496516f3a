"""What is said about an exception: the script's line always, its words only when they are safe."""

from typing import Any

import pandas as pd
import pytest

from report_runner.script_errors import SCRIPT_FILE, describe, error_line, traceback_text


def error_of(script: str, **names: Any) -> BaseException:
    """Return what *script* raises."""
    try:
        exec(compile(script, SCRIPT_FILE, "exec"), {"pd": pd, **names})
    except BaseException as error:
        return error
    raise AssertionError("the script raised nothing")


def described(script: str, **names: Any) -> str:
    """Return what is said about what *script* raises."""
    return describe(error_of(script, **names), script)


PEOPLE = pd.DataFrame({"name": ["Alice"], "age": ["forty"], "plain": ["property"]})


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("x = totl", "NameError: name 'totl' is not defined (script line 1: x = totl)"),
        (
            "data.amout",
            (
                "AttributeError: 'DataFrame' object has no attribute 'amout' "
                "(script line 1: data.amout)"
            ),
        ),
        ("data['amout']", "KeyError: 'amout' (script line 1: data['amout'])"),
        (
            "data[['name', 'amout']]",
            "KeyError: \"['amout'] not in index\" (script line 1: data[['name', 'amout']])",
        ),
        ("x = 1 +", "SyntaxError: invalid syntax (script line 1: x = 1 +)"),
        (
            "if True:\nx = 1",
            (
                "IndentationError: expected an indented block after 'if' statement on line 1 "
                "(script line 2: x = 1)"
            ),
        ),
        (
            "'1' + 1",
            "TypeError: can only concatenate str (not \"int\") to str (script line 1: '1' + 1)",
        ),
        ("x = [1]\nx[5.0]", "TypeError: list indices must be integers or slices, not float"),
    ],
)
def test_message_of_the_scripts_own_words_is_repeated(script: str, said: str) -> None:
    assert described(script, data=PEOPLE).startswith(said)


@pytest.mark.parametrize(
    "script",
    [
        "data['age'].astype(int)",
        "data.set_index('name').loc[data['age'][0]]",
        "{}[data['name'][0]]",
        "{}[data['plain'][0]]",
        "raise NameError(data['name'][0])",
        "raise AttributeError(data.to_string())",
        "__import__(data['name'][0])",
        "getattr(data, data['name'][0])",
        "globals()[data['name'][0]]",
        "exec(data['name'][0] + '!')",
    ],
)
def test_no_row_of_data_is_repeated(script: str) -> None:
    said = described(script, data=PEOPLE)

    assert "Alice" not in said
    assert "forty" not in said
    assert "property" not in said
    assert "script line 1" in said
    assert "log of the script" in said or "image" in said


def test_line_is_the_innermost_of_the_script() -> None:
    script = "def inner():\n    return 1 / 0\n\ninner()\n"

    assert 2 == error_line(error_of(script))


def test_line_under_a_library_is_the_scripts() -> None:
    script = "x = 1\npd.Series([1, 2]).apply(lambda n: n / 0)\n"

    assert 2 == error_line(error_of(script))


def test_forbidden_things_are_explained() -> None:
    script = "raise PermissionError(1, 'Operation not permitted')"

    assert "a script has no files, no network and no other programs" in described(script)


def test_long_lines_are_shortened() -> None:
    script = "x = " + "1 + " * 200 + "'a'"

    assert len(described(script)) < 300


def test_log_has_the_whole_message_and_the_scripts_own_frames() -> None:
    text = traceback_text(error_of("pd.Series(['Alice']).astype(int)"))

    assert "Alice" in text
    assert 'File "<script>", line 1' in text
    assert "site-packages" not in text

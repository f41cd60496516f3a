"""What is said of a script that was not run."""

import pytest

from report_cli.script_check import check_script


@pytest.mark.parametrize(
    "script",
    [
        "result = 1",
        "for result in [1]: pass",
        "with open('x') as result: pass",
        "import math as result",
        "def result(): pass",
        "(result := 1)",
        "a, (b, *result) = 1, (2, 3)",
        "if data:\n  result = 1\nelse:\n  result = 2",
        "result: int = 1",
        "def main():\n  global result\n  result = 1\nmain()",
        "globals()['result'] = 1",
        "from helpers import *",
        "exec('result = 1')",
    ],
)
def test_script_that_may_set_result_is_not_doubted(script: str) -> None:
    """
    A warning that is wrong teaches people to ignore warnings.
    """
    assert [] == list(check_script(script))


@pytest.mark.parametrize(
    "script",
    [
        "data",
        "Result = 1",
        "result",
        "def f():\n  result = 1",
        "result.x = 1",
        "x = [result for result in y]",
    ],
)
def test_script_that_never_sets_result_is_doubted_at_its_end(script: str) -> None:
    """
    Only reading ``result``, or setting a local variable of that name, is not enough.
    """
    (finding,) = check_script(script + "\n\n")

    assert (len(script.splitlines()), False) == (finding.line, finding.is_error)
    assert "never assigns result" in finding.message


@pytest.mark.parametrize(
    ("script", "line", "column", "message"),
    [
        ("a = 1\nif a\n  b", 2, 5, "expected ':'"),
        ("a = (1\nb = 2", 1, 5, "'(' was never closed"),
        ("  a = 1", 1, 2, "unexpected indent"),
        ("return 1", 1, 1, "'return' outside function"),
        ("a = 'x\n", 1, 5, "unterminated string"),
        ("result = 1\0", 1, 1, "null byte"),
        ("result = " + "(" * 5000, 1, 1, "too many nested parentheses"),
    ],
)
def test_script_that_is_no_python_is_an_error_in_its_line(
    script: str, line: int, column: int, message: str
) -> None:
    """
    The line is the script's own, from 1.
    """
    (finding,) = check_script(script)

    assert (True, line) == (finding.is_error, finding.line)
    assert message in finding.message
    if "nested" not in message:
        assert column == finding.column


def test_what_python_warns_of_is_passed_on() -> None:
    """
    ``"\\d"`` works today and will not for ever.
    """
    (finding,) = check_script("result = 1\nx = '\\d'\n")

    assert (2, False) == (finding.line, finding.is_error)
    assert "invalid escape sequence" in finding.message

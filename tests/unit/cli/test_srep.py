"""The command line itself: help, version, and what is wrong with it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Srep = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["schedule", "0", "9", "*", "*", "*"], "put it in quotes"),
        (["schedule", "09:00", "--after", "soon"], "write 2026-03-28T12:00"),
        (["schedule", "09:00", "--count", "0"], "--count"),
        (["validate"], "FILE"),
        (["valdate", "x"], "Did you mean 'validate'?"),
        (["run", "FILE"], "kubectl create -f -"),
        (["run", "FILE", "--local", "--name", "dayly-sales"], "give daily-sales"),
        (["run", "FILE", "--local", "--data", "x"], "write NAME=PATH"),
        (["run", "FILE", "--locall"], "--local"),
    ],
)
def test_wrong_command_line_exits_2_with_the_way_out(
    srep: Srep, file: Path, arguments: list[str], message: str
) -> None:
    """
    Nothing is printed on standard output but, if JSON is asked for, one object.
    """
    given = [str(file) if argument == "FILE" else argument for argument in arguments]

    code, out, err = srep(*given)
    json_code, json_out, _ = srep(*given, "--output=json")

    assert (2, "", 2) == (code, out, json_code)
    assert message in err
    told = json.loads(json_out)
    assert ("Failed", "UsageError") == (told["outcome"], told["reason"])
    assert message in told["message"]


def test_version_and_help_exit_0(srep: Srep) -> None:
    """
    Both are the first things that people type.
    """
    assert (0, "srep ") == (srep("--version")[0], srep("--version")[1][:5])
    assert "--tz" in srep("schedule", "--help")[1]
    assert "validate" in srep("-h")[1]


def test_srep_alone_shows_its_help_and_exits_2(srep: Srep) -> None:
    """
    There is nothing to do without a command.
    """
    code, out, _ = srep()

    assert 2 == code
    assert "Commands:" in out

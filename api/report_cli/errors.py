"""
Everything that ends a command early, and how it is told.

* TyperException (typer's own for a wrong command line)     exit code 2
  + CommandError                                            1
    x UsageError                                          2

A failed run is none of these: it is a result, and its reason has the exit code.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any, Final

from typer.exceptions import TyperException

from report_cli.terminal import paint, printable, say_json, tell

USAGE_ERROR: Final = "UsageError"
"""The one reason in JSON that is no ``Reason``: the command line was wrong, so nothing was run."""
EXIT_INTERRUPTED: Final = 130
DEBUG_VARIABLE: Final = "SREP_DEBUG"


class CommandError(TyperException):
    """The command cannot do what it was asked; the message names the way out."""


class UsageError(CommandError):
    """The command line itself is wrong."""

    exit_code = 2


def tell_error(error: TyperException, arguments: Sequence[str]) -> int:
    """Tell what ended the command, and return its exit code."""
    message = error.format_message().replace("Value error, ", "")
    context = getattr(error, "ctx", None)
    if wants_json(arguments):
        say_json(_failure(USAGE_ERROR, message))
        return error.exit_code
    tell(f"{paint('error:', 'bad', sys.stderr)} {printable(message)}")
    if context is not None:
        tell(f"Try: {context.command_path} --help")
    return error.exit_code


def tell_bug(error: Exception, arguments: Sequence[str]) -> int:
    """Tell that srep itself is at fault, and return the exit code."""
    from report_types.outcome import Reason

    message = f"srep has a bug: {type(error).__name__}: {error}"
    if is_debugging():
        traceback.print_exception(error)
    else:
        message += f"; set {DEBUG_VARIABLE}=1 to see where, and report it"
    if wants_json(arguments):
        say_json(_failure(Reason.INTERNAL_ERROR, message))
    else:
        tell(f"{paint('error:', 'bad', sys.stderr)} {printable(message)}")
    return Reason.INTERNAL_ERROR.exit_code


def is_debugging() -> bool:
    """Tell whether whoever calls srep wants to see its inside."""
    return bool(os.environ.get(DEBUG_VARIABLE))


def wants_json(arguments: Sequence[str]) -> bool:
    """Tell whether the command line asks for JSON, even if typer could not make sense of it."""
    text = " ".join(arguments).replace("=", " ").replace("--output", "-o")
    return "-o json" in text or "-ojson" in text


def _failure(reason: str, message: str) -> dict[str, Any]:
    """Return what a run that failed at once would print."""
    from report_types.outcome import Outcome, Reason
    from report_types.run import RunResult

    empty = RunResult(outcome=Outcome.FAILED, reason=Reason.INTERNAL_ERROR)
    return empty.model_dump(mode="json", by_alias=True) | {"reason": reason, "message": message}

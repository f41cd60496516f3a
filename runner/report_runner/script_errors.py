"""
What to say about an exception in a script: where it happened, and how much of it may be repeated.

The message of an exception can hold a row of data (``could not convert string to float:
'Alice'``). A status is read by more people than the script's log, so it repeats a message only
when every word of it stands in the script itself or is plain vocabulary.
"""

import builtins
import linecache
import re
import traceback
from types import TracebackType
from typing import Final

from report_runner.plain_text import escape
from report_runner.script_job import line_text

SCRIPT_FILE: Final = "<script>"
"""The file name under which the script is compiled, as it stands in a traceback."""

MAX_LOG: Final = 16_384

_REPEATABLE: Final = (
    NameError,
    AttributeError,
    KeyError,
    ImportError,
    TypeError,
    ZeroDivisionError,
    RecursionError,
    PermissionError,
)
_WORD: Final = re.compile(r"\w+")
_VOCABULARY: Final = frozenset(
    _WORD.findall(
        """
        a an and are as attribute axis columns dtype from has import imported in index is local
        module most name named no not object of or partially str the to type with cannot defined
        free variable value where it referenced before assignment associated none dataframe series
        dataframegroupby seriesgroupby multiindex timestamp timedelta ndarray s
        division by zero maximum recursion depth exceeded permission denied operation permitted
        positional argument arguments got an unexpected keyword missing required takes but given was
        were supported unsupported operand types between instances callable subscriptable iterable
        hashable unhashable must be integers slices or indices can only concatenate
        """
    )
).union(name.casefold() for name in dir(builtins))


_KEY_VOCABULARY: Final = frozenset(
    {"none", "of", "index", "are", "in", "the", "columns", "not", "dtype", "str"}
)
"""A missing key is itself a value, so next to nothing but the script's words may stand by it."""


def script_line(trace: TracebackType | None) -> int | None:
    """Return the line of the innermost frame that is the script's own, or None."""
    own = [line for frame, line in traceback.walk_tb(trace) if _is_script(frame.f_code.co_filename)]
    return own[-1] if own else None


def error_line(error: BaseException) -> int | None:
    """Return the line of the script that *error* comes from; a syntax error names its own."""
    if isinstance(error, SyntaxError) and error.filename == SCRIPT_FILE:
        return error.lineno
    return script_line(error.__traceback__)


def describe(error: BaseException, script: str) -> str:
    """
    Return one line about *error* that holds no row of data.

    For example ``KeyError: 'amout' (script line 3: result = data.groupby("amout").sum())``.
    """
    name, message = type(error).__name__, repeatable_message(error, script)
    place = line_in_script(script, error_line(error))
    said = (f"{name}: {message}" if message else name) + (f" ({place})" if place else "")
    return escape(said + _way_out(error, message))


def line_in_script(script: str, line: int | None) -> str:
    """Return how a message names a line: its number and its text; empty without a line."""
    if line is None:
        return ""
    text = line_text(script, line)
    return escape(f"script line {line}: {text}" if text else f"script line {line}")


def repeatable_message(error: BaseException, script: str) -> str:
    """Return the message of *error* if it can hold nothing but the script's own words."""
    if isinstance(error, SyntaxError):
        return error.msg if error.filename == SCRIPT_FILE else ""
    if not isinstance(error, _REPEATABLE):
        return ""
    message = (error.strerror or "") if isinstance(error, OSError) else str(error)
    vocabulary = _KEY_VOCABULARY if isinstance(error, KeyError) else _VOCABULARY
    known = vocabulary | _words(script)
    return message if known.issuperset(_words(message)) else ""


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))


def _way_out(error: BaseException, message: str) -> str:
    if isinstance(error, PermissionError):
        return "; a script has no files, no network and no other programs: it sets `result`"
    if isinstance(error, ModuleNotFoundError):
        return "; only what is in the runner's image can be imported"
    return "" if message else "; its message is in the log of the script"


def remember_source(script: str) -> None:
    """Let tracebacks and warnings show the script's lines."""
    linecache.cache[SCRIPT_FILE] = (
        len(script),
        None,
        script.splitlines(keepends=True),
        SCRIPT_FILE,
    )


def traceback_text(error: BaseException) -> str:
    """Return the traceback for the script's log: the script's own frames and the whole message."""
    frames = traceback.extract_tb(error.__traceback__)
    own = traceback.StackSummary.from_list([f for f in frames if _is_script(f.filename)])
    parts = ["Traceback (the script's own lines):\n", *own.format()] if own else []
    parts += traceback.format_exception_only(error)
    return "".join(parts)[-MAX_LOG:]


def _is_script(filename: str) -> bool:
    return filename == SCRIPT_FILE

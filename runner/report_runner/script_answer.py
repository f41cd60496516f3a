"""
The answer of a script: read as hostile, since the script shares a process with what sends it.

Only its shape is believed. What is said about rows and columns is for show: the truth is in the
CSV, which the runner checks. Which walls stood is never taken from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from report_runner.plain_text import escape, shorten
from report_runner.script_job import Walls
from report_types.outcome import Reason

CHILD_REASONS: Final = frozenset(
    {
        Reason.SCRIPT_ERROR,
        Reason.SCRIPT_TIMEOUT,
        Reason.OUT_OF_MEMORY,
        Reason.RESULT_INVALID,
        Reason.RESULT_TOO_LARGE,
        Reason.SOURCE_INVALID,
    }
)
"""The reasons that a child may give."""
HOST_REASONS: Final = CHILD_REASONS | {Reason.SANDBOX_UNAVAILABLE}
"""The reasons that a script host may give."""

MAX_MESSAGE: Final = 1000
MAX_WARNINGS, MAX_WARNING = 20, 500
MAX_COLUMNS, MAX_COLUMN = 200, 200
MAX_LOG: Final = 16_384
PHASES: Final = ("import", "load", "script", "write")


class AnswerError(Exception):
    """What came is no answer."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """
    What became of a script. *reason* of None: it set a result, which was written.

    *log* is for the script's own log only: it may hold rows of data.
    """

    reason: Reason | None = None
    message: str = ""
    line: int | None = None
    log: str = ""
    rows: int | None = None
    columns: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)

    def to_wire(self) -> dict[str, Any]:
        """Return the object that travels in a frame; the log stays behind."""
        if self.reason is not None:
            told = {"message": self.message, "line": self.line, "seconds": dict(self.seconds)}
            return {"ok": False, "reason": str(self.reason), **told}
        return {
            "ok": True,
            "rows": self.rows,
            "columns": list(self.columns),
            "warnings": list(self.warnings),
            "seconds": dict(self.seconds),
        }


def parse_answer(wire: Mapping[str, Any], reasons: frozenset[Reason] = CHILD_REASONS) -> Answer:
    """
    Return the answer that *wire* holds, shortened and escaped.

    Raises:
        AnswerError: it is none, or gives a reason that is not among *reasons*.
    """
    seconds = _seconds(wire.get("seconds"))
    if wire.get("ok") is True:
        return Answer(
            rows=_count(wire.get("rows")),
            columns=_texts(wire.get("columns"), MAX_COLUMNS, MAX_COLUMN),
            warnings=_texts(wire.get("warnings"), MAX_WARNINGS, MAX_WARNING),
            seconds=seconds,
        )
    reason = wire.get("reason")
    if wire.get("ok") is not False or reason not in reasons:
        raise AnswerError("an answer must be ok, or give a reason")
    return Answer(
        reason=Reason(reason),
        message=_text(wire.get("message"), MAX_MESSAGE),
        line=_count(wire.get("line")),
        log=str(wire.get("log") or "")[:MAX_LOG],
        seconds=seconds,
    )


def parse_walls(wire: object) -> Walls:
    """
    Return the walls that *wire* tells of.

    Raises:
        AnswerError: it tells of none.
    """
    if not isinstance(wire, Mapping):
        raise AnswerError("walls must be an object")
    return Walls(
        confined=wire.get("confined") is True,
        landlock_abi=_count(wire.get("landlock_abi")) or 0,
        seccomp=wire.get("seccomp") is True,
        user_namespace=wire.get("user_namespace") is True,
    )


def _text(value: object, limit: int) -> str:
    return shorten(escape(value[: limit + 1]), limit) if isinstance(value, str) else ""


def _texts(value: object, count: int, limit: int) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(_text(item, limit) for item in value[:count] if isinstance(item, str))


def _count(value: object) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value < 2**53 else None


def _seconds(value: object) -> dict[str, float]:
    if not isinstance(value, Mapping):
        return {}
    return {phase: n for phase in PHASES if (n := _duration(value.get(phase))) is not None}


def _duration(value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if 0 <= value < 10**6 else None

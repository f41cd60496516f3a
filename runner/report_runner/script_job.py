"""
What the runner asks of the script host: a script, its sources, its parameters and its limits.

Plain dataclasses of the standard library, since the script host must start before pandas or
pydantic could be imported. On the wire they are the objects that ``to_wire`` returns.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from report_runner.plain_text import shorten

MIB: Final = 2**20
DEFAULT_TIMEOUT: Final = 300.0
DEFAULT_OUTPUT_BYTES: Final = 100 * MIB
MIN_LANDLOCK_ABI: Final = 4
RESULT_FILE: Final = "result.csv"


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """A source that was fetched: *file* is its plain name in the input folder."""

    name: str
    file: str
    format: str = "CSV"
    records_path: str | None = None


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """What the script finds as ``run``; *scheduled_time* is RFC 3339 with an offset."""

    name: str
    report: str
    namespace: str
    scheduled_time: str
    time_zone: str = "Etc/UTC"
    trigger: str = "Manual"


@dataclass(frozen=True, kw_only=True)
class ScriptLimits:
    """
    How much the script may take: seconds of wall clock, bytes, seconds of CPU.

    *memory_bytes* of None leaves memory to the cgroup. *cpu_seconds* of None follows the timeout.
    """

    timeout_seconds: float = DEFAULT_TIMEOUT
    memory_bytes: int | None = None
    output_bytes: int = DEFAULT_OUTPUT_BYTES
    cpu_seconds: int | None = None

    @property
    def cpu_budget(self) -> float:
        """Seconds of CPU: a backstop, so by default no less than all cores give in the time."""
        return self.cpu_seconds or self.timeout_seconds * (os.cpu_count() or 1)


@dataclass(frozen=True, kw_only=True)
class ScriptJob:
    """
    One script to run. *unconfined* is for ``srep run --local --unconfined`` alone.

    With *allow_degraded* a wall that this kernel cannot raise is left out and reported, rather
    than the run refused.
    """

    script: str
    sources: tuple[SourceFile, ...]
    run: RunFacts
    params: Mapping[str, Any] = field(default_factory=dict)
    limits: ScriptLimits = ScriptLimits()
    min_landlock_abi: int = MIN_LANDLOCK_ABI
    allow_degraded: bool = False
    unconfined: bool = False

    def to_wire(self) -> dict[str, Any]:
        """Return the object that travels in a frame."""
        wire = dict(vars(self))
        wire["sources"] = [dict(vars(source)) for source in self.sources]
        wire["run"] = dict(vars(self.run))
        wire["limits"] = dict(vars(self.limits))
        return wire

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> "ScriptJob":
        """
        Read what ``to_wire`` returned. Only our own processes send it.

        Raises:
            TypeError, KeyError: it was made by another version of the runner.
        """
        values = dict(wire)
        values["sources"] = tuple(SourceFile(**source) for source in values["sources"])
        values["run"] = RunFacts(**values["run"])
        values["limits"] = ScriptLimits(**values["limits"])
        return cls(**values)

    def without_script(self) -> "ScriptJob":
        """Return the job as the child gets it before its walls stand."""
        return replace(self, script="")


@dataclass(frozen=True, kw_only=True)
class Walls:
    """Which walls really stand. *confined*: all that were asked for do."""

    confined: bool = False
    landlock_abi: int = 0
    seccomp: bool = False
    user_namespace: bool = False


def line_text(script: str, line: int | None) -> str:
    """Return the text of one line of the script, shortened; empty if there is no such line."""
    lines = script.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if line is None or not 1 <= line <= len(lines):
        return ""
    return shorten(lines[line - 1].strip(), 160)


def in_mib(size: int) -> str:
    """Write a number of bytes as a quantity that a person can put into a spec."""
    return f"{-(-size // MIB)}Mi"

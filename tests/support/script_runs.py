"""Runs a script as the pod and ``srep run --local`` do: a real script host, a real child."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from report_runner.sandbox import ScriptHost, local_script_host
from report_runner.script_job import MIB, RunFacts, ScriptJob, ScriptLimits, SourceFile
from report_runner.script_outcome import ScriptFailure, ScriptResult
from report_types.outcome import Reason

DATA = "category,amount\nfruit,3\nbread,4\nfruit,5\n"
THE_DATA = (SourceFile(name="data", file="data.csv"),)
FACTS = RunFacts(
    name="daily-sales-29384310",
    report="daily-sales",
    namespace="shop",
    scheduled_time="2026-03-02T08:30:00Z",
    time_zone="Europe/Berlin",
    trigger="Schedule",
)


@dataclass(frozen=True)
class Ran:
    """What came of a script: the CSV or a failure, what it printed, how long it took."""

    csv: str
    result: ScriptResult | None
    failure: ScriptFailure | None
    log: str
    seconds: float

    @property
    def reason(self) -> Reason | None:
        """Why it failed; None if it did not."""
        return None if self.failure is None else self.failure.reason

    @property
    def message(self) -> str:
        """What was said about a failure; empty if there was none."""
        return "" if self.failure is None else self.failure.message


def make_job(
    script: str,
    *,
    sources: tuple[SourceFile, ...] = THE_DATA,
    limits: Mapping[str, Any] | None = None,
    **job: Any,
) -> ScriptJob:
    """Return a job with the limits of a small pod; *job* are fields of the ScriptJob."""
    bounds = ScriptLimits(**{"timeout_seconds": 60.0, "memory_bytes": 512 * MIB, **(limits or {})})
    return ScriptJob(script=script, sources=sources, limits=bounds, **{"run": FACTS, **job})


def run_script(
    script: str,
    *,
    files: Mapping[str, str | bytes] | None = None,
    under: tuple[str, ...] = (),
    **job: Any,
) -> Ran:
    """Run *script* in a script host of its own, started by the command *under* if given."""
    with tempfile.TemporaryDirectory() as directory, tempfile.TemporaryFile() as log:
        began = time.monotonic()
        with _host(Path(directory), log, under) as host:
            for name, content in (files or {"data.csv": DATA}).items():
                raw = content.encode() if isinstance(content, str) else content
                Path(directory, "input", name).write_bytes(raw)
            result, failure, csv = None, None, ""
            try:
                host.wait_ready(60)
                result = host.run(make_job(script, **job))
                with result.csv as file:
                    csv = file.read().decode()
            except ScriptFailure as error:
                failure = error
        seconds = time.monotonic() - began
        log.seek(0)
        return Ran(csv, result, failure, log.read().decode(), seconds)


@contextmanager
def script_host_process(
    directory: Path, log: Any = None, under: tuple[str, ...] = ()
) -> Iterator[tuple[ScriptHost, "subprocess.Popen[bytes]"]]:
    """Start a script host by the command line of the pod, for tests that watch the process."""
    for folder in ("input", "output"):
        Path(directory, folder).mkdir()
    path = directory / "input" / "script.sock"
    with ScriptHost(path, directory / "output") as host:
        command = [*under, sys.executable, "-I", "-m", "report_runner.script_host"]
        command += ["--socket", str(path), "--input", str(path.parent)]
        command += ["--output", str(directory / "output")]
        process = subprocess.Popen(
            command, env={}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            yield host, process
        finally:
            host.close()
            process.wait(timeout=10)


@contextmanager
def _host(directory: Path, log: Any, under: tuple[str, ...]) -> Iterator[ScriptHost]:
    if not under:
        with local_script_host(directory, log=log) as host:
            yield host
    else:
        with script_host_process(directory, log, under) as (host, _):
            yield host


def without_calls(*names: str) -> tuple[str, ...]:
    """Return the command under which a kernel seems to lack the system calls *names*."""
    script = Path(__file__).with_name("kernel_without.py")
    return (sys.executable, str(script), *names, "--")


def children_of(pid: int) -> list[int]:
    """Return the processes that *pid* has started and that still run."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

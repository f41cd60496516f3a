"""
The child: imports pandas, confines itself, and runs one script.

The script host starts it with an empty environment. It reads frames on standard input and
answers on the descriptor that its first argument names:

    ready      pandas is imported
    <- job     everything but the script
    walls      what stands around this process: the last thing it says that can be believed
    <- script  comes only after the script host has looked at the walls from outside
    answer     what the script came to; the script can send this frame itself
"""

import gc
import importlib
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from report_runner import confine, frames
from report_runner.script_job import RESULT_FILE, ScriptJob

LATE_MODULES: Final = (
    "report_runner.script_work",
    "pandas.io.formats.csvs",
    "pandas.io.formats.string",
)
"""What is imported before the walls stand; pandas itself loads the latter only when used."""


def main() -> None:
    """Serve one job on the descriptor that the command line names."""
    gc.disable()  # Importing makes a hundred thousand objects, and none of them is garbage.
    answers = int(sys.argv[1])
    confine.die_with_parent()
    confine.be_killed_first()
    seconds = _import_pandas()
    gc.freeze()
    gc.enable()
    frames.write_frame(answers, {"ready": True, "seconds": {"import": seconds}})
    answer = _serve(answers)
    if answer is not None:
        _flush_output()
        frames.write_frame(answers, answer)
    # Not sys.exit: the script's threads and exit handlers must not keep the process.
    os._exit(0)


def _import_pandas() -> float:
    began = time.perf_counter()
    for name in LATE_MODULES:
        importlib.import_module(name)
    return round(time.perf_counter() - began, 4)


def _serve(answers: int) -> dict[str, Any] | None:
    from report_runner.script_work import run_job

    order = frames.read_frame(0, frames.MAX_JOB)
    if order is None:
        return None
    job = ScriptJob.from_wire(order["job"])
    input_dir, result = Path(order["input"]), Path(order["output"]) / RESULT_FILE
    try:
        _make_result(result)
        sources = [input_dir / source.file for source in job.sources]
        walls = confine.confine(job, sources=sources, result=result, descriptor=answers)
    except confine.SandboxUnavailableError as error:
        return {"unavailable": str(error)}
    frames.write_frame(answers, {"walls": asdict(walls)})
    order = frames.read_frame(0, frames.MAX_JOB)
    if order is None:
        return None
    _prepare_streams()
    return run_job(job, order["script"], input_dir, result)


def _make_result(result: Path) -> None:
    """Make the empty file: inside the walls none can be made, and only this one written."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        os.close(os.open(result, flags, 0o644))
    except OSError as error:
        raise confine.SandboxUnavailableError(
            f"{RESULT_FILE} cannot be made in the output folder: {error.strerror}"
        ) from error


def _prepare_streams() -> None:
    """Let ``input()`` find an end of file, not frames, and ``print`` reach the log at once."""
    read_end, write_end = os.pipe()
    os.close(write_end)
    os.dup2(read_end, 0)
    os.close(read_end)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]


def _flush_output() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # noqa: S112  the script may have put anything in its place
            continue


if __name__ == "__main__":
    main()

"""How a local run is shown to a person."""

import csv
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from report_cli.reasons import REASONS
from report_cli.run_inputs import Inputs
from report_cli.tables import print_table
from report_cli.terminal import paint, printable, say, tell
from report_types.run import RunResult

_FIRST_ROWS: Final = 10


def show(result: RunResult, inputs: Inputs | None, out: Path, mails: Sequence[Path]) -> None:
    """
    Print the result and what led to it; a failure goes to standard error, at the end.

    *out* is the folder with the files of the result, *mails* are those that were written there.
    """
    if result.files:
        _show_rows(result, out / result.files[0].name)
    if phases := list(_phases(result)):
        say(paint(" · ".join(phases), "dim"))
    if result.sandbox:
        say(f"sandbox: {_sandbox(result)}")
    for path in (*(out / file.name for file in result.files), *mails):
        if path.exists():
            say(f"wrote {printable(str(path))} ({path.stat().st_size:,} bytes)")
    if inputs and inputs.smtp and result.deliveries:
        _show_deliveries(result)
    for warning in result.warnings:
        tell(f"{paint('warning:', 'warn', sys.stderr)} {printable(warning)}")
    if result.outcome.is_success:
        say(f"{paint(result.outcome.value, 'good')}: {printable(result.message)}")
    else:
        _show_failure(result, inputs)


def _show_rows(result: RunResult, path: Path) -> None:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            columns, *rows = islice(csv.reader(stream), _FIRST_ROWS + 1)
    except (OSError, ValueError):
        return
    numeric = [all(_is_number(row[at]) for row in rows) for at in range(len(columns))]
    print_table(columns, rows, right=numeric)
    total = result.rows or 0
    more = f", the first {len(rows)} shown" if total > len(rows) else ""
    say(paint(f"{_count(total, 'row')}, {_count(len(columns), 'column')}{more}", "dim"))
    say()


def _phases(result: RunResult) -> Iterator[str]:
    for name, seconds in result.duration_seconds.model_dump().items():
        if seconds is not None:
            yield f"{name} {seconds:.2f} s"


def _sandbox(result: RunResult) -> str:
    walls = result.sandbox
    if walls is None or not walls.confined:
        return paint("none, the script was not confined", "warn")
    parts = [f"Landlock {walls.landlock_abi}" if walls.landlock_abi else "no Landlock"]
    parts.append("seccomp" if walls.seccomp else "no seccomp")
    return "confined by the kernel (" + ", ".join(parts) + ")"


def _show_deliveries(result: RunResult) -> None:
    say()
    print_table(
        ("recipient", "as", "state", "answer"),
        [
            (row.recipient, row.role, row.state.value, str(row.code or ""))
            for row in result.deliveries
        ],
    )


def _show_failure(result: RunResult, inputs: Inputs | None) -> None:
    tell(f"{paint(result.reason.value + ':', 'bad', sys.stderr)} {printable(result.message)}")
    if inputs and result.line:
        _show_line(inputs, result.line)
    tell(f"{paint('what to do:', 'strong', sys.stderr)} {REASONS[result.reason].way_out}")


def _show_line(inputs: Inputs, line: int) -> None:
    lines = inputs.script.splitlines()
    if not 1 <= line <= len(lines):
        return
    where = f"line {line} of the script"
    if inputs.given_script is None:
        checked = inputs.checked
        path = (*checked.path, "spec", "script", "inline")
        place = checked.document.place_in_text(path, inputs.script, line, 1)
        where = f"{checked.document.file}:{place.line}, {where}"
    tell(paint(f"  {where}:", "dim", sys.stderr))
    tell(f"    {printable(lines[line - 1])}")


def _is_number(text: str) -> bool:
    try:
        float(text or "0")
    except ValueError:
        return False
    return True


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"

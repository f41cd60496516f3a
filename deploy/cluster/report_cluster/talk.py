"""Saying what is done, running commands, and failing with words that help."""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

SAY_AGAIN_SECONDS = 30
TAIL_LINES = 20


class ClusterError(Exception):
    """A cluster, or a part of it, cannot be had; the message says what is missing or went wrong."""


def say(text: str) -> None:
    """Tell the person at the terminal; standard output is kept for the result."""
    print(f"[cluster] {text}", file=sys.stderr, flush=True)


def tail(text: str, lines: int = TAIL_LINES) -> str:
    """The last lines of *text*, indented for an error message."""
    return "".join(f"\n    {line}" for line in text.strip().splitlines()[-lines:])


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    input_text: str | None = None,
    timeout: float | None = None,
) -> str:
    """Run a short command and return its standard output. Raises ClusterError."""
    try:
        done = subprocess.run(
            [str(part) for part in argv],
            cwd=cwd,
            env=env,
            input=input_text,
            timeout=timeout,
            capture_output=True,
            text=True,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ClusterError(f"{argv[0]}: {error}") from error
    if done.returncode:
        raise ClusterError(f"{' '.join(map(str, argv))} failed:{tail(done.stderr or done.stdout)}")
    return done.stdout


def succeeds(argv: Sequence[str | Path], *, timeout: float = 30) -> bool:
    """Whether a short command ends well; what it says is of no interest."""
    try:
        run(argv, timeout=timeout)
    except ClusterError:
        return False
    return True


def run_long(
    what: str,
    argv: Sequence[str | Path],
    *,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run a command that takes its time, and say so every 30 s. Raises ClusterError."""
    say(what)
    began = time.monotonic()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        command = [str(part) for part in argv]
        process = subprocess.Popen(
            command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        while True:
            try:
                code = process.wait(SAY_AGAIN_SECONDS)
                break
            except subprocess.TimeoutExpired:
                say(f"{what}: still at it after {time.monotonic() - began:.0f} s")
            except BaseException:
                process.kill()
                raise
    if code:
        ending = tail(log.read_text(errors="replace"))
        raise ClusterError(f"{what} failed (all of it: {log}){ending}")
    say(f"{what}: done in {time.monotonic() - began:.0f} s")

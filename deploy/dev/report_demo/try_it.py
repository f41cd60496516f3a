"""
``make try``: the samples without a cluster, in seconds.

The data source and the mail catcher run inside this process, on the loopback address. Each sample
goes through ``srep run --local --send``: the very fetch, sandbox, CSV and mail of a run's pod.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from report_demo.catcher_client import fetch_mails, over_http
from report_demo.data_source import DataSource
from report_demo.expect import EXPECTED
from report_demo.mail_catcher import MailCatcher
from report_demo.samples import DATA_SOURCE_URL, recipients, sample, sample_path
from report_demo.show import conclude, heading, say, show_checks, show_mails
from report_demo.verify import receipts, strangers
from report_types.run import RunResult

_LONGEST_RUN: Final = 120  # seconds, on a very busy machine


class TryError(Exception):
    """A sample could not even be run."""


def smtp_environment(catcher: MailCatcher) -> dict[str, str]:
    """Return this process's environment with the mail catcher as the mail server."""
    return {
        **os.environ,
        "SMTP_HOST": catcher.host,
        "SMTP_PORT": str(catcher.smtp_port),
        "SMTP_USE_TLS": "false",
        "SMTP_FROM_EMAIL": "reports@example.com",
    }


def local_copy(name: str, data_source_url: str, folder: Path) -> Path:
    """Write the sample *name* into *folder*, with the cluster's data source replaced by ours."""
    path = folder / f"{name}.yaml"
    text = sample_path(name).read_text(encoding="utf-8")
    path.write_text(text.replace(DATA_SOURCE_URL, data_source_url), encoding="utf-8")
    return path


def run_locally(file: Path, environment: Mapping[str, str], *options: str) -> RunResult:
    """
    Run a report's file by ``srep run --local --send`` and return how it ended.

    Raises:
        TryError: it printed no result; what it said stands on standard error.
    """
    srep = (sys.executable, "-m", "report_cli", "run", "--local", str(file), "--send")
    out = ("--out", str(file.parent / "out"), "-o", "json")
    command = [*srep, *out, *options]
    try:
        ended = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, check=False, timeout=_LONGEST_RUN
        )
    except subprocess.TimeoutExpired as error:
        raise TryError(f"srep did not end within {_LONGEST_RUN} s") from error
    try:
        return RunResult.model_validate_json(ended.stdout)
    except ValidationError as error:
        raise TryError(f"srep ended with code {ended.returncode} without a result") from error


def _arguments() -> list[str]:
    parser = argparse.ArgumentParser(prog="make try", description=__doc__)
    parser.add_argument(
        "--unconfined",
        action="store_true",
        help="run the samples' scripts even where the kernel cannot confine them",
    )
    return ["--unconfined"] if parser.parse_args().unconfined else []


def _run(name: str, source: DataSource, catcher: MailCatcher, options: list[str]) -> RunResult:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="report-try-") as folder:
        file = local_copy(name, source.url, Path(folder))
        result = run_locally(file, smtp_environment(catcher), *options)
    seconds = time.monotonic() - started
    rows = "" if result.rows is None else f", {result.rows} rows"
    say(f"  {name}: {result.outcome} after {seconds:.1f} s{rows}. {result.message}".rstrip())
    return result


def main() -> int:
    """Run both samples, show their mails, check their numbers; return the exit code."""
    options = _arguments()
    with DataSource() as source, MailCatcher() as catcher:
        heading("Two reports, run on this machine by srep run --local")
        say(f"  data from {source.url}, mail to the SMTP server on port {catcher.smtp_port}")
        results = {name: _run(name, source, catcher, options) for name in EXPECTED}
        mails = fetch_mails(over_http(catcher.url))
    judged = [
        receipt
        for name, result in results.items()
        for receipt in receipts(
            name, recipients(sample(name)), result.deliveries, mails, EXPECTED[name]()
        )
    ]
    strange = strangers(mails, [result.deliveries for result in results.values()])
    show_mails(judged)
    show_checks(judged, strange)
    return conclude(judged, strange)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except TryError as error:
        sys.exit(f"make try: {error}")

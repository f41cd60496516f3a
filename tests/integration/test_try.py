"""`make try`: the samples by `srep run --local`, real mail, and all numbers checked."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from report_demo.catcher_client import fetch_mails, over_http
from report_demo.data_source import DataSource
from report_demo.expect import EXPECTED
from report_demo.mail_catcher import MailCatcher
from report_demo.samples import DATA_SOURCE_URL, recipients, sample
from report_demo.try_it import TryError, local_copy, run_locally, smtp_environment
from report_demo.verify import receipts, strangers
from report_types.outcome import Outcome


def try_it(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "report_demo.try_it"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_both_samples_are_delivered_with_the_right_numbers() -> None:
    """
    As a newcomer sees it: what is printed, the last line, the exit code.
    """
    tried = try_it()

    assert tried.stdout.endswith("\ndelivered 3 of 3\n"), tried.stdout + tried.stderr
    assert 0 == tried.returncode
    assert "Subject:     Flight delays, " in tried.stdout
    assert "carrier  month  arrivals  mean_arrival_delay\n  9E       1      1480" in tried.stdout
    assert "\033" not in tried.stdout


@pytest.mark.parametrize("name", EXPECTED)
def test_each_mail_arrives_once_and_stands_in_the_ledger(name: str, tmp_path: Path) -> None:
    with DataSource() as source, MailCatcher() as catcher:
        file = local_copy(name, source.url, tmp_path)
        result = run_locally(file, smtp_environment(catcher))
        mails = fetch_mails(over_http(catcher.url))

    assert Outcome.DELIVERED == result.outcome, result.message
    judged = receipts(name, recipients(sample(name)), result.deliveries, mails, EXPECTED[name]())
    assert [] == [problem for receipt in judged for problem in receipt.problems]
    assert [] == strangers(mails, [result.deliveries])


def test_the_copy_differs_from_the_sample_in_the_host_of_the_data_only(tmp_path: Path) -> None:
    copy = local_copy("flight-delays", "http://127.0.0.1:1", tmp_path).read_text(encoding="utf-8")

    assert "http://127.0.0.1:1/flights.csv" in copy
    assert DATA_SOURCE_URL not in copy


def test_a_failed_run_is_not_called_delivered(tmp_path: Path) -> None:
    with MailCatcher() as catcher:
        file = local_copy("stock-summary", catcher.url, tmp_path)  # it has no stocks
        result = run_locally(file, smtp_environment(catcher))
        mails = catcher.inbox.mails()

    assert Outcome.FAILED == result.outcome
    (receipt,) = receipts(
        "stock-summary",
        recipients(sample("stock-summary")),
        result.deliveries,
        mails,
        EXPECTED["stock-summary"](),
    )
    assert not receipt.delivered


def test_a_command_that_prints_no_result_is_an_error(tmp_path: Path) -> None:
    with MailCatcher() as catcher, pytest.raises(TryError, match="without a result"):
        run_locally(tmp_path / "x.yaml", smtp_environment(catcher), "--no-such-option")

"""What the tests of srep share: a valid report as YAML, and what a check says of a changed one."""

import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from report_cli.checks import check_text

REPORT = """\
apiVersion: scheduledreports.dev/v1alpha1
kind: ScheduledReport
metadata:
  name: daily-sales
spec:
  schedule: "0 9 * * 1-5"
  timeZone: Europe/Berlin
  sources:
  - name: data
    http:
      url: https://api.example.com/sales
      format: CSV
  script:
    inline: |
      total = data["amount"].sum()
      result = total
  delivery:
    email:
      to:
      - analyst@example.com
"""
NOW = datetime(2026, 1, 1, tzinfo=UTC)

Check = Callable[..., list[str]]
Srep = Callable[..., tuple[int, str, str]]


@pytest.fixture
def report() -> str:
    """A report without fault, as YAML."""
    return REPORT


@pytest.fixture
def file(tmp_path: Path, report: str) -> Path:
    """A file with a report without fault."""
    path = tmp_path / "report.yaml"
    path.write_text(report)
    return path


@pytest.fixture
def check() -> Check:
    """Check a text, or the valid report with parts of it replaced: LINE:COLUMN severity text."""

    def run(text: str = REPORT, replace: Mapping[str, str] | None = None) -> list[str]:
        for old, new in (replace or {}).items():
            assert 1 == text.count(old), old
            text = text.replace(old, new)
        return [
            f"{f.where().removeprefix('r.yaml').removeprefix(':')} {f.severity.value} {f.what()}"
            for one in check_text("r.yaml", text, NOW)
            for f in one.findings
        ]

    return run


@pytest.fixture
def srep(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Srep:
    """Call srep within this process: exit code, standard output, standard error."""

    def call(*arguments: str) -> tuple[int, str, str]:
        from report_cli.__main__ import main

        monkeypatch.setattr(sys, "argv", ["srep", *arguments])
        code = main()
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call

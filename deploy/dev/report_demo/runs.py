"""The demo's two runs: what is seen of them while they go on, and how they end."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Final

from report_demo.kube import Kube
from report_demo.samples import NAMESPACE
from report_demo.show import say
from report_types.report import ScheduledReport
from report_types.run import ReportRun

_HERE: Final = ("-n", NAMESPACE)
_LONGEST_RUN: Final = timedelta(seconds=90)  # on a busy machine
_LONGEST_ROLL_UP: Final = 15  # seconds
_NEWS_EVERY: Final = 20  # seconds


class DemoError(Exception):
    """Something did not come about."""


@dataclass(frozen=True)
class Started:
    """The name of each report's run, and when the one that has a schedule is due."""

    names: dict[str, str]
    slot: datetime


def fetch_runs(kube: Kube) -> dict[str, ReportRun]:
    """Return all runs of the demo's namespace by name."""
    items = kube.get(*_HERE, "reportruns")["items"]
    return {run.metadata.name or "": run for run in map(ReportRun.observed, items)}


def describe(run: ReportRun | None, now: datetime, slot: datetime) -> str:
    """Say in a few words how far a run is."""
    if run is None:
        # Rounded, so that there is news only now and then.
        left = ceil((slot - now).total_seconds() / _NEWS_EVERY) * _NEWS_EVERY
        return f"due within {left} s, at {slot:%H:%M} UTC" if left > 0 else "due now"
    status = run.status
    if status.outcome is None:
        return "sends the mail" if status.deliveries else "created"
    if status.outcome.is_success:
        return f"{status.outcome}, {status.rows} rows"
    return f"{status.outcome}: {status.reason}, {status.message}"


def wait_for_runs(kube: Kube, started: Started) -> dict[str, ReportRun]:
    """
    Wait until both runs have ended, printing each change; return them by report.

    Raises:
        DemoError: a run did not end in time, or it failed, or its report does not show it.
    """
    began = time.monotonic()
    told: dict[str, str] = {}
    while True:
        found = fetch_runs(kube)
        now = datetime.now(UTC)
        for name in started.names.values():
            news = describe(found.get(name), now, started.slot)
            if told.get(name) != news:
                say(f"  {time.monotonic() - began:3.0f} s  {name}: {news}")
                told[name] = news
        ended = {r: found[name] for r, name in started.names.items() if _has_ended(found.get(name))}
        if len(ended) == len(started.names):
            _check(kube, ended)
            return ended
        if now > started.slot + _LONGEST_RUN:
            missing = ", ".join(name for r, name in started.names.items() if r not in ended)
            raise DemoError(f"{missing} did not end within {_LONGEST_RUN.seconds} s of its slot")
        time.sleep(1)


def _has_ended(run: ReportRun | None) -> bool:
    return run is not None and run.status.outcome is not None


def _check(kube: Kube, ended: dict[str, ReportRun]) -> None:
    for report, run in ended.items():
        if not (run.status.outcome and run.status.outcome.is_success):
            raise DemoError(f"the run of {report} ended {run.status.outcome}: {run.status.message}")
    deadline = time.monotonic() + _LONGEST_ROLL_UP
    while behind := [r for r, run in ended.items() if not _shows(_fetch_report(kube, r), run)]:
        if time.monotonic() > deadline:
            raise DemoError(f"the status of {', '.join(behind)} does not show the run")
        time.sleep(0.5)


def _fetch_report(kube: Kube, name: str) -> ScheduledReport:
    return ScheduledReport.observed(kube.get(*_HERE, f"scheduledreport/{name}"))


def _shows(report: ScheduledReport, run: ReportRun) -> bool:
    """Whether the report's status names this run, and says that all is well."""
    status = report.status
    fine = {condition.type for condition in status.conditions if condition.status == "True"}
    return (
        any(summary.name == run.metadata.name for summary in status.recent_runs)
        and {"Ready", "Succeeding"} <= fine
    )

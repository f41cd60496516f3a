"""
What a run touches: the few things that differ between a pod and one's own machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from report_runner.delivery import Transport
from report_runner.gather import Gathering
from report_runner.interrupts import Interrupts
from report_runner.ledger import Ledger
from report_runner.logs import RunLog
from report_runner.message import Sender
from report_runner.script_job import ScriptJob
from report_runner.script_outcome import ScriptResult
from report_types.outcome import RunError
from report_types.plan import RunPlan


class Host(Protocol):
    """A script host, as the sandbox has it."""

    def wait_ready(self, timeout: float) -> Mapping[str, float]:
        """Wait until a script may come; raises ScriptFailure."""

    def run(self, job: ScriptJob) -> ScriptResult:
        """Run a script; raises ScriptFailure."""


@dataclass(frozen=True, kw_only=True)
class Mailing:
    """Who mails come from, and what takes them."""

    sender: Sender
    transport: Transport


@dataclass(frozen=True, kw_only=True)
class Edges:
    """
    What a run touches. *mailing* is an error where the mail server is not configured.

    *work* is a folder for files that nobody else sees.
    """

    gathering: Gathering
    host: Host
    ledger: Ledger
    mailing: Mailing | RunError
    work: Path
    interrupts: Interrupts
    log: RunLog


@dataclass(frozen=True, kw_only=True)
class Run:
    """What is run: the plan, the name of its ReportRun, and the script if there is one."""

    plan: RunPlan
    name: str
    script: str | None
    unconfined: bool = False

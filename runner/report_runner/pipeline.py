"""
A run from its first byte to its last word: gather, script, check, claim, send, record.

The pod and ``srep run --local`` run this same pipeline; they differ only in the edges that they
give to it.
"""

import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from report_runner.conclusion import UNFINISHED, Ending, ending_of, wants_failure_mail
from report_runner.edges import Edges, Mailing, Run
from report_runner.interrupts import InterruptedRunError
from report_runner.ledger import LedgerAwayError, OpenedRun
from report_runner.mails import Mails
from report_runner.message import Occasion, ResultFacts
from report_runner.render import Rendered, render
from report_runner.run_facts import (
    build_result,
    column_names,
    job_of,
    occasion_of,
    settled_before,
)
from report_runner.script_job import ScriptLimits, Walls
from report_runner.script_outcome import ScriptFailure, ScriptResult
from report_types.outcome import Outcome, Reason, RunError
from report_types.run import DeliveryRow, DeliveryState, RunResult

READY_SECONDS: Final = 120.0
"""How long the script host may take to start and import pandas."""
_OPENING_SECONDS: Final = 10.0
_DISMISSAL_SECONDS: Final = 20.0


class Pipeline:
    """One run; *csv* is the file that was sent, once there is one."""

    def __init__(self, run: Run, edges: Edges) -> None:
        self._run = run
        self._edges = edges
        self._started = datetime.now(UTC)
        self._began = time.monotonic()
        self._seconds: dict[str, float] = {}
        self._opened: OpenedRun | None = None
        self._rows: tuple[DeliveryRow, ...] = ()
        self._host_is_waited_for = False
        self._walls: Walls | None = None
        self._line: int | None = None
        self._rendered: Rendered | None = None
        self._warnings: tuple[str, ...] = ()
        self.csv: Path | None = None

    def execute(self) -> RunResult:
        """Run to the end, and return how it ended; raises nothing that a run can meet."""
        ending = self._reach_ending()
        self._edges.interrupts.keep()
        result = self._close(ending)
        self._dismiss_host()
        return result

    # The way to an ending.

    def _reach_ending(self) -> Ending:
        try:
            return self._go()
        except InterruptedRunError as interrupt:
            error = interrupt.error
        except ScriptFailure as failure:
            self._walls = failure.walls
            error = failure
        except RunError as known:
            error = known
        except LedgerAwayError as away:
            error = RunError(Reason.API_UNAVAILABLE, str(away))
        except Exception as unexpected:
            error = self._internal_error(unexpected)
        finally:
            self._edges.gathering.cancel()
        self._line = error.line
        return Ending(Outcome.FAILED, error.reason, error.message)

    def _go(self) -> Ending:
        if isinstance(self._edges.mailing, RunError):
            raise self._edges.mailing
        if self._run.script is None:
            raise self._script_missing()
        with self._phase("fetch"):
            sources = self._edges.gathering.wait()
        self._opened = self._edges.gathering.opened(_OPENING_SECONDS)
        known = self._opened.rows if self._opened else ()
        email = self._run.plan.spec.delivery.email
        if (settled := settled_before(known, email)) is not None:
            self._rows = settled
            return ending_of(settled, None)
        self._host_is_waited_for = True
        self._edges.host.wait_ready(READY_SECONDS)
        self._edges.log.info("script host ready")
        with self._phase("script"):
            job = job_of(self._run, self._run.script, sources, self._occasion)
            result = self._edges.host.run(job)
        self._walls = result.walls
        with self._phase("render"):
            self._render(result)
        # A mail that is claimed must be finished, or nobody could tell what became of it.
        self._edges.interrupts.keep()
        with self._phase("delivery"):
            return self._deliver(self._edges.mailing)

    def _render(self, result: ScriptResult) -> None:
        limit = ScriptLimits().output_bytes
        raw, safe = (self._edges.work / name for name in ("result.csv", "escaped.csv"))
        with result.csv, raw.open("w+b") as scratch, safe.open("w+b") as target:
            file, self._rendered = render(result.csv, scratch, target, limit)
        self.csv = raw if file is scratch else safe
        self._warnings = (*result.warnings, *self._rendered.warnings)
        self._edges.log.info(
            "result checked",
            rows=self._rendered.rows,
            columns=len(self._rendered.columns),
            bytes=self._rendered.bytes,
        )

    def _deliver(self, mailing: Mailing) -> Ending:
        assert self._rendered
        assert self.csv
        facts = ResultFacts(
            rows=self._rendered.rows,
            columns=column_names(self._rendered),
            bytes=self._rendered.bytes,
            warnings=self._warnings,
        )
        delivery = self._mails(mailing).send_result(facts, self.csv)
        self._rows = delivery.rows
        pending = self._edges.interrupts.pending
        if pending and any(row.state == DeliveryState.DEFERRED for row in delivery.rows):
            return Ending(Outcome.FAILED, pending.reason, pending.message)
        return ending_of(delivery.rows, delivery.problem)

    # What is left to do when the ending is known.

    def _close(self, ending: Ending) -> RunResult:
        if self._opened is None and ending.reason not in UNFINISHED:
            with suppress(RunError):  # the mail and the record will meet it, too
                self._opened = self._edges.gathering.opened(_OPENING_SECONDS)
        if wants_failure_mail(ending) and isinstance(self._edges.mailing, Mailing):
            self._tell_failure(ending, self._edges.mailing)
        self._seconds["total"] = round(time.monotonic() - self._began, 3)
        result = build_result(
            ending,
            occasion=self._occasion,
            rendered=self._rendered,
            walls=self._walls,
            line=self._line,
            warnings=self._warnings,
            seconds=self._seconds,
            rows=self._rows,
        )
        try:
            if ending.reason not in UNFINISHED:
                self._edges.ledger.record(self._rows, result)
            elif self._rows:
                self._edges.ledger.record(self._rows)
        except LedgerAwayError as error:
            # The termination message still tells it.
            self._edges.log.error("outcome not recorded", error=str(error))
        log = self._edges.log.info if ending.outcome.is_success else self._edges.log.error
        log(
            "finished",
            outcome=str(ending.outcome),
            reason=str(ending.reason),
            message=ending.message,
            rows=result.rows,
            seconds=self._seconds,
        )
        return result

    def _tell_failure(self, ending: Ending, mailing: Mailing) -> None:
        """Send the notice, once per run; if it fails, the run still ends as it did."""
        try:
            self._rows = self._mails(mailing).send_failure(ending, self._rows).rows
        except (LedgerAwayError, RunError) as error:
            self._edges.log.warning("failure mail not sent", error=str(error))
        except Exception as unexpected:
            self._internal_error(unexpected)

    def _dismiss_host(self) -> None:
        """Meet a script host that nobody has waited for, since it would go on waiting for us."""
        if self._host_is_waited_for or self._edges.interrupts.pending:
            return
        with suppress(RunError):
            self._edges.host.wait_ready(_DISMISSAL_SECONDS)

    # Small help.

    @property
    def _occasion(self) -> Occasion:
        return occasion_of(self._run, self._opened, self._started)

    def _mails(self, mailing: Mailing) -> Mails:
        return Mails(self._run.plan.spec, self._occasion, mailing, self._edges)

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self._seconds[name] = round(time.monotonic() - began, 3)

    def _script_missing(self) -> RunError:
        ref = self._run.plan.spec.script.config_map_key_ref
        assert ref, "an inline script is always there"
        return RunError(
            Reason.SCRIPT_MISSING,
            f"spec.script.configMapKeyRef: there is no ConfigMap {ref.name} with the key {ref.key}"
            ": create it, or correct the name",
        )

    def _internal_error(self, error: Exception) -> RunError:
        """Log where *error* came from, and return what may be told of it: its text may be data."""
        frames = traceback.extract_tb(error.__traceback__)
        self._edges.log.error(
            "internal error",
            type=type(error).__name__,
            frames=[f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames],
        )
        return RunError(
            Reason.INTERNAL_ERROR,
            f"the runner met an error of its own ({type(error).__name__}): its log shows where; "
            "please report it",
        )

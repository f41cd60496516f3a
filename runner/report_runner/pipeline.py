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
from report_runner.delivery import result_rows
from report_runner.edges import Edges, Mailing, Run
from report_runner.interrupts import InterruptedRunError
from report_runner.ledger import LedgerAwayError, OpenedRun
from report_runner.mails import Mails
from report_runner.message import Occasion, ResultFacts
from report_runner.plain_text import escape, shorten
from report_runner.render import Rendered, render
from report_runner.rows import claimed, scheduled_time
from report_runner.script_job import RunFacts, ScriptJob, ScriptLimits, SourceFile, Walls
from report_runner.script_outcome import ScriptFailure, ScriptResult
from report_types.outcome import Outcome, Reason, RunError
from report_types.quantity import to_bytes
from report_types.run import (
    DeliveryRow,
    DeliveryState,
    Durations,
    ResultFile,
    RunResult,
    SandboxInForce,
)

READY_SECONDS: Final = 120.0
"""How long the script host may take to start and import pandas."""
_OPENING_SECONDS: Final = 10.0
_DISMISSAL_SECONDS: Final = 20.0
_MAX_MESSAGE, _MAX_NAMES, _MAX_NAME, _MAX_WARNINGS, _MAX_WARNING = 2000, 200, 200, 20, 500


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
        if (settled := self._settled_before()) is not None:
            self._rows = settled
            return ending_of(settled, None)
        self._host_is_waited_for = True
        self._edges.host.wait_ready(READY_SECONDS)
        self._edges.log.info("script host ready")
        with self._phase("script"):
            result = self._edges.host.run(self._job(self._run.script, sources))
        self._walls = result.walls
        with self._phase("render"):
            self._render(result)
        # A mail that is claimed must be finished, or nobody could tell what became of it.
        self._edges.interrupts.keep()
        with self._phase("delivery"):
            return self._deliver(self._edges.mailing)

    def _settled_before(self) -> tuple[DeliveryRow, ...] | None:
        """Return the rows of a run that an earlier pod has sent as far as that may be done."""
        known = self._opened.rows if self._opened else ()
        mailing = self._edges.mailing
        assert isinstance(mailing, Mailing)
        wanted = result_rows(self._run.plan.spec.delivery.email, "")
        after = claimed(known, wanted, "", is_retry=False)
        ours = [row for row in after if row.role != "failure"]
        return None if any(row.state == DeliveryState.SENDING for row in ours) else tuple(after)

    def _job(self, script: str, sources: tuple[SourceFile, ...]) -> ScriptJob:
        plan = self._run.plan
        spec = plan.spec
        occasion = self._occasion()
        return ScriptJob(
            script=script,
            sources=sources,
            run=RunFacts(
                name=occasion.run,
                report=occasion.report,
                namespace=occasion.namespace,
                scheduled_time=occasion.moment.isoformat(),
                time_zone=occasion.time_zone,
                trigger=str(plan.trigger),
            ),
            params=spec.parameters,
            limits=ScriptLimits(
                timeout_seconds=spec.script.timeout_seconds,
                memory_bytes=to_bytes(spec.resources.limits.memory),
            ),
            min_landlock_abi=plan.sandbox.min_landlock_abi,
            allow_degraded=plan.sandbox.allow_degraded,
            unconfined=self._run.unconfined,
        )

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
        assert self._rendered and self.csv
        facts = ResultFacts(
            rows=self._rendered.rows,
            columns=self._columns(),
            bytes=self._rendered.bytes,
            warnings=self._warnings,
        )
        mails = Mails(self._run.plan.spec, self._occasion(), mailing, self._edges)
        delivery = mails.send_result(facts, self.csv)
        self._rows = delivery.rows
        pending = self._edges.interrupts.pending
        if pending and any(row.state == DeliveryState.DEFERRED for row in delivery.rows):
            return Ending(Outcome.FAILED, pending.reason, pending.message)
        return ending_of(delivery.rows, delivery.problem)

    # What is left to do when the ending is known.

    def _close(self, ending: Ending) -> RunResult:
        if wants_failure_mail(ending) and isinstance(self._edges.mailing, Mailing):
            self._tell_failure(ending, self._edges.mailing)
        self._seconds["total"] = round(time.monotonic() - self._began, 3)
        result = self._result(ending)
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
        mails = Mails(self._run.plan.spec, self._occasion(), mailing, self._edges)
        try:
            self._rows = mails.send_failure(ending, self._rows).rows
        except (LedgerAwayError, RunError) as error:
            self._edges.log.warning("failure mail not sent", error=str(error))
        except Exception as unexpected:
            self._internal_error(unexpected)

    def _result(self, ending: Ending) -> RunResult:
        rendered, walls = self._rendered, self._walls
        occasion = self._occasion()
        return RunResult(
            outcome=ending.outcome,
            reason=ending.reason,
            message=shorten(ending.message, _MAX_MESSAGE),
            line=self._line,
            rows=rendered.rows if rendered else None,
            columns=list(self._columns()),
            warnings=[shorten(text, _MAX_WARNING) for text in self._warnings[:_MAX_WARNINGS]],
            duration_seconds=Durations(**self._seconds),
            sandbox=SandboxInForce(**vars(walls)) if walls else None,
            deliveries=list(self._rows),
            files=[
                ResultFile(
                    name=occasion.file_name(".csv"), bytes=rendered.bytes, sha256=rendered.sha256
                )
            ]
            if rendered
            else [],
        )

    def _dismiss_host(self) -> None:
        """Meet a script host that nobody has waited for, since it would go on waiting for us."""
        if self._host_is_waited_for or self._edges.interrupts.pending:
            return
        with suppress(RunError):
            self._edges.host.wait_ready(_DISMISSAL_SECONDS)

    # Small help.

    def _occasion(self) -> Occasion:
        plan, opened = self._run.plan, self._opened
        moment = scheduled_time(self._run.name, plan.report)
        if moment is None and opened:
            moment = opened.scheduled or opened.created
        return Occasion(
            report=plan.report.name,
            namespace=plan.report.namespace,
            uid=plan.report.uid,
            run=self._run.name,
            moment=moment or self._started,
            time_zone=plan.spec.time_zone,
            display_name=plan.spec.display_name,
        )

    def _columns(self) -> tuple[str, ...]:
        names = self._rendered.columns[:_MAX_NAMES] if self._rendered else ()
        return tuple(shorten(escape(name), _MAX_NAME) for name in names)

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

"""
What follows from a run's plan and from what was found: pure functions of the pipeline.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from report_runner.conclusion import Ending
from report_runner.delivery import result_rows
from report_runner.edges import Run
from report_runner.ledger import OpenedRun
from report_runner.message import Occasion
from report_runner.plain_text import escape, shorten
from report_runner.render import Rendered
from report_runner.rows import claimed, scheduled_time
from report_runner.script_job import RunFacts, ScriptJob, ScriptLimits, SourceFile, Walls
from report_types.quantity import to_bytes
from report_types.report import Email
from report_types.run import (
    DeliveryRow,
    DeliveryState,
    Durations,
    ResultFile,
    RunResult,
    SandboxInForce,
)

_MAX_MESSAGE: Final = 2000
_MAX_NAMES, _MAX_NAME = 200, 200
_MAX_WARNINGS, _MAX_WARNING = 20, 500


def occasion_of(run: Run, opened: OpenedRun | None, started: datetime) -> Occasion:
    """Return what the run is about: its slot, or when it was asked for, or else *started*."""
    plan = run.plan
    moment = scheduled_time(run.name, plan.report)
    if moment is None and opened:
        moment = opened.scheduled or opened.created
    return Occasion(
        report=plan.report.name,
        namespace=plan.report.namespace,
        uid=plan.report.uid,
        run=run.name,
        moment=moment or started,
        time_zone=plan.spec.time_zone,
        display_name=plan.spec.display_name,
    )


def job_of(run: Run, script: str, sources: tuple[SourceFile, ...], occasion: Occasion) -> ScriptJob:
    """Return what the script host is to do."""
    spec, sandbox = run.plan.spec, run.plan.sandbox
    return ScriptJob(
        script=script,
        sources=sources,
        run=RunFacts(
            name=occasion.run,
            report=occasion.report,
            namespace=occasion.namespace,
            scheduled_time=occasion.moment.isoformat(),
            time_zone=occasion.time_zone,
            trigger=str(run.plan.trigger),
        ),
        params=spec.parameters,
        limits=ScriptLimits(
            timeout_seconds=spec.script.timeout_seconds,
            memory_bytes=to_bytes(spec.resources.limits.memory),
        ),
        min_landlock_abi=sandbox.min_landlock_abi,
        allow_degraded=sandbox.allow_degraded,
        unconfined=run.unconfined,
    )


def settled_before(known: Sequence[DeliveryRow], email: Email) -> tuple[DeliveryRow, ...] | None:
    """Return the rows if earlier pods have sent all that may be sent; None if a claim is due."""
    after = claimed(known, result_rows(email, ""), "", is_retry=False)
    due = any(row.state == DeliveryState.SENDING for row in after if row.role != "failure")
    return None if due else tuple(after)


def column_names(rendered: Rendered) -> tuple[str, ...]:
    """Return the names of the columns, made fit to be shown: a script may choose any."""
    return tuple(shorten(escape(name), _MAX_NAME) for name in rendered.columns[:_MAX_NAMES])


def build_result(
    ending: Ending,
    *,
    occasion: Occasion,
    rendered: Rendered | None,
    walls: Walls | None,
    line: int | None,
    warnings: Sequence[str],
    seconds: Mapping[str, float],
    rows: Sequence[DeliveryRow],
) -> RunResult:
    """Build what is told of the run, within the bounds of its schema."""
    files = []
    if rendered:
        name = occasion.file_name(".csv")
        files = [ResultFile(name=name, bytes=rendered.bytes, sha256=rendered.sha256)]
    return RunResult(
        outcome=ending.outcome,
        reason=ending.reason,
        message=shorten(ending.message, _MAX_MESSAGE),
        line=line,
        rows=rendered.rows if rendered else None,
        columns=list(column_names(rendered)) if rendered else [],
        warnings=[shorten(text, _MAX_WARNING) for text in warnings[:_MAX_WARNINGS]],
        duration_seconds=Durations(**seconds),
        sandbox=SandboxInForce(**vars(walls)) if walls else None,
        deliveries=list(rows),
        files=files,
    )

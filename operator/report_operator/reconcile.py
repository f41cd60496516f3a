"""
The order of effects: what is done about one report, from any starting point, again and again.

It reads the cache, decides, acts, and writes the report's status if it has changed. When nothing
is to be done, nothing is asked of the API server.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from report_operator.cache import Cache, Key
from report_operator.cluster import EVENTS, REPORTS, Cluster, ClusterError
from report_operator.diagnose import PATIENCE, Finding
from report_operator.keep_cronjob import CronJobKeeper, Kept
from report_operator.keep_runs import RunKeeper
from report_operator.notices import HEALED, Notice, build_event, notices_between
from report_operator.observed import ReportSeen, see_report
from report_operator.runs import own_runs
from report_operator.settings import Settings
from report_operator.status import SLOT_GRACE, Facts, Readiness, settle, summarize
from report_types.condition import ReadyReason
from report_types.outcome import Reason
from report_types.report import ReportStatus, ScheduledReport

log = logging.getLogger(__name__)


class Reconciler:
    """Brings reports and what belongs to them in line, one report at a time."""

    def __init__(
        self, cluster: Cluster, cache: Cache, settings: Settings, clock: Callable[[], datetime]
    ) -> None:
        self._cluster = cluster
        self._cache = cache
        self._clock = clock
        self._instance = settings.instance
        self._cronjobs = CronJobKeeper(cluster, cache, settings.runner)
        self._runs = RunKeeper(cluster, cache, settings.runner)

    async def reconcile(self, key: Key) -> float | None:
        """
        Do what the report *key* needs now; return in how many seconds to look again, if ever.

        Raises:
            ClusterError: the cluster is not able to; try again.
        """
        view, now = self._cache.view(key), self._clock()
        if view.report is None:
            recheck = await self._runs.end_homeless(view, _not_found(key), now)
            return _seconds(recheck, now)
        if view.report.meta.deleting:
            return None
        return await self._reconcile(key, view.report, now)

    async def _reconcile(self, key: Key, seen: ReportSeen, now: datetime) -> float | None:
        body = seen.body()
        previous = read_status(body)
        report = read_report(body)
        view = self._cache.view(key)
        if isinstance(report, Readiness):
            kept = Kept(report)
            runnable: ScheduledReport | Finding = Finding(Reason.INVALID_SPEC, report.message)
        else:
            kept = await self._cronjobs.keep(report, view, previous, now)
            runnable = report
        runs = await self._runs.keep(runnable, seen.meta, self._cache.view(key), previous, now)
        view = self._cache.view(key)
        status = previous
        if kept.readiness:
            spec = None if isinstance(report, Readiness) else report.spec
            facts = Facts(seen.generation, spec, kept.readiness, own_runs(view), runs.blocked)
            status = settle(summarize(facts, previous, now), previous, now)
            await self._write_status(seen, status, previous, kept.is_healed)
        if isinstance(report, ScheduledReport):
            await self._runs.prune(report, view, status)
        return _soonest(
            kept.recheck, _seconds(runs.recheck, now), _seconds(_slot_passed(status, now), now)
        )

    async def _write_status(
        self, seen: ReportSeen, status: ReportStatus, previous: ReportStatus, is_healed: bool
    ) -> None:
        notices = notices_between(previous, status)
        if is_healed:
            notices.append(HEALED)
        if (wire := status.to_wire()) != previous.to_wire():
            meta = seen.meta
            try:
                body = await self._cluster.replace_status(
                    REPORTS, meta.namespace, meta.name, meta.uid, wire
                )
            except ClusterError as error:
                if error.status in (404, 422):
                    return  # deleted by now, perhaps made anew: the watch will show it
                raise
            self._cache.reports.put((meta.namespace, meta.name), see_report(body))
            log.info("Status written", extra={"report": f"{meta.namespace}/{meta.name}"})
        for notice in notices:
            await self._tell(seen, notice)

    async def _tell(self, seen: ReportSeen, notice: Notice) -> None:
        """Post an event; one that cannot be posted is not worth doing all the rest again."""
        meta = seen.meta
        event = build_event(
            meta.namespace,
            meta.name,
            meta.uid,
            notice,
            now=self._clock(),
            instance=self._instance,
        )
        try:
            await self._cluster.create(EVENTS, event)
        except (ClusterError, OSError, TimeoutError) as error:
            log.warning("Event lost", extra={"reason": notice.reason, "error": str(error)})


def read_report(body: dict[str, Any]) -> ScheduledReport | Readiness:
    """Return the report, or why it cannot be made sense of."""
    try:
        # A status that we cannot read must not keep us from the spec.
        return ScheduledReport.observed({k: v for k, v in body.items() if k != "status"})
    except ValidationError as error:
        return _invalid(error)


def read_status(body: dict[str, Any]) -> ReportStatus:
    """Return the report's status, empty if it has none that can be read."""
    try:
        return ReportStatus.observed(body.get("status", {}))
    except ValidationError:
        return ReportStatus()


def _invalid(error: ValidationError) -> Readiness:
    problems = error.errors(include_input=False, include_url=False)
    is_schedule = all(
        p["loc"][:2] in (("spec", "schedule"), ("spec", "timeZone")) for p in problems
    )
    reason = ReadyReason.INVALID_SCHEDULE if is_schedule else ReadyReason.INVALID_SPEC
    told = "; ".join(f"{_path(p['loc'])}: {p['msg']}" for p in problems[:5])
    return Readiness(reason, f"{told}. Until it is corrected, the last valid spec stays in force")


def _path(location: tuple[int | str, ...]) -> str:
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return path.removeprefix(".")


def _not_found(key: Key) -> Finding:
    return Finding(
        Reason.REPORT_NOT_FOUND,
        f"there is no ScheduledReport {key[1]} in namespace {key[0]}: correct "
        "spec.reportRef.name, or create the report and then another ReportRun",
    )


def _slot_passed(status: ReportStatus, now: datetime) -> datetime | None:
    """Return when to see whether the next slot has been started, or to tell of the one after it."""
    due = status.next_schedule_time
    if due is None:
        return None
    return due + PATIENCE if now < due + PATIENCE else due + SLOT_GRACE


def _seconds(moment: datetime | None, now: datetime) -> float | None:
    return None if moment is None else max((moment - now).total_seconds(), 0.0)


def _soonest(*seconds: float | None) -> float | None:
    return min((s for s in seconds if s is not None), default=None)

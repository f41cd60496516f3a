"""
Keep the runs of a report: every Job has its ReportRun, every ReportRun made by hand its Job, and
every one comes to an end, with a reason, whatever became of its pod.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from report_operator.cache import Cache, Key, View
from report_operator.cluster import JOBS, RUNS, Cluster, ClusterError
from report_operator.cronjob import build_job
from report_operator.diagnose import (
    PATIENCE,
    ClusterEvent,
    Finding,
    how_it_died,
    needs_events,
    newest_pod,
    waits_since,
    why_waiting,
)
from report_operator.fold import fold, read_last_words
from report_operator.observed import CronJobSeen, JobSeen, Meta, PodSeen, RunSeen, see_job, see_run
from report_operator.pod import PlanTooLargeError
from report_operator.runs import (
    REPORT_GRACE,
    adoption,
    build_run,
    lacks_run,
    over_at,
    own_jobs,
    own_runs,
    surplus,
    waits_for_job,
)
from report_operator.settings import RunnerSettings
from report_operator.slots import late_slot
from report_types.condition import Condition, ConditionType
from report_types.metadata import Metadata
from report_types.outcome import Outcome, Reason
from report_types.report import ReportStatus, ScheduledReport
from report_types.run import ReportRun, RunStatus

log = logging.getLogger(__name__)

LOOK_AGAIN: Final = timedelta(seconds=30)  # at events, while a run waits to start


@dataclass(frozen=True, slots=True)
class RunsKept:
    """What keeps a run from starting, if anything, and when to look again."""

    blocked: Finding | None = None
    recheck: datetime | None = None


class RunKeeper:
    """Keeps the runs of all reports."""

    def __init__(self, cluster: Cluster, cache: Cache, settings: RunnerSettings) -> None:
        self._cluster = cluster
        self._cache = cache
        self._settings = settings
        self._heard: dict[str, tuple[datetime, list[ClusterEvent]]] = {}

    async def keep(
        self,
        report: ScheduledReport | Finding,
        seen: Meta,
        view: View,
        previous: ReportStatus,
        now: datetime,
    ) -> RunsKept:
        """
        Do what the runs of a report need; a finding in its place says why no run can be started.

        Raises:
            ClusterError: the cluster is not able to; try again.
        """
        jobs, runs = own_jobs(view), own_runs(view)
        for job in jobs.values():
            if lacks_run(job, view, previous):
                await self._create_run(seen, job)
        found = []
        for run in runs:
            if run.meta.owner is None:
                run = await self._adopt(seen, run)
            if run.status.outcome:
                continue
            if not waits_for_job(run, jobs):
                found.append(await self._follow(run, jobs.get(run.meta.name), view, now))
            elif isinstance(report, Finding):
                found.append(await self._end(run, _failure(report, now)))
            else:
                found.append(await self._start(report, run, now))
        if view.cronjob and all(job.finished for job in jobs.values()):
            found.append(await self._watch_slot(view.cronjob, now))
        return _sum_up(found)

    async def end_homeless(self, view: View, finding: Finding, now: datetime) -> datetime | None:
        """End the runs whose report is missing; return when to look again."""
        waiting = [r for r in view.runs if r.meta.owner is None and waits_for_job(r, {})]
        # A run and its report may be applied together, and the run be seen first.
        young = [run for run in waiting if run.meta.created + REPORT_GRACE > now]
        for run in waiting:
            if run not in young:
                await self._end(run, _failure(finding, now))
        return min((run.meta.created + REPORT_GRACE for run in young), default=None)

    async def prune(self, report: ScheduledReport, view: View, status: ReportStatus) -> None:
        """Delete the ReportRuns beyond the history limits."""
        for run in surplus(own_runs(view), status, report.spec):
            meta = run.meta
            await self._cluster.delete(RUNS, meta.namespace, meta.name, meta.uid)
            log.info("ReportRun pruned", extra={"run": f"{meta.namespace}/{meta.name}"})

    async def _create_run(self, report: Meta, job: JobSeen) -> None:
        manifest = build_run(report, job)
        try:
            body = await self._cluster.create(RUNS, manifest)
        except ClusterError as error:
            if error.status == 409 or error.is_end_of_namespace:
                return  # its runner was faster, or nobody will ask for it
            raise
        self._remember(body)
        log.info("ReportRun created", extra={"run": f"{job.meta.namespace}/{job.meta.name}"})

    async def _adopt(self, report: Meta, run: RunSeen) -> RunSeen:
        patch = adoption(report, run)
        body = await self._cluster.patch(RUNS, run.meta.namespace, run.meta.name, patch)
        return self._remember(body)

    async def _start(self, report: ScheduledReport, run: RunSeen, now: datetime) -> RunsKept:
        meta = run.meta
        key = meta.namespace, run.report
        named = ReportRun(
            metadata=Metadata(name=meta.name, namespace=meta.namespace, uid=meta.uid),
            spec=run.spec,
        )
        try:
            manifest = build_job(report, named, self._settings)
            job = see_job(await self._cluster.create(JOBS, manifest))
        except PlanTooLargeError as error:
            return await self._end(run, _failure(Finding(Reason.INVALID_SPEC, str(error)), now))
        except ClusterError as error:
            return await self._cannot_start(run, error, now)
        self._cache.jobs.put(key, job)
        log.info("Job created", extra={"run": f"{meta.namespace}/{meta.name}"})
        return RunsKept(recheck=now + PATIENCE)

    async def _cannot_start(self, run: RunSeen, error: ClusterError, now: datetime) -> RunsKept:
        meta = run.meta
        if error.status == 409:
            taken = see_job(await self._cluster.get(JOBS, meta.namespace, meta.name))
            if taken.meta.owner_uid == meta.uid:
                self._cache.jobs.put((meta.namespace, run.report), taken)
                return RunsKept(recheck=now)
            finding = Finding(
                Reason.INVALID_SPEC,
                f"there is a Job {meta.name} already, which is not this run's: create the "
                "ReportRun under another name",
            )
            return await self._end(run, _failure(finding, now))
        if error.status == 403 and "quota" in error.message:
            finding = Finding(
                Reason.QUOTA_EXCEEDED,
                f"the namespace's quota leaves no room for the run's Job: {error.message}. "
                "Delete old Jobs, or have the ResourceQuota raised",
            )
            await self._show_blocked(run, finding, now)
            return RunsKept(finding, now + LOOK_AGAIN)
        if error.is_end_of_namespace:
            return RunsKept()
        if not error.is_ours:
            raise error
        finding = Finding(Reason.POD_REJECTED, f"the cluster refuses the Job: {error.message}")
        return await self._end(run, _failure(finding, now))

    async def _follow(
        self, run: RunSeen, job: JobSeen | None, view: View, now: datetime
    ) -> RunsKept:
        """Look after a run that has no outcome yet."""
        pods = tuple(pod for pod in view.pods if job and pod.meta.owner_uid == job.meta.uid)
        over = over_at(run, job)
        if over is None:
            assert job
            return await self._watch_start(run, job, newest_pod(pods), now)
        if over > now:
            return RunsKept(recheck=over)
        finding = how_it_died(job, pods, _blocked(run))
        ended = job.finished if job and job.finished else now
        return await self._end(run, fold(run, read_last_words(pods), finding, ended))

    async def _watch_start(
        self, run: RunSeen, job: JobSeen, pod: PodSeen | None, now: datetime
    ) -> RunsKept:
        since = waits_since(job, pod)
        pod = None if pod and pod.has_ended else pod  # another one is to come
        finding, recheck = None, None
        if since is not None and (patient := since + PATIENCE) > now:
            recheck = patient
        elif since is not None:
            recheck = now + LOOK_AGAIN
            about = pod.meta.uid if pod else job.meta.uid
            heard = needs_events(pod)
            events = await self._hear(run.meta.namespace, about, now) if heard else ()
            finding = why_waiting(pod, events)
        if finding != _blocked(run):
            await self._show_blocked(run, finding, now)
        return RunsKept(finding, recheck)

    async def _watch_slot(self, cronjob: CronJobSeen, now: datetime) -> RunsKept:
        """Find out why a slot that is due has no Job; while one goes on, that may be the policy."""
        slot = late_slot(cronjob, now)
        if slot is None:
            return RunsKept()
        if (patient := slot + PATIENCE) > now:
            return RunsKept(recheck=patient)
        events = await self._hear(cronjob.meta.namespace, cronjob.meta.uid, now)
        return RunsKept(why_waiting(None, events), now + LOOK_AGAIN)

    async def _hear(self, namespace: str, uid: str, now: datetime) -> Iterable[ClusterEvent]:
        """Return the events about an object, as they were at most a moment ago."""
        for known, (moment, _) in tuple(self._heard.items()):
            if now - moment > LOOK_AGAIN * 0.9:
                del self._heard[known]
        if uid not in self._heard:
            self._heard[uid] = now, await self._cluster.events_about(namespace, uid)
        return self._heard[uid][1]

    async def _show_blocked(self, run: RunSeen, finding: Finding | None, now: datetime) -> None:
        conditions = []
        if finding:
            condition = Condition(
                type=ConditionType.RUN_BLOCKED,
                status="True",
                reason=finding.reason,
                message=finding.message,
                last_transition_time=now,
            )
            conditions.append(condition.to_wire())
        await self._write_status(run, {"conditions": conditions})

    async def _end(self, run: RunSeen, status: RunStatus) -> RunsKept:
        await self._write_status(run, status.to_wire())
        extra = {"run": f"{run.meta.namespace}/{run.meta.name}", "reason": status.reason}
        log.info("ReportRun ended by the operator", extra=extra)
        return RunsKept()

    async def _write_status(self, run: RunSeen, status: dict[str, object]) -> None:
        """Write to the status of *run*, unless it has changed since: its runner goes first."""
        patch = {"metadata": {"resourceVersion": str(run.meta.version)}, "status": status}
        try:
            body = await self._cluster.patch_status(RUNS, run.meta.namespace, run.meta.name, patch)
        except ClusterError as error:
            if error.status in (404, 409):
                return  # the watch will show what it is now
            raise
        self._remember(body)

    def _remember(self, body: dict[str, object]) -> RunSeen:
        run = see_run(body)
        key: Key = (run.meta.namespace, run.report)
        self._cache.runs.put(key, run)
        return run


def _sum_up(found: list[RunsKept]) -> RunsKept:
    return RunsKept(
        blocked=next((kept.blocked for kept in found if kept.blocked), None),
        recheck=min((kept.recheck for kept in found if kept.recheck), default=None),
    )


def _failure(finding: Finding, now: datetime) -> RunStatus:
    return RunStatus(
        outcome=Outcome.FAILED,
        reason=finding.reason,
        message=finding.message[:2000],
        completion_time=now,
    )


def _blocked(run: RunSeen) -> Finding | None:
    for condition in run.status.conditions:
        if condition.type == ConditionType.RUN_BLOCKED and condition.status == "True":
            # A reason that we do not know is of a newer operator.
            reason = next((r for r in Reason if r == condition.reason), Reason.RUNNER_DIED)
            return Finding(reason, condition.message)
    return None

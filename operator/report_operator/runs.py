"""Which ReportRuns a report lacks, which of them wait for the operator, and which are too old."""

from datetime import datetime, timedelta
from typing import Any, Final

from report_operator.cache import View
from report_operator.cronjob import labels_of, owner_of
from report_operator.observed import JobSeen, Meta, RunSeen
from report_operator.status import MAX_RECENT
from report_types.base import to_rfc3339
from report_types.names import API_VERSION, MAX_RUN_NAME, RUN_KIND, TRIGGER_LABEL
from report_types.report import ReportSpec, ReportStatus
from report_types.run import Trigger

Manifest = dict[str, Any]

# The runner's own write is in by then, and shown by our watch.
WORD_GRACE: Final = timedelta(seconds=5)
# Each kind has a watch of its own: a run may be shown well before its Job, or its report.
JOB_GRACE: Final = timedelta(seconds=30)
REPORT_GRACE: Final = timedelta(seconds=10)


def own_jobs(view: View) -> dict[str, JobSeen]:
    """Return the Jobs that the report's CronJob or its runs own, by name."""
    owners = {run.meta.uid for run in view.runs}
    if view.cronjob:
        owners.add(view.cronjob.meta.uid)
    return {job.meta.name: job for job in view.jobs if job.meta.owner_uid in owners}


def own_runs(view: View) -> tuple[RunSeen, ...]:
    """Return the runs that are the report's, or nobody's yet; none of an earlier report's."""
    uid = view.report.meta.uid if view.report else None
    return tuple(
        run
        for run in view.runs
        if not run.meta.deleting and (run.meta.owner is None or run.meta.owner_uid == uid)
    )


def lacks_run(job: JobSeen, view: View, status: ReportStatus) -> bool:
    """Tell whether *job* has no ReportRun and should: not if its run has been told and pruned."""
    name = job.meta.name
    if job.meta.deleting or len(name) > MAX_RUN_NAME or name in {r.meta.name for r in view.runs}:
        return False
    if job.finished is None:
        return True
    recent = status.recent_runs
    if name in {run.name for run in recent}:
        return False
    oldest = recent[-1].completion_time if len(recent) >= MAX_RECENT else None
    return oldest is None or job.finished > oldest


def build_run(report: Meta, job: JobSeen) -> Manifest:
    """Build the ReportRun of a Job that the CronJob controller, or a person with kubectl, made."""
    trigger = Trigger.MANUAL if job.is_manual else Trigger.SCHEDULE
    slot = job.scheduled_time
    return {
        "apiVersion": API_VERSION,
        "kind": RUN_KIND,
        "metadata": {
            "name": job.meta.name,
            "namespace": job.meta.namespace,
            "labels": run_labels(report.name, trigger),
            "ownerReferences": [owner_of(report.name, report.uid)],
        },
        "spec": {
            "reportRef": {"name": report.name},
            "trigger": trigger.value,
            **({"scheduledTime": to_rfc3339(slot)} if slot and not job.is_manual else {}),
        },
    }


def run_labels(report_name: str, trigger: Trigger) -> dict[str, str]:
    """Return the labels of a ReportRun."""
    return {**labels_of(report_name), TRIGGER_LABEL: trigger.value}


def adoption(report: Meta, run: RunSeen) -> Manifest:
    """Return the merge patch that makes a person's *run* belong to its report."""
    return {
        "metadata": {
            "resourceVersion": str(run.meta.version),
            "labels": run_labels(report.name, run.spec.trigger),
            "ownerReferences": [owner_of(report.name, report.uid)],
        }
    }


def waits_for_job(run: RunSeen, jobs: dict[str, JobSeen]) -> bool:
    """Tell whether *run* was made by hand and has not been started."""
    status = run.status
    return (
        run.spec.trigger is Trigger.MANUAL
        and run.meta.name not in jobs
        and status.outcome is None
        and status.start_time is None
    )


def over_at(run: RunSeen, job: JobSeen | None) -> datetime | None:
    """Return when *run*, which has no outcome, may be called over; None while its Job goes on."""
    if job is None:
        return run.meta.created + JOB_GRACE
    return job.finished + WORD_GRACE if job.finished else None


def surplus(runs: tuple[RunSeen, ...], status: ReportStatus, spec: ReportSpec) -> list[RunSeen]:
    """Return the finished runs beyond the history limits that the status has taken note of."""
    told = {run.name for run in status.recent_runs}
    oldest = min(
        (run.completion_time for run in status.recent_runs if run.completion_time), default=None
    )
    done = sorted(
        (run for run in runs if run.status.outcome and not run.meta.deleting),
        key=lambda run: run.status.completion_time or run.meta.created,
        reverse=True,
    )
    good = [run for run in done if run.status.outcome and run.status.outcome.is_success]
    bad = [run for run in done if run not in good]
    old = good[spec.successful_runs_history_limit :] + bad[spec.failed_runs_history_limit :]
    return [
        run
        for run in old
        if run.meta.name in told
        or (oldest and (run.status.completion_time or run.meta.created) <= oldest)
    ]

"""
The CronJob of a report, and the Job of a run made by hand: built here and nowhere else.

The CronJob bears its report's name and is owned by it, so Kubernetes deletes it together with the
report: no finalizer and no delete handler are needed.
"""

import hashlib
import json
from typing import Any, Final

from report_operator.deadlines import job_deadline
from report_operator.pod import RUNNER, build_pod_spec
from report_operator.settings import RunnerSettings
from report_types.cron import parse
from report_types.names import (
    API_VERSION,
    MANAGED_BY_LABEL,
    MANAGER,
    REPORT_KIND,
    REPORT_LABEL,
    RUN_KIND,
    RUN_LABEL,
    TEMPLATE_HASH_ANNOTATION,
    TRIGGER_LABEL,
)
from report_types.outcome import PERMANENT_EXIT_CODES
from report_types.report import ScheduledReport
from report_types.run import ReportRun, Trigger

Manifest = dict[str, Any]

MAX_KEPT_JOBS: Final = 3  # the history that people see is in the report's status
KEPT_SECONDS: Final = 24 * 60 * 60
POD_RETRIES: Final = 2
_NOT_EVICTED: Final = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}


def build_cronjob(report: ScheduledReport, settings: RunnerSettings) -> Manifest:
    """
    Build the CronJob that the cluster should have for *report*.

    Raises:
        PlanTooLargeError: the report does not fit into a pod.
    """
    spec, name = report.spec, report.metadata.name or ""
    labels = {**labels_of(name), TRIGGER_LABEL: Trigger.SCHEDULE.value}
    manifest: Manifest = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {
            "name": name,
            "namespace": report.metadata.namespace,
            "labels": labels_of(name),
            "annotations": {},
            "ownerReferences": [owner_of(name, report.metadata.uid)],
        },
        "spec": {
            "schedule": parse(spec.schedule).to_cron(),
            "timeZone": spec.time_zone,
            "suspend": spec.suspend,
            "concurrencyPolicy": spec.concurrency_policy.value,
            "startingDeadlineSeconds": spec.starting_deadline_seconds,
            "successfulJobsHistoryLimit": min(MAX_KEPT_JOBS, spec.successful_runs_history_limit),
            "failedJobsHistoryLimit": min(MAX_KEPT_JOBS, spec.failed_runs_history_limit),
            "jobTemplate": {
                "metadata": {"labels": labels},
                "spec": _job_spec(report, Trigger.SCHEDULE, labels, settings),
            },
        },
    }
    manifest["metadata"]["annotations"][TEMPLATE_HASH_ANNOTATION] = hash_of(manifest)
    return manifest


def build_job(report: ScheduledReport, run: ReportRun, settings: RunnerSettings) -> Manifest:
    """
    Build the Job of a *run* that a person created; it bears the run's name and is owned by it.

    Raises:
        PlanTooLargeError: the report does not fit into a pod.
    """
    name = run.metadata.name or ""
    labels = {
        **labels_of(report.metadata.name or ""),
        RUN_LABEL: name,
        TRIGGER_LABEL: Trigger.MANUAL.value,
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": run.metadata.namespace,
            "labels": labels,
            "ownerReferences": [
                {
                    "apiVersion": API_VERSION,
                    "kind": RUN_KIND,
                    "name": name,
                    "uid": run.metadata.uid,
                    "controller": True,
                }
            ],
        },
        "spec": _job_spec(report, Trigger.MANUAL, labels, settings),
    }


def labels_of(report_name: str) -> dict[str, str]:
    """Return the labels that everything of the report *report_name* bears."""
    return {
        "app.kubernetes.io/name": "scheduled-report",
        "app.kubernetes.io/instance": report_name,
        "app.kubernetes.io/component": "run",
        "app.kubernetes.io/part-of": MANAGER,
        MANAGED_BY_LABEL: MANAGER,
        REPORT_LABEL: report_name,
    }


def owner_of(name: str, uid: str | None) -> Manifest:
    """Return the owner reference with which an object is deleted together with its report."""
    return {
        "apiVersion": API_VERSION,
        "kind": REPORT_KIND,
        "name": name,
        "uid": uid,
        "controller": True,
    }


def hash_of(manifest: Manifest) -> str:
    """Return a hash that changes whenever the manifest would; it fits an annotation."""
    canonical = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def _job_spec(
    report: ScheduledReport, trigger: Trigger, labels: dict[str, str], settings: RunnerSettings
) -> Manifest:
    """
    Build what both kinds of Job share.

    A pod is started again only for what a new pod can cure: the runner's final exit codes fail
    the Job, and an eviction does not count.
    """
    permanent = {
        "containerName": RUNNER,
        "operator": "In",
        "values": list(PERMANENT_EXIT_CODES),
    }
    disrupted = [{"type": "DisruptionTarget", "status": "True"}]
    return {
        "backoffLimit": POD_RETRIES,
        "activeDeadlineSeconds": job_deadline(report.spec),
        "ttlSecondsAfterFinished": KEPT_SECONDS,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": {
            "rules": [
                {"action": "FailJob", "onExitCodes": permanent},
                {"action": "Ignore", "onPodConditions": disrupted},
            ]
        },
        "template": {
            "metadata": {"labels": labels, "annotations": dict(_NOT_EVICTED)},
            "spec": build_pod_spec(report, trigger, settings),
        },
    }

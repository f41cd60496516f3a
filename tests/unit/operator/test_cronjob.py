"""The CronJob of a report and the Job of a run made by hand."""

from typing import Any

import pytest

from report_operator.cronjob import build_cronjob, build_job
from report_operator.deadlines import job_deadline
from report_operator.settings import RunnerSettings
from report_types.names import TEMPLATE_HASH_ANNOTATION
from report_types.plan import run_seconds
from report_types.run import ReportRun


@pytest.fixture
def run() -> ReportRun:
    return ReportRun.model_validate(
        {
            "metadata": {"name": "by-hand", "namespace": "team", "uid": "uid-by-hand"},
            "spec": {"reportRef": {"name": "sales"}},
        }
    )


def test_cronjob_is_named_like_its_report_and_deleted_with_it(
    make_report: Any, settings: RunnerSettings
) -> None:
    meta = build_cronjob(make_report(), settings)["metadata"]
    (owner,) = meta["ownerReferences"]

    assert (meta["name"], meta["namespace"]) == ("sales", "team")
    assert (owner["kind"], owner["uid"], owner["controller"]) == (
        "ScheduledReport",
        "uid-sales",
        True,
    )
    assert "blockOwnerDeletion" not in owner


@pytest.mark.parametrize(
    ("spec", "field", "value"),
    [
        ({"schedule": "09:30"}, "schedule", "30 9 * * *"),
        ({"schedule": "@daily"}, "schedule", "0 0 * * *"),
        ({}, "timeZone", "Europe/Berlin"),
        ({"suspend": True}, "suspend", True),
        ({"concurrencyPolicy": "Replace"}, "concurrencyPolicy", "Replace"),
        ({}, "startingDeadlineSeconds", 600),
        ({"successfulRunsHistoryLimit": 50}, "successfulJobsHistoryLimit", 3),
        ({"failedRunsHistoryLimit": 1}, "failedJobsHistoryLimit", 1),
    ],
)
def test_field_of_the_spec_reaches_the_cronjob(
    make_report: Any, settings: RunnerSettings, spec: Any, field: str, value: Any
) -> None:
    assert build_cronjob(make_report(**spec), settings)["spec"][field] == value


def test_pod_is_retried_only_for_what_a_new_pod_can_cure(
    make_report: Any, settings: RunnerSettings
) -> None:
    job = build_cronjob(make_report(), settings)["spec"]["jobTemplate"]["spec"]
    fail, ignore = job["podFailurePolicy"]["rules"]

    assert (job["backoffLimit"], job["podReplacementPolicy"]) == (2, "Failed")
    assert fail["action"] == "FailJob"
    assert fail["onExitCodes"]["containerName"] == "runner"
    assert fail["onExitCodes"]["values"] == list(range(10, 20))
    assert ignore["action"] == "Ignore"
    assert ignore["onPodConditions"] == [{"type": "DisruptionTarget", "status": "True"}]


def test_job_outlasts_a_pod_and_its_replacement(make_report: Any, settings: RunnerSettings) -> None:
    report = make_report()
    job = build_cronjob(report, settings)["spec"]["jobTemplate"]["spec"]

    assert job["activeDeadlineSeconds"] == job_deadline(report.spec) > 2 * run_seconds(report.spec)
    assert job["ttlSecondsAfterFinished"] == 86400


def test_everything_bears_the_labels_that_are_watched(
    make_report: Any, settings: RunnerSettings
) -> None:
    cronjob = build_cronjob(make_report(), settings)
    template = cronjob["spec"]["jobTemplate"]

    for meta in (
        cronjob["metadata"],
        template["metadata"],
        template["spec"]["template"]["metadata"],
    ):
        assert meta["labels"]["app.kubernetes.io/managed-by"] == "scheduled-reports"
        assert meta["labels"]["scheduledreports.dev/report"] == "sales"


def test_hash_changes_with_the_report_and_with_the_runners_image(
    make_report: Any, settings: RunnerSettings
) -> None:
    def hash_of(report: Any, runner: RunnerSettings) -> str:
        annotations = build_cronjob(report, runner)["metadata"]["annotations"]
        return str(annotations[TEMPLATE_HASH_ANNOTATION])

    plain = hash_of(make_report(), settings)

    assert hash_of(make_report(), settings) == plain
    assert hash_of(make_report(suspend=True), settings) != plain
    assert hash_of(make_report(script={"inline": "result = 1"}), settings) != plain
    assert hash_of(make_report(), RunnerSettings(image="other")) != plain


def test_job_of_a_manual_run_bears_its_name_and_is_deleted_with_it(
    make_report: Any, settings: RunnerSettings, run: ReportRun
) -> None:
    job = build_job(make_report(), run, settings)
    (owner,) = job["metadata"]["ownerReferences"]

    assert job["metadata"]["name"] == "by-hand"
    assert (owner["kind"], owner["uid"]) == ("ReportRun", "uid-by-hand")
    assert job["metadata"]["labels"]["scheduledreports.dev/trigger"] == "Manual"
    assert '"trigger":"Manual"' in str(job["spec"]["template"]["spec"]["containers"])


def test_suspended_report_can_be_run_by_hand(
    make_report: Any, settings: RunnerSettings, run: ReportRun
) -> None:
    assert "suspend" not in build_job(make_report(suspend=True), run, settings)["spec"]

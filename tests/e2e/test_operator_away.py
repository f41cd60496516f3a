"""The data plane survives the control plane; suspend and resume hold no surprise."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

pytestmark = pytest.mark.cluster
OPERATOR = ("-n", "scheduled-reports", "deploy/scheduled-reports-operator")


def _scale(cluster: Any, replicas: int) -> None:
    cluster.kubectl("scale", f"--replicas={replicas}", *OPERATOR)
    if replicas:
        cluster.kubectl("rollout", "status", *OPERATOR, "--timeout=60s")
    else:
        cluster.kubectl(
            "-n",
            "scheduled-reports",
            "wait",
            "--for=delete",
            "pod",
            "-l",
            "app.kubernetes.io/component=operator",
            "--timeout=60s",
        )


def test_due_run_is_delivered_while_the_operator_is_away(stage: Any, eventually: Any) -> None:
    """
    The mail arrives, the runner makes the ReportRun, and the status catches up afterwards.
    """
    slot = (datetime.now(UTC) + timedelta(seconds=85)).replace(second=0, microsecond=0)
    run = f"orphan-{int(slot.timestamp()) // 60}"
    stage.apply(stage.report("orphan", schedule=f"{slot.minute} {slot.hour} * * *"))
    stage.ready("orphan")
    _scale(stage.cluster, 0)
    try:
        eventually(stage.inbox.mails, 150, "the mail")
        status = stage.finished(run)
        assert "lastRun" not in stage.get("srep", "orphan")["status"]
    finally:
        _scale(stage.cluster, 1)

    assert "Delivered" == status["outcome"]
    assert "Schedule" == stage.get("rrun", run)["spec"]["trigger"]
    assert "Delivered" == stage.rolled_up("orphan", run)["lastRun"]["outcome"]
    assert 1 == len(stage.inbox.mails())


def test_suspended_report_does_not_run_and_resuming_makes_up_for_nothing(
    stage: Any, eventually: Any
) -> None:
    """
    Every minute is due: none runs while suspended, and the next one after the resume is on time.
    """
    stage.apply(stage.report("paused", schedule="* * * * *", suspend=True))
    stage.ready("paused")
    suspended_at = datetime.now(UTC)
    slot = suspended_at.replace(second=0, microsecond=0) + timedelta(minutes=1)
    eventually(lambda: datetime.now(UTC) > slot + timedelta(seconds=8), 75, "the slot")
    assert [] == stage.get("jobs")["items"]
    assert "True" == stage.condition("paused", "Suspended")["status"]

    stage.cluster.kubectl(
        "-n",
        stage.namespace,
        "patch",
        "srep",
        "paused",
        "--type=merge",
        "-p",
        '{"spec":{"suspend":false}}',
    )
    resumed_at = datetime.now(UTC)
    (job, *_) = eventually(lambda: stage.get("jobs")["items"], 75, "the first run after it")

    due = job["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"]
    assert datetime.fromisoformat(due) > resumed_at


def test_drift_is_healed(stage: Any, eventually: Any) -> None:
    """
    What a person changes in or deletes of the CronJob comes back, and a foreign field goes.
    """
    stage.apply(stage.report("drift"))
    stage.ready("drift")
    pod = '"template":{"spec":{"hostNetwork":true}}'
    patch = '{"spec":{"suspend":true,"jobTemplate":{"spec":{' + pod + "}}}}"
    stage.cluster.kubectl(
        "-n", stage.namespace, "patch", "cronjob", "drift", "--type=merge", "-p", patch
    )

    def healed() -> bool:
        spec = stage.get("cronjob", "drift")["spec"]
        return (
            not spec["suspend"]
            and "hostNetwork" not in spec["jobTemplate"]["spec"]["template"]["spec"]
        )

    eventually(healed, 30, "the healing")
    stage.cluster.kubectl("-n", stage.namespace, "delete", "cronjob", "drift")
    eventually(
        lambda: stage.cluster.kubectl("-n", stage.namespace, "get", "cronjob", "-o", "name"),
        30,
        "it",
    )


def test_foreign_cron_job_is_left_alone(stage: Any, eventually: Any) -> None:
    """
    A CronJob of the same name that is not ours is never written; the report says so.
    """
    stage.cluster.kubectl(
        "-n",
        stage.namespace,
        "create",
        "cronjob",
        "taken",
        "--image=busybox",
        "--schedule=0 0 1 1 *",
    )
    before = stage.get("cronjob", "taken")["metadata"]["resourceVersion"]
    stage.apply(stage.report("taken"))

    ready = eventually(lambda: stage.condition("taken", "Ready"), 30, "the condition")

    assert ("False", "NotOwned") == (ready["status"], ready["reason"])
    assert before == stage.get("cronjob", "taken")["metadata"]["resourceVersion"]

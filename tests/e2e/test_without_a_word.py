"""Runs that never start, or die without a word: the operator says what happened."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from stage import RELEASE

pytestmark = pytest.mark.cluster
OPERATOR = ("-n", RELEASE, f"deploy/{RELEASE}-operator")


@pytest.fixture
def operator_with(product: Any) -> Iterator[Callable[[str], None]]:
    """A function that gives the operator another setting until the end of the test."""
    changed = []

    def change(setting: str) -> None:
        before = product.kubectl("set", "env", *OPERATOR, "--list").splitlines()
        name = setting.partition("=")[0]
        changed.extend(line for line in before if line.startswith(f"{name}="))
        _set(product, setting)

    yield change
    _set(product, *changed)


def _set(cluster: Any, *settings: str) -> None:
    cluster.kubectl("set", "env", *OPERATOR, *settings)
    cluster.kubectl("rollout", "status", *OPERATOR, "--timeout=60s")


def test_image_that_cannot_be_had_shows_within_a_minute(
    stage: Any, eventually: Any, operator_with: Callable[[str], None]
) -> None:
    """
    The condition names the image.
    """
    operator_with("RUNNER_IMAGE=localhost/no-such-image:1")
    stage.apply(stage.report("image"))
    stage.run_now("image")

    blocked = eventually(lambda: stage.condition("image", "RunBlocked"), 60, "RunBlocked")

    assert ("True", "ImagePullFailed") == (blocked["status"], blocked["reason"])
    assert "localhost/no-such-image:1" in blocked["message"]


def test_run_that_is_ended_by_its_deadline_is_reported_by_the_operator(
    stage: Any, eventually: Any
) -> None:
    """
    The Job controller takes the pod away; the operator says why, where the runner could not.
    """
    stage.apply(stage.report("late", "import time; time.sleep(60); result = 1"))
    run = stage.run_now("late")
    eventually(lambda: _job(stage, run), 30, "the Job")
    patch = '{"spec":{"activeDeadlineSeconds":8}}'
    stage.cluster.kubectl("-n", stage.namespace, "patch", "job", run, "-p", patch)

    status = stage.finished(run, 120)

    assert ("Failed", "DeadlineExceeded") == (status["outcome"], status["reason"])
    assert "DeadlineExceeded" == stage.rolled_up("late", run)["lastRun"]["reason"]


def _job(stage: Any, run: str) -> str:
    return str(
        stage.cluster.kubectl(
            "-n", stage.namespace, "get", "job", run, "--ignore-not-found", "-o", "name"
        )
    )


def test_run_of_a_report_that_is_not_there_says_so(stage: Any) -> None:
    """
    A misspelt reportRef ends at once, with the name in the message.
    """
    status = stage.finished(stage.run_now("misspelt"), 60)

    assert ("Failed", "ReportNotFound") == (status["outcome"], status["reason"])
    assert "misspelt" in status["message"]


def test_deleted_pod_is_replaced_and_the_mail_sent_once(stage: Any, eventually: Any) -> None:
    """
    A run that loses its pod before it has sent anything goes on in another one.
    """
    stage.apply(stage.report("evicted", "import time; time.sleep(4); result = data.head(1)"))
    run = stage.run_now("evicted")
    pods = ("pods", "-l", f"batch.kubernetes.io/job-name={run}")

    def running() -> list[str]:
        items = stage.get(*pods)["items"]
        return [p["metadata"]["name"] for p in items if p["status"].get("phase") == "Running"]

    (first,) = eventually(running, 30, "a running pod")
    stage.cluster.kubectl("-n", stage.namespace, "delete", "pod", first)

    assert "Delivered" == stage.finished(run, 150)["outcome"]
    assert 1 == len(stage.inbox.mails())

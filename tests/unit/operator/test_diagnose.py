"""Why a run does not start, and how it died: a reason, and a message with the way out."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from report_operator.diagnose import (
    ClusterEvent,
    Finding,
    how_it_died,
    needs_events,
    waits_since,
    why_waiting,
)
from report_types.outcome import Reason

UNSCHEDULABLE = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
DISRUPTED = {"type": "DisruptionTarget", "status": "True"}


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


def ended(reason: str, code: int, message: str = "") -> dict[str, Any]:
    return {"terminated": {"reason": reason, "exitCode": code, "message": message}}


@pytest.mark.parametrize(
    ("states", "conditions", "reason", "words"),
    [
        (
            {"runner": waiting("ImagePullBackOff", "Back-off: ErrImagePull: not found")},
            [],
            Reason.IMAGE_PULL_FAILED,
            "cannot be had: not found. Have the chart's runner image",
        ),
        ({"script": waiting("ErrImageNeverPull")}, [], Reason.IMAGE_PULL_FAILED, "pull policy"),
        ({"runner": waiting("InvalidImageName")}, [], Reason.IMAGE_PULL_FAILED, "InvalidImage"),
        (
            {"runner": waiting("CreateContainerConfigError", "configmap x not found")},
            [],
            Reason.CONTAINER_CONFIG_ERROR,
            "container runner cannot be started: configmap x not found",
        ),
        (
            {"script": ended("StartError", 128, "exec: python: not found")},
            [],
            Reason.CONTAINER_CONFIG_ERROR,
            "container script cannot be started: exec: python: not found",
        ),
        (
            {},
            [{**UNSCHEDULABLE, "message": '0/1 nodes: persistentvolumeclaim "f" not found.'}],
            Reason.UNSCHEDULABLE,
            'claim "f" not found. Create the PersistentVolumeClaim',
        ),
        (
            {},
            [{**UNSCHEDULABLE, "message": "0/1 nodes: 1 Insufficient memory."}],
            Reason.UNSCHEDULABLE,
            "Ask for less in spec.resources.requests",
        ),
    ],
)
def test_pod_says_why_it_waits(
    make_pod: Any, states: Any, conditions: Any, reason: Reason, words: str
) -> None:
    pod = make_pod(states, conditions=conditions)
    finding = why_waiting(pod, ())

    assert finding
    assert finding.reason is reason
    assert words in finding.message
    assert not needs_events(pod)


@pytest.mark.parametrize(
    ("event", "reason", "words"),
    [
        (
            ClusterEvent("FailedCreate", 'pods "x" is forbidden: exceeded quota: small, used: 1'),
            Reason.QUOTA_EXCEEDED,
            "have the ResourceQuota raised",
        ),
        (
            ClusterEvent("FailedCreate", 'pods "x" is forbidden: violates PodSecurity'),
            Reason.POD_REJECTED,
            "violates PodSecurity. Ask whoever",
        ),
    ],
)
def test_events_say_why_a_job_has_no_pod(event: ClusterEvent, reason: Reason, words: str) -> None:
    finding = why_waiting(None, [ClusterEvent("FailedCreate", "an older one"), event])

    assert needs_events(None)
    assert finding
    assert finding.reason is reason
    assert words in finding.message


def test_events_say_which_volume_cannot_be_mounted(make_pod: Any) -> None:
    pod = make_pod({"runner": waiting("ContainerCreating")})
    event = ClusterEvent("FailedMount", "MountVolume.SetUp failed for volume source-data")

    assert needs_events(pod)
    finding = why_waiting(pod, [event, ClusterEvent("Pulling", "…")])
    assert finding
    assert finding.reason is Reason.CONTAINER_CONFIG_ERROR
    assert "source-data" in finding.message


def test_run_that_is_slow_to_start_is_not_called_blocked(make_pod: Any) -> None:
    pod = make_pod({"runner": waiting("ContainerCreating")})

    assert why_waiting(pod, [ClusterEvent("Pulling", "Pulling image")]) is None
    assert why_waiting(None, [ClusterEvent("SuccessfulCreate", "Created pod")]) is None


def test_waiting_is_counted_from_the_pod_or_else_from_the_job(
    make_job: Any, make_pod: Any, now: datetime
) -> None:
    job, minute = make_job(), timedelta(minutes=1)

    assert waits_since(job, None) == job.meta.created
    assert waits_since(job, make_pod()) == now - minute
    assert waits_since(job, make_pod(phase="Running")) is None
    assert waits_since(make_job(ended=("Complete", "")), make_pod()) is None


def test_job_whose_pod_failed_waits_for_the_next(
    make_job: Any, make_pod: Any, now: datetime
) -> None:
    state = {"terminated": {"exitCode": 75, "reason": "Error", "finishedAt": now.isoformat()}}

    assert waits_since(make_job(), make_pod({"runner": state}, phase="Failed")) == now


@pytest.mark.parametrize(
    ("states", "status", "reason", "words"),
    [
        (
            {"runner": ended("Error", 19), "script": ended("OOMKilled", 137)},
            {},
            Reason.OUT_OF_MEMORY,
            "raise spec.resources.limits.memory",
        ),
        (
            {"runner": ended("OOMKilled", 137)},
            {},
            Reason.OUT_OF_MEMORY,
            "the chart's values",
        ),
        (
            {"runner": ended("Error", 137)},
            {"reason": "DeadlineExceeded", "message": "Pod was active longer than"},
            Reason.DEADLINE_EXCEEDED,
            "Pod was active longer than",
        ),
        (
            {"runner": ended("Error", 137)},
            {"reason": "Evicted", "message": "The node was low on resource: memory."},
            Reason.EVICTED,
            "low on resource: memory. Ask for more",
        ),
        (
            {},
            {"conditions": [{**DISRUPTED, "reason": "EvictionByEvictionAPI"}]},
            Reason.EVICTED,
            "EvictionByEvictionAPI",
        ),
        (
            {},
            {"conditions": [{**DISRUPTED, "reason": "DeletionByTaintManager"}]},
            Reason.NODE_LOST,
            "run it again",
        ),
        (
            {"runner": ended("Error", 139)},
            {},
            Reason.RUNNER_DIED,
            "exit code 139, Error); see the logs of pod sales-1-abcde",
        ),
        ({}, {}, Reason.RUNNER_DIED, "see the logs"),
    ],
)
def test_pod_says_how_it_died(
    make_job: Any, make_pod: Any, states: Any, status: Any, reason: Reason, words: str
) -> None:
    pod = make_pod(states, phase="Failed", **status)
    finding = how_it_died(make_job(ended=("Failed", "BackoffLimitExceeded")), [pod], None)

    assert finding.reason is reason
    assert words in finding.message


def test_job_says_that_its_deadline_passed(make_job: Any, make_pod: Any) -> None:
    job = make_job(ended=("Failed", "DeadlineExceeded"))

    assert how_it_died(job, [make_pod(phase="Running")], None).reason is Reason.DEADLINE_EXCEEDED
    assert how_it_died(job, [], None).reason is Reason.DEADLINE_EXCEEDED


def test_run_that_never_started_ends_for_what_blocked_it(make_job: Any, make_pod: Any) -> None:
    blocked = Finding(Reason.IMAGE_PULL_FAILED, "no such image")
    job = make_job(ended=("Failed", "DeadlineExceeded"))

    finding = how_it_died(job, [make_pod()], blocked)
    assert finding == Finding(Reason.IMAGE_PULL_FAILED, "the run never started: no such image")
    running = make_pod(phase="Running")
    assert how_it_died(job, [running], blocked).reason is Reason.DEADLINE_EXCEEDED


def test_deleted_job_and_pod_are_told() -> None:
    assert how_it_died(None, [], None).reason is Reason.STOPPED


def test_newest_pod_counts(make_job: Any, make_pod: Any) -> None:
    first = make_pod({"runner": ended("OOMKilled", 137)}, phase="Failed")
    second = make_pod({"runner": ended("Error", 1)}, phase="Failed")

    job = make_job(ended=("Failed", "BackoffLimitExceeded"))
    assert how_it_died(job, [first, second], None).reason is Reason.RUNNER_DIED

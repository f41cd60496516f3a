"""
Why a run does not start, and how one ended that could not say so itself.

Every finding is a reason and a message that names the way out. It is read from what the cluster
shows of the Job and its pods; none of it needs a look at a Secret or a node.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from report_operator.observed import ContainerSeen, JobSeen, PodSeen
from report_operator.pod import RUNNER, SCRIPT
from report_types.outcome import Reason

PATIENCE: Final = timedelta(seconds=15)  # a run that starts at all has started by then

_IMAGE: Final = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
_CONFIG: Final = frozenset(
    {
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "StartError",
        "ContainerCannotRun",
    }
)
_LOST_NODE: Final = frozenset(
    {"DeletionByTaintManager", "DeletionByPodGC", "NodeLost", "NodeShutdown", "Terminated"}
)
_MAX_DETAIL: Final = 400


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a run: the reason, and a message for its report's owner."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class ClusterEvent:
    """An event of the cluster about a Job or a pod."""

    reason: str
    message: str


def newest_pod(pods: Iterable[PodSeen]) -> PodSeen | None:
    """Return the newest of a Job's pods, which come oldest first; it replaced the others."""
    return next(reversed(tuple(pods)), None)


def waits_since(job: JobSeen, pod: PodSeen | None) -> datetime | None:
    """Return since when *job* waits for *pod*, its newest, to start, or for one after it."""
    if job.finished:
        return None
    if pod is None:
        return job.meta.created
    if pod.has_ended:
        return pod.ended or pod.meta.created
    return pod.meta.created if pod.phase == "Pending" else None


def why_waiting(pod: PodSeen | None, events: Iterable[ClusterEvent]) -> Finding | None:
    """
    Say why a run that should have started has not; None if there is no sign of trouble.

    *events* are those about the Job while it has no pod, else those about the pod.
    """
    if pod is None:
        return _why_no_pod(events)
    for container in pod.containers:
        if container.waiting in _IMAGE:
            return Finding(Reason.IMAGE_PULL_FAILED, _image_message(container))
        if container.waiting in _CONFIG or container.terminated in _CONFIG:
            return Finding(Reason.CONTAINER_CONFIG_ERROR, _config_message(container))
    if pod.unscheduled:
        return Finding(Reason.UNSCHEDULABLE, _unschedulable_message(pod.unscheduled))
    return _why_no_sandbox(events)


def needs_events(pod: PodSeen | None) -> bool:
    """Tell whether only events can say why the run waits: no pod, or one that says nothing."""
    return why_waiting(pod, ()) is None


def how_it_died(job: JobSeen | None, pods: Iterable[PodSeen], blocked: Finding | None) -> Finding:
    """
    Say how a run ended whose runner left no word.

    *blocked* is what was found while it waited to start, if it never did.
    """
    pod = newest_pod(pods)
    if job is None:
        return Finding(Reason.STOPPED, "the run's Job was deleted before it ended")
    if blocked and not (pod and pod.has_run):
        return Finding(blocked.reason, f"the run never started: {blocked.message}")
    if pod and (finding := _how_pod_died(pod)):
        return finding
    if job.reason == "DeadlineExceeded":
        return Finding(Reason.DEADLINE_EXCEEDED, _deadline_message(job.message))
    return Finding(Reason.RUNNER_DIED, _died_message(pod))


def _why_no_pod(events: Iterable[ClusterEvent]) -> Finding | None:
    refusals = [event.message for event in events if event.reason == "FailedCreate"]
    if not refusals:
        return None
    detail = _detail(refusals[-1])
    if "exceeded quota" in detail or "must specify" in detail:
        return Finding(
            Reason.QUOTA_EXCEEDED,
            f"the namespace's quota leaves no room for the run: {detail}. Wait for other runs to "
            "end, ask for less in spec.resources, or have the ResourceQuota raised",
        )
    return Finding(
        Reason.POD_REJECTED,
        f"the cluster refuses the run's pod: {detail}. Ask whoever looks after the cluster's "
        "admission rules",
    )


def _why_no_sandbox(events: Iterable[ClusterEvent]) -> Finding | None:
    for event in reversed(tuple(events)):
        if event.reason in ("FailedMount", "FailedAttachVolume"):
            return Finding(
                Reason.CONTAINER_CONFIG_ERROR,
                f"a volume of the run's pod cannot be mounted: {_detail(event.message)}. See "
                "sources[].file for what is mounted",
            )
        if event.reason == "FailedCreatePodSandBox":
            return Finding(
                Reason.CONTAINER_CONFIG_ERROR,
                f"the node cannot set up the run's pod: {_detail(event.message)}. Ask whoever "
                "looks after the nodes",
            )
    return None


def _how_pod_died(pod: PodSeen) -> Finding | None:
    if pod.disrupted in _LOST_NODE or pod.reason in _LOST_NODE:
        return Finding(
            Reason.NODE_LOST,
            f"the node of the run's pod went away ({pod.disrupted or pod.reason}). Nothing was "
            "sent that the deliveries do not show; create a ReportRun to run it again",
        )
    if pod.reason == "Evicted" or pod.disrupted:
        detail = _detail(pod.message) or pod.disrupted
        return Finding(
            Reason.EVICTED,
            f"the run's pod was evicted: {detail}. Ask for more in spec.resources.requests, fetch "
            "or write less data, or run it again",
        )
    if pod.reason == "DeadlineExceeded":
        return Finding(Reason.DEADLINE_EXCEEDED, _deadline_message(pod.message))
    return _how_memory_ran_out(pod)


def _how_memory_ran_out(pod: PodSeen) -> Finding | None:
    killed = {c.name for c in pod.containers if c.terminated == "OOMKilled"}
    if SCRIPT in killed:
        return Finding(
            Reason.OUT_OF_MEMORY,
            "the script needed more memory than it may have: raise spec.resources.limits.memory, "
            "or read fewer columns or rows",
        )
    if RUNNER in killed:
        return Finding(
            Reason.OUT_OF_MEMORY,
            "the runner needed more memory than it may have: make the result smaller, or have the "
            "runner's memory limit raised in the chart's values",
        )
    return None


def _image_message(container: ContainerSeen) -> str:
    # The kubelet alternates between the error and "Back-off …: ErrImagePull: the error".
    detail = _detail(container.waiting_message.split("ErrImagePull: ")[-1]) or container.waiting
    return (
        f"the runner's image cannot be had: {detail}. Have the chart's runner image, its pull "
        "policy and the nodes' access to the registry checked"
    )


def _config_message(container: ContainerSeen) -> str:
    detail = _detail(container.waiting_message or container.last_words)
    return (
        f"container {container.name} cannot be started: {detail or container.waiting}. Check what "
        "the report mounts and the chart's runner settings"
    )


def _unschedulable_message(detail: str) -> str:
    if "persistentvolumeclaim" in detail.lower():
        way = (
            "Create the PersistentVolumeClaim, or correct "
            "sources[].file.persistentVolumeClaim.claimName"
        )
    else:
        way = "Ask for less in spec.resources.requests, or have nodes added"
    return f"no node can take the run's pod: {_detail(detail)}. {way}"


def _deadline_message(detail: str) -> str:
    return (
        f"the run took longer than it may ({_detail(detail) or 'its deadline has passed'}): "
        "shorten the sources' timeoutSeconds or the script, or fetch less"
    )


def _died_message(pod: PodSeen | None) -> str:
    if pod is None:
        return "the run's pod is gone and left no word; create a ReportRun to run it again"
    runner = next((c for c in pod.containers if c.name == RUNNER), None)
    if runner is None or runner.exit_code is None:
        how = _detail(pod.message) or pod.reason or pod.phase
    else:
        how = f"exit code {runner.exit_code}, {runner.terminated or 'no reason given'}"
    return (
        f"the runner ended without a word ({how}); see the logs of pod {pod.meta.name}, "
        "container runner"
    )


def _detail(text: str) -> str:
    """Shorten what a component of the cluster says, and take its last full stop away."""
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= _MAX_DETAIL else line[: _MAX_DETAIL - 1] + "…"

"""
What we remember of the cluster's objects: only the fields that decisions are made of.

An object as the API server shows it is a few kilobytes, a report with its script up to 64 KiB;
these records are a few hundred bytes, whatever the script.
"""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from report_types.names import REPORT_KIND, REPORT_LABEL, SCHEDULED_TIME_ANNOTATION
from report_types.run import DeliveryState, ReportRun, RunSpec, RunStatus

Body = Mapping[str, Any]

MANUAL_ANNOTATION: Final = "cronjob.kubernetes.io/instantiate"


@dataclass(frozen=True, slots=True)
class Meta:
    """
    The metadata that all kinds share.

    *owner* is (kind, name, uid) of the controller, or else of the report that it belongs to.
    """

    namespace: str
    name: str
    uid: str
    version: int
    created: datetime
    deleting: bool
    owner: tuple[str, str, str] | None

    @property
    def owner_uid(self) -> str | None:
        """The uid of the owner."""
        return self.owner[2] if self.owner else None


@dataclass(frozen=True, slots=True)
class ReportSeen:
    """A ScheduledReport; the object itself is kept compressed, for when it is needed."""

    meta: Meta
    generation: int
    packed: bytes

    def body(self) -> dict[str, Any]:
        """Return the object."""
        body: dict[str, Any] = json.loads(zlib.decompress(self.packed))
        return body


@dataclass(frozen=True, slots=True)
class CronJobSeen:
    """A CronJob, without its template."""

    meta: Meta
    generation: int
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    finalizers: tuple[str, ...]
    owners: tuple[Body, ...]
    schedule: str
    time_zone: str | None
    suspend: bool
    starting_deadline: int | None
    last_schedule_time: datetime | None


@dataclass(frozen=True, slots=True)
class JobSeen:
    """A Job: of which report, for which slot, and how it ended."""

    meta: Meta
    report: str
    scheduled_time: datetime | None
    is_manual: bool
    outcome: str | None
    reason: str
    message: str
    finished: datetime | None


@dataclass(frozen=True, slots=True)
class ContainerSeen:
    """A container: what it waits for, or how it ended."""

    name: str
    waiting: str
    waiting_message: str
    terminated: str
    exit_code: int | None
    last_words: str


@dataclass(frozen=True, slots=True)
class PodSeen:
    """A pod of a run."""

    meta: Meta
    report: str
    job: str
    phase: str
    reason: str
    message: str
    unscheduled: str
    disrupted: str
    ended: datetime | None
    containers: tuple[ContainerSeen, ...]

    @property
    def has_ended(self) -> bool:
        """Whether it runs no longer, or is being taken away."""
        return self.meta.deleting or self.phase in ("Succeeded", "Failed")

    @property
    def has_run(self) -> bool:
        """Whether a container of it ever started."""
        return self.phase in ("Running", "Succeeded") or any(
            container.exit_code is not None for container in self.containers
        )


@dataclass(frozen=True, slots=True)
class RunSeen:
    """A ReportRun; *deliveries* only while it has no outcome, afterwards they are counted."""

    meta: Meta
    report: str
    spec: RunSpec
    status: RunStatus
    accepted: int
    refused: int
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class IdentitySeen:
    """A ServiceAccount or RoleBinding of the runs in a namespace, as it should be."""

    meta: Meta


Seen = ReportSeen | CronJobSeen | JobSeen | PodSeen | RunSeen | IdentitySeen


def see_report(body: Body) -> ReportSeen:
    """Remember a ScheduledReport."""
    meta = {k: v for k, v in body["metadata"].items() if k not in ("managedFields", "annotations")}
    whole = json.dumps({**body, "metadata": meta}, separators=(",", ":")).encode()
    return ReportSeen(see_meta(body), body["metadata"]["generation"], zlib.compress(whole, 1))


def see_cronjob(body: Body) -> CronJobSeen:
    """Remember a CronJob."""
    meta, spec, status = body["metadata"], body["spec"], body.get("status", {})
    return CronJobSeen(
        meta=see_meta(body),
        generation=meta.get("generation", 0),
        labels=meta.get("labels", {}),
        annotations=meta.get("annotations", {}),
        finalizers=tuple(meta.get("finalizers", ())),
        owners=tuple(meta.get("ownerReferences", ())),
        schedule=spec["schedule"],
        time_zone=spec.get("timeZone"),
        suspend=spec.get("suspend", False),
        starting_deadline=spec.get("startingDeadlineSeconds"),
        last_schedule_time=to_time(status.get("lastScheduleTime")),
    )


def see_job(body: Body) -> JobSeen:
    """Remember a Job."""
    annotations = body["metadata"].get("annotations", {})
    finish = _condition(body, "Complete") or _condition(body, "Failed") or {}
    return JobSeen(
        meta=see_meta(body),
        report=body["metadata"].get("labels", {}).get(REPORT_LABEL, ""),
        scheduled_time=to_time(annotations.get(SCHEDULED_TIME_ANNOTATION)),
        is_manual=annotations.get(MANUAL_ANNOTATION) == "manual",
        outcome=finish.get("type"),
        reason=finish.get("reason", ""),
        message=finish.get("message", ""),
        finished=to_time(finish.get("lastTransitionTime")),
    )


def see_pod(body: Body) -> PodSeen:
    """Remember a pod."""
    status, labels = body.get("status", {}), body["metadata"].get("labels", {})
    states = [c.get("state", {}).get("terminated", {}) for c in status.get("containerStatuses", ())]
    scheduled = _condition(body, "PodScheduled", "False") or {}
    return PodSeen(
        meta=see_meta(body),
        report=labels.get(REPORT_LABEL, ""),
        job=labels.get("batch.kubernetes.io/job-name", ""),
        phase=status.get("phase", "Pending"),
        reason=status.get("reason", ""),
        message=status.get("message", ""),
        unscheduled=scheduled.get("message", "") or scheduled.get("reason", ""),
        ended=max((t for s in states if (t := to_time(s.get("finishedAt")))), default=None),
        disrupted=(_condition(body, "DisruptionTarget") or {}).get("reason", ""),
        containers=tuple(_see_container(c) for c in status.get("containerStatuses", ())),
    )


def see_run(body: Body) -> RunSeen:
    """
    Remember a ReportRun.

    Raises:
        ValidationError: the object is none, whatever the CRD has let through.
    """
    run = ReportRun.observed(body)
    status = run.status
    results = [row for row in status.deliveries if row.role != "failure"]
    if status.outcome:
        status = status.model_copy(
            update={"deliveries": [], "columns": [], "warnings": [], "files": [], "sandbox": None}
        )
    return RunSeen(
        meta=see_meta(body),
        report=run.spec.report_ref.name,
        spec=run.spec,
        status=status,
        accepted=sum(row.state == DeliveryState.ACCEPTED for row in results),
        refused=sum(row.state != DeliveryState.ACCEPTED for row in results),
        labels=run.metadata.labels,
    )


def see_meta(body: Body) -> Meta:
    """Remember an object's metadata."""
    meta = body["metadata"]
    owners = meta.get("ownerReferences", ())
    controller = next((o for o in owners if o.get("controller")), None)
    owner = controller or next((o for o in owners if o["kind"] == REPORT_KIND), None)
    created = to_time(meta.get("creationTimestamp"))
    assert created is not None
    return Meta(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        version=int(meta["resourceVersion"]),
        created=created,
        deleting="deletionTimestamp" in meta,
        owner=(owner["kind"], owner["name"], owner["uid"]) if owner else None,
    )


def to_time(text: str | None) -> datetime | None:
    """Read an RFC 3339 time, as Kubernetes writes it."""
    return datetime.fromisoformat(text) if text else None


def _condition(body: Body, kind: str, status: str = "True") -> Body | None:
    conditions = body.get("status", {}).get("conditions") or ()
    return next((c for c in conditions if c["type"] == kind and c["status"] == status), None)


def _see_container(status: Body) -> ContainerSeen:
    state = status.get("state", {})
    waiting, terminated = state.get("waiting", {}), state.get("terminated", {})
    return ContainerSeen(
        name=status["name"],
        waiting=waiting.get("reason", ""),
        waiting_message=waiting.get("message", ""),
        terminated=terminated.get("reason", ""),
        exit_code=terminated.get("exitCode"),
        last_words=terminated.get("message", ""),
    )

"""
The delivery ledger: one row per recipient, in the status of the ReportRun.

A mail is sent only for rows that this pod has claimed, and a row is claimed only by a write that
the API server refuses if anybody has changed the run since it was read. So of two pods of one run
only one sends, and a row that another pod was sending is never sent again: it becomes ``unknown``.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any, Final, Protocol, TypeVar

from report_runner.api import (
    ApiAwayError,
    ApiError,
    Body,
    ConflictError,
    NotFoundError,
    RunsApi,
)
from report_runner.rows import claimed, recorded
from report_runner.run_manifest import check_owner, new_run
from report_types import names
from report_types.base import to_rfc3339
from report_types.outcome import Reason, RunError
from report_types.plan import RunPlan
from report_types.run import DeliveryRow, RunResult

T = TypeVar("T")
Status = dict[str, Any]
Change = Callable[[Status], Status]

CLAIM_PATIENCE: Final = 120.0
"""Seconds to wait for the API server before a claim; then another pod may try."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 10.0
_MAX_CONFLICTS: Final = 20


class LedgerAwayError(Exception):
    """The API server was away for too long: nothing was written that we know of."""


@dataclass(frozen=True, kw_only=True)
class OpenedRun:
    """The run as it was found: when it was *created* and is *scheduled*, and its rows so far."""

    created: datetime
    scheduled: datetime | None = None
    rows: tuple[DeliveryRow, ...] = ()


class Ledger(Protocol):
    """Where a run's rows and its outcome are kept; *holder* is who claims."""

    @property
    def holder(self) -> str:
        """Who claims rows here: the pod's UID."""

    def open(self) -> OpenedRun:
        """Return the run, and make it if nobody has; raises LedgerAwayError or RunError."""

    def claim(
        self, wanted: Sequence[DeliveryRow], known: Sequence[DeliveryRow] = ()
    ) -> tuple[DeliveryRow, ...]:
        """
        Claim the rows *wanted*, writing down those that are *known* to have ended as well.

        Return all rows; those claimed are ``sending`` with our holder. Raises LedgerAwayError or
        RunError.
        """

    def record(self, rows: Sequence[DeliveryRow], result: RunResult | None = None) -> None:
        """Write what became of rows, and the outcome if there is one; raises LedgerAwayError."""


@dataclass(frozen=True, kw_only=True)
class Holder:
    """The pod that runs, and since when."""

    pod_name: str
    pod_uid: str
    started: datetime = field(default_factory=lambda: datetime.now(UTC))


class ClusterLedger:
    """The ledger in the cluster. *wait* waits some seconds and returns whether to give up."""

    def __init__(
        self,
        api: RunsApi,
        plan: RunPlan,
        run_name: str,
        holder: Holder,
        wait: Callable[[float], bool],
    ) -> None:
        self._api = api
        self._plan = plan
        self._name = run_name
        self._holder = holder
        self._wait = wait
        self._body: Body | None = None
        self._lock = Lock()
        self._has_claimed = False
        self._was_seen = False
        self.record_patience = CLAIM_PATIENCE

    @property
    def holder(self) -> str:
        """The pod's UID."""
        return self._holder.pod_uid

    def open(self) -> OpenedRun:
        """Return the run, and make it if nobody has."""
        body = self._persist(self._read_or_create, CLAIM_PATIENCE)
        scheduled = body["spec"].get("scheduledTime")
        return OpenedRun(
            created=datetime.fromisoformat(body["metadata"]["creationTimestamp"]),
            scheduled=datetime.fromisoformat(scheduled) if scheduled else None,
            rows=tuple(_rows(body.get("status") or {})),
        )

    def claim(
        self, wanted: Sequence[DeliveryRow], known: Sequence[DeliveryRow] = ()
    ) -> tuple[DeliveryRow, ...]:
        """Claim rows, by a write that fails if anybody else has written."""

        def change(status: Status) -> Status:
            before = recorded(_rows(status), known)
            rows = claimed(before, wanted, self.holder, is_retry=self._has_claimed)
            self._has_claimed = True
            return {**status, **self._about_us(), "deliveries": [row.to_wire() for row in rows]}

        return tuple(_rows(self._write(change, CLAIM_PATIENCE)))

    def record(self, rows: Sequence[DeliveryRow], result: RunResult | None = None) -> None:
        """Write what became of rows, and the outcome if there is one."""

        def change(status: Status) -> Status:
            told = {} if result is None else self._outcome(result)
            after = [row.to_wire() for row in recorded(_rows(status), rows)]
            return {**status, **self._about_us(), **told, "deliveries": after}

        try:
            self._write(change, self.record_patience)
        except RunError as error:
            raise LedgerAwayError(error.message) from error

    def _about_us(self) -> Status:
        return {
            "podName": self._holder.pod_name,
            "startTime": to_rfc3339(self._holder.started),
            "observedGeneration": self._plan.report.generation,
        }

    @staticmethod
    def _outcome(result: RunResult) -> Status:
        told = result.model_dump(
            mode="json", by_alias=True, exclude_none=True, exclude={"deliveries"}
        )
        return {**told, "completionTime": to_rfc3339(datetime.now(UTC))}

    def _write(self, change: Change, patience: float) -> Status:
        """Apply *change* to the status as it is now; return the status as it was stored."""
        conflicts = 0

        def write() -> Status:
            nonlocal conflicts
            body = self._body or self._read_or_create()
            version = body["metadata"]["resourceVersion"]
            status = change(dict(body.get("status") or {}))
            self._body = None  # whatever happens now, it is not current any more
            try:
                self._body = self._api.patch_status(
                    self._name,
                    [
                        {"op": "test", "path": "/metadata/resourceVersion", "value": version},
                        {"op": "add", "path": "/status", "value": status},
                    ],
                )
            except ConflictError as error:
                conflicts += 1
                self._body = self._read_or_create()
                if self._body["metadata"]["resourceVersion"] == version:
                    raise _rejected(error) from error
                if conflicts > _MAX_CONFLICTS:
                    raise ApiAwayError(error.status, "the run is changed all the time") from error
                return write()
            return status

        return self._persist(write, patience)

    def _persist(self, step: Callable[[], T], patience: float) -> T:
        """Do *step*, again and again while the API server is away, for *patience* seconds."""
        with self._lock:  # the run is opened in a thread of its own
            return self._persist_alone(step, patience)

    def _persist_alone(self, step: Callable[[], T], patience: float) -> T:
        ends = time.monotonic() + patience
        pause = _FIRST_PAUSE
        while True:
            try:
                return step()
            except ApiAwayError as error:
                if time.monotonic() + pause > ends or self._wait(pause):
                    raise LedgerAwayError(_explain(error)) from error
            except NotFoundError as error:
                raise _GONE from error
            except ApiError as error:
                raise _rejected(error) from error
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _read_or_create(self) -> Body:
        try:
            self._body = self._api.get(self._name)
        except NotFoundError:
            if self._was_seen:
                raise
            self._body = self._create()
        self._was_seen = True
        check_owner(self._body, self._plan.report)
        return self._body

    def _create(self) -> Body:
        try:
            return self._api.create(new_run(self._plan, self._name))
        except ConflictError:  # somebody was faster
            return self._api.get(self._name)


class LocalLedger:
    """The ledger of a run outside the cluster: nobody else sends, and nobody asks later."""

    holder = "local"

    def __init__(self) -> None:
        self._rows: list[DeliveryRow] = []

    def open(self) -> OpenedRun:
        """Return a run that is made now."""
        return OpenedRun(created=datetime.now(UTC))

    def claim(
        self, wanted: Sequence[DeliveryRow], known: Sequence[DeliveryRow] = ()
    ) -> tuple[DeliveryRow, ...]:
        """Claim all rows."""
        self._rows = recorded(self._rows, known)
        self._rows = claimed(self._rows, wanted, self.holder, is_retry=False)
        return tuple(self._rows)

    def record(self, rows: Sequence[DeliveryRow], result: RunResult | None = None) -> None:
        """Take note of what became of rows."""
        self._rows = recorded(self._rows, rows)


_GONE: Final = RunError(
    Reason.REPORT_NOT_FOUND, "the ReportRun was deleted while it ran, so nothing more is sent"
)


def _rows(status: Status) -> list[DeliveryRow]:
    return [DeliveryRow.observed(row) for row in status.get("deliveries", [])]


def _rejected(error: ApiError) -> RunError:
    return RunError(
        Reason.INTERNAL_ERROR,
        f"the API server does not take the run's status ({error}): the CRDs and the runner's "
        "image are of different versions",
    )


def _explain(error: ApiAwayError) -> str:
    if error.status in (401, 403):
        return (
            f"the API server does not let the runner write its ReportRun ({error.status}): see "
            f"that the RoleBinding {names.RUNNER_SERVICE_ACCOUNT} is there; the operator makes it"
        )
    return f"the API server does not answer ({error}); nothing is sent without its word"

"""An API server of one ReportRun in memory, which loses requests and answers when told to."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from report_cases import PLAINEST
from report_runner.api import ApiAwayError, ApiError, ConflictError, NotFoundError
from report_runner.ledger import ClusterLedger, Holder
from report_types.plan import RunPlan, SandboxPolicy, plan_of
from report_types.report import ScheduledReport
from report_types.run import Trigger

LOSE_REQUEST = "lose request"
LOSE_ANSWER = "lose answer"
FINE = "fine"

NAME = "daily-sales-29391240"
CREATED = "2026-11-22T08:00:00Z"


class FakeRuns:
    """Speaks like RunsApi; *faults* has one word for each request, FINE when it runs out."""

    def __init__(self, faults: Sequence[str] = ()) -> None:
        self.body: dict[str, Any] | None = None
        self.requests: list[str] = []
        self.invalid = False
        self._faults: Iterator[str] = iter(faults)
        self._version = 0

    def get(self, name: str) -> Mapping[str, Any]:
        with_fault = self._begin("GET")
        if self.body is None:
            raise NotFoundError(404, name)
        return self._end(with_fault)

    def create(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        with_fault = self._begin("POST")
        if self.body is not None:
            raise ConflictError(409, "exists")
        self.body = deepcopy(dict(body))
        self.body["metadata"]["creationTimestamp"] = CREATED
        self._touch()
        return self._end(with_fault)

    def patch_status(self, name: str, patch: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        with_fault = self._begin("PATCH")
        if self.body is None:
            raise NotFoundError(404, name)
        test, add = patch
        assert (test["op"], test["path"]) == ("test", "/metadata/resourceVersion")
        assert (add["op"], add["path"]) == ("add", "/status")
        if self.invalid:
            raise ConflictError(422, "spec.status: Invalid value")
        if test["value"] != self.body["metadata"]["resourceVersion"]:
            raise ConflictError(422, "the server rejected our request")
        self.body["status"] = deepcopy(add["value"])
        self._touch()
        return self._end(with_fault)

    def write(self, **status: Any) -> None:
        """Have somebody else change the status."""
        assert self.body is not None
        self.body["status"] = {**self.body.get("status", {}), **status}
        self._touch()

    def states(self) -> dict[str, str]:
        """The state of each row, by recipient."""
        assert self.body is not None
        return {row["recipient"]: row["state"] for row in self.body["status"]["deliveries"]}

    def _begin(self, what: str) -> str:
        self.requests.append(what)
        fault = next(self._faults, FINE)
        if fault == LOSE_REQUEST:
            raise ApiAwayError(0, "timed out")
        if fault.isdecimal():
            number = int(fault)
            raise (ApiAwayError if number in (401, 403, 429) or number >= 500 else ApiError)(
                number, "no"
            )
        return fault

    def _end(self, fault: str) -> Mapping[str, Any]:
        if fault == LOSE_ANSWER:
            raise ApiAwayError(0, "timed out")
        return deepcopy(self.body) or {}

    def _touch(self) -> None:
        assert self.body is not None
        self._version += 1
        self.body["metadata"]["resourceVersion"] = str(self._version)


def plan(uid: str = "u-1") -> RunPlan:
    report = ScheduledReport.model_validate(PLAINEST)
    given = {"uid": uid, "namespace": "shop", "generation": 7}
    metadata = report.metadata.model_copy(update=given)
    report = report.model_copy(update={"metadata": metadata})
    return plan_of(report, Trigger.SCHEDULE, SandboxPolicy())


def ledger(api: FakeRuns, pod: str = "pod-1", waits: int = 50, uid: str = "u-1") -> ClusterLedger:
    """A ledger that gives up after *waits* waits, and does not really wait."""
    left = iter(range(waits))
    holder = Holder(pod_name=f"name-of-{pod}", pod_uid=pod)
    return ClusterLedger(api, plan(uid), NAME, holder, lambda _: next(left, None) is None)  # type: ignore[arg-type]

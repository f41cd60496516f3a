"""The order of effects, on a cluster in memory that counts what it is asked."""

import asyncio
import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from report_operator.cache import Cache
from report_operator.cluster import ClusterError
from report_operator.cronjob import build_cronjob
from report_operator.diagnose import ClusterEvent
from report_operator.kinds import Kind, watched_kinds
from report_operator.reconcile import Reconciler
from report_operator.settings import RunnerSettings, Settings
from report_types.report import ReportStatus

KEY = ("team", "sales")
START = datetime(2026, 11, 22, 12, 0, 30, tzinfo=UTC)
Body = dict[str, Any]


class MemoryCluster:
    """Keeps objects, shows each change to the operator's cache, and writes down each request."""

    def __init__(self, kinds: dict[str, Kind]) -> None:
        self.kinds = kinds
        self.objects: dict[tuple[str, str], Body] = {}
        self.requests: list[str] = []
        self.events: list[ClusterEvent] = []
        self.faults: dict[str, ClusterError] = {}
        self.is_shown = True
        self.version = 100

    def put(self, plural: str, body: Body) -> Body:
        """Store an object as somebody else would, and show it."""
        self.version += 1
        meta = body["metadata"]
        meta.setdefault("namespace", "team")
        is_identity = plural in ("serviceaccounts", "rolebindings")
        meta.setdefault("uid", f"uid-{plural if is_identity else meta['name']}")
        meta.setdefault("creationTimestamp", "2026-11-22T12:00:30Z")
        meta.setdefault("generation", 1)
        meta["resourceVersion"] = str(self.version)
        self.objects[plural, meta["name"]] = body
        if plural in self.kinds and self.is_shown:
            self.kinds[plural].remember(copy.deepcopy(body))
        return copy.deepcopy(body)

    def change_unseen(self, plural: str, name: str) -> None:
        """Change an object without showing it: the watch is behind."""
        self.version += 1
        self.objects[plural, name]["metadata"]["resourceVersion"] = str(self.version)

    def remove(self, plural: str, name: str) -> None:
        """Delete an object as somebody else would, and show it."""
        self.kinds[plural].forget(self.objects.pop((plural, name))["metadata"]["uid"])

    def taken(self) -> list[str]:
        """Return the requests since the last look."""
        requests, self.requests = self.requests, []
        return requests

    def _ask(self, verb: str, plural: str, name: str = "") -> None:
        request = f"{verb} {plural}"
        self.requests.append(request)
        if fault := self.faults.pop(request, None):
            raise fault
        if name and (plural.removesuffix("/status"), name) not in self.objects:
            raise ClusterError(404, "NotFound", name)

    async def get(self, resource: Any, namespace: str, name: str) -> Body:
        self._ask("get", resource.plural, name)
        return copy.deepcopy(self.objects[resource.plural, name])

    async def create(self, resource: Any, manifest: Body) -> Body:
        self._ask("create", resource.plural)
        body = copy.deepcopy(manifest)
        body["metadata"].setdefault("name", f"event-{self.version}")
        if (resource.plural, body["metadata"]["name"]) in self.objects:
            raise ClusterError(409, "AlreadyExists", "")
        return self.put(resource.plural, body)

    async def replace(self, resource: Any, manifest: Body) -> Body:
        name = manifest["metadata"]["name"]
        self._ask("replace", resource.plural, name)
        known = self.objects[resource.plural, name]
        if known["metadata"]["resourceVersion"] != manifest["metadata"]["resourceVersion"]:
            raise ClusterError(409, "Conflict", "")
        body = copy.deepcopy(manifest)
        changed = body["spec"] != known["spec"]
        body["metadata"]["generation"] = known["metadata"]["generation"] + changed
        body["metadata"]["creationTimestamp"] = known["metadata"]["creationTimestamp"]
        return self.put(resource.plural, {**body, "status": known.get("status", {})})

    async def apply(self, resource: Any, manifest: Body) -> Body:
        self._ask("apply", resource.plural)
        return self.put(resource.plural, copy.deepcopy(manifest))

    async def patch(self, resource: Any, namespace: str, name: str, patch: Body) -> Body:
        self._ask("patch", resource.plural, name)
        return self._merge(resource.plural, name, patch)

    async def patch_status(self, resource: Any, namespace: str, name: str, patch: Body) -> Body:
        self._ask("patch", f"{resource.plural}/status", name)
        return self._merge(resource.plural, name, patch)

    async def replace_status(
        self, resource: Any, namespace: str, name: str, uid: str, status: Body
    ) -> Body:
        self._ask("replace", f"{resource.plural}/status", name)
        return self.put(resource.plural, {**self.objects[resource.plural, name], "status": status})

    async def delete(self, resource: Any, namespace: str, name: str, uid: str) -> None:
        self._ask("delete", resource.plural, name)
        self.remove(resource.plural, name)

    async def events_about(self, namespace: str, uid: str) -> list[ClusterEvent]:
        self._ask("list", "events")
        return self.events

    def _merge(self, plural: str, name: str, patch: Body) -> Body:
        known = copy.deepcopy(self.objects[plural, name])
        wanted = patch.get("metadata", {}).get("resourceVersion")
        if wanted not in (None, known["metadata"]["resourceVersion"]):
            raise ClusterError(409, "Conflict", "")
        for part in ("metadata", "status"):
            known[part] = {**known.get(part, {}), **patch.get(part, {})}
        return self.put(plural, known)


class World:
    """A report, the cluster it is in, and an operator whose clock the test moves."""

    def __init__(self, report: Body) -> None:
        cache = Cache()
        self.kinds = {kind.resource[2]: kind for kind in watched_kinds(cache)}
        self.cluster = MemoryCluster(self.kinds)
        self.now = START
        settings = Settings(runner=RunnerSettings(image="i"))
        self.reconciler = Reconciler(self.cluster, cache, settings, lambda: self.now)
        self.cluster.put("scheduledreports", report)

    def reconcile(self, key: tuple[str, str] = KEY) -> float | None:
        return asyncio.run(self.reconciler.reconcile(key))

    def settle(self) -> list[str]:
        """Reconcile twice, and return what was asked; the second time must ask nothing."""
        self.reconcile()
        requests = self.cluster.taken()
        self.reconcile()
        assert self.cluster.taken() == [], "a reconcile that changes nothing asks nothing"
        return requests

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def report(self) -> Body:
        return self.cluster.objects["scheduledreports", "sales"]

    def status(self) -> ReportStatus:
        return ReportStatus.observed(self.report()["status"])

    def condition(self, kind: str) -> Body | None:
        found = [c for c in self.report()["status"]["conditions"] if c["type"] == kind]
        return found[0] if found else None

    def change(self, **spec: Any) -> None:
        report = copy.deepcopy(self.report())
        report["spec"] |= spec
        report["metadata"]["generation"] += 1
        self.cluster.put("scheduledreports", report)

    def told(self) -> list[str]:
        return [
            body["reason"]
            for (plural, _), body in self.cluster.objects.items()
            if plural == "events"
        ]

    def due(self, name: str = "sales-1", **status: Any) -> None:
        """Have the CronJob controller make a Job."""
        labels = {"scheduledreports.dev/report": "sales"}
        owner = {"kind": "CronJob", "name": "sales", "uid": "uid-sales", "controller": True}
        meta = {"name": name, "labels": labels, "ownerReferences": [owner]}
        meta["creationTimestamp"] = self.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        self.cluster.put("jobs", {"metadata": meta, "status": status})

    def end(self, name: str = "sales-1", kind: str = "Complete", reason: str = "") -> None:
        """Have the Job controller end a Job."""
        condition = {
            "type": kind,
            "status": "True",
            "reason": reason,
            "lastTransitionTime": self.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        job = copy.deepcopy(self.cluster.objects["jobs", name])
        self.cluster.put("jobs", {**job, "status": {"conditions": [condition]}})

    def run(self, name: str = "sales-1") -> Body:
        return self.cluster.objects["reportruns", name]


@pytest.fixture
def world(report_body: Any) -> World:
    return World(report_body())


@pytest.fixture
def settled(world: World) -> World:
    world.settle()
    return world


@pytest.fixture
def by_hand(settled: World) -> Callable[..., None]:
    def make(report: str = "sales") -> None:
        created = settled.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        meta = {"name": "by-hand", "creationTimestamp": created}
        spec = {"reportRef": {"name": report}, "trigger": "Manual"}
        settled.cluster.put("reportruns", {"metadata": meta, "spec": spec})

    return make


def test_new_report_costs_two_requests_and_the_first_of_a_namespace_two_more(
    world: World,
) -> None:
    assert world.settle() == [
        "apply serviceaccounts",
        "apply rolebindings",
        "create cronjobs",
        "replace scheduledreports/status",
    ]
    assert world.condition("Ready")["status"] == "True"  # type: ignore[index]


def test_changed_report_costs_two_requests(settled: World) -> None:
    settled.change(script={"inline": "result = 1"})

    assert settled.settle() == ["replace cronjobs", "replace scheduledreports/status"]


def test_restart_and_deletion_cost_none(settled: World) -> None:
    again = World(settled.report())
    for (plural, _), body in settled.cluster.objects.items():
        again.cluster.put(plural, body)
    assert again.settle() == []

    settled.cluster.remove("scheduledreports", "sales")
    assert settled.settle() == []


def test_change_by_hand_is_healed_and_told_once(settled: World) -> None:
    cronjob = copy.deepcopy(settled.cluster.objects["cronjobs", "sales"])
    cronjob["spec"]["suspend"] = True
    cronjob["metadata"]["generation"] += 1
    cronjob["metadata"]["labels"]["team"] = "theirs"
    settled.cluster.put("cronjobs", cronjob)

    settled.settle()
    healed = settled.cluster.objects["cronjobs", "sales"]
    assert healed["spec"]["suspend"] is False
    assert healed["metadata"]["labels"]["team"] == "theirs"
    assert settled.told() == ["Healed"]


def test_deleted_cronjob_is_made_again(settled: World) -> None:
    settled.cluster.remove("cronjobs", "sales")

    assert "create cronjobs" in settled.settle()
    assert settled.told() == ["Healed"]


def test_new_runner_image_is_no_healing(settled: World) -> None:
    cronjob = copy.deepcopy(settled.cluster.objects["cronjobs", "sales"])
    cronjob["metadata"]["annotations"]["scheduledreports.dev/template-hash"] = "older"
    settled.cluster.put("cronjobs", cronjob)

    assert settled.settle() == ["replace cronjobs"]
    assert settled.told() == []


def test_cronjob_that_is_not_ours_is_left_alone(world: World) -> None:
    theirs = {"metadata": {"name": "sales"}, "spec": {"schedule": "0 0 * * *"}}
    world.cluster.objects["cronjobs", "sales"] = theirs
    world.cluster.put("other", theirs)
    before = copy.deepcopy(theirs)

    assert world.reconcile() is not None
    assert theirs == before
    ready = world.condition("Ready")
    assert ready
    assert (ready["status"], ready["reason"]) == ("False", "NotOwned")
    assert "belongs to nobody" in ready["message"]
    assert world.told() == ["NotOwned"]


def test_cronjob_of_an_earlier_report_of_the_name_is_waited_for(world: World) -> None:
    owner = {"kind": "ScheduledReport", "name": "sales", "uid": "older", "controller": True}
    meta = {"name": "sales", "ownerReferences": [owner]}
    world.cluster.put("other", {"metadata": meta, "spec": {"schedule": "0 0 * * *"}})
    world.cluster.objects["cronjobs", "sales"] = world.cluster.objects["other", "sales"]

    recheck = world.reconcile()
    assert recheck is not None
    assert recheck < 5
    assert "replace scheduledreports/status" not in world.cluster.taken()

    del world.cluster.objects["cronjobs", "sales"]
    assert "create cronjobs" in world.settle()


def test_cronjob_that_we_have_not_seen_yet_is_taken_over(world: World, make_report: Any) -> None:
    """
    The operator died between its write and the watch that would have shown it.
    """
    meta = {"uid": "uid-c", "resourceVersion": "7", "creationTimestamp": "2026-11-22T12:00:00Z"}
    cronjob = build_cronjob(make_report(), RunnerSettings(image="older"))
    cronjob["metadata"] |= {**meta, "generation": 1}
    world.cluster.objects["cronjobs", "sales"] = cronjob

    requests = world.settle()
    assert requests[2:] == [
        "create cronjobs",
        "get cronjobs",
        "replace cronjobs",
        "replace scheduledreports/status",
    ]


def test_conflict_is_resolved_by_a_fresh_look(settled: World) -> None:
    settled.cluster.change_unseen("cronjobs", "sales")
    settled.change(suspend=True)

    assert settled.reconcile() == 0
    settled.settle()
    assert settled.cluster.objects["cronjobs", "sales"]["spec"]["suspend"] is True


def test_refusal_of_the_cluster_is_shown(world: World) -> None:
    world.cluster.faults["create cronjobs"] = ClusterError(403, "Forbidden", "exceeded quota: c")
    recheck = world.reconcile()

    ready = world.condition("Ready")
    assert ready
    assert (ready["reason"], recheck) == ("Rejected", 120.0)
    assert "exceeded quota: c" in ready["message"]


def test_end_of_the_namespace_is_no_error_and_is_not_told(world: World) -> None:
    message = "unable to create new content in namespace team because it is being terminated"
    world.cluster.faults["create cronjobs"] = ClusterError(403, "Forbidden", message)

    assert world.reconcile() == 120.0
    assert "replace scheduledreports/status" not in world.cluster.taken()


def test_own_writes_are_known_before_the_watch_shows_them(world: World) -> None:
    """
    Else an event in between would have all of it written and told a second time.
    """
    world.cluster.is_shown = False

    assert "create cronjobs" in world.settle()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_cluster_that_is_not_able_to_is_asked_again(world: World, status: int) -> None:
    world.cluster.faults["create cronjobs"] = ClusterError(status, "", "")

    with pytest.raises(ClusterError):
        world.reconcile()
    assert "replace scheduledreports/status" not in world.cluster.taken()
    assert "create cronjobs" in world.settle()


def test_resume_passes_over_the_slots_of_the_suspension(report_body: Any) -> None:
    """
    lastScheduleTime is moved before the CronJob is resumed, so the controller never sees the gap.
    """
    world = World(report_body(schedule="* * * * *", suspend=True))
    world.settle()
    world.pass_time(150)
    world.change(suspend=False)

    assert world.settle()[:2] == ["patch cronjobs/status", "replace cronjobs"]
    cronjob = world.cluster.objects["cronjobs", "sales"]
    assert cronjob["status"]["lastScheduleTime"] == "2026-11-22T12:03:00Z"


@pytest.mark.parametrize(
    ("spec", "reason", "words"),
    [
        ({"schedule": "0 0 31 2 *"}, "InvalidSchedule", "spec.schedule: "),
        ({"timeZone": "Europe/Berln"}, "InvalidSchedule", "Europe/Berlin"),
        ({"script": {}}, "InvalidSpec", "spec.script: give exactly one of"),
        ({"parameters": {"x": "y" * 130_000}}, "InvalidSpec", "shorten parameters"),
    ],
)
def test_invalid_spec_is_told_and_the_last_valid_one_stays(
    settled: World, spec: Any, reason: str, words: str
) -> None:
    before = copy.deepcopy(settled.cluster.objects["cronjobs", "sales"])
    settled.change(**spec)

    assert settled.settle() == ["replace scheduledreports/status", "create events"]
    assert settled.cluster.objects["cronjobs", "sales"] == before
    ready, stalled = settled.condition("Ready"), settled.condition("Stalled")
    assert ready
    assert stalled
    assert (ready["reason"], stalled["status"]) == (reason, "True")
    assert words in ready["message"]


def test_run_costs_its_creation_one_status_and_one_event(settled: World) -> None:
    settled.due()
    assert settled.settle() == ["create reportruns"]
    assert settled.run()["spec"]["trigger"] == "Schedule"

    outcome = {"outcome": "Delivered", "reason": "Delivered", "rows": 3}
    settled.cluster.put("reportruns", {**settled.run(), "status": outcome})
    settled.end()
    assert settled.settle() == ["replace scheduledreports/status", "create events"]
    assert settled.status().last_run.rows == 3  # type: ignore[union-attr]
    assert settled.told() == ["RunSucceeded"]


def test_runner_that_made_the_run_first_is_welcome(settled: World) -> None:
    settled.cluster.faults["create reportruns"] = ClusterError(409, "AlreadyExists", "")
    settled.due()

    settled.reconcile()
    assert settled.cluster.taken() == ["create reportruns"]


def test_run_made_by_hand_is_adopted_and_started(settled: World, by_hand: Any) -> None:
    by_hand()

    assert settled.settle() == ["patch reportruns", "create jobs"]
    owner = settled.run("by-hand")["metadata"]["ownerReferences"][0]
    assert owner["uid"] == "uid-sales"
    assert settled.cluster.objects["jobs", "by-hand"]["metadata"]["ownerReferences"][0]["uid"] == (
        "uid-by-hand"
    )


def test_run_of_an_invalid_report_ends_with_the_reports_fault(settled: World, by_hand: Any) -> None:
    settled.change(schedule="0 0 31 2 *")
    by_hand()
    settled.settle()

    status = settled.run("by-hand")["status"]
    assert (status["outcome"], status["reason"]) == ("Failed", "InvalidSpec")
    assert "spec.schedule" in status["message"]


def test_scheduled_run_of_a_report_that_became_invalid_is_followed(settled: World) -> None:
    settled.change(schedule="0 0 31 2 *")
    settled.settle()
    settled.due()
    settled.end(kind="Failed", reason="BackoffLimitExceeded")
    settled.reconcile()
    settled.pass_time(6)
    settled.settle()

    assert settled.run()["status"]["reason"] == "RunnerDied"


def test_run_of_a_report_that_is_not_there_ends_after_a_while(settled: World, by_hand: Any) -> None:
    by_hand("nobodys")
    key = ("team", "nobodys")

    assert settled.reconcile(key) == 10
    assert "status" not in settled.run("by-hand")
    settled.pass_time(10)
    settled.reconcile(key)
    assert settled.run("by-hand")["status"]["reason"] == "ReportNotFound"


def test_foreign_job_of_the_runs_name_ends_the_run(settled: World, by_hand: Any) -> None:
    settled.cluster.objects["jobs", "by-hand"] = settled.cluster.put(
        "other", {"metadata": {"name": "by-hand"}}
    )
    by_hand()
    settled.settle()

    assert "another name" in settled.run("by-hand")["status"]["message"]


def test_run_that_cannot_start_is_told_within_seconds_and_no_longer_when_it_does(
    settled: World,
) -> None:
    settled.due()
    settled.settle()
    settled.cluster.events = [ClusterEvent("FailedCreate", "exceeded quota: small")]
    assert settled.reconcile() == 15
    settled.cluster.taken()

    settled.pass_time(15)
    assert settled.settle() == [
        "list events",
        "patch reportruns/status",
        "replace scheduledreports/status",
        "create events",
    ]
    blocked = settled.condition("RunBlocked")
    assert blocked
    assert blocked["reason"] == "QuotaExceeded"
    assert settled.run()["status"]["conditions"][0]["reason"] == "QuotaExceeded"

    settled.cluster.put("pods", _running_pod())
    settled.settle()
    assert settled.condition("RunBlocked") is None
    assert settled.run()["status"]["conditions"] == []


def test_slot_without_a_job_is_asked_after(report_body: Any) -> None:
    """
    The quota counts Jobs: there is nothing to see but an event on the CronJob.
    """
    world = World(report_body(schedule="1 12 * * *", timeZone="Etc/UTC"))
    world.settle()
    world.cluster.events = [ClusterEvent("FailedCreate", "exceeded quota: jobs")]
    assert world.reconcile() == 45

    world.pass_time(44)
    assert world.settle() == []
    world.pass_time(1)
    assert world.settle() == ["list events", "replace scheduledreports/status", "create events"]
    assert world.condition("RunBlocked")["reason"] == "QuotaExceeded"  # type: ignore[index]

    cronjob = copy.deepcopy(world.cluster.objects["cronjobs", "sales"])
    cronjob["status"] = {"lastScheduleTime": "2026-11-22T12:01:00Z"}
    world.cluster.put("cronjobs", cronjob)
    world.settle()
    assert world.condition("RunBlocked") is None


def test_slot_that_waits_for_the_run_before_it_is_not_called_blocked(report_body: Any) -> None:
    world = World(report_body(schedule="* * * * *"))
    world.settle()
    world.due()
    world.cluster.put("pods", _running_pod())
    world.settle()
    world.cluster.events = [ClusterEvent("FailedCreate", "of yesterday")]
    world.pass_time(300)

    world.reconcile()
    assert "list events" not in world.cluster.taken()


def _running_pod() -> Body:
    owner = {"kind": "Job", "name": "sales-1", "uid": "uid-sales-1", "controller": True}
    labels = {"scheduledreports.dev/report": "sales"}
    meta = {"name": "sales-1-x", "labels": labels, "ownerReferences": [owner]}
    return {"metadata": meta, "status": {"phase": "Running"}}


def test_runner_that_died_without_a_word_is_spoken_for_after_a_grace(settled: World) -> None:
    settled.due()
    settled.settle()
    settled.end(kind="Failed", reason="BackoffLimitExceeded")

    assert settled.reconcile() == 5
    settled.pass_time(5)
    assert settled.settle() == [
        "patch reportruns/status",
        "replace scheduledreports/status",
        "create events",
    ]
    assert settled.run()["status"]["reason"] == "RunnerDied"
    assert settled.status().consecutive_failures == 1


def test_runners_own_word_goes_first(settled: World) -> None:
    """
    It wrote between our look and our write, which then fails.
    """
    settled.due()
    settled.settle()
    settled.end(kind="Failed", reason="BackoffLimitExceeded")
    settled.pass_time(5)
    theirs = {**settled.run(), "status": {"outcome": "Delivered", "reason": "Delivered"}}
    settled.cluster.objects["reportruns", "sales-1"] = copy.deepcopy(theirs)
    settled.cluster.change_unseen("reportruns", "sales-1")

    settled.reconcile()
    assert settled.run()["status"]["outcome"] == "Delivered"


def test_event_that_is_lost_is_no_reason_to_start_over(settled: World) -> None:
    settled.cluster.faults["create events"] = ClusterError(403, "Forbidden", "")
    settled.change(schedule="0 0 31 2 *")

    settled.settle()
    assert settled.told() == []


def test_report_that_was_deleted_meanwhile_is_no_error(settled: World) -> None:
    settled.change(suspend=True)
    settled.cluster.faults["replace scheduledreports/status"] = ClusterError(422, "Invalid", "")

    settled.reconcile()


def test_old_runs_are_deleted_once_they_are_told(report_body: Any) -> None:
    world = World(report_body(successfulRunsHistoryLimit=1))
    world.settle()
    outcome = {"outcome": "Delivered", "reason": "Delivered"}
    for minute in range(3):
        meta = {
            "name": f"sales-{minute}",
            "ownerReferences": [
                {"kind": "ScheduledReport", "apiVersion": "x", "name": "sales", "uid": "uid-sales"}
            ],
        }
        status = {**outcome, "completionTime": f"2026-11-22T11:0{minute}:00Z"}
        spec = {"reportRef": {"name": "sales"}, "trigger": "Schedule"}
        world.cluster.put("reportruns", {"metadata": meta, "spec": spec, "status": status})

    requests = world.settle()
    assert requests.count("delete reportruns") == 2
    assert [run.name for run in world.status().recent_runs] == ["sales-2", "sales-1", "sales-0"]
    assert ("reportruns", "sales-2") in world.cluster.objects

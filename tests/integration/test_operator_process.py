"""The operator as a process, against a real API server and its controllers."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cluster import Cluster, eventually
from gate import Gate
from operator_process import OperatorProcess, paused_operator, server_of

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("alone")]


@pytest.fixture(scope="module")
def alone(cluster: Cluster) -> Iterator[None]:
    """No other operator works meanwhile."""
    with paused_operator(cluster):
        yield


@pytest.fixture
def operator(cluster: Cluster, namespace: str, tmp_path: Path) -> Iterator[OperatorProcess]:
    """A running operator for the test's namespace."""
    process = OperatorProcess(cluster, namespace, tmp_path)
    process.start()
    yield process
    if process.process:
        process.stop()


class Reports:
    """What a user does in a namespace, and sees."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace

    def kubectl(self, *args: str, **more: Any) -> str:
        return self.cluster.kubectl("-n", self.namespace, *args, **more)

    def get(self, *args: str) -> Any:
        return self.cluster.get("-n", self.namespace, *args)

    def names(self, kind: str) -> list[str]:
        return sorted(item["metadata"]["name"] for item in self.get(kind)["items"])

    def apply(self, name: str = "sales", **spec: Any) -> None:
        plain = {
            "schedule": "0 0 1 1 *",
            "sources": [{"name": "data", "http": {"url": "http://127.0.0.1:9", "format": "CSV"}}],
            "script": {"inline": "result = data"},
            "delivery": {"email": {"to": ["reader@example.com"]}},
        }
        report = {
            "apiVersion": "scheduledreports.dev/v1alpha1",
            "kind": "ScheduledReport",
            "metadata": {"name": name},
            "spec": {**plain, **spec},
        }
        self.cluster.apply(report, namespace=self.namespace)

    def patch(self, kind: str, name: str, change: dict[str, Any], *more: str) -> None:
        self.kubectl("patch", kind, name, "--type", "merge", "-p", json.dumps(change), *more)

    def run(self, name: str, report: str = "sales") -> None:
        run = {
            "apiVersion": "scheduledreports.dev/v1alpha1",
            "kind": "ReportRun",
            "metadata": {"name": name},
            "spec": {"reportRef": {"name": report}},
        }
        self.cluster.apply(run, namespace=self.namespace)

    def condition(self, kind: str, name: str = "sales") -> dict[str, Any]:
        conditions = self.get("srep", name).get("status", {}).get("conditions", [])
        return next((c for c in conditions if c["type"] == kind), {"status": "", "reason": ""})

    def is_ready(self, name: str = "sales") -> bool:
        report = self.get("srep", name)
        seen = report.get("status", {}).get("observedGeneration")
        is_current = bool(seen == report["metadata"]["generation"])
        return is_current and self.condition("Ready", name)["status"] == "True"

    def wait_ready(self, name: str = "sales") -> None:
        eventually(lambda: self.is_ready(name), 10, f"readiness of {name}")

    def events(self) -> list[str]:
        found = self.get("events")["items"]
        return [e["reason"] for e in found if e["involvedObject"]["kind"] == "ScheduledReport"]


@pytest.fixture
def reports(operator: OperatorProcess) -> Reports:
    """The namespace, with a first report in it: a namespace's first one costs two more requests."""
    reports = Reports(operator.cluster, operator.namespace)
    reports.apply("first")
    reports.wait_ready("first")
    return reports


def test_requests_are_as_few_as_promised(operator: OperatorProcess, reports: Reports) -> None:
    with operator.counted() as created:
        reports.apply()
        reports.wait_ready()
    assert created == ["create cronjobs", "patch scheduledreports/status"]

    with operator.counted() as changed:
        reports.apply(script={"inline": "result = data.head()"})
        reports.wait_ready()
    assert changed == ["update cronjobs", "patch scheduledreports/status"]

    with operator.counted() as relabelled:
        reports.kubectl("label", "srep", "sales", "team=sales")
    assert relabelled == []

    with operator.counted() as restarted:
        operator.stop()
        operator.start(RESYNC_SECONDS="10")
    assert restarted == []

    with operator.counted(12) as resynced:
        pass
    assert resynced == []

    with operator.counted() as deleted:
        reports.kubectl("delete", "srep", "sales")
        eventually(lambda: reports.names("cronjobs") == ["first"], 30, "the CronJob's end")
    assert deleted == []


def test_run_costs_two_requests_beside_its_event(
    operator: OperatorProcess, reports: Reports
) -> None:
    """
    One when it begins, unless its runner is faster, and one when it has ended.
    """
    with operator.counted() as told:
        reports.kubectl("create", "job", "by-kubectl", "--from=cronjob/first")
        eventually(lambda: reports.get("srep", "first")["status"].get("lastRun"), 60, "its end")
    run = reports.get("rrun", "by-kubectl")

    assert [r for r in told if r != "create reportruns"] == [
        "patch scheduledreports/status",
        "create events",
    ]
    assert len(told) <= 3
    assert run["spec"]["trigger"] == "Manual"
    # There is no Secret for mail in this namespace.
    assert run["status"]["reason"] == "SmtpNotConfigured"
    assert reports.events() == ["RunFailed"]


def test_spec_reaches_the_cronjob(reports: Reports) -> None:
    reports.apply(schedule="07:30", timeZone="Europe/Berlin", concurrencyPolicy="Replace")
    reports.wait_ready()
    spec = reports.get("cronjob", "sales")["spec"]
    assert (spec["schedule"], spec["timeZone"]) == ("30 7 * * *", "Europe/Berlin")
    assert spec["concurrencyPolicy"] == "Replace"

    reports.apply(schedule="0 6 * * *", suspend=True)
    reports.wait_ready()
    spec = reports.get("cronjob", "sales")["spec"]
    assert (spec["schedule"], spec["timeZone"], spec["suspend"]) == ("0 6 * * *", "Etc/UTC", True)
    assert reports.condition("Suspended")["status"] == "True"
    assert "nextScheduleTime" not in reports.get("srep", "sales")["status"]


@pytest.mark.parametrize(
    "change",
    [
        {"spec": {"suspend": True}},
        {"spec": {"jobTemplate": {"spec": {"backoffLimit": 6, "parallelism": 2}}}},
        {"metadata": {"ownerReferences": []}},
        {"metadata": {"labels": {"app.kubernetes.io/managed-by": "me"}}},
        {"metadata": {"annotations": {"scheduledreports.dev/template-hash": None}}},
    ],
    ids=["suspend", "template", "owner", "label", "hash"],
)
def test_change_by_hand_is_healed_at_once(reports: Reports, change: dict[str, Any]) -> None:
    before = reports.get("cronjob", "first")
    reports.patch("cronjob", "first", change)

    def is_healed() -> bool:
        after = reports.get("cronjob", "first")
        parts = ("labels", "annotations", "ownerReferences")
        return bool(
            after["spec"] == before["spec"]
            and all(after["metadata"][p] == before["metadata"].get(p) for p in parts)
        )

    eventually(is_healed, 10, "healing")


def test_what_others_added_to_the_metadata_stays(reports: Reports) -> None:
    reports.patch(
        "cronjob", "first", {"metadata": {"labels": {"team": "a"}}, "spec": {"suspend": True}}
    )
    eventually(lambda: not reports.get("cronjob", "first")["spec"]["suspend"], 10, "healing")

    assert reports.get("cronjob", "first")["metadata"]["labels"]["team"] == "a"
    eventually(lambda: "Healed" in reports.events(), 5, "the event")


def test_whatever_is_deleted_by_hand_is_made_again(reports: Reports) -> None:
    for kind, name in (
        ("cronjob", "first"),
        ("serviceaccount", "scheduled-reports-runner"),
        ("rolebinding", "scheduled-reports-runner"),
    ):
        uid = reports.get(kind, name)["metadata"]["uid"]
        reports.kubectl("delete", kind, name)

        def is_there(kind: str = kind, name: str = name, uid: str = uid) -> bool:
            return any(
                item["metadata"]["name"] == name and item["metadata"]["uid"] != uid
                for item in reports.get(kind)["items"]
            )

        eventually(is_there, 10, f"another {kind}")


def test_report_that_is_made_anew_gets_a_cronjob_anew(reports: Reports) -> None:
    old = reports.get("cronjob", "first")["metadata"]["uid"]
    reports.kubectl("delete", "srep", "first")
    reports.apply("first")

    def has_its_own() -> bool:
        jobs = reports.get("cronjob")["items"]
        report = reports.get("srep", "first")["metadata"]["uid"]
        return [
            (job["metadata"]["ownerReferences"][0]["uid"])
            for job in jobs
            if job["metadata"]["uid"] != old
        ] == [report]

    eventually(has_its_own, 30, "the new report's CronJob")
    reports.wait_ready("first")


def test_cronjob_of_somebody_else_is_left_alone(reports: Reports) -> None:
    security = {
        "runAsNonRoot": True,
        "runAsUser": 1,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    box = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    pod = {
        "restartPolicy": "Never",
        "securityContext": security,
        "containers": [{"name": "x", "image": "x", "securityContext": box}],
    }
    job = {"spec": {"template": {"spec": pod}}}
    theirs = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "sales"},
        "spec": {"schedule": "0 0 1 1 *", "jobTemplate": job},
    }
    reports.cluster.apply(theirs, namespace=reports.namespace)
    before = reports.get("cronjob", "sales")
    reports.apply()

    ready = eventually(
        lambda: (c := reports.condition("Ready"))["status"] == "False" and c, 10, "the refusal"
    )
    assert ready["reason"] == "NotOwned"
    assert "Delete it, or give the report another name" in ready["message"]
    assert reports.get("cronjob", "sales") == before
    eventually(lambda: "NotOwned" in reports.events(), 5, "the event")


def test_schedule_that_never_fires_is_told_and_the_last_valid_one_stays(reports: Reports) -> None:
    reports.apply("first", schedule="0 0 31 2 *")

    ready = eventually(
        lambda: (c := reports.condition("Ready", "first"))["status"] == "False" and c, 10, "it"
    )
    assert ready["reason"] == "InvalidSchedule"
    assert "this never fires" in ready["message"]
    assert reports.condition("Stalled", "first")["status"] == "True"
    assert reports.get("cronjob", "first")["spec"]["schedule"] == "0 0 1 1 *"

    reports.apply("first")
    reports.wait_ready("first")
    assert reports.condition("Stalled", "first")["status"] == ""


def minutes_ago(minutes: int) -> datetime:
    return datetime.now(UTC) - timedelta(minutes=minutes)


def make_miss(reports: Reports, cronjob: str, slot: datetime) -> None:
    """Have the CronJob controller believe that it has last started a run well before *slot*."""
    before = (slot - timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    reports.patch(
        "cronjob", cronjob, {"status": {"lastScheduleTime": before}}, "--subresource=status"
    )


def test_resume_and_new_schedule_start_no_run(reports: Reports) -> None:
    """
    A native CronJob with the same history does, which shows that there was a run to be started.
    """
    slot = minutes_ago(3)
    hourly = f"{slot.minute} * * * *"
    reports.apply(suspend=True, schedule=hourly)
    reports.apply("edited", schedule="0 0 1 1 *")
    for name in ("sales", "edited"):
        reports.wait_ready(name)
    native = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "native"},
        "spec": reports.get("cronjob", "sales")["spec"],
    }
    reports.cluster.apply(native, namespace=reports.namespace)
    for name in ("sales", "edited", "native"):
        make_miss(reports, name, slot)

    reports.patch("cronjob", "native", {"spec": {"suspend": False}})
    reports.apply(suspend=False, schedule=hourly)
    reports.apply("edited", schedule=hourly)
    for name in ("sales", "edited"):
        reports.wait_ready(name)

    eventually(lambda: any(n.startswith("native-") for n in reports.names("jobs")), 10, "native's")
    assert not [n for n in reports.names("jobs") if n.startswith(("sales-", "edited-"))]
    for name in ("sales", "edited"):
        assert reports.get("cronjob", name)["spec"]["startingDeadlineSeconds"] == 600


def test_slot_that_the_controller_missed_is_still_run_late(reports: Reports) -> None:
    """
    That is what the starting deadline is for, and no change of ours is in its way.
    """
    slot = minutes_ago(3).replace(second=0, microsecond=0)
    reports.apply(schedule=f"{slot.minute} * * * *")
    reports.wait_ready()
    make_miss(reports, "sales", slot)

    name = f"sales-{int(slot.timestamp()) // 60}"
    eventually(lambda: name in reports.names("rrun"), 20, "the late run")
    spec = reports.get("rrun", name)["spec"]
    assert spec["trigger"] == "Schedule"
    assert datetime.fromisoformat(spec["scheduledTime"]) == slot


def test_run_made_by_hand_gets_a_job_and_goes_with_its_report(reports: Reports) -> None:
    reports.apply(suspend=True)
    reports.run("by-hand")
    eventually(lambda: "by-hand" in reports.names("jobs"), 10, "the Job")

    job = reports.get("job", "by-hand")
    assert job["metadata"]["ownerReferences"][0]["kind"] == "ReportRun"
    assert job["spec"]["podReplacementPolicy"] == "Failed"
    reports.kubectl("delete", "srep", "sales")
    for kind in ("rrun", "jobs", "pods"):
        eventually(lambda kind=kind: reports.names(kind) == [], 60, f"the end of all {kind}")


def test_run_of_no_report_says_so(reports: Reports) -> None:
    reports.run("lost", report="nobodys")

    status = eventually(lambda: reports.get("rrun", "lost").get("status"), 30, "its end")
    assert (status["outcome"], status["reason"]) == ("Failed", "ReportNotFound")
    assert "no ScheduledReport nobodys" in status["message"]


def test_quota_that_keeps_a_run_from_starting_is_told_and_untold(reports: Reports) -> None:
    reports.kubectl("create", "quota", "none", "--hard=pods=0")
    # It counts only from when its controller has seen it.
    eventually(lambda: reports.get("quota", "none").get("status", {}).get("hard"), 30, "the quota")
    reports.apply()
    reports.run("by-hand")

    blocked = eventually(
        lambda: (c := reports.condition("RunBlocked"))["status"] and c, 60, "the condition"
    )
    assert blocked["reason"] == "QuotaExceeded"
    assert "exceeded quota: none" in blocked["message"]
    run = reports.get("rrun", "by-hand")["status"]["conditions"]
    assert run[0]["reason"] == "QuotaExceeded"
    eventually(lambda: "RunBlocked" in reports.events(), 5, "the event")

    reports.kubectl("delete", "quota", "none")
    reports.kubectl("delete", "rrun", "by-hand")
    eventually(lambda: not reports.condition("RunBlocked")["status"], 90, "the condition's end")


def test_quota_that_keeps_a_slot_from_its_job_is_told(reports: Reports) -> None:
    slot = minutes_ago(2)
    reports.apply(schedule=f"{slot.minute} * * * *")
    reports.wait_ready()
    reports.kubectl("create", "quota", "none", "--hard=count/jobs.batch=0")
    eventually(lambda: reports.get("quota", "none").get("status", {}).get("hard"), 30, "the quota")
    make_miss(reports, "sales", slot)

    blocked = eventually(
        lambda: (c := reports.condition("RunBlocked"))["status"] and c, 60, "the condition"
    )
    assert blocked["reason"] == "QuotaExceeded"


def test_runner_that_ended_without_a_word_is_spoken_for(reports: Reports) -> None:
    reports.apply()
    reports.run("by-hand")
    eventually(lambda: "by-hand" in reports.names("jobs"), 10, "the Job")
    reports.patch("job", "by-hand", {"spec": {"activeDeadlineSeconds": 1}})

    status = eventually(
        lambda: (s := reports.get("rrun", "by-hand").get("status", {})).get("outcome") and s,
        90,
        "it",
    )
    assert status["outcome"] == "Failed"
    assert status["completionTime"]
    eventually(lambda: reports.get("srep", "sales")["status"].get("lastRun"), 10, "lastRun")


def test_changes_made_while_the_operator_was_away_are_made_up_for(
    operator: OperatorProcess, reports: Reports
) -> None:
    reports.apply()
    reports.wait_ready()
    assert operator.stop() == 0

    reports.apply(schedule="0 5 * * *")
    reports.apply("new")
    reports.kubectl("delete", "srep", "first")
    reports.kubectl("delete", "serviceaccount", "scheduled-reports-runner")
    operator.start()

    for name in ("sales", "new"):
        reports.wait_ready(name)
    assert reports.get("cronjob", "sales")["spec"]["schedule"] == "0 5 * * *"
    assert reports.names("cronjobs") == ["new", "sales"]
    assert "scheduled-reports-runner" in reports.names("serviceaccounts")


def test_silent_loss_of_the_api_server_is_told_and_made_up_for(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    """
    Every watch hangs without an error, and stays so after the server is back.
    """
    gate = Gate(server_of(cluster))
    operator = OperatorProcess(cluster, namespace, tmp_path, gate.url)
    reports = Reports(cluster, namespace)
    try:
        operator.start()
        reports.apply("first")
        reports.wait_ready("first")

        gate.shut()
        eventually(lambda: operator.health("readyz") == 503, 35, "the loss")
        assert operator.health("healthz") == 200
        reports.apply("new")

        gate.open()
        eventually(lambda: operator.health("readyz") == 200, 15, "the return")
        eventually(lambda: reports.is_ready("new"), 100, "readiness of new")
        assert operator.stop() == 0
    finally:
        gate.close()
        if operator.process:
            operator.process.kill()


def test_idle_operator_takes_little_memory(operator: OperatorProcess, reports: Reports) -> None:
    assert operator.memory() <= 64


def test_health_is_told(operator: OperatorProcess) -> None:
    assert (operator.health("healthz"), operator.health("readyz")) == (200, 200)


def test_log_has_one_json_object_a_line_and_no_recipient(
    operator: OperatorProcess, reports: Reports
) -> None:
    reports.apply(script={"inline": "secret_word = 1"})
    reports.wait_ready()
    text = operator.log.read_text()

    assert [json.loads(line)["level"] for line in text.splitlines()]
    assert "reader@example.com" not in text
    assert "secret_word" not in text

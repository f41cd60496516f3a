"""The main job on a real cluster: from `kubectl apply` to the CSV in somebody's inbox."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from report_demo import expect
from report_types.names import GROUP, RUN_PLURAL, VERSION

pytestmark = pytest.mark.cluster
SAMPLES = Path(__file__).parents[2] / "deploy/samples"
STOCKS_BY_SYMBOL = "result = data.groupby('symbol', as_index=False)['price'].mean()"


def sample(stage: Any, name: str) -> dict[str, Any]:
    """Return a sample with its data and its recipients in this test's namespaces."""
    text = (SAMPLES / f"{name}.yaml").read_text()
    report = yaml.safe_load(
        text.replace("data-source.reports-demo", "data-source.e2e-parts").replace(
            "@example.com", "@" + stage.inbox.domain
        )
    )
    return dict(report)


def due_soon() -> tuple[str, datetime]:
    """Return a schedule for a minute that is 20 to 80 seconds ahead, and that minute."""
    slot = (datetime.now(UTC) + timedelta(seconds=80)).replace(second=0, microsecond=0)
    return f"{slot.minute} {slot.hour} * * *", slot


def test_due_report_is_delivered_with_the_right_numbers(stage: Any, eventually: Any) -> None:
    """
    All 336,776 flights: the mailed CSV equals what plain Python computes, and the status says so.
    """
    schedule, slot = due_soon()
    report = sample(stage, "flight-delays")
    report["spec"].update(schedule=schedule, timeZone="Etc/UTC")
    stage.apply(report)
    run = f"flight-delays-{int(slot.timestamp()) // 60}"

    (mail,) = eventually(stage.inbox.mails, 180, "the mail")
    status = stage.rolled_up("flight-delays", run)

    table = expect.EXPECTED["flight-delays"]()
    assert [] == expect.differences(stage.inbox.attachment(mail).encode(), table)
    assert {stage.address("operations"), stage.address("analyst")} == set(mail["to"])
    assert ("Delivered", "Schedule", len(table.rows)) == (
        status["lastRun"]["outcome"],
        status["lastRun"]["trigger"],
        status["lastRun"]["rows"],
    )
    assert slot.strftime("%Y-%m-%dT%H:%M:%SZ") == status["lastRun"]["scheduledTime"]
    assert status["nextScheduleTime"].startswith((slot + timedelta(days=1)).strftime("%Y-%m-%dT%H"))
    assert 0 == status["consecutiveFailures"]
    assert "True" == stage.condition("flight-delays", "Succeeding")["status"]


def test_kubectl_get_tells_the_whole_story(stage: Any) -> None:
    """
    `kubectl get srep` and `rrun` show readiness, result, next run, rows.
    """
    stage.apply(stage.report("story", STOCKS_BY_SYMBOL))
    run = stage.run_now("story")
    stage.finished(run)
    stage.rolled_up("story", run)

    row = stage.cluster.kubectl("-n", stage.namespace, "get", "srep", "-o", "wide").splitlines()[1]
    runs = stage.cluster.kubectl("-n", stage.namespace, "get", "rrun").splitlines()[1].split()

    assert {"story", "False", "True", "Delivered", "Etc/UTC"} <= set(
        row.replace("false", "False").split()
    )
    assert [run, "story", "Manual", "Delivered", "Delivered", "5"] == runs[:6]


def test_run_made_by_hand_is_delivered_at_once(stage: Any) -> None:
    """
    Creating a ReportRun is "run now": mail, ledger, sandbox and phases are on it.
    """
    stage.apply(stage.report("by-hand", STOCKS_BY_SYMBOL))
    status = stage.finished(stage.run_now("by-hand"))

    (mail,) = stage.inbox.mails()
    assert ("Delivered", "Delivered", 5) == (status["outcome"], status["reason"], status["rows"])
    assert mail["subject"].startswith("Job Results: by-hand - ")
    assert ["accepted"] == [row["state"] for row in status["deliveries"]]
    assert status["sandbox"]["confined"]
    assert status["sandbox"]["landlockAbi"] >= 4
    assert {"fetch", "script", "delivery", "total"} <= set(status["durationSeconds"])


def test_longest_names_are_delivered_too(stage: Any) -> None:
    """
    52 characters for a report and 63 for a run, whose pod's name Kubernetes cuts.
    """
    name = "n" * 52
    stage.apply(stage.report(name))
    status = stage.finished(stage.run_now(name, "r" * 63))

    assert "Delivered" == status["outcome"], status


def test_run_may_write_no_other_run(stage: Any) -> None:
    """
    The admission policy ties what a token may write to the name of its pod.
    """
    stage.apply(stage.report("mine"))
    run = stage.run_now("mine")
    stage.finished(run)
    (pod,) = stage.get("pods", "-l", f"batch.kubernetes.io/job-name={run}")["items"]
    other = stage.run_now("mine")

    with as_runner(stage, pod["metadata"]["name"]) as api:
        patch_message(api, stage.namespace, run)
        with pytest.raises(ApiException, match="may write its own ReportRun only"):
            patch_message(api, stage.namespace, other)


@contextmanager
def as_runner(stage: Any, pod: str) -> Iterator[client.CustomObjectsApi]:
    """Speak to the API server as the token of a run's pod does."""
    account = f"system:serviceaccount:{stage.namespace}:scheduled-reports-runner"
    with config.new_client_from_config(stage.cluster.kubeconfig) as connection:
        connection.set_default_header("Impersonate-User", account)
        extra = "Impersonate-Extra-authentication.kubernetes.io%2Fpod-name"
        connection.set_default_header(extra, pod)
        yield client.CustomObjectsApi(connection)


def patch_message(api: client.CustomObjectsApi, namespace: str, run: str) -> None:
    """Change a run's status."""
    status = {"status": {"message": "written by hand"}}
    api.patch_namespaced_custom_object_status(GROUP, VERSION, namespace, RUN_PLURAL, run, status)


def test_kubectl_create_job_from_cronjob_is_a_run_too(stage: Any, eventually: Any) -> None:
    """
    The habit of CronJob users works: it is delivered, and recorded as a manual run.
    """
    stage.apply(stage.report("habit"))
    stage.ready("habit")
    stage.cluster.kubectl(
        "-n", stage.namespace, "create", "job", "by-habit", "--from=cronjob/habit"
    )

    run = eventually(lambda: stage.get("rrun", "--ignore-not-found", "by-habit"), 60, "the run")

    assert "Manual" == run["spec"]["trigger"]
    assert "Delivered" == stage.finished("by-habit")["outcome"]


def test_run_uses_the_revision_it_was_started_with(stage: Any, eventually: Any) -> None:
    """
    An edit during a run changes the next one.
    """
    slow = "import time; time.sleep(6); result = pd.DataFrame({'revision': [1]})"
    stage.apply(stage.report("revised", slow))
    first = stage.run_now("revised")
    eventually(
        lambda: stage.get("pods", "-l", f"batch.kubernetes.io/job-name={first}")["items"], 30, "pod"
    )
    stage.apply(stage.report("revised", "result = pd.DataFrame({'revision': [2]})"))
    stage.ready("revised")
    stage.finished(first)
    stage.finished(stage.run_now("revised"))

    mails = stage.inbox.mails()
    assert ["revision\n1\n", "revision\n2\n"] == [stage.inbox.attachment(m) for m in mails]


def test_what_the_script_prints_is_in_its_log(stage: Any) -> None:
    """
    `kubectl logs -c script` shows the prints, and the runner's log is JSON.
    """
    stage.apply(stage.report("talks", "print('rows:', len(data)); result = data.head(1)"))
    run = stage.run_now("talks")
    stage.finished(run)

    logs = [stage.logs(run, container) for container in ("script", "runner")]

    assert "rows: 560" in logs[0]
    assert all(line.startswith("{") for line in logs[1].splitlines())
    assert stage.inbox.domain not in logs[1]


def test_file_in_a_config_map_is_a_source(stage: Any) -> None:
    """
    A small table can live beside the report.
    """
    table = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "sales"},
        "data": {"sales.csv": "region,amount\nnorth,1\nsouth,2\nnorth,4\n"},
    }
    file = {"configMap": {"name": "sales"}, "path": "sales.csv", "format": "CSV"}
    script = "result = data.groupby('region', as_index=False)['amount'].sum()"
    report = stage.report("from-file", script, sources=[{"name": "data", "file": file}])
    stage.apply(table, report)
    stage.finished(stage.run_now("from-file"))

    (mail,) = stage.inbox.mails()
    assert "region,amount\nnorth,5\nsouth,2\n" == stage.inbox.attachment(mail)


def test_script_may_come_from_a_config_map_and_header_from_a_secret(stage: Any) -> None:
    """
    A long script and a credential both live outside the report.
    """
    code = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "code"},
        "data": {"main.py": "result = data[data.name.str.lower() == 'x-key']"},
    }
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "report-api"},
        "stringData": {"key": "s3cret-value"},
    }
    header = {"name": "X-Key", "valueFrom": {"secretKeyRef": {"name": "report-api", "key": "key"}}}
    http = {
        "url": stage.source("echo-headers"),
        "format": "JSON",
        "recordsPath": "items",
        "headers": [header],
    }
    report = stage.report(
        "outside",
        sources=[{"name": "data", "http": http}],
        script={"configMapKeyRef": {"name": "code", "key": "main.py"}},
    )
    stage.apply(code, secret, report)
    run = stage.run_now("outside")
    status = stage.finished(run)

    (mail,) = stage.inbox.mails()
    assert "s3cret-value" in stage.inbox.attachment(mail)
    assert "s3cret-value" not in str(status)
    assert "s3cret-value" not in stage.logs(run, "runner") + stage.logs(run, "script")


def test_deleting_a_report_leaves_nothing_behind(stage: Any, eventually: Any) -> None:
    """
    No CronJob, Job, pod or run is left, and nothing blocks the deletion.
    """
    stage.apply(stage.report("gone"))
    stage.finished(stage.run_now("gone"))
    stage.cluster.kubectl("-n", stage.namespace, "delete", "srep", "gone", "--timeout=30s")

    kinds = "scheduledreports,reportruns,cronjobs,jobs,pods"
    eventually(lambda: not stage.get(kinds)["items"], 60, "the clean-up")


def test_srep_shares_the_pods_verdict(stage: Any, tmp_path: Path) -> None:
    """
    A report that fails in the cluster fails in `srep run --local` for the same reason.
    """
    report = stage.report("same", "result = data['no_such_column']")
    file = tmp_path / "same.yaml"
    file.write_text(yaml.safe_dump(report))
    data = tmp_path / "data.json"
    data.write_text('{"items": [{"symbol": "A", "price": 1.0}]}')
    stage.apply(report)
    there = stage.finished(stage.run_now("same"))
    here = subprocess.run(
        [
            ".venv/bin/srep",
            "run",
            "--local",
            str(file),
            "--data",
            f"data={data}",
            "--out",
            str(tmp_path / "out"),
            "-o",
            "json",
        ],
        cwd=SAMPLES.parents[1],
        capture_output=True,
        text=True,
        timeout=60,
    )

    local = yaml.safe_load(here.stdout)
    assert (there["reason"], there["message"]) == (local["reason"], local["message"])
    assert 13 == here.returncode

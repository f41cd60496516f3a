"""A run in its pod, with the cluster in memory: earlier pods, an API server that is away, stops."""

import io
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from fake_runs import FINE, LOSE_REQUEST, NAME, FakeRuns, ledger, plan
from report_runner.edges import Edges, Mailing, Run
from report_runner.gather import Gathering, Places
from report_runner.interrupts import DEADLINE, STOPPED, Interrupts
from report_runner.ledger import ClusterLedger
from report_runner.logs import RunLog
from report_runner.message import Sender
from report_runner.pipeline import Pipeline
from report_runner.script_job import ScriptJob, Walls
from report_runner.script_outcome import ScriptFailure, ScriptResult
from report_runner.smtp import Conversation, Parcel
from report_runner.smtp_problems import Verdict
from report_runner.sources import Volume
from report_types.fields import ConfigMapKeyRef
from report_types.outcome import Outcome, Reason, RunError
from report_types.report import Script
from report_types.run import DeliveryState, RunResult
from report_types.source import FileSource, Source

ANALYST = "analyst@example.com"
WALLS = Walls(confined=True, landlock_abi=6, seccomp=True, user_namespace=False)
SENDER = Sender(address="reports@example.com")


class Host:
    """A script host that has one answer for every script."""

    def __init__(self, csv: bytes = b"a\n1\n", failure: Exception | None = None) -> None:
        self.csv, self.failure = csv, failure
        self.job: ScriptJob | None = None
        self.while_running: Callable[[], None] = lambda: None
        self.was_met = False

    def wait_ready(self, timeout: float) -> Mapping[str, float]:
        self.was_met = True
        return {}

    def run(self, job: ScriptJob) -> ScriptResult:
        self.job = job
        self.while_running()
        if self.failure:
            raise self.failure
        return ScriptResult(
            csv=io.BytesIO(self.csv),
            rows=1,
            columns=("a",),
            warnings=("look here",),
            walls=WALLS,
            seconds={},
            peak_memory_bytes=None,
        )


class Post:
    """A mail server that takes everything, or says *state* to everybody."""

    def __init__(self, state: DeliveryState = DeliveryState.ACCEPTED) -> None:
        self.state = state
        self.mails: list[tuple[bytes, list[str]]] = []
        self.while_sending: Callable[[], None] = lambda: None

    def send(self, parcel: Parcel, recipients: Sequence[str]) -> Conversation:
        self.while_sending()
        self.mails.append((b"".join(parcel.wire()), list(recipients)))
        return Conversation(verdicts=dict.fromkeys(recipients, Verdict(state=self.state)))

    def subjects(self) -> list[bytes]:
        return [mail.split(b"Subject: ")[1].split(b" - ")[0] for mail, _ in self.mails]


class Pod:
    """One pod of a run."""

    def __init__(self, folder: Path, api: FakeRuns, name: str = "pod-1", waits: int = 20) -> None:
        self.folder = folder / name
        (self.folder / "volume").mkdir(parents=True)
        (self.folder / "volume" / "data.csv").write_bytes(b"a\n1\n")
        self.ledger: ClusterLedger = ledger(api, name, waits)
        self.host, self.post, self.interrupts = Host(), Post(), Interrupts()
        self.mailing: Mailing | RunError = Mailing(sender=SENDER, transport=self.post)
        self.entries: list[Any] = []

    def run(
        self,
        script: str | None = "result = data",
        script_ref: ConfigMapKeyRef | None = None,
        **spec: Any,
    ) -> RunResult:
        file = FileSource.model_validate(
            {"configMap": {"name": "x"}, "path": "data.csv", "format": "CSV"}
        )
        given = {"sources": [Source(name="data", file=file)], **spec}
        if script_ref:
            given["script"] = Script(config_map_key_ref=script_ref)
        its_plan = plan()
        its_plan = its_plan.model_copy(update={"spec": its_plan.spec.model_copy(update=given)})
        log = RunLog(self.entries.append)
        places = Places(
            input=self.folder,
            volume_of=lambda _: Volume(path=self.folder / "volume", called="ConfigMap x"),
            read_secret=lambda *_: None,
        )
        gathering = Gathering(its_plan, places, self.ledger, log)
        gathering.start()
        edges = Edges(
            gathering=gathering,
            host=self.host,
            ledger=self.ledger,
            mailing=self.mailing,
            work=self.folder,
            interrupts=self.interrupts,
            log=log,
        )
        return Pipeline(Run(plan=its_plan, name=NAME, script=script), edges).execute()


@pytest.fixture
def api() -> FakeRuns:
    return FakeRuns()


@pytest.fixture
def pod(tmp_path: Path, api: FakeRuns) -> Pod:
    return Pod(tmp_path, api)


def status(api: FakeRuns) -> dict[str, Any]:
    assert api.body
    told: dict[str, Any] = api.body["status"]
    return told


def test_a_run_is_told_on_its_object(pod: Pod, api: FakeRuns) -> None:
    """Four requests in all; what is returned is what stands in the status."""
    result = pod.run()

    assert result.outcome == Outcome.DELIVERED
    assert api.requests == ["GET", "POST", "PATCH", "PATCH"]
    told = status(api)
    assert (told["outcome"], told["rows"], told["columns"]) == ("Delivered", 1, ["a"])
    assert told["warnings"] == ["look here"]
    assert told["sandbox"]["landlockAbi"] == 6
    assert told["files"][0]["name"] == "daily-sales-2025-11-18.csv"
    assert told["deliveries"][0]["state"] == "accepted"
    assert set(told["durationSeconds"]) == {"fetch", "script", "render", "delivery", "total"}


def test_a_script_learns_of_its_run(pod: Pod) -> None:
    """The slot, not the clock; limits and parameters as the report has them."""
    pod.run(parameters={"region": "EU"})

    job = pod.host.job
    assert job
    assert (job.run.name, job.run.report, job.run.trigger) == (NAME, "daily-sales", "Schedule")
    assert job.run.scheduled_time == "2025-11-18T14:00:00+00:00"
    assert (job.limits.timeout_seconds, job.limits.memory_bytes) == (300, 512 * 2**20)
    assert job.params == {"region": "EU"}
    assert [(s.name, s.file, s.format) for s in job.sources] == [("data", "data.csv", "CSV")]


def test_a_second_pod_does_not_run_again_what_was_sent(
    tmp_path: Path, pod: Pod, api: FakeRuns
) -> None:
    """It sees the rows, and ends as the first one did, without fetching or running a script."""
    pod.run()
    second = Pod(tmp_path, api, "pod-2")
    result = second.run()

    assert (result.outcome, result.reason.exit_code) == (Outcome.DELIVERED, 0)
    assert second.post.mails == []
    assert second.host.job is None
    assert second.host.was_met
    assert status(api)["deliveries"][0]["holder"] == "pod-1"


def test_a_mail_that_another_pod_was_sending_is_not_sent_again(
    tmp_path: Path, pod: Pod, api: FakeRuns
) -> None:
    """Nobody knows whether it arrived: the run fails, and people are told."""

    def die() -> None:
        raise KeyboardInterrupt

    pod.post.while_sending = die
    with pytest.raises(KeyboardInterrupt):
        pod.run()
    second = Pod(tmp_path, api, "pod-2")
    result = second.run()

    assert (result.reason, result.reason.exit_code) == (Reason.DELIVERY_UNKNOWN, 18)
    assert second.post.subjects() == [b"Job Failed: daily-sales"]
    assert [row["state"] for row in status(api)["deliveries"]] == ["unknown", "accepted"]


def test_without_the_api_server_nothing_is_sent(tmp_path: Path) -> None:
    """Exit code 75 asks for another pod; the object gets no outcome that would not last."""
    api = FakeRuns([LOSE_REQUEST] * 500)
    pod = Pod(tmp_path, api)
    result = pod.run()

    assert (result.reason, result.reason.exit_code) == (Reason.API_UNAVAILABLE, 75)
    assert "nothing is sent" in result.message
    assert pod.post.mails == []


def test_an_outcome_that_cannot_be_recorded_is_still_told(tmp_path: Path) -> None:
    """The mail was accepted; that the API server went away then does not make it otherwise."""
    api = FakeRuns([FINE] * 3 + [LOSE_REQUEST] * 500)
    pod = Pod(tmp_path, api)
    result = pod.run()

    assert (result.outcome, result.reason.exit_code) == (Outcome.DELIVERED, 0)
    assert len(pod.post.mails) == 1
    assert "outcome not recorded" in [entry["event"] for entry in pod.entries]


def test_a_failure_is_recorded_and_mailed_once(tmp_path: Path, pod: Pod, api: FakeRuns) -> None:
    """A second pod that fails as well does not tell it again."""
    failure = ScriptFailure(Reason.SCRIPT_ERROR, "KeyError (script line 3)", line=3, walls=WALLS)
    pod.host.failure = failure
    result = pod.run()
    second = Pod(tmp_path, api, "pod-2")
    second.host.failure = failure
    second.run()

    assert (result.reason, result.line) == (Reason.SCRIPT_ERROR, 3)
    assert result.sandbox
    assert pod.post.subjects() == [b"Job Failed: daily-sales"]
    assert second.post.mails == []
    assert (status(api)["reason"], status(api)["line"]) == ("ScriptError", 3)


def test_a_mail_server_that_is_not_configured_is_told_first(pod: Pod, api: FakeRuns) -> None:
    """On the object, at once, and the script host is not left waiting."""
    pod.mailing = RunError(Reason.SMTP_NOT_CONFIGURED, "Secret report-smtp lacks SMTP_HOST")
    result = pod.run()

    assert (result.reason, result.reason.exit_code) == (Reason.SMTP_NOT_CONFIGURED, 10)
    assert status(api)["message"] == "Secret report-smtp lacks SMTP_HOST"
    assert pod.host.job is None
    assert pod.host.was_met


def test_a_script_that_is_not_there_is_told_first(pod: Pod, api: FakeRuns) -> None:
    """The ConfigMap and its key are named; the readers get a mail."""
    ref = ConfigMapKeyRef(name="scripts", key="x.py")
    result = pod.run(None, script_ref=ref)

    assert (result.reason, result.reason.exit_code) == (Reason.SCRIPT_MISSING, 10)
    assert "no ConfigMap scripts with the key x.py" in status(api)["message"]
    assert pod.post.subjects() == [b"Job Failed: daily-sales"]


def test_a_stop_leaves_the_run_to_another_pod(pod: Pod, api: FakeRuns) -> None:
    """No outcome, no mail, exit code 75."""
    pod.host.while_running = lambda: pod.interrupts.interrupt(STOPPED)
    result = pod.run()

    assert (result.reason, result.reason.exit_code) == (Reason.STOPPED, 75)
    assert pod.post.mails == []
    assert "outcome" not in (api.body or {}).get("status", {})


def test_a_stop_while_a_mail_is_sent_lets_it_be_finished(pod: Pod, api: FakeRuns) -> None:
    """What is begun is recorded: the run is delivered."""
    pod.post.while_sending = lambda: pod.interrupts.interrupt(STOPPED)
    result = pod.run()

    assert (result.outcome, result.reason.exit_code) == (Outcome.DELIVERED, 0)
    assert status(api)["outcome"] == "Delivered"


def test_a_stop_between_two_tries_leaves_the_rest_to_another_pod(
    tmp_path: Path, pod: Pod, api: FakeRuns
) -> None:
    """A deferred mail is written down as such, so that the next pod may send it."""
    pod.post = Post(DeliveryState.DEFERRED)
    pod.post.while_sending = lambda: pod.interrupts.interrupt(STOPPED)
    pod.mailing = Mailing(sender=SENDER, transport=pod.post)
    result = pod.run()
    second = Pod(tmp_path, api, "pod-2")

    assert result.reason == Reason.STOPPED
    assert status(api)["deliveries"][0]["state"] == "deferred"
    assert second.run().outcome == Outcome.DELIVERED
    assert second.post.mails[0][1] == [ANALYST]
    assert second.post.mails[0][0] == pod.post.mails[0][0]


def test_the_deadline_ends_a_run_with_a_mail(pod: Pod, api: FakeRuns) -> None:
    pod.host.while_running = lambda: pod.interrupts.interrupt(DEADLINE)
    result = pod.run()

    assert result.reason == Reason.DEADLINE_EXCEEDED
    assert status(api)["reason"] == "DeadlineExceeded"
    assert pod.post.subjects() == [b"Job Failed: daily-sales"]


def test_an_error_of_our_own_gives_nothing_away(pod: Pod, api: FakeRuns) -> None:
    """Its text may be data: the message has its type, the log where it happened."""
    pod.host.failure = ZeroDivisionError("bob@example.com owes 7")
    result = pod.run()

    assert (result.reason, result.reason.exit_code) == (Reason.INTERNAL_ERROR, 19)
    assert "ZeroDivisionError" in result.message
    assert "owes" not in f"{result.message} {pod.entries}"
    (entry,) = [one for one in pod.entries if one["event"] == "internal error"]
    assert any("test_pipeline.py" in frame for frame in entry["frames"])


def test_a_notice_that_cannot_be_claimed_is_not_sent(tmp_path: Path) -> None:
    """The run still ends as it did, and says so with its exit code."""
    pod = Pod(tmp_path, FakeRuns([FINE] * 2 + [LOSE_REQUEST] * 500))
    pod.host.failure = ScriptFailure(Reason.SCRIPT_ERROR, "KeyError", walls=WALLS)
    result = pod.run()

    assert result.reason == Reason.SCRIPT_ERROR
    assert pod.post.mails == []
    assert "failure mail not sent" in [entry["event"] for entry in pod.entries]


def test_an_accident_with_the_notice_changes_nothing(pod: Pod, api: FakeRuns) -> None:
    def accident() -> None:
        raise ZeroDivisionError

    pod.host.failure = ScriptFailure(Reason.SCRIPT_ERROR, "KeyError", walls=WALLS)
    pod.post.while_sending = accident
    result = pod.run()

    assert result.reason == Reason.SCRIPT_ERROR
    assert status(api)["outcome"] == "Failed"


def test_a_hostile_csv_is_not_sent(pod: Pod) -> None:
    pod.host.csv = b"a,b\n1\n"
    result = pod.run()

    assert result.reason == Reason.RESULT_INVALID
    assert pod.post.subjects() == [b"Job Failed: daily-sales"]


def test_names_of_columns_are_made_fit_for_a_status(pod: Pod, api: FakeRuns) -> None:
    """A script may name columns as it likes: control characters, a thousand of them, any length."""
    names = ["\x1b[31mred", "x" * 500, *(f"c{number}" for number in range(300))]
    pod.host.csv = (",".join(names) + "\n").encode()
    pod.run()

    columns = status(api)["columns"]
    assert columns[0] == "\\x1b[31mred"
    assert len(columns[1]) == 200
    assert len(columns) == 200


def test_a_slow_api_server_does_not_hold_up_the_fetch(tmp_path: Path) -> None:
    """The run is asked for beside the fetch, and the two overlap."""
    api = FakeRuns()
    real_get = api.get

    def slow_get(name: str) -> Mapping[str, Any]:
        time.sleep(0.3)
        return real_get(name)

    api.get = slow_get  # type: ignore[method-assign]
    pod = Pod(tmp_path, api)
    result = pod.run()

    assert result.outcome == Outcome.DELIVERED
    assert result.duration_seconds.fetch is not None
    assert result.duration_seconds.fetch < 0.25

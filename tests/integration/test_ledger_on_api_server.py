"""The ledger on a real API server: of many pods of one run, one sends."""

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from fake_runs import NAME, plan
from report_cases import changed
from report_runner.api import ApiError, RunsApi
from report_runner.ledger import ClusterLedger, Holder
from report_types.names import GROUP
from report_types.outcome import Outcome, Reason
from report_types.plan import RunPlan
from report_types.run import (
    DeliveryRow,
    DeliveryState,
    Durations,
    ReportRun,
    ResultFile,
    RunResult,
    SandboxInForce,
)

pytestmark = pytest.mark.cluster
CRDS = Path(__file__).parents[2] / "charts/scheduled-reports/files/crds"
PENDING = DeliveryRow(recipient="a@example.com", role="to", state=DeliveryState.PENDING)
ROLE = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {"name": "ledger"},
    "rules": [
        {"apiGroups": [GROUP], "resources": ["reportruns"], "verbs": ["get", "create"]},
        {"apiGroups": [GROUP], "resources": ["reportruns/status"], "verbs": ["get", "patch"]},
    ],
}
BINDING = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {"name": "ledger"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "ledger"},
    "subjects": [{"kind": "ServiceAccount", "name": "ledger"}],
}
ACCOUNT = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "ledger"}}

MakeApi = Callable[[], RunsApi]


@pytest.fixture
def make_api(cluster: Any, namespace: str, tmp_path: Path) -> MakeApi:
    """Make clients with the rights of a runner, and a token as short-lived as one."""
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(CRDS))
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(CRDS))
    # Runs belong to a report: without it, the cluster would clear them away.
    cluster.apply(ACCOUNT, ROLE, BINDING, changed("spec.suspend", True), namespace=namespace)
    token = cluster.kubectl("-n", namespace, "create", "token", "ledger", "--duration=10m")
    (tmp_path / "token").write_text(token)
    kubeconfig = yaml.safe_load(Path(cluster.kubeconfig).read_text())
    where = kubeconfig["clusters"][0]["cluster"]
    authority = base64.b64decode(where["certificate-authority-data"])
    (tmp_path / "ca.crt").write_bytes(authority)
    address = urlsplit(where["server"])
    return lambda: RunsApi(address.hostname or "", address.port or 443, namespace, tmp_path)


@pytest.fixture
def its_plan(cluster: Any, namespace: str, make_api: MakeApi) -> RunPlan:
    """The plan of the report that the runs belong to."""
    metadata = cluster.get("-n", namespace, "scheduledreport", "daily-sales")["metadata"]
    made = plan(metadata["uid"])
    report = made.report.model_copy(update={"namespace": namespace})
    return made.model_copy(update={"report": report})


def ledger(api: RunsApi, pod: str, its_plan: RunPlan, name: str = NAME) -> ClusterLedger:
    return ClusterLedger(
        api,
        its_plan,
        name,
        Holder(pod_name=f"{name}-{pod}", pod_uid=pod),
        lambda seconds: False,
    )


def test_one_of_many_pods_claims(make_api: MakeApi, its_plan: RunPlan) -> None:
    """Eight pods at once, ten runs: each run is claimed by exactly one."""
    pods = 8
    for number in range(10):
        name = f"daily-sales-{29391240 + number}"
        ready = Barrier(pods)

        def claim(pod: str, name: str = name, ready: Barrier = ready) -> tuple[str, str | None]:
            mine = ledger(make_api(), pod, its_plan, name)
            mine.open()
            ready.wait()
            (row,) = mine.claim([PENDING])
            return row.state.value, row.holder

        with ThreadPoolExecutor(pods) as pool:
            claims = list(pool.map(claim, (f"pod-{pod}" for pod in range(pods))))
        winners = [pod for pod, seen in enumerate(claims) if seen == ("sending", f"pod-{pod}")]
        assert len(winners) == 1
        assert {holder for _, holder in claims} == {f"pod-{winners[0]}"}


def test_all_that_is_told_is_stored(make_api: MakeApi, its_plan: RunPlan) -> None:
    """Nothing of a result is lost on its way through the CRD's schema."""
    api = make_api()
    mine = ledger(api, "pod-1", its_plan)
    mine.open()
    (row,) = mine.claim([PENDING])
    sent = row.model_copy(
        update={"state": DeliveryState.ACCEPTED, "code": 250, "enhanced_code": "2.0.0"}
    )
    result = RunResult(
        outcome=Outcome.DELIVERED,
        reason=Reason.DELIVERED,
        message="sent to 1 recipient",
        rows=3,
        columns=["a", "b"],
        warnings=["w"],
        duration_seconds=Durations(fetch=0.1, script=2.0, render=0.0, delivery=1, total=3.25),
        sandbox=SandboxInForce(confined=True, landlock_abi=7, seccomp=True),
        deliveries=[sent],
        files=[ResultFile(name="x.csv", bytes=3, sha256="0" * 64)],
    )
    mine.record([sent], result)

    stored = ReportRun.observed(api.get(NAME)).status
    told = stored.model_dump(include=set(RunResult.model_fields))
    assert told == result.model_dump()
    assert stored.completion_time


def test_a_runner_may_do_nothing_else(make_api: MakeApi, its_plan: RunPlan) -> None:
    """The spec of a run cannot be changed by its runner, nor a status that breaks the schema."""
    api = make_api()
    mine = ledger(api, "pod-1", its_plan)
    mine.open()
    version = api.get(NAME)["metadata"]["resourceVersion"]
    test = {"op": "test", "path": "/metadata/resourceVersion", "value": version}
    with pytest.raises(ApiError):
        api.patch_status(NAME, [test, {"op": "add", "path": "/status", "value": {"rows": "x"}}])
    spec = {"op": "add", "path": "/spec/trigger", "value": "Manual"}
    stored = api.patch_status(NAME, [test, spec])

    assert stored["spec"]["trigger"] == "Schedule"

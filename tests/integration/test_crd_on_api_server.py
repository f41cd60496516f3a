"""The CRDs as a real API server takes them: defaults, CEL rules, messages, printed columns."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from report_cases import BAD, PLAINEST, RUN, changed
from report_types.names import GROUP, VERSION
from report_types.report import ScheduledReport

pytestmark = pytest.mark.cluster
CRDS = Path(__file__).parents[2] / "charts/scheduled-reports/files/crds"
# Only Python knows the zones by name; kubectl's users read of a wrong one in a condition.
JUDGED = [case for case in BAD if case[1] != "Europe/Berlim"]
# Of a rule that JSON Schema knows, the API server speaks in its own words.
SCHEMA_WORDS = ("than or equal", "at least 1 item", "Extra inputs")


@pytest.fixture(scope="module")
def api(cluster: Any) -> Iterator[client.CustomObjectsApi]:
    """The API server, with our CRDs in place."""
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(CRDS))
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(CRDS))
    with config.new_client_from_config(cluster.kubeconfig) as connection:
        yield client.CustomObjectsApi(connection)


def create(
    api: client.CustomObjectsApi, body: dict[str, Any], namespace: str, *, dry: bool = True
) -> Any:
    """Create as kubectl does, strictly; without leaving anything if *dry*."""
    return api.create_namespaced_custom_object(
        GROUP,
        VERSION,
        namespace,
        body["kind"].lower() + "s",
        body,
        field_validation="Strict",
        **({"dry_run": "All"} if dry else {}),
    )


def test_plainest_report_is_taken_and_filled_with_our_defaults(
    api: client.CustomObjectsApi, namespace: str
) -> None:
    """
    The API server fills in the same values as the models do.
    """
    stored = create(api, PLAINEST, namespace)
    ours = ScheduledReport.model_validate(PLAINEST).spec

    assert ours == ScheduledReport.observed(stored).spec
    assert "report-smtp" == stored["spec"]["delivery"]["email"]["smtpSecretRef"]["name"]


@pytest.mark.parametrize(("path", "value", "message"), JUDGED)
def test_what_the_models_refuse_the_api_server_refuses(
    api: client.CustomObjectsApi, namespace: str, path: str, value: Any, message: str
) -> None:
    """
    kubectl users meet the same rules; where the rule is ours, in the same words.
    """
    with pytest.raises(ApiException) as refused:
        create(api, changed(path, value), namespace)

    assert refused.value.status in (400, 422), refused.value.body
    if " " in message and not any(words in message for words in SCHEMA_WORDS):
        assert message in json.loads(refused.value.body)["message"]


def test_run_cannot_be_changed(api: client.CustomObjectsApi, namespace: str) -> None:
    """
    The error says what to do instead.
    """
    create(api, RUN, namespace, dry=False)
    body = {"spec": {"reportRef": {"name": "another"}}}

    with pytest.raises(ApiException, match="create another ReportRun"):
        api.patch_namespaced_custom_object(
            GROUP, VERSION, namespace, "reportruns", RUN["metadata"]["name"], body
        )


def test_kubectl_explains_each_field(cluster: Any, api: client.CustomObjectsApi) -> None:
    """
    The texts of the models reach the terminal.
    """
    shown = cluster.kubectl("explain", "scheduledreport.spec.sources.http.recordsPath")

    assert "Where the list of records stands" in " ".join(shown.split())


def test_kubectl_get_lists_reports_by_short_name_and_category(
    cluster: Any, api: client.CustomObjectsApi, namespace: str
) -> None:
    """
    The header is what README shows.
    """
    cluster.apply(PLAINEST, namespace=namespace)

    header, row = cluster.kubectl("get", "srep", "-n", namespace).splitlines()

    assert "NAME SCHEDULE TIME ZONE SUSPEND READY LAST RUN RESULT NEXT AGE" == " ".join(
        header.split()
    )
    assert row.startswith("daily-sales")
    assert "daily-sales" in cluster.kubectl("get", "reports", "-n", namespace)


@pytest.mark.parametrize(
    "sample", sorted((CRDS.parents[3] / "deploy/samples").glob("*.yaml")), ids=lambda p: p.stem
)
def test_every_sample_is_taken(
    cluster: Any, api: client.CustomObjectsApi, sample: Path, namespace: str
) -> None:
    """
    What the repository shows works as it stands.
    """
    for manifest in yaml.safe_load_all(sample.read_text()):
        manifest["metadata"].pop("namespace", None)
        verb = "create" if "generateName" in manifest["metadata"] else "apply"
        cluster.kubectl(
            "-n", namespace, verb, "--dry-run=server", "-f", "-", stdin=json.dumps(manifest)
        )

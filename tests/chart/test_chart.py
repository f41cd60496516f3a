"""The chart: what it renders, judged by helm, by kubeconform, and object by object."""

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts/scheduled-reports"
VALUES = sorted((CHART / "ci").glob("*.yaml"))
SCHEMAS = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema/v1.34.0-local-strict"
KINDS = (
    *("CustomResourceDefinition", "Deployment", "ServiceAccount", "Role", "RoleBinding"),
    *("ClusterRole", "ClusterRoleBinding"),
    *("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"),
)
EVERY_VALUES = pytest.mark.parametrize("values", VALUES, ids=lambda path: path.stem)

Manifest = dict[str, Any]


@pytest.fixture(scope="session")
def render(cluster: Any) -> Any:
    """A function that renders the chart with a values file and returns its objects."""

    @cache
    def run(values: Path, *sets: str) -> list[Manifest]:
        done = _helm(cluster, "template", "r", str(CHART), "-n", "ns", "-f", str(values), *sets)
        assert 0 == done.returncode, done.stderr
        return [m for m in yaml.safe_load_all(done.stdout) if m]

    return run


@pytest.fixture(scope="session")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Kubernetes' JSON Schemas, each with the definitions that it refers to in itself."""
    folder = tmp_path_factory.mktemp("schemas")
    shared = _with_own_references(SCHEMAS / "_definitions.json")["$defs"]
    for kind in KINDS:
        (file,) = SCHEMAS.glob(f"{kind.lower()}-*v1.json")
        schema = {**_with_own_references(file), "$defs": shared}
        (folder / file.name).write_text(json.dumps(schema))
    return folder


def _with_own_references(file: Path) -> Manifest:
    text = file.read_text().replace('"/api/_definitions.json#', '"#')
    return {k: v for k, v in json.loads(text).items() if k not in ("$id", "$schema")}


def _helm(cluster: Any, verb: str, *args: str) -> subprocess.CompletedProcess[str]:
    version = ["--kube-version", "1.34.0"]
    return subprocess.run(
        [cluster.helm_path, verb, *args, *version], capture_output=True, text=True, timeout=60
    )


def one(objects: list[Manifest], kind: str, name: str = "") -> Manifest:
    """Return the only object of *kind* whose name contains *name*."""
    (found,) = (o for o in objects if kind == o["kind"] and name in o["metadata"]["name"])
    return found


@EVERY_VALUES
def test_helm_lint_finds_nothing(cluster: Any, values: Path) -> None:
    """
    `helm lint --strict` is clean.
    """
    done = _helm(cluster, "lint", "--strict", str(CHART), "-f", str(values))

    assert 0 == done.returncode, done.stdout + done.stderr


@EVERY_VALUES
def test_rendered_objects_fit_the_kubernetes_schemas(
    cluster: Any, render: Any, schemas: Path, values: Path
) -> None:
    """
    kubeconform, strict, with Kubernetes' own schemas.
    """
    done = _conform(cluster, schemas, render(values))

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "Skipped: 0" in done.stdout


def test_kubeconform_would_notice_a_misspelt_field(
    cluster: Any, render: Any, schemas: Path
) -> None:
    """
    The check above can fail.
    """
    deployment = one(render(VALUES[0]), "Deployment")
    wrong = {**deployment, "spec": {**deployment["spec"], "replica": 1}}

    assert "replica" in _conform(cluster, schemas, [wrong]).stdout


def _conform(
    cluster: Any, schemas: Path, objects: list[Manifest]
) -> subprocess.CompletedProcess[str]:
    location = str(schemas) + "/{{.ResourceKind}}{{.KindSuffix}}.json"
    return subprocess.run(
        [cluster.kubeconform_path, "-strict", "-summary", "-schema-location", location, "-"],
        input=yaml.safe_dump_all(objects),
        capture_output=True,
        text=True,
        timeout=60,
    )


@EVERY_VALUES
def test_api_server_takes_all_objects(
    cluster: Any, render: Any, values: Path, namespace: str
) -> None:
    """
    A real API server would create them (server-side dry run).
    """
    for manifest in render(values):
        if "namespace" in manifest["metadata"]:
            manifest = {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}
        if "RoleBinding" not in manifest["kind"]:
            cluster.kubectl(
                "apply",
                "--server-side",
                "--force-conflicts",
                "--dry-run=server",
                "-f",
                "-",
                stdin=json.dumps(manifest),
            )


def test_crds_are_upgraded_with_the_release_and_outlive_it(render: Any) -> None:
    """
    CRDs are templates, which helm upgrades, and carry the policy to keep them.
    """
    crds = [o for o in render(VALUES[0]) if "CustomResourceDefinition" == o["kind"]]

    assert 2 == len(crds)
    assert all("keep" == c["metadata"]["annotations"]["helm.sh/resource-policy"] for c in crds)


def test_operator_has_no_right_on_secrets(render: Any) -> None:
    """
    Pods mount what a report names; the operator itself reads no Secret, and no rule is a wildcard.
    """
    rules = one(render(VALUES[0]), "ClusterRole", "operator")["rules"]

    assert all("secrets" not in rule["resources"] for rule in rules)
    assert all("*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"] for rule in rules)


def test_operator_may_hand_out_one_role_only(render: Any) -> None:
    """
    `bind` is limited to the runner's role by name.
    """
    rules = one(render(VALUES[0]), "ClusterRole", "operator")["rules"]

    assert [["scheduled-reports-runner"]] == [
        r["resourceNames"] for r in rules if "bind" in r["verbs"]
    ]


def test_runner_may_make_and_report_runs_and_nothing_else(render: Any) -> None:
    """
    The token in a run's pod is good for its ReportRun only.
    """
    rules = one(render(VALUES[0]), "ClusterRole", "runner")["rules"]

    assert {"reportruns": ["get", "create"], "reportruns/status": ["patch"]} == {
        rule["resources"][0]: rule["verbs"] for rule in rules
    }


def test_operator_pod_fits_pod_security_restricted(render: Any) -> None:
    """
    Non-root, nothing escalates, no capability, read-only root, seccomp written out, limits.
    """
    pod = one(render(VALUES[0]), "Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]

    assert pod["securityContext"]["runAsNonRoot"]
    assert "RuntimeDefault" == pod["securityContext"]["seccompProfile"]["type"]
    assert ["ALL"] == container["securityContext"]["capabilities"]["drop"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert not container["securityContext"]["allowPrivilegeEscalation"]
    assert "memory" in container["resources"]["limits"]


def test_watched_namespaces_get_roles_instead_of_a_cluster_role(render: Any) -> None:
    """
    An admin who names namespaces gives no rights anywhere else.
    """
    (values,) = (v for v in VALUES if "full" in v.name)
    objects = render(values)
    roles = {o["metadata"]["namespace"] for o in objects if "Role" == o["kind"]}

    assert {"finance", "sales"} == roles
    assert ["scheduled-reports-runner"] == [
        o["metadata"]["name"] for o in objects if "ClusterRole" == o["kind"]
    ]


def test_digest_goes_before_tag(render: Any) -> None:
    """
    A pinned image is used as pinned.
    """
    (values,) = (v for v in VALUES if "full" in v.name)
    (container,) = one(render(values), "Deployment")["spec"]["template"]["spec"]["containers"]

    assert container["image"].startswith("registry.example.com/operator@sha256:")


@pytest.mark.parametrize(
    "bad",
    [
        "image.tagg=1",
        "sandbox.minLandlockABI=x",
        "operator.logLevel=loud",
        "runner.memoryLimit=lots",
    ],
)
def test_wrong_value_is_refused(cluster: Any, bad: str) -> None:
    """
    A misspelt value fails at once instead of being passed over.
    """
    done = _helm(cluster, "template", "r", str(CHART), "--set", bad)

    assert 0 != done.returncode
    assert bad.split("=")[0].split(".")[-1] in done.stderr


def test_notes_say_what_to_do_next(cluster: Any) -> None:
    """
    After an install the next three commands are on the screen.
    """
    release = ("scheduled-reports", str(CHART), "-n", "scheduled-reports")
    done = subprocess.run(
        [
            *(cluster.helm_path, "--kubeconfig", cluster.kubeconfig, "upgrade", "--install"),
            *(*release, "--dry-run=client"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert "create secret generic report-smtp" in done.stdout, done.stderr
    assert "kind: ReportRun" in done.stdout

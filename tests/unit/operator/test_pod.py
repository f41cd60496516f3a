"""The run's pod: Pod Security restricted, two containers, and who may see what."""

import json
import re
from typing import Any

import pytest

from report_operator.pod import MAX_PLAN, PlanTooLargeError, build_pod_spec
from report_operator.settings import RunnerSettings
from report_types.plan import RunPlan, run_seconds
from report_types.run import Trigger

HEADER = {
    "name": "Authorization",
    "valueFrom": {"secretKeyRef": {"name": "report-api", "key": "k"}},
}


def containers(pod: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    by_name = {container["name"]: container for container in pod["containers"]}
    assert set(by_name) == {"runner", "script"}
    return by_name["runner"], by_name["script"]


def mounts(container: dict[str, Any]) -> dict[str, bool]:
    """Return the paths that a container mounts, and whether it may only read there."""
    return {m["mountPath"]: m.get("readOnly", False) for m in container["volumeMounts"]}


def variables(container: dict[str, Any]) -> dict[str, Any]:
    return {v["name"]: v.get("value", v.get("valueFrom")) for v in container.get("env", [])}


def expand(text: str, env: dict[str, str]) -> str:
    """Expand ``$(NAME)`` as Kubernetes does with the value of a variable."""

    def one(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        return env.get(match[1], match[0])

    return re.sub(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_]*)\)", one, text)


def test_pod_keeps_every_rule_of_restricted(make_report: Any, settings: RunnerSettings) -> None:
    pod = build_pod_spec(make_report(), Trigger.SCHEDULE, settings)

    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & pod.keys()
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert {next(iter(v.keys() - {"name"})) for v in pod["volumes"]} <= {
        "configMap",
        "emptyDir",
        "projected",
        "persistentVolumeClaim",
    }
    for container in pod["containers"]:
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["readOnlyRootFilesystem"] is True
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] > 0
        assert "ports" not in container


def test_containers_have_users_of_their_own(make_report: Any, settings: RunnerSettings) -> None:
    """
    The script's processes can neither signal nor trace the runner's.
    """
    runner, script = containers(build_pod_spec(make_report(), Trigger.MANUAL, settings))

    assert runner["securityContext"]["runAsUser"] != script["securityContext"]["runAsUser"]


def test_script_sees_neither_token_nor_secret_nor_variable(
    make_report: Any, settings: RunnerSettings
) -> None:
    spec = {
        "sources": [
            {"name": "data", "file": {"configMap": {"name": "m"}, "path": "a.csv", "format": "CSV"}}
        ]
    }
    pod = build_pod_spec(make_report(**spec), Trigger.SCHEDULE, settings)
    runner, script = containers(pod)

    assert "env" not in script
    assert "envFrom" not in script
    assert mounts(script) == {"/run/report/input": True, "/run/report/output": False}
    assert mounts(runner) == {
        "/run/report/credentials": True,
        "/run/report/input": False,
        "/run/report/output": True,
        "/run/report/work": False,
        "/run/report/sources/data": True,
    }
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False


def test_token_lives_ten_minutes(make_report: Any, settings: RunnerSettings) -> None:
    pod = build_pod_spec(make_report(), Trigger.SCHEDULE, settings)
    (projected,) = [v["projected"] for v in pod["volumes"] if v["name"] == "credentials"]

    assert {"path": "token", "expirationSeconds": 600} in [
        source.get("serviceAccountToken") for source in projected["sources"]
    ]


def test_missing_secret_or_script_does_not_keep_the_pod_from_starting(
    make_report: Any, settings: RunnerSettings
) -> None:
    """
    A runner that starts says what is missing; a pod that never starts says nothing.
    """
    report = make_report(
        script={"configMapKeyRef": {"name": "scripts", "key": "sales.py"}},
        sources=[
            {
                "name": "data",
                "http": {
                    "url": "https://x.example",
                    "format": "JSON",
                    "headers": [{"name": "Accept", "value": "application/json"}, HEADER],
                },
            }
        ],
    )
    pod = build_pod_spec(report, Trigger.SCHEDULE, settings)
    (projected,) = [v["projected"] for v in pod["volumes"] if v["name"] == "credentials"]
    named = [s.get("secret") or s["configMap"] for s in projected["sources"][2:]]

    assert [(s["name"], s["optional"]) for s in named] == [
        ("report-smtp", True),
        ("report-api", True),
        ("scripts", True),
    ]
    assert [item["path"] for item in named[0]["items"]][:2] == ["smtp/SMTP_HOST", "smtp/SMTP_PORT"]
    assert named[1]["items"] == [{"key": "k", "path": "headers/data/1"}]
    assert named[2]["items"] == [{"key": "sales.py", "path": "script/script.py"}]


def test_claim_is_mounted_read_only(make_report: Any, settings: RunnerSettings) -> None:
    file = {"persistentVolumeClaim": {"claimName": "files"}, "path": "a.csv", "format": "CSV"}
    pod = build_pod_spec(
        make_report(sources=[{"name": "data", "file": file}]), Trigger.SCHEDULE, settings
    )

    assert {
        "name": "source-data",
        "persistentVolumeClaim": {"claimName": "files", "readOnly": True},
    } in pod["volumes"]


@pytest.mark.parametrize(
    "script", ["result = '$(RUN_NAME)'", "a = '$$(X) $ $$ $(('", "$", "x = '$(REPORT_PLAN)'\n"]
)
def test_script_arrives_as_it_was_written(
    make_report: Any, settings: RunnerSettings, script: str
) -> None:
    report = make_report(script={"inline": script}, parameters={"text": "$(RUN_NAME)"})
    runner, _ = containers(build_pod_spec(report, Trigger.SCHEDULE, settings))
    env = variables(runner)
    known = dict.fromkeys(env, "EXPANDED")

    assert expand(env["REPORT_SCRIPT"], known) == script
    plan = RunPlan.model_validate_json(expand(env["REPORT_PLAN"], known))
    assert plan.spec.parameters == {"text": "$(RUN_NAME)"}


def test_plan_says_which_report_and_why(make_report: Any, settings: RunnerSettings) -> None:
    runner, _ = containers(build_pod_spec(make_report(), Trigger.MANUAL, settings))
    plan = json.loads(variables(runner)["REPORT_PLAN"])

    assert plan["report"] == {
        "name": "sales",
        "namespace": "team",
        "uid": "uid-sales",
        "generation": 1,
    }
    assert plan["trigger"] == "Manual"
    assert "result = data" not in variables(runner)["REPORT_PLAN"]


def test_run_is_named_after_its_job(make_report: Any, settings: RunnerSettings) -> None:
    runner, _ = containers(build_pod_spec(make_report(), Trigger.SCHEDULE, settings))

    path = "metadata.labels['batch.kubernetes.io/job-name']"
    assert variables(runner)["RUN_NAME"] == {"fieldRef": {"fieldPath": path}}


def test_limits_are_the_reports_for_the_script_and_the_admins_for_the_runner(
    make_report: Any,
) -> None:
    limits = {"cpu": "2", "memory": "1Gi"}
    settings = RunnerSettings(image="i", memory_limit="300Mi")
    pod = build_pod_spec(make_report(resources={"limits": limits}), Trigger.SCHEDULE, settings)
    runner, script = containers(pod)

    assert {k: script["resources"]["limits"][k] for k in limits} == limits
    assert script["resources"]["requests"] == {"cpu": "100m", "memory": "128Mi"}
    assert runner["resources"]["limits"]["memory"] == "300Mi"
    for container in (runner, script):
        assert int(container["resources"]["limits"]["ephemeral-storage"]) > 0


def test_input_has_room_for_all_sources(make_report: Any, settings: RunnerSettings) -> None:
    http = {"url": "https://x.example", "format": "CSV", "maxSize": "1Gi"}
    sources = [{"name": "data", "http": http}, {"name": "more", "http": http}]
    pod = build_pod_spec(make_report(sources=sources), Trigger.SCHEDULE, settings)
    (volume,) = [v for v in pod["volumes"] if v["name"] == "input"]

    assert int(volume["emptyDir"]["sizeLimit"]) > 2 * 2**30


def test_pod_has_a_deadline_of_its_own(make_report: Any, settings: RunnerSettings) -> None:
    report = make_report()
    pod = build_pod_spec(report, Trigger.SCHEDULE, settings)

    assert pod["activeDeadlineSeconds"] == run_seconds(report.spec)
    assert pod["restartPolicy"] == "Never"


def test_runtime_class_is_set_only_if_asked(make_report: Any, settings: RunnerSettings) -> None:
    gvisor = RunnerSettings(image="i", runtime_class_name="gvisor")

    assert "runtimeClassName" not in build_pod_spec(make_report(), Trigger.SCHEDULE, settings)
    assert build_pod_spec(make_report(), Trigger.SCHEDULE, gvisor)["runtimeClassName"] == "gvisor"


def test_plan_that_does_not_fit_a_variable_is_refused(
    make_report: Any, settings: RunnerSettings
) -> None:
    report = make_report(parameters={"text": "x" * MAX_PLAN})

    with pytest.raises(PlanTooLargeError, match="shorten parameters"):
        build_pod_spec(report, Trigger.SCHEDULE, settings)

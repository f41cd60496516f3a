"""
The pod of a run: two containers of one image, as Pod Security *restricted* has them.

``runner`` is ours: it holds the token, the Secrets and the sources. ``script`` is the user's: it
mounts nothing of the cluster's and has an empty environment. They share two folders, each of them
writable for one side only.
"""

from typing import Any, Final

from report_operator.settings import RunnerSettings
from report_types.names import (
    CREDENTIALS_DIR,
    INPUT_DIR,
    OUTPUT_DIR,
    PLAN_VARIABLE,
    RUNNER_SERVICE_ACCOUNT,
    SCRIPT_PATH,
    SCRIPT_VARIABLE,
    SMTP_KEYS,
    SOURCES_DIR,
    WORK_DIR,
)
from report_types.plan import plan_of, run_seconds
from report_types.quantity import to_bytes
from report_types.report import ReportSpec, ScheduledReport
from report_types.run import Trigger
from report_types.source import Source

Manifest = dict[str, Any]

RUNNER: Final = "runner"
SCRIPT: Final = "script"
RUNNER_UID: Final = 65532
SCRIPT_UID: Final = 65533
SHARED_GID: Final = 65532
TOKEN_SECONDS: Final = 600
GRACE_SECONDS: Final = 60  # a mail that is being sent is finished
# The kernel takes 128 KiB in one variable; past that a container dies without a word.
MAX_PLAN: Final = 120 * 1024
_MEBI: Final = 2**20
_FILE_SIZE: Final = 100 * _MEBI  # room for one file source in the input folder
_SPARE_SIZE: Final = 16 * _MEBI
_OUTPUT_SIZE: Final = 256 * _MEBI
_WORK_SIZE: Final = 256 * _MEBI
_LOG_SIZE: Final = 64 * _MEBI


class PlanTooLargeError(Exception):
    """The report is too large to travel in a pod; the message says what to do."""


def build_pod_spec(report: ScheduledReport, trigger: Trigger, settings: RunnerSettings) -> Manifest:
    """
    Build the spec of a run's pod.

    Raises:
        PlanTooLargeError: the spec without its script does not fit into one variable.
    """
    spec = report.spec
    runtime = {"runtimeClassName": name} if (name := settings.runtime_class_name) else {}
    return {
        "restartPolicy": "Never",
        "activeDeadlineSeconds": run_seconds(spec),
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "serviceAccountName": RUNNER_SERVICE_ACCOUNT,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        **runtime,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": RUNNER_UID,
            "runAsGroup": SHARED_GID,
            "fsGroup": SHARED_GID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_runner(report, trigger, settings), _script(spec, settings)],
        "volumes": [
            {"name": "credentials", "projected": _credentials(spec)},
            _empty_dir("input", _input_size(spec)),
            _empty_dir("output", _OUTPUT_SIZE),
            _empty_dir("work", _WORK_SIZE),
            *(_source_volume(source) for source in spec.sources if source.file),
        ],
    }


def _runner(report: ScheduledReport, trigger: Trigger, settings: RunnerSettings) -> Manifest:
    spec = report.spec
    storage = _input_size(spec) + _WORK_SIZE + _LOG_SIZE
    plan = plan_of(report, trigger, settings.sandbox).model_dump_json(
        by_alias=True, exclude_none=True
    )
    if (size := len(plan.encode())) > MAX_PLAN:
        raise PlanTooLargeError(
            f"the spec without its script has {size} bytes, and at most {MAX_PLAN} reach the "
            "pod: shorten parameters, or the headers, query and body of the sources"
        )
    script = [{"name": SCRIPT_VARIABLE, "value": _literal(spec.script.inline)}]
    return {
        **_container(RUNNER, "report_runner", RUNNER_UID, settings),
        "env": [
            {"name": PLAN_VARIABLE, "value": _literal(plan)},
            *(script if spec.script.inline else []),
            _from_field("RUN_NAME", "metadata.labels['batch.kubernetes.io/job-name']"),
            _from_field("POD_NAME", "metadata.name"),
            _from_field("POD_UID", "metadata.uid"),
        ],
        "resources": {
            "requests": {"cpu": "50m", "memory": "64Mi"},
            "limits": {
                "cpu": "1",
                "memory": settings.memory_limit,
                "ephemeral-storage": str(storage),
            },
        },
        "volumeMounts": [
            {"name": "credentials", "mountPath": CREDENTIALS_DIR, "readOnly": True},
            {"name": "input", "mountPath": INPUT_DIR},
            {"name": "output", "mountPath": OUTPUT_DIR, "readOnly": True},
            {"name": "work", "mountPath": WORK_DIR},
            *(_source_mount(source) for source in spec.sources if source.file),
        ],
    }


def _script(spec: ReportSpec, settings: RunnerSettings) -> Manifest:
    resources = spec.resources
    storage = str(_OUTPUT_SIZE + _LOG_SIZE)
    return {
        **_container(SCRIPT, "report_runner.script_host", SCRIPT_UID, settings),
        "resources": {
            "requests": {"cpu": resources.requests.cpu, "memory": resources.requests.memory},
            "limits": {
                "cpu": resources.limits.cpu,
                "memory": resources.limits.memory,
                "ephemeral-storage": storage,
            },
        },
        "volumeMounts": [
            {"name": "input", "mountPath": INPUT_DIR, "readOnly": True},
            {"name": "output", "mountPath": OUTPUT_DIR},
        ],
    }


def _container(name: str, module: str, uid: int, settings: RunnerSettings) -> Manifest:
    return {
        "name": name,
        "image": settings.image,
        "imagePullPolicy": settings.image_pull_policy,
        "command": ["python", "-I", "-m", module],
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": uid,
            "runAsGroup": SHARED_GID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }


def _literal(text: str | None) -> str:
    """Keep Kubernetes from reading ``$(NAME)`` in *text* as a variable."""
    return (text or "").replace("$", "$$")


def _from_field(name: str, path: str) -> Manifest:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def _empty_dir(name: str, size: int) -> Manifest:
    return {"name": name, "emptyDir": {"sizeLimit": str(size)}}


def _input_size(spec: ReportSpec) -> int:
    sizes = (to_bytes(s.http.max_size) if s.http else _FILE_SIZE for s in spec.sources)
    return sum(sizes) + _SPARE_SIZE


def _credentials(spec: ReportSpec) -> Manifest:
    """
    Build the volume of all that only the runner may see.

    What users name is optional, so that the runner starts and says what is missing, rather than
    a pod that never does.
    """
    smtp = [{"key": key, "path": f"smtp/{key}"} for key in SMTP_KEYS]
    return {
        "defaultMode": 0o440,
        "sources": [
            {"serviceAccountToken": {"path": "token", "expirationSeconds": TOKEN_SECONDS}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [_item("ca.crt", "ca.crt")]}},
            _optional("secret", spec.delivery.email.smtp_secret_ref.name, smtp),
            *_headers(spec),
            *_script_file(spec),
        ],
    }


def _headers(spec: ReportSpec) -> list[Manifest]:
    """Build one file for each header whose value is in a Secret, named by its place in the list."""
    return [
        _optional("secret", ref.name, [_item(ref.key, f"headers/{source.name}/{index}")])
        for source in spec.sources
        if source.http
        for index, header in enumerate(source.http.headers)
        if header.value_from and (ref := header.value_from.secret_key_ref)
    ]


def _script_file(spec: ReportSpec) -> list[Manifest]:
    if (ref := spec.script.config_map_key_ref) is None:
        return []
    return [_optional("configMap", ref.name, [_item(ref.key, SCRIPT_PATH)])]


def _item(key: str, path: str) -> Manifest:
    return {"key": key, "path": path}


def _optional(kind: str, name: str, items: list[Manifest]) -> Manifest:
    return {kind: {"name": name, "items": items, "optional": True}}


def _source_volume(source: Source) -> Manifest:
    file = source.file
    assert file is not None
    if file.config_map:
        volume: Manifest = {"configMap": {"name": file.config_map.name, "optional": True}}
    else:
        assert file.persistent_volume_claim is not None
        claim = file.persistent_volume_claim.claim_name
        volume = {"persistentVolumeClaim": {"claimName": claim, "readOnly": True}}
    return {"name": f"source-{source.name}", **volume}


def _source_mount(source: Source) -> Manifest:
    path = f"{SOURCES_DIR}/{source.name}"
    return {"name": f"source-{source.name}", "mountPath": path, "readOnly": True}

"""What can be said of an object before any cluster sees it: the API server's rules, and advice."""

import json
from collections.abc import Mapping
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Final

from pydantic import ValidationError

from report_cli.documents import Document
from report_cli.findings import Finding, Path, Severity, field_name
from report_cli.messages import is_unknown, message_of, nearest, unknown_field
from report_cli.nulls import empty_fields, without_nulls
from report_cli.objects import KINDS, Checked, objects_of
from report_cli.script_check import check_script
from report_cli.yaml_reader import read_documents
from report_types import cron
from report_types.names import API_VERSION, GROUP, REPORT_KIND
from report_types.report import ScheduledReport
from report_types.run import ReportRun

# https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta
_METADATA: Final = (
    "name",
    "generateName",
    "namespace",
    "labels",
    "annotations",
    "finalizers",
    "ownerReferences",
    "managedFields",
    "uid",
    "generation",
    "resourceVersion",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
)


def check_text(file: str, text: str, now: datetime) -> list[Checked]:
    """Return the objects of the YAML *text*, with all that was found about each."""
    objects = [one for document in read_documents(file, text) for one in objects_of(document)]
    for checked in objects:
        if checked.value is not None:
            _check(checked, now)
        checked.findings.sort(key=Finding.order)
    if not objects:
        finding = Finding(file, f"is empty: write a {' or a '.join(KINDS)}")
        objects.append(Checked(Document(file), (), None, [finding]))
    return objects


def _check(checked: Checked, now: datetime) -> None:
    if not isinstance(checked.value, dict):
        checked.add((), "is no object: write apiVersion, kind, metadata and spec")
    elif checked.is_ours:
        _check_model(checked, KINDS[checked.kind])
        _check_metadata(checked)
        if checked.kind == REPORT_KIND and isinstance(spec := checked.value.get("spec"), dict):
            _check_schedule(checked, spec, now)
            _check_script(checked, spec.get("script"))
    else:
        _pass_over(checked)


def _pass_over(checked: Checked) -> None:
    known = " or ".join(KINDS)
    group = str(checked.value.get("apiVersion", "")).split("/")[0]
    close = nearest(checked.kind, list(KINDS)) if checked.kind else None
    if not checked.kind:
        checked.add(("kind",), f"is missing: write {known}")
    elif close or group == GROUP:
        checked.add(("kind",), f"{checked.kind} is not known: write {close or known}")
    else:
        message = (
            f"{checked.kind} {checked.name} is passed over: only {' and '.join(KINDS)} are checked"
        )
        checked.add(("kind",), message, severity=Severity.NOTE)


def _check_model(checked: Checked, root: type[ScheduledReport] | type[ReportRun]) -> None:
    if not checked.value.get("apiVersion"):
        checked.add(("apiVersion",), f"is missing: write {API_VERSION}")
    value = without_nulls(checked.value)
    faults = set()
    try:
        checked.model = root.model_validate_json(
            json.dumps(value), strict=True, by_alias=True, by_name=False
        )
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            path = detail["loc"]
            faults.add(path)
            is_key = detail["type"] == "extra_forbidden"
            message = message_of(detail, root, _value_at(value, path))
            is_name = not path and detail["type"] == "rule"  # what is said of the whole object
            checked.add(("metadata", "name") if is_name else path, message, key=is_key)
    for path in empty_fields(checked.value):
        if path[0] == "metadata" or path in faults:
            continue
        if is_unknown(root, path):
            checked.add(path, unknown_field(root, path), key=True)
        else:
            message = "has no value, and counts as left out: give one, or remove it"
            checked.add(path, message, severity=Severity.WARNING)


def _check_metadata(checked: Checked) -> None:
    metadata = checked.value.get("metadata")
    if not isinstance(metadata, dict):
        return
    name = metadata.get("name")
    if isinstance(name, str) and checked.model is None:
        _check_name(checked, name)
    if not (metadata.get("name") or metadata.get("generateName")):
        checked.add(("metadata", "name"), "is missing: give the object a name")
    for key in metadata:
        if key not in _METADATA:
            close = nearest(key, list(_METADATA))
            hint = f"did you mean {close}?" if close else "remove it, or make it a label"
            checked.add(("metadata", key), f"unknown field: {hint}", key=True)


def _check_name(checked: Checked, name: str) -> None:
    """Check the name by itself: the models look at it last, once nothing else is wrong."""
    named = SimpleNamespace(metadata=SimpleNamespace(name=name))
    known = {finding.message for finding in checked.findings}
    for rule in KINDS[checked.kind].rules:
        if rule.message not in known and not rule.holds(named):
            checked.add(("metadata", "name"), rule.message)


def _check_schedule(checked: Checked, spec: Mapping[str, Any], now: datetime) -> None:
    schedule, zone = spec.get("schedule"), spec.get("timeZone", "Etc/UTC")
    if not (isinstance(schedule, str) and isinstance(zone, str)):
        return
    try:
        warnings = cron.warnings(cron.parse(schedule), cron.zone(zone), now)
    except cron.ScheduleError:
        return  # the model has said so
    for warning in warnings:
        checked.add(("spec", "schedule"), warning, severity=Severity.WARNING)


def _check_script(checked: Checked, script: Any) -> None:
    text = script.get("inline") if isinstance(script, dict) else None
    if not isinstance(text, str) or not text:
        return
    path: Path = (*checked.path, "spec", "script", "inline")
    for found in check_script(text):
        checked.findings.append(
            Finding(
                checked.document.file,
                f"line {found.line} of the script: {found.message}",
                field=field_name(path),
                place=checked.document.place_in_text(path, text, found.line, found.column),
                severity=Severity.ERROR if found.is_error else Severity.WARNING,
                script_line=found.line,
            )
        )


def _value_at(value: Any, path: Path) -> Any:
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value

"""What can be said of an object before any cluster sees it: the API server's rules, and advice."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Final

from pydantic import ValidationError

from report_cli.documents import Document, read_documents
from report_cli.findings import Finding, Path, Place, Severity, field_name
from report_cli.messages import message_of, nearest
from report_cli.script_check import ScriptFinding, check_script
from report_types import cron
from report_types.base import APIModel
from report_types.names import API_VERSION, GROUP, REPORT_KIND, RUN_KIND
from report_types.report import ScheduledReport
from report_types.run import ReportRun

KINDS: Final[Mapping[str, type[ScheduledReport] | type[ReportRun]]] = {
    REPORT_KIND: ScheduledReport,
    RUN_KIND: ReportRun,
}
_LISTS: Final = ("List", *(f"{kind}List" for kind in KINDS))
# https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta
_METADATA: Final = (
    "name generateName namespace labels annotations finalizers ownerReferences managedFields "
    "uid generation resourceVersion creationTimestamp deletionTimestamp "
    "deletionGracePeriodSeconds selfLink"
).split()


@dataclass
class Checked:
    """One object of a file; *model* is None if it is of another kind, or has errors."""

    document: Document
    path: Path
    value: Any
    findings: list[Finding] = field(default_factory=list)
    model: ScheduledReport | ReportRun | None = None

    @property
    def kind(self) -> str:
        """Its kind, as it is written."""
        return str(self.value.get("kind", "")) if isinstance(self.value, dict) else ""

    @property
    def name(self) -> str:
        """Its name, as it is written; empty if it has none."""
        metadata = self.value.get("metadata") if isinstance(self.value, dict) else None
        return str(metadata.get("name") or "") if isinstance(metadata, dict) else ""

    @property
    def line(self) -> int:
        """The line that it begins in."""
        return self.document.find(self.path).line

    @property
    def is_ours(self) -> bool:
        """Whether it is of a kind that we check."""
        return self.kind in KINDS

    @property
    def is_valid(self) -> bool:
        """Whether nothing is wrong with it; warnings and notes are no errors."""
        return not any(finding.severity is Severity.ERROR for finding in self.findings)

    def add(self, path: Path, message: str, **more: Any) -> None:
        """Add a finding about the part at *path* of the object."""
        self.findings.append(self.document.finding((*self.path, *path), message, **more))


def check_text(file: str, text: str, now: datetime) -> list[Checked]:
    """Return the objects of the YAML *text*, with all that was found about each."""
    objects = [
        checked
        for document in read_documents(file, text)
        for checked in check_document(document, now)
    ]
    if not objects:
        finding = Finding(file, f"is empty: write a {' or a '.join(KINDS)}")
        objects.append(Checked(Document(file), (), None, [finding]))
    return objects


def check_document(document: Document, now: datetime) -> Iterator[Checked]:
    """Yield the objects of *document*, those of a List one by one, with all that was found."""
    for path, value in _objects(document.value, ()):
        checked = Checked(document, path, value)
        if not path:
            checked.findings += document.findings
        if value is not None:
            _check(checked, now)
        checked.findings.sort(key=Finding.order)
        yield checked


def _objects(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    items = value.get("items") if isinstance(value, dict) and value.get("kind") in _LISTS else None
    if isinstance(items, list):
        for index, item in enumerate(items):
            yield (*path, "items", index), item
    else:
        yield path, value


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
        message = f"{checked.kind} {checked.name} is passed over: only {known} are checked"
        checked.add(("kind",), message, severity=Severity.NOTE)


def _check_model(checked: Checked, root: type[ScheduledReport] | type[ReportRun]) -> None:
    empty = list(_empty_fields(checked.value, ()))
    for path in empty:
        checked.add(path, "has no value: give one, or leave the field out")
    if "apiVersion" not in checked.value:
        checked.add(("apiVersion",), f"is missing: write {API_VERSION}")
    try:
        checked.model = root.model_validate_json(
            json.dumps(checked.value), strict=True, by_alias=True, by_name=False
        )
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            path = detail["loc"]
            if path in empty:
                continue
            is_key = detail["type"] == "extra_forbidden"
            message = message_of(detail, root, _value_at(checked.value, path))
            is_name = not path and detail["type"] == "rule"  # what is said of the whole object
            checked.add(("metadata", "name") if is_name else path, message, key=is_key)


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
            close = nearest(key, _METADATA)
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
                place=place_in_script(checked.document.find(path), found),
                severity=Severity.ERROR if found.is_error else Severity.WARNING,
                script_line=found.line,
            )
        )


def place_in_script(start: Place, found: ScriptFinding) -> Place:
    """Return where in the file a line of the inline script stands, which begins at *start*."""
    if not start.is_block:
        return start
    return Place(start.line + found.line, found.column)


def _empty_fields(value: Any, path: Path) -> Iterator[Path]:
    """Yield where a field was left without a value, which the API server refuses."""
    if path == ("spec", "parameters") or path[:1] == ("status",):
        return
    if value is None:
        yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _empty_fields(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _empty_fields(inner, (*path, index))


def _value_at(value: Any, path: Path) -> Any:
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value

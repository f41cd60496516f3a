"""The CustomResourceDefinitions, built from the models."""

from typing import Any, Final

from report_types.base import APIModel
from report_types.names import (
    GROUP,
    REPORT_KIND,
    REPORT_PLURAL,
    RUN_KIND,
    RUN_PLURAL,
    VERSION,
)
from report_types.report import ScheduledReport
from report_types.run import ReportRun
from report_types.structural import structural_schema, without_defaults

Manifest = dict[str, Any]


def _column(name: str, path: str, about: str, kind: str = "string", wide: bool = False) -> Manifest:
    column = {"name": name, "type": kind, "jsonPath": path, "description": about}
    return {**column, "priority": 1} if wide else column


_AGE: Final = _column("Age", ".metadata.creationTimestamp", "Time since it was made.", "date")
_REPORT_COLUMNS: Final = [
    _column("Schedule", ".spec.schedule", "When it is due."),
    _column("Time Zone", ".spec.timeZone", "Time zone of the schedule."),
    _column("Suspend", ".spec.suspend", "Whether scheduled runs are paused.", "boolean"),
    _column("Ready", ".status.conditions[?(@.type=='Ready')].status", "Whether it is set up."),
    _column("Last Run", ".status.lastRun.completionTime", "When a run last ended.", "date"),
    _column("Result", ".status.lastRun.outcome", "How that run ended."),
    # A string: kubectl prints a date that lies ahead as <invalid>.
    _column("Next", ".status.nextScheduleTime", "When the next run is due."),
    _AGE,
    _column("Rows", ".status.lastRun.rows", "Rows of the last result.", "integer", wide=True),
    _column("Recipients", ".spec.delivery.email.to", "Who gets it.", wide=True),
    _column("Message", ".status.lastRun.message", "What the last run said.", wide=True),
]
_RUN_COLUMNS: Final = [
    _column("Report", ".spec.reportRef.name", "The report that was run."),
    _column("Trigger", ".spec.trigger", "Why it ran."),
    _column("Outcome", ".status.outcome", "How it ended."),
    _column("Reason", ".status.reason", "Why it ended so."),
    _column("Rows", ".status.rows", "Rows of the result.", "integer"),
    _column("Started", ".status.startTime", "When it began.", "date"),
    _AGE,
    _column("Seconds", ".status.durationSeconds.total", "How long it took.", "number", wide=True),
    _column("Message", ".status.message", "What it said.", wide=True),
]


def build_crds() -> list[Manifest]:
    """Return the CRDs of all kinds, ready to apply."""
    return [
        _crd(ScheduledReport, REPORT_KIND, REPORT_PLURAL, ["srep", "sreps"], _REPORT_COLUMNS),
        _crd(ReportRun, RUN_KIND, RUN_PLURAL, ["rrun", "rruns"], _RUN_COLUMNS),
    ]


def _crd(
    model: type[APIModel], kind: str, plural: str, short: list[str], columns: list[Manifest]
) -> Manifest:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": plural,
                "singular": kind.lower(),
                "shortNames": short,
                "categories": ["reports"],
            },
            "versions": [_version(model, columns)],
        },
    }


def _version(model: type[APIModel], columns: list[Manifest]) -> Manifest:
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": columns,
        "schema": {"openAPIV3Schema": _object_schema(model)},
    }


def _object_schema(model: type[APIModel]) -> Manifest:
    """Return the schema of a whole object: Kubernetes itself describes its metadata."""
    schema = structural_schema(model)
    properties = schema["properties"]
    properties["apiVersion"] = {"type": "string"}
    properties["kind"] = {"type": "string"}
    properties["metadata"] = {"type": "object"}
    properties["status"] = without_defaults(properties["status"])
    return {**schema, "required": ["spec"]}

"""
The ReportRun of a run that nobody has made one for, and whether one that is there is ours.
"""

from collections.abc import Mapping
from typing import Any

from report_runner.rows import scheduled_time
from report_types import names
from report_types.outcome import Reason, RunError
from report_types.plan import PlannedReport, RunPlan
from report_types.run import ReportRef, RunSpec, Trigger

Manifest = dict[str, Any]


def new_run(plan: RunPlan, name: str) -> Manifest:
    """Build the ReportRun of a run that nobody has made one for."""
    report = plan.report
    spec = RunSpec(
        report_ref=ReportRef(name=report.name),
        trigger=plan.trigger,
        scheduled_time=scheduled_time(name, report) if plan.trigger is Trigger.SCHEDULE else None,
    )
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.RUN_KIND,
        "metadata": {
            "name": name,
            "namespace": report.namespace,
            "labels": {
                names.MANAGED_BY_LABEL: names.MANAGER,
                names.REPORT_LABEL: report.name,
                names.RUN_LABEL: name,
                names.TRIGGER_LABEL: plan.trigger,
            },
            "ownerReferences": [
                {
                    "apiVersion": names.API_VERSION,
                    "kind": names.REPORT_KIND,
                    "name": report.name,
                    "uid": report.uid,
                }
            ],
        },
        "spec": spec.to_wire(),
    }


def check_owner(body: Mapping[str, Any], report: PlannedReport) -> None:
    """
    Make sure that a ReportRun of our name is ours.

    Raises:
        RunError: it belongs to another report, or to one of the same name that is gone.
    """
    named = body.get("spec", {}).get("reportRef", {}).get("name")
    owners = body["metadata"].get("ownerReferences", [])
    uids = {owner["uid"] for owner in owners if owner.get("kind") == names.REPORT_KIND}
    if named != report.name or (uids and report.uid not in uids):
        raise RunError(
            Reason.INVALID_SPEC,
            f"the ReportRun {body['metadata']['name']} belongs to another report: delete it, and "
            "run this report again",
        )

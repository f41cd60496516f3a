"""
The plan of a run: what the operator compiles into the CronJob and the runner reads in the pod.

It travels in the pod template, so a run uses the revision that its Job was made with. The script
itself travels beside it: as a variable of its own, or in a ConfigMap.
"""

from typing import Annotated, Final

from pydantic import Field

from report_types.base import APIModel
from report_types.report import ReportSpec, ScheduledReport
from report_types.run import Trigger

INLINE_ELSEWHERE: Final = "# in the variable beside the plan"
STARTING_SECONDS: Final = 300  # for pulling the image and mounting the volumes
ONE_DELIVERY_SECONDS: Final = 120  # for one conversation with the mail server
CLOSING_SECONDS: Final = 120  # for the failure mail and the status
MAX_RETRY_AFTER_SECONDS: Final = 60  # a source that asks for a longer wait is given up


class SandboxPolicy(APIModel):
    """What the admin asks of the sandbox."""

    min_landlock_abi: Annotated[int, Field(ge=1)] = 4
    allow_degraded: bool = False


class PlannedReport(APIModel):
    """Which report is run."""

    name: str
    namespace: str
    uid: str
    generation: int


class RunPlan(APIModel):
    """All that the runner needs to know, but for the script's text and what Secrets hold."""

    report: PlannedReport
    trigger: Trigger
    spec: ReportSpec
    sandbox: SandboxPolicy = SandboxPolicy()


def plan_of(report: ScheduledReport, trigger: Trigger, sandbox: SandboxPolicy) -> RunPlan:
    """Compile the plan of *report*, which the cluster has given a uid and a generation."""
    meta = report.metadata
    spec = report.spec
    if spec.script.inline is not None:
        script = spec.script.model_copy(update={"inline": INLINE_ELSEWHERE})
        spec = spec.model_copy(update={"script": script})
    return RunPlan(
        report=PlannedReport(
            name=meta.name or "",
            namespace=meta.namespace or "default",
            uid=meta.uid or "",
            generation=meta.generation or 0,
        ),
        trigger=trigger,
        spec=spec,
        sandbox=sandbox,
    )


def run_seconds(spec: ReportSpec) -> int:
    """
    Return how long a run's pod may live: its phases' own limits, all retries used up, and a margin.

    The operator makes it the pod's ``activeDeadlineSeconds``. The runner ends a run in time before
    it, so that it can still say so.
    """
    retry = spec.retry
    waits = retry.fetch.limit * MAX_RETRY_AFTER_SECONDS
    fetch = sum(
        (retry.fetch.limit + 1) * source.http.timeout_seconds + waits
        for source in spec.sources
        if source.http
    )
    tries = retry.delivery.limit + 1
    delivery = tries * (ONE_DELIVERY_SECONDS + retry.delivery.backoff_seconds)
    return STARTING_SECONDS + fetch + spec.script.timeout_seconds + delivery + CLOSING_SECONDS

"""What the demo prints when something went wrong: all that one would look at first."""

from typing import Final

from report_demo.install import RELEASE
from report_demo.kube import Kube, KubeError
from report_demo.samples import NAMESPACE
from report_demo.show import heading, say

_CONDITIONS: Final = (
    "custom-columns=NAME:.metadata.name,"
    "CONDITION:.status.conditions[*].type,STATUS:.status.conditions[*].status,"
    "REASON:.status.conditions[*].reason,MESSAGE:.status.conditions[*].message"
)
_RUNS: Final = (
    "custom-columns=NAME:.metadata.name,OUTCOME:.status.outcome,REASON:.status.reason,"
    "MESSAGE:.status.message"
)
_LOGS: Final = ("--all-containers", "--prefix", "--tail=20")


def diagnose(kube: Kube) -> None:
    """Print the reports' conditions, the runs, the pods, and the end of their logs."""
    here = ("-n", NAMESPACE)
    _show(kube, "The reports", *here, "get", "scheduledreports", "-o", _CONDITIONS)
    _show(kube, "The runs", *here, "get", "reportruns", "-o", _RUNS)
    _show(kube, "The pods", *here, "get", "pods", "-o", "wide")
    _show(kube, "Warnings", *here, "get", "events", "--field-selector", "type=Warning")
    run_pods = ("-l", "batch.kubernetes.io/job-name")
    _show(kube, "Logs of the runs", *here, "logs", *run_pods, *_LOGS)
    _show(kube, "The operator", "-n", RELEASE, "get", "pods", "-o", "wide")
    _show(kube, "Log of the operator", "-n", RELEASE, "logs", f"deploy/{RELEASE}-operator", *_LOGS)


def _show(kube: Kube, title: str, *args: str) -> None:
    """Print what kubectl says under *title*; that it cannot say it is a finding, too."""
    heading(title)
    try:
        lines = kube.run(*args).splitlines()
    except KubeError as error:
        lines = str(error).splitlines()
    for line in lines or ["nothing"]:
        say(f"  {line}")

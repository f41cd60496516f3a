"""What the demo prints when something went wrong: all that one would look at first."""

from collections.abc import Iterable
from typing import Final

from report_demo.install import RELEASE
from report_demo.kube import Kube, KubeError
from report_demo.samples import NAMESPACE
from report_demo.show import heading, say

_CONDITIONS: Final = (
    "{range .items[*]}{.metadata.name}{range .status.conditions[*]}"
    "{'\\n  '}{.type}={.status} {.reason}: {.message}{end}{'\\n'}{end}"
)
_RUNS: Final = (
    "custom-columns=NAME:.metadata.name,OUTCOME:.status.outcome,REASON:.status.reason,"
    "MESSAGE:.status.message"
)
_LOGS: Final = ("--all-containers", "--tail=10")
_WIDEST_LINE: Final = 400


def diagnose(kube: Kube, runs: Iterable[str]) -> None:
    """Print the reports' conditions, the pods, and the end of the logs of *runs*."""
    here = ("-n", NAMESPACE)
    conditions = ("get", "scheduledreports", "-o", f"jsonpath={_CONDITIONS}")
    _show(kube, "The reports and their conditions", *here, *conditions)
    _show(kube, "The runs", *here, "get", "reportruns", "-o", _RUNS)
    _show(kube, "The pods", *here, "get", "pods")
    _show(kube, "Warnings", *here, "get", "events", "--field-selector", "type=Warning")
    for name in runs:
        _show(kube, f"The end of the log of {name}", *here, "logs", f"job/{name}", *_LOGS)
    _show(kube, "The operator", "-n", RELEASE, "get", "pods")
    operator = ("-n", RELEASE, "logs", f"deploy/{RELEASE}-operator")
    _show(kube, "The end of its log", *operator, *_LOGS)


def _show(kube: Kube, title: str, *args: str) -> None:
    """Print what kubectl says under *title*; that it cannot say it is a finding, too."""
    heading(title)
    try:
        lines = kube.run(*args).splitlines()
    except KubeError as error:
        lines = str(error).splitlines()
    for line in lines or ["none"]:
        say(f"  {line}" if len(line) <= _WIDEST_LINE else f"  {line[:_WIDEST_LINE]} ...")

"""
``make demo``: two reports on a real cluster, from ``kubectl apply`` to the mails.

flight-delays is run at once by a ReportRun; stock-summary fires on its own schedule, which is
set to one of the next minutes. The cluster and the images are there already.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from report_demo.catcher_client import fetch_mails
from report_demo.diagnose import diagnose
from report_demo.expect import EXPECTED
from report_demo.inbox import Mail
from report_demo.install import install_operator, install_servers, wait_for_servers
from report_demo.kube import Kube, KubeError, read_cluster
from report_demo.runs import DemoError, Started, fetch_runs, wait_for_runs
from report_demo.samples import (
    NAMESPACE,
    SAMPLES,
    recipients,
    sample,
    sample_manifest,
    sample_path,
)
from report_demo.show import all_is_well, conclude, heading, say, show_checks, show_mails
from report_demo.slot import daily_schedule, next_slot, run_name
from report_demo.verify import Receipt, receipts, strangers
from report_types.run import ReportRun

_FLIGHTS: Final = "flight-delays"
_STOCKS: Final = "stock-summary"
_HERE: Final = ("-n", NAMESPACE)
_CATCHER: Final = f"/api/v1/namespaces/{NAMESPACE}/services/http:mail-catcher:8025/proxy"


def timed(what: str, act: Callable[[], None]) -> None:
    """Do a step; print what it is before, since it may take long, and how long it took after."""
    print(f"  {what} ... ", end="", flush=True)
    began = time.monotonic()
    act()
    say(f"{time.monotonic() - began:.1f} s")


def install(kube: Kube) -> None:
    """Bring up everything that the two reports need."""
    heading("Installing")
    timed("mail catcher, data source and the Secret report-smtp", lambda: install_servers(kube))
    timed("Scheduled Reports, from charts/scheduled-reports", lambda: install_operator(kube))
    timed("until all of them are ready", lambda: wait_for_servers(kube))


def start(kube: Kube) -> Started:
    """Apply both reports; run one at once, and let the other one be due in a moment."""
    heading("Two reports")
    slot = next_slot(datetime.now(UTC))
    stocks = sample_manifest(_STOCKS)
    zone = stocks["spec"]["timeZone"]
    own_schedule = stocks["spec"]["schedule"]
    stocks["spec"]["schedule"] = daily_schedule(slot, zone)
    kube.apply(NAMESPACE, stocks)
    say(f"  {_STOCKS}: applied, with schedule {stocks['spec']['schedule']!r} ({zone}) instead of")
    say(f"    {own_schedule!r}, so that it is due at {slot:%H:%M} UTC")
    kube.run(*_HERE, "apply", "-f", str(sample_path(_FLIGHTS)))
    created = kube.run(*_HERE, "create", "-f", str(SAMPLES / "run-now.yaml"), "-o", "name")
    flights_run = created.strip().partition("/")[2]
    say(f"  {_FLIGHTS}: applied, and run at once by the ReportRun {flights_run}")
    return Started({_FLIGHTS: flights_run, _STOCKS: run_name(_STOCKS, slot)}, slot)


def show_objects(kube: Kube) -> None:
    """Print what a user sees of the reports and their runs."""
    for kind in ("srep", "rrun"):
        heading(f"$ kubectl get {kind} -n {NAMESPACE}")
        for line in kube.run(*_HERE, "get", kind).splitlines():
            say(f"  {line}")


def judge(runs: Mapping[str, ReportRun], mails: Sequence[Mail]) -> list[Receipt]:
    """Hold the mails of each report's run against the data."""
    return [
        receipt
        for report, run in runs.items()
        for receipt in receipts(
            report, recipients(sample(report)), run.status.deliveries, mails, EXPECTED[report]()
        )
    ]


def what_next(kube: Kube, run: str) -> None:
    """Print what to type next, with *run* as the example."""
    heading("What to type next")
    say(f"  export KUBECONFIG={kube.kubeconfig}")
    say(f"  export PATH={Path(kube.kubectl).parent}:$PATH")
    here = f"kubectl -n {NAMESPACE}"
    hints = {
        f"{here} get srep -o wide": "recipients, rows, the last message",
        f"{here} get rrun {run} -o yaml": "all about one run",
        f"{here} logs job/{run} -c runner": "what it did, as JSON lines",
        f"{here} create -f deploy/samples/run-now.yaml": "run it again",
        f"{here} port-forward svc/mail-catcher 8025": "then see http://localhost:8025",
        "kubectl explain scheduledreport.spec": "every field",
        "make down": "take the cluster away",
    }
    widest = max(map(len, hints))
    for command, what in hints.items():
        say(f"  {command:<{widest}}  # {what}")


def check(kube: Kube, started: Started) -> tuple[list[Receipt], list[Mail]]:
    """Wait for both runs and show what came of them; return the receipts, and mails too many."""
    heading("Waiting for the runs")
    runs = wait_for_runs(kube, started)
    show_objects(kube)
    mails = fetch_mails(lambda path: kube.run_bytes("get", "--raw", _CATCHER + path))
    ledgers = [run.status.deliveries for run in fetch_runs(kube).values()]
    receipts, strange = judge(runs, mails), strangers(mails, ledgers)
    show_mails(receipts)
    show_checks(receipts, strange)
    return receipts, strange


def main() -> int:
    """Run the demo; where it fails, print what there is to see, and return 1."""
    kube, names = None, []
    try:
        kube = read_cluster(os.environ)
        install(kube)
        started = start(kube)
        names = list(started.names.values())
        receipts, strange = check(kube, started)
    except (KubeError, DemoError) as error:
        if kube is not None:
            diagnose(kube, names)
        heading(f"make demo: {error}")
        return 1
    if all_is_well(receipts, strange):
        what_next(kube, started.names[_FLIGHTS])
    else:
        diagnose(kube, names)
    return conclude(receipts, strange)


if __name__ == "__main__":
    sys.exit(main())

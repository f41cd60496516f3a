"""
The entry of the container ``runner``: one run, from its plan to its exit code.

``python -I -m report_runner``. What starts other things comes first, and what is needed later is
imported while they are under way: the fetch begins before most of this package is loaded.
"""

import gc
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from report_runner.interrupts import InterruptedRunError, Interrupts
from report_types.outcome import Outcome, Reason, RunError

if TYPE_CHECKING:
    from report_runner.edges import Mailing
    from report_runner.gather import Gathering
    from report_runner.ledger import ClusterLedger
    from report_runner.logs import RunLog
    from report_runner.settings import Paths, PodSettings
    from report_types.run import RunResult

TERMINATION_LOG: Final = Path("/dev/termination-log")
CLOSING_SECONDS: Final = 90
"""How long before the end of all its limits a run is ended, so that it can still say so."""

_BEGAN: Final = time.monotonic()


def main() -> int:
    """Run once, and return the exit code."""
    gc.disable()  # importing makes a hundred thousand objects, and none of them is garbage
    interrupts = Interrupts()
    try:
        result = _run(os.environ, interrupts)
    except InterruptedRunError as interrupt:
        result = _failed(interrupt.error)
    except RunError as error:
        result = _failed(error)
    except Exception as unexpected:
        # Its text may hold anything; the run's own errors were all dealt with.
        told = f"the runner could not start ({type(unexpected).__name__})"
        result = _failed(RunError(Reason.INTERNAL_ERROR, told))
    interrupts.keep()
    _say_last_words(result)
    return result.reason.exit_code


def _run(environ: Mapping[str, str], interrupts: Interrupts) -> "RunResult":
    from report_runner.logs import RunLog, json_lines
    from report_runner.settings import Paths, PodSettings

    paths = Paths.in_pod()
    pod = PodSettings.from_environ(environ, paths.credentials)
    context = {"report": pod.plan.report.name, "run": pod.run_name, "pod": pod.pod_name}
    log = RunLog(json_lines(sys.stdout), context=context)
    _set_deadline(pod, interrupts)
    ledger = _ledger(environ, pod, paths, interrupts)
    gathering = _gathering(pod, paths, ledger, log)
    gathering.start()
    log.info("started", seconds=round(time.monotonic() - _BEGAN, 3))
    return _finish(pod, paths, gathering, ledger, interrupts=interrupts, log=log)


def _finish(
    pod: "PodSettings",
    paths: "Paths",
    gathering: "Gathering",
    ledger: "ClusterLedger",
    *,
    interrupts: Interrupts,
    log: "RunLog",
) -> "RunResult":
    """Run the pipeline; what it needs is imported while the sources are fetched."""
    from report_runner.edges import Edges, Run
    from report_runner.pipeline import Pipeline
    from report_runner.sandbox import ScriptHost
    from report_types.names import SOCKET_NAME

    gc.freeze()
    gc.enable()
    with ScriptHost(paths.input / SOCKET_NAME, paths.output) as host:
        edges = Edges(
            gathering=gathering,
            host=host,
            ledger=ledger,
            mailing=_mailing(pod, paths, log),
            work=paths.work,
            interrupts=interrupts,
            log=log,
        )
        run = Run(plan=pod.plan, name=pod.run_name, script=pod.script)
        return Pipeline(run, edges).execute()


def _set_deadline(pod: "PodSettings", interrupts: Interrupts) -> None:
    from report_types.plan import STARTING_SECONDS, run_seconds

    interrupts.install(run_seconds(pod.plan.spec) - STARTING_SECONDS - CLOSING_SECONDS)


def _ledger(
    environ: Mapping[str, str], pod: "PodSettings", paths: "Paths", interrupts: Interrupts
) -> "ClusterLedger":
    from report_runner.api import RunsApi
    from report_runner.ledger import ClusterLedger, Holder

    host, port = environ["KUBERNETES_SERVICE_HOST"], int(environ["KUBERNETES_SERVICE_PORT"])
    api = RunsApi(host, port, pod.plan.report.namespace, paths.credentials)
    holder = Holder(pod_name=pod.pod_name, pod_uid=pod.pod_uid)
    return ClusterLedger(api, pod.plan, pod.run_name, holder, interrupts.wait)


def _gathering(
    pod: "PodSettings", paths: "Paths", ledger: "ClusterLedger", log: "RunLog"
) -> "Gathering":
    from report_runner.gather import Gathering, Places, mounted_volume

    headers = paths.credentials / "headers"
    places = Places(
        input=paths.input,
        volume_of=lambda source: mounted_volume(source, paths.sources),
        read_secret=lambda source, number, _: _read(headers / source / str(number)),
    )
    return Gathering(pod.plan, places, ledger, log)


def _mailing(pod: "PodSettings", paths: "Paths", log: "RunLog") -> "Mailing | RunError":
    from report_runner.delivery import SmtpTransport
    from report_runner.edges import Mailing
    from report_runner.message import Sender
    from report_runner.settings import SmtpSettings

    secret = pod.plan.spec.delivery.email.smtp_secret_ref.name
    try:
        settings = SmtpSettings.from_folder(paths.credentials / "smtp", secret)
    except RunError as error:
        return error
    log.redactor.add(settings.password)
    sender = Sender(address=settings.sender, name=settings.sender_name)
    return Mailing(sender=sender, transport=SmtpTransport(settings))


def _read(path: Path) -> str | None:
    """Return what a mounted key holds; None where there is none."""
    try:
        return path.read_text("utf-8")
    except OSError:
        return None


def _failed(error: RunError) -> "RunResult":
    from report_types.run import RunResult

    return RunResult(outcome=Outcome.FAILED, reason=error.reason, message=error.message)


def _say_last_words(result: "RunResult") -> None:
    """Leave the termination message, the second channel to the operator."""
    from report_runner.conclusion import termination_message

    text = termination_message(result)
    try:
        TERMINATION_LOG.write_text(text, "ascii")
    except OSError:
        print(text, flush=True)


def leave(code: int) -> None:
    """End the process, and do not wait for a fetch that was given up."""
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(main())

"""``srep run --local``: the pod's own pipeline and sandbox, on one's own machine."""

import contextlib
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from report_cli.errors import UsageError, is_debugging
from report_cli.options import Output
from report_cli.terminal import Format, say_json, tell

if TYPE_CHECKING:
    from report_cli.run_inputs import Inputs
    from report_types.outcome import RunError
    from report_types.run import RunResult

_IN_CLUSTER = """\
srep run works on this machine only: add --local.
In the cluster, creating a ReportRun runs a report now:

kubectl create -f - <<'END'
apiVersion: scheduledreports.dev/v1alpha1
kind: ReportRun
metadata: {generateName: NAME-NAMESPACE}
spec: {reportRef: {name: NAME}}
END"""


def run(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="YAML file with the report; - is standard input.")
    ],
    local: Annotated[bool, typer.Option("--local", help="Run here, without a cluster.")] = False,
    name: Annotated[
        str | None, typer.Option("--name", help="Which report, if the file has several.")
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            metavar="NAME=PATH",
            help="Take source NAME from a local file; may be repeated.",
        ),
    ] = None,
    script: Annotated[
        Path | None,
        typer.Option("--script", metavar="PATH", help="The script, if a ConfigMap has it."),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where the CSV and the mail are written.")
    ] = Path("report-out"),
    send: Annotated[
        bool, typer.Option("--send", help="Send the mail, as the SMTP_* variables say.")
    ] = False,
    unconfined: Annotated[
        bool, typer.Option("--unconfined", help="Run the script without the sandbox.")
    ] = False,
    output: Output = Format.TABLE,
) -> int:
    """
    Run a report on this machine, in the sandbox of the pod.

    The mail is written to DIR as .eml, unless it is to be sent. The exit code tells the reason;
    only 0 is a success.
    """
    from report_cli.run_inputs import gather, make_folder
    from report_types.outcome import Reason, RunError

    if not local:
        raise UsageError(_in_cluster(file, name))
    inputs = None
    begun = time.time_ns()
    try:
        inputs = gather(file, name=name, data=data or [], script=script, send=send)
        make_folder(out)
        result = _run(inputs, out, unconfined=unconfined)
    except RunError as error:
        result = _failed(error)
    except KeyboardInterrupt:
        result = _failed(RunError(Reason.STOPPED, "stopped by the keyboard; run it again"))
    if output is Format.JSON:
        say_json(result.model_dump(mode="json", by_alias=True))
    else:
        from report_cli.run_view import show

        show(result, inputs, out, mails=_written_since(begun, out))
    return result.reason.exit_code


def _run(inputs: "Inputs", out: Path, *, unconfined: bool) -> "RunResult":
    from report_runner.local import run_local

    with contextlib.redirect_stdout(sys.stderr):  # standard output is for the result alone
        return run_local(
            inputs.report,
            out=out,
            base=inputs.base,
            script=inputs.given_script,
            files=inputs.files,
            secrets=inputs.secrets,
            smtp=inputs.smtp,
            unconfined=unconfined,
            on_log=_log if is_debugging() else None,
        )


def _log(entry: Mapping[str, Any]) -> None:
    tell(json.dumps(entry, default=str))


def _written_since(begun: int, out: Path) -> list[Path]:
    """Return the mails that the run has left in *out*; *begun* is in nanoseconds."""
    return [path for path in sorted(out.glob("*.eml")) if path.stat().st_mtime_ns >= begun]


def _failed(error: "RunError") -> "RunResult":
    from report_types.outcome import Outcome
    from report_types.run import RunResult

    message = error.message if len(error.message) <= 2000 else error.message[:1999] + "…"
    return RunResult(outcome=Outcome.FAILED, reason=error.reason, message=message, line=error.line)


def _in_cluster(file: str, name: str | None) -> str:
    """Say how a report is run in the cluster, with its name, if it can be told."""
    from report_cli.run_choice import find_reports
    from report_types.outcome import RunError

    try:
        found = [one for one in find_reports(file) if name in (None, one.name)]
    except RunError:
        found = []
    known = name or (found[0].name if len(found) == 1 else "NAME")
    namespace = found[0].namespace if len(found) == 1 else ""
    suffix = f", namespace: {namespace}" if namespace else ""
    return _IN_CLUSTER.replace("NAMESPACE", suffix).replace("NAME", known)

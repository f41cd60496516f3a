"""
``srep run --local``: the pod's own pipeline on one's own machine, without a cluster.

Only the edges differ: the ledger is in memory, files come from folders, and the mail is written
to a folder unless there are settings for a mail server.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from shutil import copyfile
from typing import IO, Any, Final
from uuid import uuid4

from report_runner.delivery import SmtpTransport, Transport
from report_runner.edges import Edges, Host, Mailing, Run
from report_runner.gather import Gathering, Places
from report_runner.interrupts import Interrupts
from report_runner.ledger import LocalLedger
from report_runner.logs import Entry, RunLog
from report_runner.message import Sender
from report_runner.pipeline import Pipeline
from report_runner.sandbox import local_script_host
from report_runner.settings import SmtpSettings
from report_runner.smtp import Conversation, Parcel
from report_runner.smtp_problems import Verdict
from report_runner.sources import Volume
from report_types.outcome import Outcome
from report_types.plan import RunPlan, SandboxPolicy, plan_of
from report_types.report import ScheduledReport
from report_types.run import DeliveryState, RunResult, Trigger
from report_types.source import ConfigMapFile, FileSource, Source

_NOBODY: Final = Sender(address="scheduled-reports@localhost.invalid", name="Scheduled Reports")


def run_local(
    report: ScheduledReport,
    *,
    out: Path,
    base: Path = Path(),
    script: str | None = None,
    files: Mapping[str, Path] | None = None,
    secrets: Mapping[tuple[str, str], str] | None = None,
    smtp: SmtpSettings | None = None,
    unconfined: bool = False,
    on_log: Callable[[Entry], None] | None = None,
    script_output: int | IO[Any] | None = None,
) -> RunResult:
    """
    Run *report* once and return how it ended; no failure of a run is raised.

    The CSV is left in the folder *out*; without *smtp* the mail is, too. *base* is the folder
    below which file sources are found, unless *files* has a local file for the source's name.
    *script* is the text of one that the report keeps in a ConfigMap, *secrets* are the values of
    headers by the Secret's name and key. What the script prints goes to *script_output*.

    Raises:
        OSError: *out* or a folder for temporary files cannot be made.
    """
    out.mkdir(parents=True, exist_ok=True)
    files = {name: path.resolve() for name, path in (files or {}).items()}
    secrets = secrets or {}
    log = RunLog(on_log or _ignore, context={"report": report.metadata.name})
    log.redactor.add(*secrets.values())
    text = script if script is not None else report.spec.script.inline
    run = Run(plan=_plan(report, files), name=_run_name(report), script=text, unconfined=unconfined)
    with (
        tempfile.TemporaryDirectory(prefix="srep-run-") as folder,
        local_script_host(Path(folder), log=script_output) as host,
    ):
        places = Places(
            input=Path(folder, "input"),
            volume_of=lambda source: _volume(source, files, base),
            read_secret=lambda _, __, ref: secrets.get((ref.name, ref.key)),
        )
        pipeline = Pipeline(run, _edges(run, places, host, _mailing(smtp, out, log), log))
        result = pipeline.execute()
        if pipeline.csv and result.files:
            copyfile(pipeline.csv, out / result.files[0].name)
    return result if smtp else _not_sent(result, out)


def _edges(run: Run, places: Places, host: Host, mailing: Mailing, log: RunLog) -> Edges:
    """Return the edges of a local run, whose sources are being fetched already."""
    ledger = LocalLedger()
    gathering = Gathering(run.plan, places, ledger, log)
    gathering.start()
    return Edges(
        gathering=gathering,
        host=host,
        ledger=ledger,
        mailing=mailing,
        work=places.input.parent,
        interrupts=Interrupts(),
        log=log,
    )


class FolderTransport:
    """Writes mails into a folder, where they were to be sent."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, parcel: Parcel, recipients: Sequence[str]) -> Conversation:
        """Write the mail; everybody counts as served."""
        with (self._folder / parcel.file_name).open("wb") as file:
            file.writelines(parcel.wire())
        verdict = Verdict(state=DeliveryState.ACCEPTED)
        return Conversation(verdicts=dict.fromkeys(recipients, verdict))


def _plan(report: ScheduledReport, files: Mapping[str, Path]) -> RunPlan:
    """Return the plan, with a uid of its own and local files in place of other sources."""
    metadata = report.metadata.model_copy(update={"uid": str(uuid4())})
    sources = [
        _from_file(source, files[source.name]) if source.name in files else source
        for source in report.spec.sources
    ]
    spec = report.spec.model_copy(update={"sources": sources})
    local = report.model_copy(update={"metadata": metadata, "spec": spec})
    return plan_of(local, Trigger.MANUAL, SandboxPolicy())


def _from_file(source: Source, path: Path) -> Source:
    """Return a source of the same format that reads a local file."""
    kind = source.http or source.file
    assert kind is not None
    file = FileSource(
        config_map=ConfigMapFile(name="local"),
        path=path.name,
        format=kind.format,
        records_path=kind.records_path,
    )
    return Source(name=source.name, file=file)


def _volume(source: Source, files: Mapping[str, Path], base: Path) -> Volume:
    folder = files[source.name].parent if source.name in files else base
    return Volume(path=folder, called=f"the folder {folder}")


def _run_name(report: ScheduledReport) -> str:
    return f"{report.metadata.name}-local-{datetime.now(UTC):%H%M%S}"


def _mailing(smtp: SmtpSettings | None, out: Path, log: RunLog) -> Mailing:
    if smtp is None:
        return Mailing(sender=_NOBODY, transport=FolderTransport(out))
    log.redactor.add(smtp.password)
    transport: Transport = SmtpTransport(smtp)
    return Mailing(sender=Sender(address=smtp.sender, name=smtp.sender_name), transport=transport)


def _not_sent(result: RunResult, out: Path) -> RunResult:
    if result.outcome is not Outcome.DELIVERED:
        return result
    return result.model_copy(update={"message": f"the mail was written to {out}, and not sent"})


def _ignore(entry: Entry) -> None:
    """Keep no log."""

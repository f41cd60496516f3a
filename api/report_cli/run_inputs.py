"""What a local run needs: the report, and what the cluster would have given it."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from report_cli.checks import Checked, check_text
from report_cli.errors import UsageProblem
from report_cli.messages import nearest
from report_cli.reading import STDIN, read_text, shown
from report_types.outcome import Reason, RunError
from report_types.report import ScheduledReport

if TYPE_CHECKING:
    from report_runner.settings import SmtpSettings

HEADER_VARIABLE: Final = "SREP_HEADER"


@dataclass(frozen=True)
class Inputs:
    """All that ``run_local`` is given; *checked* knows where in the file things stand."""

    report: ScheduledReport
    checked: Checked
    base: Path
    given_script: str | None = None
    files: Mapping[str, Path] = field(default_factory=dict)
    secrets: Mapping[tuple[str, str], str] = field(default_factory=dict)
    smtp: "SmtpSettings | None" = None

    @property
    def script(self) -> str:
        """The text of the script, wherever it came from."""
        return self.given_script or self.report.spec.script.inline or ""


def gather(
    file: str, *, name: str | None, data: Sequence[str], script: Path | None, send: bool
) -> Inputs:
    """
    Read the report called *name* from *file*, and what it needs.

    Raises:
        RunError: the report is invalid, or something that it names is missing.
        UsageProblem: an option does not fit the report.
    """
    checked = _choose(file, name)
    report = checked.model
    assert isinstance(report, ScheduledReport)
    files = _local_files(data, [source.name for source in report.spec.sources])
    return Inputs(
        report=report,
        checked=checked,
        base=Path() if file == STDIN else Path(file).parent,
        given_script=_given_script(report, script),
        files=files,
        secrets=_header_secrets(report, files, os.environ),
        smtp=_smtp_settings() if send else None,
    )


def names_in(file: str) -> list[str]:
    """Return the names of the reports in *file*, none if it cannot be read."""
    try:
        return [one.name for one in _reports(file) if one.is_valid]
    except RunError:
        return []


def _choose(file: str, name: str | None) -> Checked:
    reports = _reports(file)
    if name is not None:
        names = [one.name for one in reports]
        reports = [one for one in reports if one.name == name]
        if not reports:
            hint = nearest(name, names) or ", ".join(names)
            raise UsageProblem(f"--name {name}: {shown(file)} has no such report: give {hint}")
    if len(reports) > 1:
        names = sorted({one.name for one in reports})
        advice = f"choose one with --name: {', '.join(names)}"
        raise UsageProblem(f"{shown(file)} has {len(reports)} reports: {advice}")
    (report,) = reports
    if not report.name and report.is_valid:
        report.add(("metadata", "name"), "is missing: a local run needs it")
    _refuse_invalid([report])
    return report


def _reports(file: str) -> list[Checked]:
    """
    Return the reports in *file*, valid or not.

    Raises:
        RunError: there is none, or the file cannot be read to its end.
    """
    try:
        text = read_text(file)
    except ValueError as error:
        raise RunError(Reason.INVALID_SPEC, f"{shown(file)}: {error}") from error
    objects = check_text(shown(file), text, datetime.now(UTC))
    _refuse_invalid([one for one in objects if not one.kind])
    reports = [one for one in objects if one.kind == ScheduledReport.model_fields["kind"].default]
    if not reports:
        _refuse_invalid(objects)
        raise RunError(Reason.INVALID_SPEC, f"{shown(file)}: holds no ScheduledReport to run")
    return reports


def _refuse_invalid(objects: Sequence[Checked]) -> None:
    lines = [
        f"{finding.where()}: {finding.what()}"
        for one in objects
        if not one.is_valid
        for finding in one.errors
    ]
    if lines:
        raise RunError(Reason.INVALID_SPEC, "\n".join(lines))


def _local_files(data: Sequence[str], names: Sequence[str]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for given in data:
        name, equals, path = given.partition("=")
        if not (name and equals and path):
            raise UsageProblem(f"--data {given}: write NAME=PATH, such as --data {names[0]}=sales.csv")
        if name not in names:
            hint = nearest(name, list(names)) or " or ".join(names)
            raise UsageProblem(f"--data {given}: the report has no source {name}: write {hint}=…")
        if name in files:
            raise UsageProblem(f"--data {given}: source {name} is given twice: remove one")
        files[name] = Path(path)
    return files


def _given_script(report: ScheduledReport, path: Path | None) -> str | None:
    reference = report.spec.script.config_map_key_ref
    if reference is None and path is not None:
        raise UsageProblem(f"--script {path}: the report has its script inline: remove the option")
    if reference is None:
        return None
    if path is None:
        raise RunError(
            Reason.SCRIPT_MISSING,
            f"spec.script.configMapKeyRef: key {reference.key} of ConfigMap {reference.name} is "
            "in the cluster, and this run is not: give its text with --script PATH",
        )
    try:
        return read_text(str(path))
    except ValueError as error:
        raise RunError(Reason.SCRIPT_MISSING, f"--script {path}: {error}") from error


def _header_secrets(
    report: ScheduledReport, files: Mapping[str, Path], environ: Mapping[str, str]
) -> dict[tuple[str, str], str]:
    """Return the header values that the cluster keeps in Secrets, from variables."""
    secrets: dict[tuple[str, str], str] = {}
    for index, source in enumerate(report.spec.sources):
        headers = source.http.headers if source.http and source.name not in files else []
        for at, header in enumerate(headers):
            if header.value_from is None:
                continue
            variable = header_variable(source.name, header.name)
            if not (value := environ.get(variable)):
                where = f"spec.sources[{index}].http.headers[{at}].valueFrom"
                raise RunError(
                    Reason.SECRET_MISSING,
                    f"{where}: the Secret is in the cluster, and this run is not: set {variable}, "
                    f"or replace the source with --data {source.name}=PATH",
                )
            reference = header.value_from.secret_key_ref
            secrets[(reference.name, reference.key)] = value
    return secrets


def header_variable(source: str, header: str) -> str:
    """Return the variable that stands in for a header's Secret."""
    return re.sub(r"[^A-Z0-9]", "_", f"{HEADER_VARIABLE}_{source}_{header}".upper())


def _smtp_settings() -> "SmtpSettings":
    from report_runner.settings import SmtpSettings

    return SmtpSettings.from_environ(os.environ)

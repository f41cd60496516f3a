"""What a local run needs: the report, and what the cluster would have given it."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from report_cli.errors import UsageError
from report_cli.messages import nearest
from report_cli.objects import Checked
from report_cli.reading import STDIN, read_text
from report_cli.run_choice import choose_report
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
        UsageError: an option does not fit the report.
    """
    checked = choose_report(file, name)
    report = checked.model
    assert isinstance(report, ScheduledReport)
    files = local_files(data, [source.name for source in report.spec.sources])
    _require_files(files)
    return Inputs(
        report=report,
        checked=checked,
        base=Path() if file == STDIN else Path(file).parent,
        given_script=script_given(report, script),
        files=files,
        secrets=header_secrets(report, files, os.environ),
        smtp=_smtp_settings() if send else None,
    )


def local_files(data: Sequence[str], names: Sequence[str]) -> dict[str, Path]:
    """
    Read the values of --data: NAME=PATH, where NAME is one of the sources *names*.

    Raises:
        UsageError: one of them is something else, or is given twice.
    """
    files: dict[str, Path] = {}
    for given in data:
        name, equals, path = given.partition("=")
        if not (name and equals and path):
            raise UsageError(
                f"--data {given}: write NAME=PATH, such as --data {names[0]}=sales.csv"
            )
        if name not in names:
            hint = nearest(name, list(names)) or " or ".join(names)
            raise UsageError(f"--data {given}: the report has no source {name}: write {hint}=…")
        if name in files:
            raise UsageError(f"--data {given}: source {name} is given twice: remove one")
        files[name] = Path(path)
    return files


def _require_files(files: Mapping[str, Path]) -> None:
    for name, path in files.items():
        if not path.is_file():
            what = "is no file" if path.exists() else "does not exist"
            message = f"--data {name}={path}: {path} {what}: check the path"
            raise RunError(Reason.SOURCE_MISSING, message)


def script_given(report: ScheduledReport, path: Path | None) -> str | None:
    """
    Return the text of --script, which stands in for a ConfigMap; None if the script is inline.

    Raises:
        RunError: the ConfigMap has the script, and there is no file in its place.
        UsageError: there is a file, and no use for it.
    """
    reference = report.spec.script.config_map_key_ref
    if reference is None and path is not None:
        raise UsageError(f"--script {path}: the report has its script inline: remove the option")
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


def header_secrets(
    report: ScheduledReport, files: Mapping[str, Path], environ: Mapping[str, str]
) -> dict[tuple[str, str], str]:
    """
    Return, by Secret and key, the header values that the cluster keeps in Secrets.

    Raises:
        RunError: the variable that stands in for one is not set.
    """
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


def make_folder(out: Path) -> None:
    """
    Make the folder that the result is written to.

    Raises:
        UsageError: it cannot be made, or written to.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = (error.strerror or str(error)).lower()
        raise UsageError(f"--out {out}: {problem}: give another folder") from error
    if not os.access(out, os.W_OK | os.X_OK):
        raise UsageError(f"--out {out}: may not be written to: give another folder")


def header_variable(source: str, header: str) -> str:
    """Return the variable that stands in for a header's Secret."""
    return re.sub(r"[^A-Z0-9]", "_", f"{HEADER_VARIABLE}_{source}_{header}".upper())


def _smtp_settings() -> "SmtpSettings":
    from report_runner.settings import SmtpSettings

    return SmtpSettings.from_environ(os.environ)

"""Which report of a file is to be run."""

from collections.abc import Sequence
from datetime import UTC, datetime

from report_cli.checks import check_text
from report_cli.errors import UsageError
from report_cli.messages import nearest
from report_cli.objects import Checked
from report_cli.reading import read_text, shown
from report_types.names import REPORT_KIND
from report_types.outcome import Reason, RunError


def choose_report(file: str, name: str | None) -> Checked:
    """
    Return the report called *name* in *file*, or the only one; it is valid.

    Raises:
        RunError: it is not valid, or the file cannot be read.
        UsageError: there is no such report, or there are several.
    """
    reports = find_reports(file)
    if name is not None:
        names = [one.name for one in reports]
        reports = [one for one in reports if one.name == name]
        if not reports:
            hint = nearest(name, names) or ", ".join(names)
            raise UsageError(f"--name {name}: {shown(file)} has no such report: give {hint}")
    if len(reports) > 1:
        names = sorted({one.name for one in reports})
        advice = f"choose one with --name: {', '.join(names)}"
        if len(names) == 1:
            advice = f"give each a name of its own, they are all called {names[0]!r}"
        raise UsageError(f"{shown(file)} has {len(reports)} reports: {advice}")
    (report,) = reports
    if not report.name and report.is_valid:
        report.add(("metadata", "name"), "is missing: a local run needs it")
    _refuse_invalid([report])
    return report


def find_reports(file: str) -> list[Checked]:
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
    reports = [one for one in objects if one.kind == REPORT_KIND]
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

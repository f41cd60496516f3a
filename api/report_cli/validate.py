"""``srep validate``: everything that a cluster would refuse, found without one."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from report_cli.options import Output
from report_cli.terminal import Format, paint, printable, say, say_json

if TYPE_CHECKING:
    from report_cli.findings import Finding
    from report_cli.objects import Checked


def validate(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="YAML files with reports; - is standard input."),
    ],
    output: Output = Format.TABLE,
) -> int:
    """
    Check reports without a cluster: fields, schedules, scripts.

    Errors are FILE:LINE:COLUMN: field: message. The exit code is 1 if there are any, else 0.
    """
    from report_cli.findings import Severity

    objects, findings = _check_files(files)
    is_valid = not any(finding.severity is Severity.ERROR for finding in findings)
    if output is Format.JSON:
        say_json(
            {
                "valid": is_valid,
                "objects": [_object_json(checked) for checked in objects if checked.is_ours],
                "findings": [finding.to_json() for finding in findings],
            }
        )
    else:
        for finding in findings:
            say(_line(finding))
        say(_summary(objects, findings))
    return 0 if is_valid else 1


def _check_files(files: list[str]) -> tuple[list["Checked"], list["Finding"]]:
    from datetime import UTC, datetime

    from report_cli.checks import check_text
    from report_cli.findings import Finding
    from report_cli.reading import read_text, shown

    now = datetime.now(UTC)
    objects: list[Checked] = []
    findings: list[Finding] = []
    for file in files:
        try:
            text = read_text(file)
        except ValueError as error:
            findings.append(Finding(shown(file), str(error)))
            continue
        found = check_text(shown(file), text, now)
        objects += found
        findings += [finding for checked in found for finding in checked.findings]
    return objects, findings


def _object_json(checked: "Checked") -> dict[str, Any]:
    return {
        "file": checked.document.file,
        "line": checked.line,
        "kind": checked.kind,
        "name": checked.name,
        "valid": checked.is_valid,
    }


def _line(finding: "Finding") -> str:
    from report_cli.findings import Severity

    where = paint(f"{finding.where()}:", "strong")
    if finding.severity is Severity.ERROR:
        field = paint(f"{finding.field}:", "bad") + " " if finding.field else ""
        return f"{where} {field}{printable(finding.message)}"
    style = "warn" if finding.severity is Severity.WARNING else "dim"
    return f"{where} {paint(f'{finding.severity.value}:', style)} {printable(finding.what())}"


def _summary(objects: list["Checked"], findings: list["Finding"]) -> str:
    from report_cli.findings import Severity

    errors, warnings = (
        sum(finding.severity is severity for finding in findings)
        for severity in (Severity.ERROR, Severity.WARNING)
    )
    checked = _count(sum(one.is_ours for one in objects), "object")
    counts = ", ".join(
        _count(n, word) for n, word in ((errors, "error"), (warnings, "warning")) if n
    )
    if errors:
        return paint(f"{checked} checked: {counts}", "bad")
    return paint(f"{checked} checked: valid" + (f", {counts}" if counts else ""), "good")


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"

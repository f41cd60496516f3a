"""The objects in a YAML document: one, or those of a List."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from report_cli.documents import Document
from report_cli.findings import Finding, Path, Severity, field_name
from report_types.names import REPORT_KIND, RUN_KIND
from report_types.report import ScheduledReport
from report_types.run import ReportRun

KINDS: Final[Mapping[str, type[ScheduledReport] | type[ReportRun]]] = {
    REPORT_KIND: ScheduledReport,
    RUN_KIND: ReportRun,
}
_LISTS: Final = ("List", *(f"{kind}List" for kind in KINDS))


@dataclass
class Checked:
    """One object of a file; *model* is None if it is of another kind, or has errors."""

    document: Document
    path: Path
    value: Any
    findings: list[Finding] = field(default_factory=list)
    model: ScheduledReport | ReportRun | None = None

    @property
    def kind(self) -> str:
        """Its kind, as it is written."""
        return str(self.value.get("kind", "")) if isinstance(self.value, dict) else ""

    @property
    def name(self) -> str:
        """Its name, as it is written; empty if it has none."""
        return self._metadata("name")

    @property
    def namespace(self) -> str:
        """Its namespace, as it is written; empty if it has none."""
        return self._metadata("namespace")

    @property
    def line(self) -> int:
        """The line that it begins in."""
        return self.document.find(self.path).line

    @property
    def is_ours(self) -> bool:
        """Whether it is of a kind that we check."""
        return self.kind in KINDS

    @property
    def errors(self) -> list[Finding]:
        """What makes it invalid; warnings and notes do not."""
        return [finding for finding in self.findings if finding.severity is Severity.ERROR]

    @property
    def is_valid(self) -> bool:
        """Whether nothing is wrong with it."""
        return not self.errors

    def _metadata(self, name: str) -> str:
        metadata = self.value.get("metadata") if isinstance(self.value, dict) else None
        return str(metadata.get(name) or "") if isinstance(metadata, dict) else ""

    def add(self, path: Path, message: str, **more: Any) -> None:
        """Add a finding about the part at *path* of the object."""
        self.findings.append(self.document.finding((*self.path, *path), message, **more))


def objects_of(document: Document) -> Iterator[Checked]:
    """Yield the objects of *document*, those of a List one by one, with what the YAML had wrong."""
    value, findings = document.value, list(document.findings)
    items = value.get("items") if isinstance(value, dict) and value.get("kind") in _LISTS else None
    if not isinstance(items, list):
        yield Checked(document, (), value, findings)
        return
    for index, item in enumerate(items):
        prefix = field_name(("items", index))
        own = [finding for finding in findings if finding.field.startswith(prefix)]
        yield Checked(document, ("items", index), item, own)

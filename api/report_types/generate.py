"""
Write the files that are made from the models: ``python -m report_types.generate [ROOT]``.

The files are committed; ``make verify`` writes them anew and fails where they differ.
"""

import json
import sys
from pathlib import Path

import yaml

from report_types.crd import build_crds
from report_types.reference import build_reference
from report_types.report import ScheduledReport
from report_types.run import ReportRun

_NOTE = "# Generated from api/report_types by `make generate`. Do not edit.\n"


def generated_files() -> dict[str, str]:
    """Return the text of each generated file, by its path in the repository."""
    files = {
        f"charts/scheduled-reports/files/crds/{crd['spec']['names']['plural']}.yaml": _NOTE
        + yaml.safe_dump(crd, sort_keys=False, width=100, allow_unicode=True)
        for crd in build_crds()
    }
    for model in (ScheduledReport, ReportRun):
        schema = json.dumps(model.model_json_schema(by_alias=True), indent=1)
        files[f"docs/schema/{model.__name__.lower()}.json"] = schema + "\n"
    return {**files, "docs/reference.md": build_reference()}


def main(root: Path) -> None:
    """Write all generated files below *root*."""
    for name, text in generated_files().items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))

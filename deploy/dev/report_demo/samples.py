"""The samples as files and as objects: ``deploy/samples`` of the checkout."""

from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from report_types.report import ScheduledReport

SAMPLES: Final = Path(__file__).parents[2] / "samples"
NAMESPACE: Final = "reports-demo"
DATA_SOURCE_URL: Final = f"http://data-source.{NAMESPACE}"


def sample_path(name: str) -> Path:
    """Return the path of the sample that holds the report *name*."""
    return SAMPLES / f"{name}.yaml"


def sample_manifest(name: str) -> dict[str, Any]:
    """Return the sample *name* as it is written."""
    manifest: dict[str, Any] = YAML(typ="safe").load(sample_path(name))
    return manifest


def sample(name: str) -> ScheduledReport:
    """Return the report of the sample *name*."""
    return ScheduledReport.model_validate(sample_manifest(name))


def recipients(report: ScheduledReport) -> list[str]:
    """Return everybody who is to get the result."""
    email = report.spec.delivery.email
    return [*email.to, *email.cc, *email.bcc]

"""The samples are valid, speak to the demo's own servers, and have the numbers to check them by."""

import pytest

from report_demo.expect import EXPECTED
from report_demo.samples import (
    DATA_SOURCE_URL,
    SAMPLES,
    recipients,
    sample,
    sample_manifest,
    sample_path,
)
from report_types.names import DEFAULT_SMTP_SECRET
from report_types.run import ReportRun

REPORTS = ["flight-delays", "stock-summary", "daily-sales"]


@pytest.mark.parametrize("name", REPORTS)
def test_every_sample_is_a_valid_report_of_its_files_name(name: str) -> None:
    assert name == sample(name).metadata.name


@pytest.mark.parametrize("name", EXPECTED)
def test_a_checked_sample_reads_from_the_demos_data_source(name: str) -> None:
    (source,) = sample(name).spec.sources
    assert source.http
    assert source.http.url.startswith(f"{DATA_SOURCE_URL}/")
    assert f"url: {source.http.url}\n" in sample_path(name).read_text(encoding="utf-8")


def test_run_now_runs_the_flights() -> None:
    run = ReportRun.model_validate(sample_manifest("run-now"))

    assert "flight-delays" == run.spec.report_ref.name


def test_the_secret_has_the_name_that_reports_use_by_default() -> None:
    secret = sample_manifest("report-smtp")

    assert DEFAULT_SMTP_SECRET == secret["metadata"]["name"]
    assert secret["stringData"]["SMTP_HOST"].startswith("mail-catcher.")


def test_no_sample_names_a_namespace() -> None:
    """
    So that each can be applied anywhere, with -n.
    """
    for path in SAMPLES.glob("*.yaml"):
        assert "namespace" not in sample_manifest(path.stem)["metadata"]


def test_everybody_who_gets_the_result_is_a_recipient() -> None:
    report = sample("daily-sales")
    email = report.spec.delivery.email.model_copy(update={"cc": ["b@x.io"], "bcc": ["c@x.io"]})
    delivery = report.spec.delivery.model_copy(update={"email": email})
    spec = report.spec.model_copy(update={"delivery": delivery})

    assert ["analyst@example.com", "b@x.io", "c@x.io"] == recipients(
        report.model_copy(update={"spec": spec})
    )

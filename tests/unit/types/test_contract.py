"""The rules of the kinds, as the command line and the facade meet them."""

from typing import Any

import pytest
from pydantic import ValidationError

from report_cases import BAD, PLAINEST, RUN, changed
from report_types.report import ScheduledReport
from report_types.run import ReportRun


def test_plainest_report_gets_the_documented_defaults() -> None:
    """
    What a user leaves out is what the documents promise.
    """
    spec = ScheduledReport.model_validate(PLAINEST).spec

    assert (30, 300) == (spec.sources[0].http.timeout_seconds, spec.script.timeout_seconds)
    assert (3, 2, 5) == (
        spec.retry.fetch.limit,
        spec.retry.delivery.limit,
        spec.retry.delivery.backoff_seconds,
    )
    assert "report-smtp" == spec.delivery.email.smtp_secret_ref.name
    assert ("Forbid", 600, False) == (
        spec.concurrency_policy,
        spec.starting_deadline_seconds,
        spec.suspend,
    )


def test_what_is_written_reads_back_the_same() -> None:
    """
    The wire form is camelCase and loses nothing.
    """
    report = ScheduledReport.model_validate(PLAINEST)

    assert report == ScheduledReport.model_validate(report.to_wire())
    assert "timeZone" in report.to_wire()["spec"]


@pytest.mark.parametrize(("path", "value", "message"), BAD)
def test_bad_field_is_refused_with_its_path_and_a_way_out(
    path: str, value: Any, message: str
) -> None:
    """
    The error stands at the field that is wrong, or at the object whose rule it breaks.
    """
    with pytest.raises(ValidationError) as caught:
        ScheduledReport.model_validate(changed(path, value))

    errors = caught.value.errors()
    assert any(message in error["msg"] for error in errors), errors
    where = ".".join(str(part) for part in errors[0]["loc"])
    assert path.startswith(where) or where.startswith(path), where


def test_several_sources_need_one_that_is_called_data() -> None:
    """
    The script's `data` must not depend on the order of the sources.
    """
    source = PLAINEST["spec"]["sources"][0]
    both = changed("spec.sources", [{**source, "name": "a"}, {**source, "name": "b"}])

    with pytest.raises(ValidationError, match="one must be named data"):
        ScheduledReport.model_validate(both)


@pytest.mark.parametrize("path", ["../x.csv", "a/../../x.csv", "/etc/passwd", ".."])
def test_file_source_stays_inside_its_volume(path: str) -> None:
    """
    A path cannot climb out of the volume.
    """
    file = {"path": path, "format": "CSV", "configMap": {"name": "a"}}

    with pytest.raises(ValidationError, match="inside the volume"):
        ScheduledReport.model_validate(changed("spec.sources", [{"name": "data", "file": file}]))


def test_an_error_never_repeats_the_value_that_was_given() -> None:
    """
    A password that slipped into a URL must not reach a log by way of its error.
    """
    with pytest.raises(ValidationError) as caught:
        ScheduledReport.model_validate(
            changed("spec.sources.0.http.url", "https://user:hunter2@example.com/")
        )

    assert "hunter2" not in str(caught.value)


def test_older_reader_passes_over_fields_of_a_newer_version() -> None:
    """
    An operator that is older than the CRD goes on with the fields it knows.
    """
    newer = changed("spec.newField", 1)
    newer["spec"]["sources"][0]["http"]["newer"] = {"a": [1]}

    assert ScheduledReport.observed(newer).spec == ScheduledReport.model_validate(PLAINEST).spec


def test_older_reader_still_refuses_what_it_knows_to_be_wrong() -> None:
    """
    Tolerance is for unknown fields, not for broken rules.
    """
    newer = changed("spec.newField", 1)
    newer["spec"]["schedule"] = "never"

    with pytest.raises(ValidationError):
        ScheduledReport.observed(newer)


def test_run_made_by_hand_is_manual() -> None:
    """
    Creating a ReportRun without saying why it runs means: run now.
    """
    assert "Manual" == ReportRun.model_validate(RUN).spec.trigger


def test_run_with_a_generated_name_is_judged_by_the_api_server() -> None:
    """
    `kubectl create` with generateName has no name yet.
    """
    run = {**RUN, "metadata": {"generateName": "daily-sales-"}}

    assert ReportRun.model_validate(run).metadata.name is None


def test_report_may_use_integers_for_cpu() -> None:
    """
    YAML reads ``cpu: 1`` as a number; Kubernetes takes it, so we do.
    """
    report = ScheduledReport.model_validate(changed("spec.resources", {"limits": {"cpu": 2}}))

    assert "2" == report.spec.resources.limits.cpu

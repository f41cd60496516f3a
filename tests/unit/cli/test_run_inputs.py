"""What a local run is given in place of a cluster."""

from pathlib import Path
from typing import Any

import pytest

from report_cli.errors import UsageError
from report_cli.run_inputs import header_secrets, header_variable, local_files, script_given
from report_types.outcome import Reason, RunError
from report_types.report import ScheduledReport


def make_report(**spec: Any) -> ScheduledReport:
    """Return a report with a secret header, changed by *spec*."""
    secret = {"secretKeyRef": {"name": "report-api", "key": "token"}}
    headers = [{"name": "X-Api-Key", "valueFrom": secret}, {"name": "Accept", "value": "text/csv"}]
    whole = {
        "schedule": "09:00",
        "sources": [
            {"name": "data", "file": {"configMap": {"name": "x"}, "path": "x", "format": "CSV"}},
            {
                "name": "my-orders",
                "http": {"url": "https://a.example", "format": "CSV", "headers": headers},
            },
        ],
        "script": {"inline": "result = data"},
        "delivery": {"email": {"to": ["analyst@example.com"]}},
        **spec,
    }
    return ScheduledReport.model_validate({"metadata": {"name": "x"}, "spec": whole})


def test_header_from_a_secret_comes_from_a_variable() -> None:
    """
    The variable is named after the source and the header, so that nothing secret is in an option.
    """
    environ = {"SREP_HEADER_MY_ORDERS_X_API_KEY": "s3cret"}

    assert {("report-api", "token"): "s3cret"} == header_secrets(make_report(), {}, environ)


@pytest.mark.parametrize("environ", [{}, {"SREP_HEADER_MY_ORDERS_X_API_KEY": ""}])
def test_variable_that_is_not_set_is_named(environ: dict[str, str]) -> None:
    """
    The message names the field, the variable to set, and the other way out.
    """
    with pytest.raises(RunError) as caught:
        header_secrets(make_report(), {}, environ)

    assert Reason.SECRET_MISSING is caught.value.reason
    for part in (
        "spec.sources[1].http.headers[0].valueFrom",
        "SREP_HEADER_MY_ORDERS_X_API_KEY",
        "--data my-orders=PATH",
    ):
        assert part in caught.value.message


def test_source_that_is_not_fetched_needs_no_secret() -> None:
    """
    A file stands in for the source, so nobody is asked for its credentials.
    """
    assert {} == header_secrets(make_report(), {"my-orders": Path("x.csv")}, {})


def test_every_other_character_of_a_name_is_an_underscore_in_the_variable() -> None:
    """
    Header names may hold what no variable may.
    """
    assert "SREP_HEADER_A_1_X__Y_Z" == header_variable("a-1", "x.!y`z")


def test_data_option_names_a_source_and_a_file() -> None:
    """
    The path may hold an equals sign, the name may not.
    """
    files = local_files(["data=a=b.csv", "other=/x"], ["data", "other"])

    assert {"data": Path("a=b.csv"), "other": Path("/x")} == files


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["sales.csv"], "--data sales.csv: write NAME=PATH, such as --data orders=sales.csv"),
        (["orders="], "write NAME=PATH"),
        (["=x"], "write NAME=PATH"),
        (["order=x"], "--data order=x: the report has no source order: write orders=…"),
        (["x=y"], "write orders or data=…"),
        (["data=a", "data=b"], "--data data=b: source data is given twice: remove one"),
    ],
)
def test_wrong_data_option_says_what_to_write(given: list[str], message: str) -> None:
    """
    A typo must not lead to a run on other data.
    """
    with pytest.raises(UsageError) as caught:
        local_files(given, ["orders", "data"])

    assert message in caught.value.message
    assert 2 == caught.value.exit_code


def test_script_of_a_config_map_must_be_given() -> None:
    """
    There is no ConfigMap here; the message names it, and the option.
    """
    script = {"configMapKeyRef": {"name": "scripts", "key": "daily.py"}}

    with pytest.raises(RunError) as caught:
        script_given(make_report(script=script), None)

    assert Reason.SCRIPT_MISSING is caught.value.reason
    assert "key daily.py of ConfigMap scripts" in caught.value.message
    assert "--script PATH" in caught.value.message


def test_script_option_is_refused_where_the_script_is_inline() -> None:
    """
    Otherwise one would test another script than the one that the cluster will run.
    """
    with pytest.raises(UsageError) as caught:
        script_given(make_report(), Path("daily.py"))

    assert "inline" in caught.value.message

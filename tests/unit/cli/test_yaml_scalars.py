"""Plain values are read as kubectl reads them: what is expected is what sigs.k8s.io/yaml made."""

from typing import Any

import pytest

from report_cli.yaml_reader import read_documents

AS_KUBECTL: dict[str, Any] = {
    "yes": True,
    "N": False,
    "on": True,
    "OFF": False,
    "tRUE": "tRUE",
    "null": None,
    "~": None,
    "010": 8,
    "0o14": 12,
    "0O14": 12,
    "0b101": 5,
    "-0x1F": -31,
    "1_000": 1000,
    "_1": "_1",
    "089": 89,
    "0b12": "0b12",
    "10:30": "10:30",
    "09:00": "09:00",
    "2026-01-01": "2026-01-01",
    "1.5": 1.5,
    "5.0": 5,
    "1e3": 1000,
    "1e30": 1e30,
    ".e3": ".e3",
    "512Mi": "512Mi",
    "Infinity": "Infinity",
    '"yes"': "yes",
    "!!str yes": "yes",
    "!!str 5": "5",
    '!!int "5"': 5,
    "&anchor !!str 5": "5",
}


@pytest.mark.parametrize(("written", "expected"), AS_KUBECTL.items())
def test_plain_value_is_what_kubectl_sends(written: str, expected: Any) -> None:
    """
    A schedule or a flag must not mean one thing to srep and another to the cluster.
    """
    (document,) = read_documents("x.yaml", f"a: {written}\n")

    assert ([], {"a": expected}) == (document.findings, document.value)
    assert type(expected) is type(document.value["a"])


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (".inf", "must be a finite number"),
        ("!!binary aGk=", "the tag tag:yaml.org,2002:binary is not supported"),
        (r'"\ud800"', "holds half of a surrogate pair"),
    ],
)
def test_value_that_json_cannot_hold_is_an_error(written: str, message: str) -> None:
    """
    The API server takes JSON: what JSON has no form for is refused at its line.
    """
    (document,) = read_documents("x.yaml", f"b: 1\na: {written}\n")

    (finding,) = document.findings
    assert ("a", 2) == (finding.field, finding.place and finding.place.line)
    assert finding.message.startswith(message)

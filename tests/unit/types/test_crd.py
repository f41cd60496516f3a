"""The CRDs: structural, explained, and the same as the files that are shipped."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from report_types.crd import build_crds
from report_types.generate import generated_files

ROOT = Path(__file__).parents[3]
CRDS = {crd["spec"]["names"]["kind"]: crd for crd in build_crds()}
KINDS = pytest.mark.parametrize("kind", sorted(CRDS))


def schema_of(kind: str) -> dict[str, Any]:
    return CRDS[kind]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def fields(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, field in schema.get("properties", {}).items():
        yield f"{path}.{name}", field
        yield from fields(field.get("items", field), f"{path}.{name}")


@pytest.mark.parametrize("name", sorted(generated_files()))
def test_generated_file_is_current(name: str) -> None:
    """
    What is committed is what the models say: run `make generate` after changing them.
    """
    assert generated_files()[name] == (ROOT / name).read_text(encoding="utf-8")


@KINDS
def test_every_field_is_explained(kind: str) -> None:
    """
    `kubectl explain` has a text for each field of ours.
    """
    ours = {"spec": schema_of(kind)["properties"]["spec"]}
    silent = [path for path, field in fields({"properties": ours}) if not field.get("description")]

    assert [] == silent


@KINDS
def test_schema_is_structural(kind: str) -> None:
    """
    No reference, alternative or null is left: the API server would refuse the CRD.
    """
    assert not {"$ref", "anyOf", "$defs", "const", "title"} & _keys(schema_of(kind))


def _keys(node: Any) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(_keys, node))
    if not isinstance(node, dict):
        return set()
    inner = {k: v for k, v in node.items() if k != "properties"}
    return set(inner) | set().union(
        *map(_keys, [*inner.values(), *node.get("properties", {}).values()])
    )


@KINDS
def test_status_has_no_defaults(kind: str) -> None:
    """
    A status says what was observed; the API server must not fill it in.
    """
    assert "default" not in _keys(schema_of(kind)["properties"]["status"])


def test_kubectl_get_shows_the_promised_columns() -> None:
    """
    The plain list answers what people ask; the wide one adds rows, recipients and message.
    """
    columns = CRDS["ScheduledReport"]["spec"]["versions"][0]["additionalPrinterColumns"]
    plain = [c["name"] for c in columns if not c.get("priority")]
    wide = [c["name"] for c in columns if c.get("priority")]

    assert [
        "Schedule",
        "Time Zone",
        "Suspend",
        "Ready",
        "Last Run",
        "Result",
        "Next",
        "Age",
    ] == plain
    assert ["Rows", "Recipients", "Message"] == wide


def test_kinds_have_their_short_names_and_category() -> None:
    """
    `kubectl get srep`, `rrun` and `reports` work.
    """
    names = {kind: crd["spec"]["names"] for kind, crd in CRDS.items()}

    assert "srep" in names["ScheduledReport"]["shortNames"]
    assert "rrun" in names["ReportRun"]["shortNames"]
    assert all(["reports"] == n["categories"] for n in names.values())


def test_run_spec_cannot_be_changed() -> None:
    """
    A run is a record: its spec is immutable.
    """
    rules = schema_of("ReportRun")["properties"]["spec"]["x-kubernetes-validations"]

    assert "self == oldSelf" in [rule["rule"] for rule in rules]

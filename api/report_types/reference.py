"""The field reference, ``docs/reference.md``: one line a field, from the models."""

from collections.abc import Iterator
from typing import Any

from report_types.crd import build_crds

Schema = dict[str, Any]
_HEAD = """\
# Field reference

Generated from `api/report_types` by `make generate`; do not edit.
The same texts are shown by `kubectl explain scheduledreport.spec --recursive`.
"""


def build_reference() -> str:
    """Return the reference of all kinds as Markdown."""
    return "\n".join([_HEAD, *(_kind(crd) for crd in build_crds())])


def _kind(crd: Schema) -> str:
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    lines = [f"## {crd['spec']['names']['kind']}", "", schema["description"], ""]
    for part in ("spec", "status"):
        lines += ["| field | type | default | meaning |", "|---|---|---|---|"]
        lines += _rows(part, schema["properties"][part])
        lines.append("")
    return "\n".join(lines)


def _rows(path: str, schema: Schema) -> Iterator[str]:
    required = schema.get("required", [])
    for name, field in schema.get("properties", {}).items():
        inner = field.get("items", field)
        here = f"{path}.{name}" + ("[]" if "items" in field else "")
        default = "**required**" if name in required else _default(field)
        about = [
            field.get("description", ""),
            *_messages(field),
            *_messages(field.get("items", {})),
        ]
        meaning = " ".join(about).replace("|", "\\|").replace("\n", " ")
        yield f"| `{here}` | {_type(field)} | {default} | {meaning} |"
        yield from _rows(here, inner)


def _messages(schema: Schema) -> list[str]:
    return [f"*{rule['message']}.*" for rule in schema.get("x-kubernetes-validations", [])]


def _default(field: Schema) -> str:
    default = field.get("default")
    return "" if default in (None, {}) else f"`{default}`"


def _type(field: Schema) -> str:
    if "enum" in field:
        return " \\| ".join(map(str, field["enum"]))
    if "items" in field:
        return f"list of {_type(field['items'])}"
    return str(field.get("type", "quantity"))

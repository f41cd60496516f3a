"""
From pydantic's JSON Schema to the structural schema of a CRD.

Structural: every object spelled out in place, no references, no alternatives with null, as
https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions
asks for.
"""

from typing import Any

from report_types.base import APIModel

Schema = dict[str, Any]
_DROPPED = {"title", "$defs", "additionalProperties"}


def structural_schema(model: type[APIModel]) -> Schema:
    """Return the structural schema of *model*: no ``$ref``, ``anyOf``, ``const`` or ``title``."""
    schema = model.model_json_schema(by_alias=True)
    return _inline(schema, schema.get("$defs", {}))


def _inline(schema: Schema, defs: dict[str, Schema]) -> Schema:
    schema = _without_null(schema)
    if reference := schema.pop("$ref", None):
        # What the field says of itself goes before what its type says.
        schema = {**defs[reference.removeprefix("#/$defs/")], **schema}
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]
    if isinstance(extra := schema.get("additionalProperties"), dict):
        return {**_kept(schema), "additionalProperties": _inline(extra, defs)}
    result = _kept(schema)
    if "properties" in result:
        result["properties"] = {k: _inline(v, defs) for k, v in result["properties"].items()}
    if "items" in result:
        result["items"] = _inline(result["items"], defs)
    return result


def _kept(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key not in _DROPPED}


def _without_null(schema: Schema) -> Schema:
    """Turn ``anyOf: [X, null]`` into X: a field that is not required may be left out."""
    schema = dict(schema)
    if schema.get("default", ...) is None:
        del schema["default"]
    if "anyOf" not in schema:
        return schema
    (choice,) = (c for c in schema.pop("anyOf") if c.get("type") != "null")
    return {**choice, **schema}


def without_defaults(schema: Schema) -> Schema:
    """Return *schema* without defaults: a status says what was observed, never what is usual."""
    result = {key: value for key, value in schema.items() if key != "default"}
    if "properties" in result:
        result["properties"] = {k: without_defaults(v) for k, v in result["properties"].items()}
    if "items" in result:
        result["items"] = without_defaults(result["items"])
    return result

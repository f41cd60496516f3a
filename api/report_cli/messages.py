"""
The words for what a model refuses.

The rules' own messages come from the models, as the API server's do. The rest are pydantic's types
of error, said in the words of someone who writes YAML. No message repeats a value, which may be
secret.
"""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args

from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from report_cli.findings import Path, field_name
from report_types.base import APIModel
from report_types.names import API_VERSION

_WORDS: Final = {
    "bool_type": "must be true or false",
    "int_type": "must be a whole number, without quotes",
    "list_type": "must be a list: begin each entry with '- '",
    "dict_type": "must be an object: write KEY: VALUE lines below it",
    "model_type": "must be an object: write KEY: VALUE lines below it",
    "string_type": "must be text: put the value in quotes",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "string_too_long": "must have {max_length} characters or fewer",
    "string_too_short": "must not be empty",
    "too_long": "must have {max_length} entries or fewer",
    "too_short": "must not be empty: give {min_length} or more",
    "datetime_from_date_parsing": "must be a time such as 2026-01-31T09:00:00Z",
    "datetime_parsing": "must be a time such as 2026-01-31T09:00:00Z",
    "datetime_type": "must be a time such as 2026-01-31T09:00:00Z, in quotes",
}


def message_of(error: ErrorDetails, root: type[APIModel], given: Any) -> str:
    """Say what is wrong and the way out; *given* is the value that stands there."""
    kind, path = error["type"], error["loc"]
    context = error.get("ctx", {})
    if kind == "rule":
        return str(context["message"])
    if kind == "missing":
        return _missing(root, path)
    if kind == "extra_forbidden":
        return unknown_field(root, path)
    if kind in ("enum", "literal_error"):
        return _not_one_of(str(context["expected"]), given)
    words = _WORDS.get(kind)
    return words.format_map(context) if words else error["msg"]


def nearest(wrong: str, known: Iterator[str] | list[str]) -> str | None:
    """Return the name of *known* that looks most like *wrong*, if any does."""
    by_letters = {_letters(name): name for name in known}
    found = difflib.get_close_matches(_letters(wrong)[:64], by_letters, n=1, cutoff=0.7)
    return by_letters[found[0]] if found else None


def model_at(root: type[APIModel], path: Path) -> type[APIModel] | None:
    """Return the model of the object at *path*, if it is one that we know the fields of."""
    model: type[APIModel] | None = root
    for part in path:
        if isinstance(part, int):
            continue
        field = fields_of(model).get(part) if model else None
        model = _model_in(field.annotation) if field else None
    return model


def fields_of(model: type[APIModel]) -> Mapping[str, FieldInfo]:
    """Return the fields by the names that they have in YAML."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _missing(root: type[APIModel], path: Path) -> str:
    model = model_at(root, path[:-1])
    field = fields_of(model).get(str(path[-1])) if model else None
    about = field.description if field else None
    return f"is missing. {about}" if about else "is missing: add it"


def is_unknown(root: type[APIModel], path: Path) -> bool:
    """Tell whether there is no such field, in an object of which we know the fields."""
    parent = model_at(root, path[:-1])
    return parent is not None and path[-1] not in fields_of(parent)


def unknown_field(root: type[APIModel], path: Path) -> str:
    """Say what may have been meant by a field that there is not."""
    name, parent = str(path[-1]), model_at(root, path[:-1])
    known = [field for field in fields_of(parent) if field != "status"] if parent else []
    if close := nearest(name, known):
        return f"unknown field: did you mean {close}?"
    if homes := list(_homes(root, name)):
        return f"unknown field here: it belongs to {' or '.join(homes[:3])}"
    return f"unknown field: remove it, or write one of {', '.join(known)}"


def _homes(model: type[APIModel], name: str, above: Path = ()) -> Iterator[str]:
    """Yield where in *model* there is a field called *name*, as ``spec.sources[].http``."""
    for alias, field in fields_of(model).items():
        if alias == "status":
            continue
        if alias == name and above:
            yield field_name(above).replace("[0]", "[]")
        if inner := _model_in(field.annotation):
            is_list = "list[" in str(field.annotation)
            yield from _homes(inner, name, (*above, alias, 0) if is_list else (*above, alias))


def _not_one_of(expected: str, given: Any) -> str:
    if expected == f"'{API_VERSION}'":
        return f"must be {API_VERSION}"
    choices = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    close = nearest(given, choices) if isinstance(given, str) else None
    hint = f": did you mean {close}?" if close else ""
    return (
        f"must be {' or '.join(choices)}"
        if len(choices) < 3
        else f"must be one of {', '.join(choices)}"
    ) + hint


def _model_in(annotation: Any) -> type[APIModel] | None:
    """Return the model that *annotation* is, or is a list or an option of."""
    if isinstance(annotation, type) and issubclass(annotation, APIModel):
        return annotation
    found = (_model_in(part) for part in get_args(annotation))
    return next((model for model in found if model), None)


def _letters(name: str) -> str:
    return name.replace("_", "").replace("-", "").casefold()

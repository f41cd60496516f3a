"""Fields without a value: the API server takes them as left out, so they are told and dropped."""

from collections.abc import Iterator
from typing import Any, Final

from report_cli.findings import Path

_FREE: Final = ("spec", "parameters")  # what is in here is the author's own


def without_nulls(value: Any, path: Path = ()) -> Any:
    """Return *value* without the fields that have no value; a list keeps all its entries."""
    if isinstance(value, dict) and path != _FREE:
        return {
            key: without_nulls(inner, (*path, key))
            for key, inner in value.items()
            if inner is not None
        }
    if isinstance(value, list):
        return [without_nulls(inner, (*path, index)) for index, inner in enumerate(value)]
    return value


def empty_fields(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the paths that ``without_nulls`` drops."""
    if isinstance(value, dict) and path != _FREE:
        for key, inner in value.items():
            if inner is None:
                yield (*path, key)
            else:
                yield from empty_fields(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from empty_fields(inner, (*path, index))

"""
Turns what a script left in ``result`` into a DataFrame and a CSV, or says why that cannot be.
"""

import errno
from pathlib import Path
from typing import Any, Final

import pandas as pd

MAX_REPORTED_COLUMNS: Final = 200


class ResultInvalidError(Exception):
    """The script's result cannot be sent; the message is fit for a status."""


class ResultTooLargeError(Exception):
    """The CSV would be larger than the limit."""


_MISSING: Final = object()


def result_of(namespace: dict[str, Any]) -> tuple[pd.DataFrame, list[str]]:
    """
    Return the script's result as a DataFrame, with warnings for its author.

    A Series and a scalar become DataFrames.

    Raises:
        ResultInvalidError: there is no result, or none that a CSV can hold.
    """
    result = namespace.get("result", _MISSING)
    if result is _MISSING:
        raise ResultInvalidError(
            "the script never sets `result`: assign the DataFrame that is to be sent, "
            "such as result = data"
        )
    frame = _to_frame(result)
    if frame.columns.nlevels > 1:
        raise ResultInvalidError(
            f"the columns of `result` have {frame.columns.nlevels} levels, and a CSV has one: "
            'flatten them, such as result.columns = ["_".join(map(str, c)) for c in result.columns]'
        )
    return frame, warnings_about(frame)


def warnings_about(frame: pd.DataFrame) -> list[str]:
    """Return what the author of the script should know about *frame*."""
    warnings = []
    if _is_meaningful(frame.index):
        names = ", ".join(f'"{name}"' for name in frame.index.names if name is not None)
        warnings.append(
            f"the index {names or 'of `result`'} is not written to the CSV: add .reset_index(), "
            "or use groupby(…, as_index=False)"
        )
    if not len(frame.columns):
        warnings.append("`result` has no columns")
    elif not frame.columns.is_unique:
        warnings.append("two columns of `result` have the same name")
    return warnings


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """
    Write *frame* as ``to_csv(index=False)`` does. The kernel's limit bounds the file's size.

    Raises:
        ResultTooLargeError: the file would be larger than that.
        ResultInvalidError: a value cannot be written.
        MemoryError: there is not enough memory for it.
    """
    try:
        frame.to_csv(path, index=False)
    except OSError as error:
        if error.errno in (errno.EFBIG, errno.ENOSPC):
            raise ResultTooLargeError from error
        raise
    except UnicodeEncodeError as error:
        raise ResultInvalidError(
            "a text in `result` is not valid Unicode (a lone surrogate) and cannot be written"
        ) from error


def column_names(frame: pd.DataFrame) -> list[str]:
    """Return the names of the first columns, as the CSV's header shows them."""
    return [str(name)[:200] for name in frame.columns[:MAX_REPORTED_COLUMNS]]


def _to_frame(result: object) -> pd.DataFrame:
    if isinstance(result, pd.DataFrame):
        return result
    if isinstance(result, pd.Series):
        return _series_to_frame(result)
    if result is None:
        raise ResultInvalidError(
            "`result` is None: a call with inplace=True returns None, so assign the DataFrame "
            "itself"
        )
    if pd.api.types.is_scalar(result):
        return pd.DataFrame({"result": [result]})
    raise ResultInvalidError(
        f"`result` is of the type {type(result).__name__}, not a DataFrame: "
        "wrap it, such as result = pd.DataFrame(result)"
    )


def _series_to_frame(series: "pd.Series[Any]") -> pd.DataFrame:
    named = series if series.name is not None else series.rename("result")
    if all(name is None for name in series.index.names):
        return named.to_frame()
    if named.name in series.index.names:
        named = named.rename("result")
    return named.reset_index()


def _is_meaningful(index: "pd.Index[Any]") -> bool:
    """Whether an index says more than the number of the row."""
    if index.nlevels > 1 or index.name is not None:
        return True
    return not pd.api.types.is_integer_dtype(index.dtype) and len(index) > 0

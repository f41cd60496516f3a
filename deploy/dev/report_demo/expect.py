"""
What the samples must deliver, computed another way than they do it.

The samples use pandas; here the same data are added up line by line in plain Python. A delivered
CSV is right if it agrees with these tables cell by cell.
"""

import csv
import io
import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from report_demo import datasets

_MOST_DIFFERENCES: Final = 5
_TOLERANCE: Final = 1e-9  # relative, and absolute near zero

Cell = str | int | float


@dataclass(frozen=True)
class Table:
    """A result: names of the columns, and the rows in their order."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def flight_delays() -> Table:
    """Return flights that arrived and their mean arrival delay (minutes), by carrier and month."""
    delays: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    lines = csv.reader(io.StringIO(datasets.flights_csv().decode("ascii")))
    header = next(lines)
    carrier, month, delay = map(header.index, ("carrier", "month", "arr_delay"))
    for line in lines:
        if line[delay] != "NA":
            delays[line[carrier], int(line[month])].append(int(line[delay]))
    return Table(
        ("carrier", "month", "arrivals", "mean_arrival_delay"),
        tuple((*key, len(group), sum(group) / len(group)) for key, group in sorted(delays.items())),
    )


def stock_summary() -> Table:
    """Return first, last, lowest, highest and mean price (USD) and change (%) by symbol."""
    prices: defaultdict[str, list[float]] = defaultdict(list)
    for item in sorted(datasets.stocks(), key=lambda item: item["date"]):
        prices[str(item["symbol"])].append(float(item["price"]))
    return Table(
        ("symbol", "first", "last", "min", "max", "mean", "change_percent"),
        tuple((symbol, *_summary(series)) for symbol, series in sorted(prices.items())),
    )


def _summary(series: list[float]) -> tuple[float, ...]:
    first, last = series[0], series[-1]
    mean = math.fsum(series) / len(series)
    return first, last, min(series), max(series), mean, 100 * (last - first) / first


EXPECTED: Final[Mapping[str, Callable[[], Table]]] = {
    "flight-delays": flight_delays,
    "stock-summary": stock_summary,
}


def differences(content: bytes, expected: Table) -> list[str]:
    """
    Say where a delivered CSV differs from *expected*: nothing if it is right, five places at most.

    A float may differ by 1e-9 of its value; everything else must be equal.
    """
    header, *rows = list(csv.reader(io.StringIO(content.decode("utf-8", "replace")))) or [[]]
    if tuple(header) != expected.columns:
        return [f"columns are {', '.join(header)}; expected {', '.join(expected.columns)}"]
    if len(rows) != len(expected.rows):
        return [f"{len(rows)} rows; expected {len(expected.rows)}"]
    if any(len(row) != len(header) for row in rows):
        return ["a row has more or fewer cells than the header"]
    wrong = [
        f"row {number}, {column}: {text}; expected {cell}"
        for number, (row, cells) in enumerate(zip(rows, expected.rows, strict=True), start=1)
        for column, text, cell in zip(expected.columns, row, cells, strict=True)
        if not _agrees(text, cell)
    ]
    return wrong[:_MOST_DIFFERENCES]


def _agrees(text: str, cell: Cell) -> bool:
    if isinstance(cell, str):
        return text == cell
    try:
        number = type(cell)(text)
    except ValueError:
        return False
    return math.isclose(number, cell, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)

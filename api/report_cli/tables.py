"""Tables: drawn on a terminal, plain columns two spaces apart everywhere else."""

import sys
from collections.abc import Sequence
from typing import Final

from report_cli.terminal import has_colours, printable, say

_WIDEST: Final = 40  # characters of a cell
_GAP: Final = 3  # characters between two drawn columns
_MORE: Final = "…"

_Lines = list[list[str]]


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[bool] = ()
) -> None:
    """Print *rows* under *columns*; a column is flush right where *right* says so."""
    flush = [*right, *[False] * (len(columns) - len(right))]
    lines = [[_cell(value) for value in row] for row in (columns, *rows)]
    if has_colours(sys.stdout):
        _draw(lines, flush)
    else:
        _align(lines, flush)


def fit(lines: _Lines, width: int) -> _Lines:
    """Return *lines* with as many columns as go into *width*; an ellipsis stands for the others."""
    left = width
    for count, size in enumerate(_widths(lines)):
        left -= size + _GAP
        if left < len(_MORE) and count:
            return [[*line[:count], _MORE] for line in lines]
    return lines


def _cell(value: str) -> str:
    clean = printable(value.replace("\n", "↵").replace("\t", " "))
    return clean if len(clean) <= _WIDEST else clean[: _WIDEST - 1] + _MORE


def _widths(lines: _Lines) -> list[int]:
    return [max(map(len, column)) for column in zip(*lines, strict=True)]


def _draw(lines: _Lines, right: Sequence[bool]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    (columns, *rows) = fit(lines, console.width)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column, is_right in zip(columns, right, strict=False):
        table.add_column(Text(column), justify="right" if is_right else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(value) for value in row))
    console.print(table)


def _align(lines: _Lines, right: Sequence[bool]) -> None:
    widths = _widths(lines)
    for line in lines:
        cells = (
            value.rjust(width) if is_right else value.ljust(width)
            for value, width, is_right in zip(line, widths, right, strict=True)
        )
        say("  ".join(cells).rstrip())

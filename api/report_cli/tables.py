"""Tables: drawn on a terminal, plain columns two spaces apart everywhere else."""

import sys
from collections.abc import Sequence
from typing import Final

from report_cli.terminal import has_colours, printable, say

_WIDEST: Final = 40  # characters of a cell in a plain table


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[bool] = ()
) -> None:
    """Print *rows* under *columns*; a column is flush right where *right* says so."""
    flush = [*right, *[False] * (len(columns) - len(right))]
    clean = [[_cell(value) for value in row] for row in (columns, *rows)]
    if has_colours(sys.stdout):
        _draw(clean[0], clean[1:], flush)
    else:
        _align(clean, flush)


def _cell(value: str) -> str:
    return printable(value.replace("\n", "↵").replace("\t", " "))


def _draw(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column, is_right in zip(columns, right, strict=True):
        table.add_column(
            Text(column), justify="right" if is_right else "left", overflow="ellipsis", no_wrap=True
        )
    for row in rows:
        table.add_row(*(Text(value) for value in row))
    Console().print(table)


def _align(lines: Sequence[Sequence[str]], right: Sequence[bool]) -> None:
    short = [
        [value if len(value) <= _WIDEST else value[: _WIDEST - 1] + "…" for value in line]
        for line in lines
    ]
    widths = [max(map(len, column)) for column in zip(*short, strict=True)]
    for line in short:
        cells = (
            value.rjust(width) if is_right else value.ljust(width)
            for value, width, is_right in zip(line, widths, right, strict=True)
        )
        say("  ".join(cells).rstrip())

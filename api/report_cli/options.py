"""Options that several commands have, so that they read the same everywhere."""

from typing import Annotated

import typer

from report_cli.terminal import Format

Output = Annotated[
    Format, typer.Option("--output", "-o", help="How to print the result.", show_choices=True)
]

"""``srep``: check a report, see when it is due, run it on one's own machine."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer
from typer.exceptions import TyperException

from report_cli import run, schedule, validate
from report_cli.errors import EXIT_INTERRUPTED, UsageError, tell_bug, tell_error
from report_cli.terminal import say

app = typer.Typer(
    name="srep",
    help="Check a scheduled report, see when it is due, and run it on your own machine.",
    rich_markup_mode=None,  # plain help is there in half the time
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.command("validate")(validate.validate)
app.command("schedule")(schedule.schedule)
app.command("run")(run.run)


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"srep {version('scheduled-reports')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _without_command(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        say(context.get_help())
        raise typer.Exit(UsageError.exit_code)


def main() -> int:
    """Run the command line and return its exit code."""
    arguments = sys.argv[1:]
    try:
        return app(prog_name="srep", standalone_mode=False) or 0
    except TyperException as error:
        return tell_error(error, arguments)
    except (typer.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except Exception as error:  # the last resort: also a bug is told in a sentence
        return tell_bug(error, arguments)


if __name__ == "__main__":
    sys.exit(main())

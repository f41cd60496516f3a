"""``srep schedule``: what a schedule means, and when it fires next."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from report_cli.errors import CommandError, UsageError
from report_cli.options import Output
from report_cli.terminal import Format, paint, say, say_json

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

_MOST = 1000


def schedule(
    expression: Annotated[
        list[str],
        typer.Argument(
            metavar="EXPR", help="Five cron fields in quotes, HH:MM, or a word such as @daily."
        ),
    ],
    tz: Annotated[
        str, typer.Option("--tz", metavar="ZONE", help="IANA time zone that it is read in.")
    ] = "Etc/UTC",
    count: Annotated[
        int, typer.Option("--count", min=1, max=_MOST, help="How many runs to list.")
    ] = 5,
    after: Annotated[
        str | None,
        typer.Option(
            "--after",
            metavar="TIME",
            help="List runs after this time, such as 2026-03-28T12:00; by default, now.",
        ),
    ] = None,
    output: Output = Format.TABLE,
) -> int:
    """Say in words when a schedule fires, list its next runs, and warn of surprises."""
    from report_types.cron import ScheduleError

    if len(expression) > 1:
        raise UsageError(
            f"the schedule has {len(expression)} parts: put it in quotes, as in '0 9 * * 1-5'"
        )
    try:
        facts = _facts(expression[0], tz, count, after)
    except ScheduleError as error:
        if output is Format.JSON:
            say_json(
                {"valid": False, "schedule": expression[0], "timeZone": tz, "message": str(error)}
            )
            return 1
        raise CommandError(str(error)) from error
    if output is Format.JSON:
        say_json(facts)
    else:
        _print(facts, count)
    return 0


def _facts(expression: str, tz: str, count: int, after: str | None) -> dict[str, Any]:
    from report_cli.words import describe
    from report_types import cron
    from report_types.base import to_rfc3339

    parsed = cron.parse(expression)
    zone = cron.zone(tz)
    start = _moment(after, zone)
    return {
        "valid": True,
        "schedule": expression,
        "timeZone": tz,
        "cron": parsed.to_cron(),
        "words": describe(parsed),
        "after": to_rfc3339(start),
        "next": [
            {
                "local": moment.astimezone(zone).isoformat(),
                "abbreviation": moment.astimezone(zone).tzname(),
                "utc": to_rfc3339(moment),
            }
            for moment in cron.next_times(parsed, zone, start, count)
        ],
        "warnings": cron.warnings(parsed, zone, start),
    }


def _moment(after: str | None, zone: "tzinfo") -> "datetime":
    """Read the time to start from, which is in *zone* unless it says otherwise."""
    from datetime import UTC, datetime

    if after is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(after)
    except ValueError as error:
        raise UsageError(
            f"--after {after!r} is no time: write 2026-03-28T12:00 or 2026-03-28T12:00:00Z"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _print(facts: dict[str, Any], count: int) -> None:
    from datetime import datetime

    from report_cli.tables import print_table

    say(f"{paint(facts['words'], 'strong')}  {paint(facts['timeZone'], 'dim')}")
    say()
    rows = []
    for run in facts["next"]:
        local = datetime.fromisoformat(run["local"])
        utc = datetime.fromisoformat(run["utc"])
        rows.append(
            (f"{local:%a %Y-%m-%d %H:%M} {run['abbreviation']}", f"{utc:%a %Y-%m-%d %H:%M} UTC")
        )
    print_table(("next runs", "in UTC"), rows)
    if len(rows) < count:
        say(paint("no more within five years of each other", "dim"))
    for warning in facts["warnings"]:
        say(f"{paint('warning:', 'warn')} {warning}")

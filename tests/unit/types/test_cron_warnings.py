"""What ``warnings`` says about a schedule that is right but may surprise."""

from datetime import UTC, datetime

import pytest

from report_types.cron import parse, warnings, zone

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def _warnings(schedule: str, tz: str = "Etc/UTC") -> list[str]:
    return warnings(parse(schedule), zone(tz), NEW_YEAR)


@pytest.mark.parametrize(
    ("schedule", "tz"),
    [
        ("0 9 * * 1-5", "Europe/Berlin"),
        ("30 2 * * *", "Etc/UTC"),
        ("30 2 * * *", "Asia/Kolkata"),
        ("30 2 * * 1", "Europe/Berlin"),
        ("0 * * * *", "Europe/Berlin"),
        ("*/15 * * * *", "Australia/Lord_Howe"),
        ("*/5 */8 * * *", "Etc/UTC"),
        ("2,58 9,11 * * *", "Etc/UTC"),
        ("0 9 28 * *", "Etc/UTC"),
        ("0 9 31 1,12 *", "Etc/UTC"),
        ("0 9 1-31 * *", "Etc/UTC"),
        ("0 9 1 * ,", "Etc/UTC"),
        ("10-50/7 9 * * *", "Etc/UTC"),
    ],
)
def test_what_holds_no_surprise_has_no_warning(schedule: str, tz: str) -> None:
    """
    A warning that is always there is one that nobody reads.
    """
    assert [] == _warnings(schedule, tz)


SPRING = "on Sunday, 29 March 2026 clocks in Europe/Berlin go forward from 02:00 to 03:00: "
AUTUMN = "on Sunday, 25 October 2026 clocks in Europe/Berlin go back from 03:00 to 02:00: "
CAIRO = "on Friday, 24 April 2026 clocks in Africa/Cairo go forward from 00:00 to 01:00: "
HAVANA = "on Sunday, 8 March 2026 clocks in America/Havana go forward from 00:00 to 01:00: "
IN_UTC = "timeZone: Etc/UTC avoids it"
OUTSIDE = "choose a time outside 02:00-03:00"


@pytest.mark.parametrize(
    ("schedule", "tz", "expected"),
    [
        pytest.param(
            "30 2 * * *",
            "Europe/Berlin",
            [
                f"{SPRING}the run at 02:30 is skipped; {OUTSIDE}",
                f"{AUTUMN}the run at 02:30 is made twice; {OUTSIDE}",
            ],
            id="one run",
        ),
        pytest.param(
            "*/15 2 * 10 *",
            "Europe/Berlin",
            [f"{AUTUMN}4 runs from 02:00 to 02:45 are made twice; {OUTSIDE}"],
            id="several runs, in autumn only",
        ),
        pytest.param(
            "0 9 * * 5",
            "Africa/Cairo",
            [
                f"{CAIRO}the run at 09:00 is overlooked by Kubernetes; {IN_UTC}",
            ],
            id="a day without midnight",
        ),
        pytest.param(
            "0 5 7 3 *",
            "America/Havana",
            [
                f"{HAVANA}the run at 05:00 is added by Kubernetes; {IN_UTC}",
            ],
            id="a run on the wrong day",
        ),
    ],
)
def test_clock_changes_of_the_next_year_are_told(
    schedule: str, tz: str, expected: list[str]
) -> None:
    """
    Each run that the clocks take away, double or displace is named with its local date and zone.
    """
    assert expected == _warnings(schedule, tz)


def test_a_month_without_its_first_midnight_is_told_with_dates() -> None:
    """
    Paraguay's 1 October 2023 had no midnight, and the controller overlooks that whole month.
    """
    (warning,) = warnings(
        parse("0 9 15 10 *"), zone("America/Asuncion"), datetime(2023, 9, 1, tzinfo=UTC)
    )

    assert "the run at 2023-10-15 09:00 is overlooked by Kubernetes" in warning


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("0 9 1 * 1", "day of month '1' and day of week '1' are both set: it runs on days that"),
        ("*/7 9 * * *", "minute '*/7': it begins anew each hour, so 56 is followed by 0"),
        ("0 */5 * * *", "hour '*/5': it begins anew each day, so 20 is followed by 0"),
        ("0 9 */2 * *", "day of month '*/2': it begins anew each month, so 31 is followed by 1"),
        ("0 9 * * */2", "day of week '*/2': it begins anew each week, so 6 is followed by 0"),
        ("*/90 * * * *", "minute '*/90': it means just 0 of each hour"),
        ("0 9 * * *-5", "day of week '*-5': Kubernetes reads no further than the hyphen"),
        ("*/2 9 * * *", "it runs 2 minutes apart; each run starts a pod, so leave 5 minutes"),
        ("* 9 * * *", "it runs every minute; each run starts a pod"),
        ("2,58 9,10 * * *", "it runs 4 minutes apart"),
        ("2,58 0,23 * * *", "it runs 4 minutes apart"),
        ("0 9 31 * *", "day of month 31: in an ordinary year, only 7 of its 12 months have that"),
        ("0 9 15,30 * *", "day of month 30: in an ordinary year, only 11 of its 12 months"),
        ("0 9 29 2 *", "day of month 29: in month 2 only leap years have it"),
    ],
)
def test_each_trap_of_the_syntax_is_told(schedule: str, expected: str) -> None:
    """
    What reads one way and runs another is said, once, with the part that does it.
    """
    (warning,) = _warnings(schedule)

    assert warning.startswith(expected)

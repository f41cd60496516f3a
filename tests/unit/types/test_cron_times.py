"""When a schedule fires: as the CronJob controller would have it, not as one would wish."""

from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from report_types.cron import ScheduleError, next_times, parse, runs

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def _local(cron: str, zone: str, after: str, count: int) -> list[str]:
    """Return the next runs after a wall time, as wall times with their offset."""
    tz = ZoneInfo(zone)
    start = datetime.fromisoformat(after).replace(tzinfo=tz)
    times = next_times(parse(cron), tz, start, count)
    return [f"{time.astimezone(tz):%m-%d %H:%M %z}" for time in times]


def test_times_are_aware_utc_and_strictly_later() -> None:
    """
    A run that is due at this very second is not a next run; one that is due in a second is.
    """
    schedule, berlin = parse("09:00"), ZoneInfo("Europe/Berlin")
    due = datetime(2026, 1, 1, 8, tzinfo=UTC)

    assert [datetime(2026, 1, 2, 8, tzinfo=UTC)] == next_times(schedule, berlin, due, 1)
    just_before = due.replace(hour=7, minute=59, second=59, microsecond=999_999)
    assert [due] == next_times(schedule, berlin, just_before, 1)
    assert UTC is next_times(schedule, berlin, due, 1)[0].tzinfo


def test_a_moment_without_zone_is_refused() -> None:
    """
    A naive datetime could mean any zone.
    """
    with pytest.raises(ValueError, match="time zone"):
        next_times(parse("09:00"), ZoneInfo("Etc/UTC"), datetime(2026, 1, 1), 1)


@pytest.mark.parametrize(
    ("cron", "days"),
    [
        pytest.param("0 9 13 * 5", ["01-02", "01-09", "01-13"], id="both set: either"),
        pytest.param("0 9 13 * *", ["01-13", "02-13", "03-13"], id="star: only the other"),
        pytest.param("0 9 13 * */1", ["01-13", "02-13", "03-13"], id="step 1 is still a star"),
        pytest.param("0 9 13 * */4", ["01-01", "01-04", "01-08"], id="step 4 is no star"),
        pytest.param("0 9 13 * 1,*", ["01-13", "02-13", "03-13"], id="a star in a list is one"),
        pytest.param("0 9 1-31 * 5", ["01-01", "01-02", "01-03"], id="all days are no star"),
    ],
)
def test_two_day_fields_mean_either_unless_one_is_a_star(cron: str, days: list[str]) -> None:
    """
    The star that matters is the one in the text, not the number of days it lets through.
    """
    assert days == [time[:5] for time in _local(cron, "Etc/UTC", "2026-01-01", 3)]


@pytest.mark.parametrize(
    ("cron", "zone", "after", "times"),
    [
        pytest.param(
            "30 2 * * *",
            "Europe/Berlin",
            "2026-03-28",
            ["03-28 02:30 +0100", "03-30 02:30 +0200"],
            id="a time that does not exist has no run",
        ),
        pytest.param(
            "30 2 * * *",
            "Europe/Berlin",
            "2026-10-25",
            ["10-25 02:30 +0200", "10-25 02:30 +0100", "10-26 02:30 +0100"],
            id="a time that comes twice has two runs",
        ),
        pytest.param(
            "0 * * * *",
            "Europe/Berlin",
            "2026-10-25 01:30",
            ["10-25 02:00 +0200", "10-25 02:00 +0100", "10-25 03:00 +0100"],
            id="every hour is every hour",
        ),
        pytest.param(
            "0 2 * * *",
            "Australia/Lord_Howe",
            "2026-04-04 12:00",
            ["04-06 02:00 +1030"],
            id="half an hour back: the walk by hours steps over 02:00",
        ),
        pytest.param(
            "0 9 * * 5",
            "Africa/Cairo",
            "2026-04-17 12:00",
            ["05-01 09:00 +0300"],
            id="no midnight, east of Greenwich: the whole Friday is overlooked",
        ),
        pytest.param(
            "0 5 7 3 *",
            "America/Havana",
            "2026-03-01",
            ["03-07 05:00 -0500", "03-08 05:00 -0400"],
            id="no midnight: the 8th is taken for the 7th",
        ),
    ],
)
def test_clock_changes_are_taken_as_kubernetes_takes_them(
    cron: str, zone: str, after: str, times: list[str]
) -> None:
    """
    Where clocks change, the controller's walk decides, with all its oddities.
    """
    assert times == _local(cron, zone, after, len(times))


def test_leap_day_is_found_years_ahead() -> None:
    """
    The walk looks five years ahead.
    """
    assert [2028, 2032] == [
        time.year for time in next_times(parse("0 0 29 2 *"), ZoneInfo("Etc/UTC"), NEW_YEAR, 2)
    ]


@pytest.mark.parametrize("year", [2096, 2098])
def test_runs_end_where_none_is_found_in_five_years(year: int) -> None:
    """
    2100 is no leap year: the controller gives up before 2104, and so do we.
    """
    late = datetime(year, 3, 1, tzinfo=UTC)

    assert [] == next_times(parse("0 0 29 2 *"), ZoneInfo("Etc/UTC"), late, 1)


def test_a_day_that_a_zone_leaves_out_ends_the_runs() -> None:
    """
    Samoa had no 30 December 2011: the controller would walk on the spot for ever, we stop.
    """
    before = datetime(2011, 12, 2, tzinfo=UTC)

    assert [] == next_times(parse("0 9 1 * *"), ZoneInfo("Pacific/Apia"), before, 1)


def _field(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    ranges = st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}")
    heads = st.one_of(st.just("*"), number.map(str), ranges)
    steps = st.one_of(st.just(""), st.integers(1, high + 5).map("/{}".format))
    parts = st.tuples(heads, steps).map("".join)
    return st.one_of(st.just("*"), st.lists(parts, min_size=1, max_size=3).map(",".join))


@settings(max_examples=100, deadline=None)
@given(
    fields=st.tuples(_field(0, 59), _field(0, 23), _field(1, 31), _field(1, 12), _field(0, 6)),
    after=st.datetimes(datetime(2020, 1, 1), datetime(2080, 1, 1)),
)
def test_agrees_with_croniter_where_clocks_never_change(
    fields: tuple[str, ...], after: datetime
) -> None:
    """
    On the canonical form and without time zones, croniter is a second witness.
    """
    try:
        schedule = parse(" ".join(fields))
    except ScheduleError:  # it never fires
        reject()
    theirs = islice(croniter(schedule.canonical(), after).all_next(datetime), 3)
    ours = islice(runs(schedule, ZoneInfo("Etc/UTC"), after.replace(tzinfo=UTC)), 3)

    assert list(theirs) == [time.replace(tzinfo=None) for time in ours]

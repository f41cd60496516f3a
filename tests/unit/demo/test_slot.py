"""The slot that the demo waits for: near, but with time to make the CronJob."""

from datetime import UTC, datetime, timedelta

import pytest

from report_demo.slot import daily_schedule, next_slot, run_name

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "minute"), [(0, 1), (30, 1), (44, 1), (45, 2), (59.999, 2), (60, 2)]
)
def test_the_slot_is_the_first_full_minute_with_time_to_prepare(
    seconds: float, minute: int
) -> None:
    slot = next_slot(NOON + timedelta(seconds=seconds))

    assert NOON + timedelta(minutes=minute) == slot


def test_the_schedule_is_in_the_reports_time_zone() -> None:
    assert "5 7 * * *" == daily_schedule(NOON + timedelta(minutes=5), "America/New_York")
    assert "35 17 * * *" == daily_schedule(NOON + timedelta(minutes=5), "Asia/Kolkata")


def test_the_run_bears_the_name_that_the_cronjob_controller_gives() -> None:
    assert "sales-29922480" == run_name("sales", NOON)

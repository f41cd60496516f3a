"""Slots of the past: a change of the CronJob fires none of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from report_operator.observed import CronJobSeen, see_cronjob
from report_operator.slots import Timing, waiting_slot, wakes_a_slot

NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DAILY = Timing("0 9 * * *", "Etc/UTC", False, 600)
PLAIN = {
    "schedule": "0 9 * * *",
    "timeZone": "Etc/UTC",
    "suspend": False,
    "startingDeadlineSeconds": 600,
}


def seen(last: datetime | None = None, created: datetime | None = None, **spec: Any) -> CronJobSeen:
    created = created or NINE - timedelta(days=3)
    return see_cronjob(
        {
            "metadata": {
                "name": "sales",
                "namespace": "team",
                "uid": "u",
                "resourceVersion": "1",
                "creationTimestamp": created.isoformat(),
            },
            "spec": {**PLAIN, **spec},
            "status": {"lastScheduleTime": last.isoformat()} if last else {},
        }
    )


@pytest.mark.parametrize(
    ("minutes", "due"), [(-1, None), (0, NINE), (9, NINE), (10, None), (11, None)]
)
def test_slot_waits_until_its_deadline(minutes: int, due: datetime | None) -> None:
    now = NINE + timedelta(minutes=minutes)

    assert waiting_slot(DAILY, NINE - timedelta(days=3), now) == due


def test_slot_that_was_started_waits_no_longer() -> None:
    assert waiting_slot(DAILY, NINE, NINE + timedelta(minutes=1)) is None


def test_newest_of_several_slots_waits() -> None:
    timing = Timing("*/5 * * * *", "Etc/UTC", False, 3600)

    assert waiting_slot(timing, NINE, NINE + timedelta(minutes=17)) == NINE + timedelta(minutes=15)


def test_slot_is_read_in_the_schedules_time_zone() -> None:
    berlin = Timing("0 10 * * *", "Europe/Berlin", False, 600)

    assert waiting_slot(berlin, NINE - timedelta(days=1), NINE + timedelta(seconds=1)) == NINE


@pytest.mark.parametrize(
    ("before", "after", "wakes"),
    [
        pytest.param({}, {}, False, id="nothing changed: a late slot keeps its deadline"),
        pytest.param({"suspend": True}, {}, True, id="resume"),
        pytest.param({}, {"suspend": True}, False, id="suspend"),
        pytest.param({"suspend": True}, {"suspend": True}, False, id="stays suspended"),
        pytest.param({"schedule": "0 8 * * *"}, {}, True, id="new schedule"),
        pytest.param({"timeZone": "Asia/Tokyo"}, {}, True, id="new time zone"),
        pytest.param({"startingDeadlineSeconds": 30}, {}, True, id="longer deadline"),
        pytest.param(
            {},
            {"startingDeadlineSeconds": 900},
            False,
            id="longer deadline, for a slot that was about to fire anyway",
        ),
        pytest.param({"schedule": "@every 1h"}, {}, True, id="a stranger's schedule"),
        pytest.param(
            {"suspend": True}, {"schedule": "30 10 * * *"}, False, id="resume, nothing is due"
        ),
    ],
)
def test_change_wakes_a_slot_of_the_past(before: Any, after: Any, wakes: bool) -> None:
    now = NINE + timedelta(minutes=5)

    assert wakes_a_slot(seen(**before), {**PLAIN, **after}, now) is wakes


def test_slot_from_before_the_cronjob_was_made_wakes_not() -> None:
    cronjob = seen(created=NINE + timedelta(minutes=1), suspend=True)

    assert not wakes_a_slot(cronjob, PLAIN, NINE + timedelta(minutes=5))


def test_slot_that_was_passed_over_once_wakes_not_again() -> None:
    cronjob = seen(last=NINE + timedelta(minutes=5), suspend=True)

    assert not wakes_a_slot(cronjob, PLAIN, NINE + timedelta(minutes=6))

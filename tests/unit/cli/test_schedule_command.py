"""``srep schedule`` as a person or a program calls it."""

import json
from collections.abc import Callable

import pytest

Srep = Callable[..., tuple[int, str, str]]


def test_schedule_is_said_in_words_with_its_runs_in_both_zones(srep: Srep) -> None:
    """
    The night in which clocks go forward has no 02:30.
    """
    code, out, _ = srep(
        *("schedule", "30 2 * * *", "--tz", "Europe/Berlin"),
        *("--after", "2027-03-26", "--count", "3"),
    )

    assert 0 == code
    assert out.splitlines()[:6] == [
        "At 02:30  Europe/Berlin",
        "",
        "next runs                  in UTC",
        "Fri 2027-03-26 02:30 CET   Fri 2027-03-26 01:30 UTC",
        "Sat 2027-03-27 02:30 CET   Sat 2027-03-27 01:30 UTC",
        "Mon 2027-03-29 02:30 CEST  Mon 2027-03-29 00:30 UTC",
    ]
    assert "warning: on Sunday, 28 March 2027" in out


def test_schedule_as_json_has_words_runs_and_warnings(srep: Srep) -> None:
    """
    HH:MM is shown as the fields that the CronJob gets.
    """
    code, out, err = srep("schedule", "09:05", "--after", "2026-01-01T00:00:00Z", "-o", "json")

    facts = json.loads(out)
    assert (0, "") == (code, err)
    assert ("5 9 * * *", "Etc/UTC", 5) == (facts["cron"], facts["timeZone"], len(facts["next"]))
    assert facts["next"][0] == {
        "local": "2026-01-01T09:05:00+00:00",
        "abbreviation": "UTC",
        "utc": "2026-01-01T09:05:00Z",
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["0 9 * * 7"], "write 0 or SUN for Sunday"),
        (["09:00", "--tz", "Europe/Berln"], "write Europe/Berlin"),
        (["0 0 31 2 *"], "never fires"),
    ],
)
def test_wrong_schedule_exits_1_with_what_to_write(
    srep: Srep, arguments: list[str], message: str
) -> None:
    """
    On standard error for people, as an object for programs.
    """
    code, out, err = srep("schedule", *arguments)
    json_code, json_out, _ = srep("schedule", *arguments, "-o", "json")

    assert (1, "", 1) == (code, out, json_code)
    assert message in err
    assert (False, err.removeprefix("error: ").strip()) == (
        json.loads(json_out)["valid"],
        json.loads(json_out)["message"],
    )

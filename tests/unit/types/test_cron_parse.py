"""The syntax of schedules: Kubernetes' own, and what we add to it and take from it."""

import pytest

from report_types.cron import ScheduleError, parse


def _values(schedule: str) -> list[list[int]]:
    return [sorted(field.values) for field in parse(schedule).fields]


@pytest.mark.parametrize(
    ("text", "cron"),
    [
        ("09:00", "0 9 * * *"),
        ("9:05", "5 9 * * *"),
        ("00:00", "0 0 * * *"),
        ("23:59", "59 23 * * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        ("@weekly", "0 0 * * 0"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@hourly", "0 * * * *"),
        ("0 9 * * 1-5", "0 9 * * 1-5"),
        (" 0\t9\u2003* *\xa0mon,\n", "0 9 * * mon,"),
    ],
)
def test_every_form_becomes_five_fields(text: str, cron: str) -> None:
    """
    A CronJob gets five fields as they were written, with one space between them.
    """
    assert cron == parse(text).to_cron()


@pytest.mark.parametrize(
    ("minute", "values"),
    [
        pytest.param("5", [5], id="number"),
        pytest.param("+05", [5], id="plus sign and leading zero"),
        pytest.param("0" * 5000 + "5", [5], id="any number of leading zeros"),
        pytest.param("7-9", [7, 8, 9], id="range"),
        pytest.param("10-20/5", [10, 15, 20], id="range with step"),
        pytest.param("50/4", [50, 54, 58], id="N/step runs to the end"),
        pytest.param("*/25", [0, 25, 50], id="star with step"),
        pytest.param("?/30", [0, 30], id="question mark is a star"),
        pytest.param("*/9223372036854775807", [0], id="largest step"),
        pytest.param("*-7/30", [0, 30], id="nothing after *- is read"),
        pytest.param(",1,,3,", [1, 3], id="empty parts are passed over"),
    ],
)
def test_reads_a_field_as_kubernetes_does(minute: str, values: list[int]) -> None:
    """
    Each corner of robfig/cron's field syntax means here what it means there.
    """
    assert values == _values(f"{minute} 9 * * *")[0]


def test_names_stand_for_months_and_weekdays_in_any_case() -> None:
    """
    Names work alone, in ranges and with steps; Go's lower case of a Turkish capital I counts.
    """
    months, weekdays = _values("0 9 * jan,Mar-MAY,nov/1 sun,FR\u0130-sat")[3:]

    assert ([1, 3, 4, 5, 11, 12], [0, 5, 6]) == (months, weekdays)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' has 0 of the 5 fields; write five fields such as '0 9 * * 1-5'"),
        ("0 9 * *", "'0 9 * *' has 4 of the 5 fields"),
        ("0 0 9 * * *", "has 6 fields; write 5: minute, hour, day of month, month, day of week"),
        ("0\x1c9 * * *", "has 4 of the 5 fields"),
        (" @daily", "' @daily' has 1 of the 5 fields"),
        ("24:00", "'24:00' is no time of day; write HH:MM, from 00:00 to 23:59"),
        ("9:0", "'9:0' is no time of day"),
        ("@Daily", "'@Daily' is not known; write @daily"),
        ("@reboot", "'@reboot' is not known; write one of @yearly, @annually"),
        ("TZ=UTC 0 9 * * *", "write the zone into timeZone"),
        ("CRON_TZ=UTC 0 9 * * *", "write the zone into timeZone"),
        ("@every 1h", "'@every 1h': @every counts from the last start, so it drifts; write '0 * *"),
        ("@every 15m", "write '*/15 * * * *'"),
        ("@every 24h", "write '0 0 * * *'"),
        ("@every 90s", "write '*/15 * * * *' for every quarter of an hour, or '0 */2"),
        ("60 9 * * *", "minute '60': '60' is not one of the values; write 0 to 59"),
        ("0 24 * * *", "hour '24': there is no hour 24; write 0 for midnight"),
        ("0 9 0 * *", "day of month '0': '0' is not one of the values; write 1 to 31"),
        ("0 9 * 13 *", "month '13': '13' is not one of the values; write 1 to 12 or JAN to DEC"),
        ("0 9 * * 7", "day of week '7': Kubernetes knows no day 7; write 0 or SUN for Sunday"),
        ("0 9 * * 1-7", "day of week '1-7': Kubernetes knows no day 7"),
        ("0 9 * * Monday", "day of week 'Monday': names have three letters; write MON"),
        ("0 9 * sept *", "month 'sept': names have three letters; write SEP"),
        ("0 9 * * \u017fun", "day of week '\u017fun': '\u017f' is no plain character"),
        ("0 9 L * *", "day of month 'L': Kubernetes knows no L, W or #; write 1 to 31"),
        ("0 9 * * 5#2", "day of week '5#2': Kubernetes knows no L, W or #"),
        ("0 9 * * 1\u20135", "day of week '1\u20135': '\u2013' is no plain character"),
        ("0 9 * * fri-mon", "day of week 'fri-mon': a range does not run backwards; write 5-6,0-1"),
        ("0 9 * * 1-3-5", "day of week '1-3-5': it has two hyphens; write a range as START-END"),
        ("0 9 * * 1,-5", "day of week '-5': a number is missing"),
        ("1/2/3 * * * *", "minute '1/2/3': it has two slashes"),
        ("*/0 * * * *", "minute '*/0': the step after the slash must be a number, 1 or more"),
        ("*/-5 * * * *", "minute '*/-5': the step"),
        ("*/ * * * *", "minute '*/': the step"),
        ("*/9223372036854775808 * * * *", "the step after the slash must be a number"),
        ("1_0 * * * *", "minute '1_0': '1_0' is not one of the values"),
        ("\u0663 * * * *", "minute '\u0663': '\u0663' is no plain character"),
        (", 9 * * *", "minute ',': this never fires; write 0 to 59"),
        ("0 9 , * ,", "day of month ',': this never fires"),
        ("0 9 * * ,", "day of week ',': this never fires"),
        (
            "0 9 31 2 *",
            "day of month '31': month '2' has no such day, so this never fires; write 29",
        ),
        ("0 9 31 4,jun ,", "day of month '31': month '4,jun' has no such day"),
        ("0 9 30 2 ?", "day of month '30': month '2' has no such day"),
    ],
)
def test_refusal_names_the_part_and_the_way_out(text: str, message: str) -> None:
    """
    A wrong schedule is refused with the wrong field, the wrong part of it, and what to write.
    """
    with pytest.raises(ScheduleError) as caught:
        parse(text)

    assert message in str(caught.value)


def test_refusal_repeats_little_of_a_long_schedule() -> None:
    """
    However long the wrong text is, the message stays readable.
    """
    with pytest.raises(ScheduleError) as caught:
        parse("9" * 100_000 + " * * * *")

    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "text", ["0 9 29 2 *", "0 9 31 2 1", "0 9 31 2,3 *", "0 9 , * 1", "0 9 1 * ,", "0 9 31 2 */2"]
)
def test_what_fires_now_and_then_is_accepted(text: str) -> None:
    """
    Leap days count, and where either day field is enough, one may be impossible.
    """
    assert text == parse(text).to_cron()


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("*/15 0-23/2 ? JAN-DEC 0,1,2,3,4,5,6", "*/15 */2 * * *"),
        ("*/7 9,10,11,13,14 1 */3 MON-FRI", "0,7,14,21,28,35,42,49,56 9-11,13,14 1 1,4,7,10 1-5"),
        ("0 9 1-31 * 1", "0 9 * * *"),
        ("0 9 1 * 0-6", "0 9 * * *"),
        ("0 9 1-31 * *", "0 9 * * *"),
        ("0 9 , * 1", "0 9 * * 1"),
        ("0 9 1 * ,", "0 9 1 * *"),
        ("0 9 1 * */1", "0 9 1 * *"),
    ],
)
def test_canonical_form_is_plain_and_equal(text: str, canonical: str) -> None:
    """
    The canonical form has only what all cron libraries agree on, and fires at the same times.
    """
    assert canonical == parse(text).canonical()

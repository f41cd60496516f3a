"""Time zones are IANA names, and nothing else."""

import pytest

from report_types.cron import ScheduleError, zone


@pytest.mark.parametrize(
    "name",
    ["Europe/Berlin", "Etc/UTC", "UTC", "Asia/Calcutta", "Etc/GMT+2", "America/Port-au-Prince"],
)
def test_iana_names_are_zones(name: str) -> None:
    """
    Old names and links are names, too.
    """
    assert name == zone(name).key


@pytest.mark.parametrize(
    ("name", "way_out"),
    [
        ("Berlin", "write Europe/Berlin"),
        ("europe/berlin", "write Europe/Berlin"),
        ("Europe/Berln", "write Europe/Berlin"),
        ("new york", "write America/New_York"),
        ("posix/Europe/Berlin", "write Europe/Berlin"),
        ("Local", "differs by machine"),
        ("local", "differs by machine"),
        ("", "write an IANA name such as Europe/Berlin"),
        ("Europe", "write an IANA name"),
        ("UTC+2", "write an IANA name"),
        ("../etc/passwd", "write an IANA name"),
        ("/usr/share/zoneinfo/UTC", "is not known"),
        ("a\0b", "write an IANA name"),
        ("x" * 100_000, "write an IANA name"),
    ],
)
def test_another_name_is_refused_with_the_nearest(name: str, way_out: str) -> None:
    """
    The error says which zone may have been meant, and guesses no offset's sign.
    """
    with pytest.raises(ScheduleError) as caught:
        zone(name)

    assert way_out in str(caught.value)
    assert len(str(caught.value)) < 200

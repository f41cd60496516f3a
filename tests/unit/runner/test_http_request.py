"""Where a redirect leads, and what goes there."""

import pytest

from report_runner.http_request import AttemptError, Request, RequestHeader, redirected
from report_types.outcome import Reason

HEADERS = (
    RequestHeader(name="X-Plain", value=b"1"),
    RequestHeader(name="X-Secret", value=b"2", secret=True),
    RequestHeader(name="authorization", value=b"3"),
    RequestHeader(name="Content-Type", value=b"4"),
)


def follow(url: str, location: str, status: int = 302, method: str = "GET") -> Request:
    request = Request(url=url, method=method, headers=HEADERS, body=b"x")
    return redirected(request, status, location)


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/b?c=d", "https://a.example/b?c=d"),
        ("b", "https://a.example/x/b"),
        ("//b.example/y", "https://b.example/y"),
        ("https://b.example:8443/y", "https://b.example:8443/y"),
    ],
)
def test_a_location_is_read_from_where_we_are(location: str, url: str) -> None:
    assert follow("https://a.example/x/y", location).url == url


@pytest.mark.parametrize(
    ("old", "new", "all_go"),
    [
        ("https://a.example/x", "/y", True),
        ("https://a.example/x", "https://a.example:443/y", True),
        ("http://a.example/x", "https://a.example/y", True),
        ("https://a.example/x", "https://A.EXAMPLE/y", True),
        ("https://a.example/x", "https://b.example/y", False),
        ("https://a.example/x", "https://sub.a.example/y", False),
        ("https://a.example/x", "https://a.example:8443/y", False),
        ("http://a.example:8080/x", "https://a.example/y", False),
    ],
)
def test_only_the_same_server_gets_secrets(old: str, new: str, all_go: bool) -> None:
    names = {header.name for header in follow(old, new).headers}

    assert ("X-Secret" in names) == ("authorization" in names) == all_go
    assert "X-Plain" in names


@pytest.mark.parametrize(
    ("status", "method", "becomes"),
    [
        (301, "POST", "GET"),
        (303, "POST", "GET"),
        (307, "POST", "POST"),
        (308, "POST", "POST"),
        (302, "GET", "GET"),
    ],
)
def test_a_post_becomes_what_the_status_says(status: int, method: str, becomes: str) -> None:
    request = follow("https://a.example/x", "/y", status, method)

    assert request.method == becomes
    if (method, becomes) == ("POST", "GET"):
        assert request.body is None
        assert "Content-Type" not in {header.name for header in request.headers}


@pytest.mark.parametrize(
    "location",
    [
        "",
        "ftp://a.example/",
        "file:///etc/passwd",
        "https://u:p@a.example/",
        "https://a.example\\@b.example/",
        "https://a.example:99999/",
        "javascript:x",
    ],
)
def test_a_location_that_is_none_is_refused(location: str) -> None:
    with pytest.raises(AttemptError) as caught:
        follow("https://a.example/x", location)

    assert caught.value.reason == Reason.SOURCE_REJECTED


def test_encryption_is_not_given_up() -> None:
    with pytest.raises(AttemptError, match="https to http"):
        follow("https://a.example/x", "http://a.example/x")

"""What must not be seen never reaches the log, wherever in an entry it stands."""

import io
import json

import pytest

from report_runner.logs import Redactor, RunLog, json_lines


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("the key is s3cret-value", "s3cret"),
        ("GET https://user:pw@example.com/x", "pw"),
        ("GET https://example.com/x?token=t0p&a=1 failed", "t0p"),
        ("Authorization: Bearer abc.def", "abc"),
        ("{'Cookie': 'session=1'}", "session"),
        ("550 5.1.1 <bob.o'x+y@mail.example.com> unknown", "bob"),
    ],
)
def test_a_text_is_redacted(text: str, hidden: str) -> None:
    assert hidden not in Redactor(["s3cret-value"]).text(text)


def test_what_may_be_seen_stays() -> None:
    text = "https://example.com/x answered 500 after 1.5 s: see spec.sources[data]"
    assert Redactor(["s3cret"]).text(text) == text


def test_a_secret_that_holds_another_goes_whole() -> None:
    assert "tail" not in Redactor(["abcd", "abcd-tail"]).text("abcd-tail")


def test_every_text_of_an_entry_is_redacted() -> None:
    entries: list[object] = []
    log = RunLog(entries.append, redactor=Redactor(["s3cret"]), context={"run": "r-1"})
    log.info("x s3cret", deep={"list": ["s3cret", 1, None, ("s3cret",)]})

    assert "s3cret" not in str(entries)
    assert "'run': 'r-1'" in str(entries)


def test_a_line_is_one_json_object() -> None:
    stream = io.StringIO()
    RunLog(json_lines(stream)).error("line\nbreak", number=1)

    (line,) = stream.getvalue().splitlines()
    entry = json.loads(line)
    assert (entry["level"], entry["event"], entry["number"]) == ("error", "line\nbreak", 1)

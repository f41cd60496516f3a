"""``srep validate`` as a person or a program calls it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Srep = Callable[..., tuple[int, str, str]]


def test_valid_file_exits_0_and_says_so(srep: Srep, file: Path) -> None:
    """
    Silence would leave it open whether anything was looked at.
    """
    assert (0, "1 object checked: valid\n", "") == srep("validate", str(file))


def test_invalid_file_exits_1_with_a_line_for_each_fault(srep: Srep, file: Path) -> None:
    """
    The lines are what compilers print, so editors can follow them.
    """
    file.write_text(file.read_text().replace("format: CSV", "format: XML"))

    code, out, _ = srep("validate", str(file), str(file.parent / "absent.yaml"))

    assert 1 == code
    assert out.splitlines() == [
        f"{file}:12:15: spec.sources[0].http.format: must be one of CSV, JSON, NDJSON",
        f"{file.parent}/absent.yaml: cannot be read, no such file or directory: check the path",
        "1 object checked: 2 errors",
    ]


def test_findings_as_json_have_their_place_in_parts(srep: Srep, file: Path) -> None:
    """
    A program must not take messages apart.
    """
    file.write_text(file.read_text().replace("result = total", "result = (total"))

    code, out, err = srep("validate", "-o", "json", str(file))

    found = json.loads(out)
    (finding,) = found["findings"]
    assert (1, "", False) == (code, err, found["valid"])
    assert found["objects"] == [
        {
            "file": str(file),
            "line": 1,
            "kind": "ScheduledReport",
            "name": "daily-sales",
            "valid": False,
        }
    ]
    assert finding.pop("message").startswith("line 2 of the script: not valid Python")
    assert finding == {
        "file": str(file),
        "line": 16,
        "column": 16,
        "severity": "error",
        "field": "spec.script.inline",
        "scriptLine": 2,
    }


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x: \xe9\n"])
def test_file_that_is_no_text_is_an_error(srep: Srep, file: Path, content: bytes) -> None:
    """
    A picture or a wrong encoding ends in a sentence, not in a traceback.
    """
    file.write_bytes(content)

    code, out, _ = srep("validate", str(file))

    assert 1 == code
    assert f"{file}: is not UTF-8 text in line 1: save it as UTF-8" in out


def test_byte_order_mark_is_no_fault(srep: Srep, file: Path) -> None:
    """
    Editors on Windows write it.
    """
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())

    assert 0 == srep("validate", str(file))[0]

"""The job survives its wire, and lines are counted as Python counts them."""

import json

import pytest

from report_runner.script_job import (
    RunFacts,
    ScriptJob,
    ScriptLimits,
    SourceFile,
    in_mib,
    line_text,
)

JOB = ScriptJob(
    script="result = data",
    sources=(SourceFile(name="data", file="data.json", format="JSON", records_path="items"),),
    run=RunFacts(name="r-1", report="r", namespace="n", scheduled_time="2026-01-01T00:00:00Z"),
    params={"minimum": 3},
    limits=ScriptLimits(timeout_seconds=5, memory_bytes=1000, output_bytes=10, cpu_seconds=3),
    min_landlock_abi=6,
    allow_degraded=True,
)


def test_job_survives_its_own_wire() -> None:
    assert JOB == ScriptJob.from_wire(json.loads(json.dumps(JOB.to_wire())))


def test_child_gets_all_but_the_script_before_its_walls_stand() -> None:
    assert "result = data" not in json.dumps(JOB.without_script().to_wire())


@pytest.mark.parametrize(
    ("script", "line", "text"),
    [
        ("a\nb\nc", 2, "b"),
        ("a\r\n  b\r\nc", 2, "b"),
        ("a\x0cb\nc", 2, "c"),
        ("a", 2, ""),
        ("a", 0, ""),
        ("a", None, ""),
    ],
)
def test_text_of_a_line_is_what_python_means_by_it(
    script: str, line: int | None, text: str
) -> None:
    assert text == line_text(script, line)


def test_sizes_are_rounded_up_to_mebibytes() -> None:
    assert ["1Mi", "512Mi", "513Mi"] == [in_mib(n) for n in (1, 512 * 2**20, 512 * 2**20 + 1)]

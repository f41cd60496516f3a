"""What is asked of the kernel, as far as it can be told without asking it."""

from pathlib import Path

import pytest

from report_runner.confine import (
    MEMORY_RESERVE,
    SandboxUnavailableError,
    confine,
    rlimits,
)
from report_runner.landlock import file_rights
from report_runner.script_job import MIB, RunFacts, ScriptJob, ScriptLimits


def test_limits_leave_no_core_no_locked_memory_and_few_descriptors() -> None:
    table = rlimits(ScriptLimits(), 0)

    assert (0, 0) == table["RLIMIT_CORE"] == table["RLIMIT_MEMLOCK"] == table["RLIMIT_MSGQUEUE"]
    assert (64, 64) == table["RLIMIT_NOFILE"]


def test_memory_is_bounded_only_where_a_limit_is_known_and_leaves_a_reserve_to_say_so() -> None:
    limit = 512 * MIB

    assert "RLIMIT_DATA" not in rlimits(ScriptLimits(), 0)
    bounded = rlimits(ScriptLimits(memory_bytes=limit), 0)
    assert (limit, limit + MEMORY_RESERVE) == bounded["RLIMIT_DATA"]


def test_cpu_counts_from_now_and_not_from_the_import() -> None:
    limits = ScriptLimits(cpu_seconds=10)

    assert (13, 14) == rlimits(limits, 2.5)["RLIMIT_CPU"]


def test_output_is_bounded_by_the_size_of_a_file() -> None:
    assert (1000, 1000) == rlimits(ScriptLimits(output_bytes=1000), 0)["RLIMIT_FSIZE"]


def test_other_systems_refuse_and_name_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    facts = RunFacts(name="r", report="r", namespace="n", scheduled_time="2026-01-01T00:00:00Z")
    job = ScriptJob(script="", sources=(), run=facts)

    with pytest.raises(SandboxUnavailableError, match="srep run --local --unconfined"):
        confine(job, sources=[], result=Path("result.csv"), descriptor=3)


@pytest.mark.parametrize(
    ("abi", "bits"), [(1, 13), (2, 14), (3, 15), (4, 15), (5, 16), (6, 16), (7, 16)]
)
def test_each_version_of_landlock_takes_all_the_rights_it_knows(abi: int, bits: int) -> None:
    assert 2**bits - 1 == file_rights(abi)

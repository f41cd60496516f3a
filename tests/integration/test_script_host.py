"""The script host as a process: whoever dies or hangs up, nothing is left, and it is told."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from report_runner.sandbox import ScriptHost
from report_runner.script_outcome import ScriptFailure
from report_types.outcome import Reason
from script_runs import children_of, make_job, script_host_process


def test_script_that_is_killed_from_outside_is_out_of_memory(tmp_path: Path) -> None:
    with script_host_process(tmp_path) as (host, process):
        host.wait_ready(60)
        (child,) = children_of(process.pid)
        subprocess.Popen(["/bin/sh", "-c", f"sleep 0.5; kill -9 {child}"])
        with pytest.raises(ScriptFailure) as caught:
            host.run(make_job("import time\ntime.sleep(30)", sources=()))

        assert 0 == process.wait(timeout=10)

    assert Reason.OUT_OF_MEMORY == caught.value.reason
    assert "the limit is 512Mi" in caught.value.message


def test_child_that_is_killed_before_the_script_is_out_of_memory(tmp_path: Path) -> None:
    with script_host_process(tmp_path) as (host, process):
        while not (children := children_of(process.pid)):
            time.sleep(0.001)
        os.kill(children[0], signal.SIGKILL)
        with pytest.raises(ScriptFailure) as caught:
            host.wait_ready(60)

    assert Reason.OUT_OF_MEMORY == caught.value.reason


def test_script_host_that_is_killed_takes_its_child_along(tmp_path: Path) -> None:
    with script_host_process(tmp_path) as (host, process):
        host.wait_ready(60)
        (child,) = children_of(process.pid)
        process.kill()
        with pytest.raises(ScriptFailure) as caught:
            host.run(make_job("result = 1", sources=()))
        _await_end(child)

    assert Reason.OUT_OF_MEMORY == caught.value.reason
    assert "limit 512Mi; raise spec.resources.limits.memory" in caught.value.message


def test_script_host_ends_with_its_child_when_the_runner_hangs_up(tmp_path: Path) -> None:
    with script_host_process(tmp_path) as (host, process):
        host.wait_ready(60)
        (child,) = children_of(process.pid)
        host.close()

        assert 0 == process.wait(timeout=5)
        _await_end(child)


def test_script_host_that_nobody_needed_ends_with_0(tmp_path: Path) -> None:
    with script_host_process(tmp_path) as (host, process):
        time.sleep(0.3)
        host.close()

        assert 0 == process.wait(timeout=5)


def test_script_that_runs_ends_when_the_runner_hangs_up(tmp_path: Path) -> None:
    with script_host_process(tmp_path) as (host, process):
        host.wait_ready(60)
        (child,) = children_of(process.pid)
        with pytest.raises(ScriptFailure):
            host.run(make_job("while True: pass", sources=()), deadline=time.monotonic() + 0.5)
        host.close()

        assert 0 == process.wait(timeout=5)
        _await_end(child)


def test_script_host_ends_with_its_child_when_it_is_told_to(tmp_path: Path) -> None:
    with script_host_process(tmp_path) as (host, process):
        host.wait_ready(60)
        (child,) = children_of(process.pid)
        process.send_signal(signal.SIGTERM)

        assert 128 + signal.SIGTERM == process.wait(timeout=5)
        _await_end(child)


def test_script_host_ends_with_0_whatever_became_of_the_script(tmp_path: Path) -> None:
    with script_host_process(tmp_path) as (host, process):
        host.wait_ready(60)
        with pytest.raises(ScriptFailure):
            host.run(make_job("1 / 0", sources=()))

        assert 0 == process.wait(timeout=5)


def test_script_host_gives_up_where_no_runner_ever_listens(tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-m", "report_runner.script_host"]
    command += ["--socket", str(tmp_path / "none"), "--patience", "0.5"]

    assert 75 == subprocess.run(command, env={}, timeout=30).returncode


def test_runner_that_listens_late_is_found(tmp_path: Path) -> None:
    path = tmp_path / "input" / "script.sock"
    for folder in ("input", "output"):
        (tmp_path / folder).mkdir()
    command = [sys.executable, "-I", "-m", "report_runner.script_host", "--socket", str(path)]
    command += ["--input", str(path.parent), "--output", str(tmp_path / "output")]
    process = subprocess.Popen(command, env={})
    time.sleep(1)
    with ScriptHost(path, tmp_path / "output") as host:
        host.wait_ready(10)
        host.run(make_job("result = 1", sources=())).csv.close()

    assert 0 == process.wait(timeout=5)


def test_runner_does_not_wait_for_ever_for_a_script_host(tmp_path: Path) -> None:
    with (
        ScriptHost(tmp_path / "script.sock", tmp_path) as host,
        pytest.raises(ScriptFailure) as caught,
    ):
        host.wait_ready(0.2)

    assert Reason.SANDBOX_UNAVAILABLE == caught.value.reason
    assert "did not get ready within 0.2 s" in caught.value.message


def _await_end(pid: int) -> None:
    """Wait until *pid* is gone; it was reparented, so nobody here can wait for it."""
    give_up = time.monotonic() + 5
    while time.monotonic() < give_up:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return
        except FileNotFoundError:
            return
        time.sleep(0.01)
    pytest.fail(f"process {pid} is still there")

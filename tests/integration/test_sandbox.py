"""The script host as a process: what it answers, what it survives, and that it fails closed."""

import os
import socket
import time
from pathlib import Path

import pytest

from report_runner.sandbox import ScriptHost
from report_runner.script_job import ScriptLimits
from report_runner.script_outcome import ScriptFailure, open_result
from report_types.outcome import Reason
from script_runs import (
    children_of,
    make_job,
    run_script,
    script_host_process,
    without_calls,
)

GROUPED = "result = data.groupby('category', as_index=False)['amount'].sum()"


# What the script finds around it


PROBE = """
import os, sys
def is_open(descriptor):
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
print("environment", *sorted(os.environ))
print("descriptors", *[n for n in range(64) if is_open(n) and n != int(sys.argv[1])])
print("input", repr(sys.stdin.read()))
result = data
"""


def test_script_finds_an_empty_environment_no_descriptors_and_no_input(tmp_path: Path) -> None:
    with (tmp_path / "left open").open("w") as left_open:
        os.set_inheritable(left_open.fileno(), True)
        ran = run_script(PROBE)

    assert "environment LANG OMP_NUM_THREADS OPENBLAS_NUM_THREADS TZ\n" in ran.log
    assert "descriptors 0 1 2\n" in ran.log
    assert "input ''\n" in ran.log


def test_child_leads_a_session_of_its_own(tmp_path: Path) -> None:
    with script_host_process(tmp_path) as (host, process):
        host.wait_ready(60)
        (child,) = children_of(process.pid)

        assert child == os.getsid(child) == os.getpgid(child)


def test_walls_are_reported_as_they_stand() -> None:
    ran = run_script("result = data")

    assert ran.result is not None
    walls = ran.result.walls
    assert walls.confined
    assert walls.seccomp
    assert walls.landlock_abi >= 4
    assert not walls.user_namespace


# Without a wall it fails closed


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        (("landlock_create_ruleset",), "this kernel offers Landlock ABI 0, and 4 is asked for"),
        (("seccomp",), "the seccomp filter could not be installed"),
    ],
    ids=["no Landlock", "no seccomp"],
)
def test_script_is_not_run_where_a_wall_is_missing(missing: tuple[str, ...], message: str) -> None:
    ran = run_script("print('it ran')\nresult = data", under=without_calls(*missing))

    assert Reason.SANDBOX_UNAVAILABLE == ran.reason
    assert message in ran.message
    assert "sandbox.allowDegraded" in ran.message
    assert "it ran" not in ran.log


@pytest.mark.parametrize(
    ("missing", "landlock", "seccomp"),
    [(("landlock_create_ruleset",), False, True), (("seccomp",), True, False)],
    ids=["no Landlock", "no seccomp"],
)
def test_admin_may_allow_a_missing_wall_and_the_truth_is_told(
    missing: tuple[str, ...], landlock: bool, seccomp: bool
) -> None:
    ran = run_script(GROUPED, under=without_calls(*missing), allow_degraded=True)

    assert ran.result is not None, ran.failure
    walls = ran.result.walls
    assert (False, landlock, seccomp) == (walls.confined, walls.landlock_abi > 0, walls.seccomp)


def test_landlock_that_is_too_old_is_refused() -> None:
    ran = run_script("print('it ran')\nresult = data", min_landlock_abi=99)

    assert Reason.SANDBOX_UNAVAILABLE == ran.reason
    assert "it ran" not in ran.log


def test_unconfined_run_says_so() -> None:
    ran = run_script("result = len(open('/etc/passwd').read()) > 0", unconfined=True)

    assert "result\nTrue\n" == ran.csv
    assert ran.result is not None
    assert not ran.result.walls.confined


def test_output_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with script_host_process(tmp_path) as (host, _):
        (tmp_path / "output").rmdir()
        host.wait_ready(60)
        with pytest.raises(ScriptFailure) as caught:
            host.run(make_job("result = 1", sources=()))

    assert Reason.SANDBOX_UNAVAILABLE == caught.value.reason
    assert "result.csv cannot be made in the output folder" in caught.value.message


# A result that is not what it should be: only without walls can a script get so far

FORGE = """
import json, os, sys
frame = sys._getframe()
while "result" not in frame.f_locals or not hasattr(frame.f_locals["result"], "parent"):
    frame = frame.f_back
path = str(frame.f_locals["result"])
os.unlink(path)
{replace}
body = json.dumps({{"ok": True, "rows": 1}}).encode()
os.write(int(sys.argv[1]), len(body).to_bytes(4, "big") + body)
os._exit(0)
"""


@pytest.mark.parametrize(
    ("replace", "message"),
    [
        ("", "No such file"),
        ("os.symlink('/etc/passwd', path)", "symbolic link"),
        ("os.link(params['other'], path)", "not a plain file"),
        ("os.mkfifo(path)", "not a plain file"),
        ("os.mkdir(path)", "not a plain file"),
        ("open(path, 'w').close()", "never written"),
    ],
    ids=["missing", "symbolic link", "hard link", "pipe", "folder", "empty"],
)
def test_runner_refuses_a_result_that_is_no_plain_file(
    replace: str, message: str, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.write_text("a\n1\n")
    ran = run_script(FORGE.format(replace=replace), unconfined=True, params={"other": str(other)})

    assert Reason.RESULT_INVALID == ran.reason
    assert message in ran.message


def test_runner_refuses_a_result_that_is_larger_than_its_limit(tmp_path: Path) -> None:
    (tmp_path / "result.csv").write_bytes(b"a\n" * 501)
    with pytest.raises(ScriptFailure) as caught:
        open_result(tmp_path / "result.csv", ScriptLimits(output_bytes=1001))

    assert Reason.RESULT_TOO_LARGE == caught.value.reason


# A script host that was taken over


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"\xff\xff\xff\xff", Reason.SCRIPT_ERROR),
        (b"\0\0\0\2[]", Reason.SCRIPT_ERROR),
        (b"\0\0\0\2{}", Reason.SCRIPT_ERROR),
        (b'\0\0\0\x0b{"ok": true', Reason.SCRIPT_ERROR),
        (b"\0\0", Reason.OUT_OF_MEMORY),
        (b"", Reason.OUT_OF_MEMORY),
    ],
    ids=["huge", "no object", "no answer", "no JSON", "cut", "nothing"],
)
def test_runner_survives_a_script_host_that_was_taken_over(
    sent: bytes, reason: Reason, tmp_path: Path
) -> None:
    path = tmp_path / "script.sock"
    with ScriptHost(path, tmp_path) as host, socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(path))
        peer.sendall(b'\0\0\0\x0f{"ready": true}')
        host.wait_ready(1)
        peer.sendall(sent)
        peer.shutdown(socket.SHUT_WR)
        with pytest.raises(ScriptFailure) as caught:
            host.run(make_job("result = 1"))

    assert reason == caught.value.reason


@pytest.mark.parametrize(
    ("limits", "seconds", "reason"),
    [
        ({"timeout_seconds": 0.2}, float("inf"), Reason.SCRIPT_TIMEOUT),
        ({"timeout_seconds": 60}, 0.2, Reason.DEADLINE_EXCEEDED),
    ],
    ids=["the script's", "the run's"],
)
def test_time_is_up_even_for_a_script_host_that_is_silent(
    limits: dict[str, float],
    seconds: float,
    reason: Reason,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("report_runner.sandbox.ANSWER_MARGIN", 0.1)
    path = tmp_path / "script.sock"
    with ScriptHost(path, tmp_path) as host, socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(path))
        peer.sendall(b'\0\0\0\x0f{"ready": true}')
        host.wait_ready(1)
        with pytest.raises(ScriptFailure) as caught:
            host.run(make_job("result = 1", limits=limits), deadline=time.monotonic() + seconds)

    assert reason == caught.value.reason

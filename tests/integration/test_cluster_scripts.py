"""
The scripts behind `make cluster`, on a second node in a network of its own.

Its state lies in a folder of the test's; only the built parts are those of the real cache, so the
cluster that the other tests use is neither touched nor in the way.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "deploy" / "cluster"
CACHE = Path(os.environ.get("SCHEDULED_REPORTS_CACHE", "~/.cache/scheduled-reports")).expanduser()
NOBODY = 65534


@dataclass(frozen=True)
class Elsewhere:
    """A cache folder and a network in which no cluster runs yet."""

    cache: Path
    network: int

    def command(self, *words: str) -> list[str]:
        """Put *words* into the other network."""
        return ["nsenter", f"--target={self.network}", "--net", "--", *words]

    def env(self, **more: str) -> dict[str, str]:
        """The environment of a command of `make`."""
        cluster = {"SCHEDULED_REPORTS_CACHE": str(self.cache), "PYTHONPATH": str(SCRIPTS)}
        without = {k: v for k, v in os.environ.items() if k != "SCHEDULED_REPORTS_CLUSTER"}
        return {**without, **cluster, "PYTHONDONTWRITEBYTECODE": "1", **more}

    def make(self, verb: str) -> str:
        """What ``make cluster`` (up) or ``make down`` prints; it has to succeed."""
        argv = self.command(sys.executable, "-m", "report_cluster", verb)
        done = subprocess.run(argv, env=self.env(), capture_output=True, text=True, timeout=180)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def kubectl(self, *words: str) -> str:
        """Run the described kubectl with the described kubeconfig."""
        facts = json.loads((self.cache / "cluster.json").read_text())
        argv = self.command(facts["kubectl"], f"--kubeconfig={facts['kubeconfig']}", *words)
        return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout

    def processes(self) -> dict[int, str]:
        """The node's processes: those that have neither this network nor the one around it."""
        around = {os.readlink(f"/proc/{pid}/ns/net") for pid in ("self", self.network)}
        known = f"{self.cache}/node"
        first = [p for p, words in _command_lines().items() if words.endswith(known)]
        networks = {_network(pid) for pid in first} - around
        return {p: w for p, w in _command_lines().items() if _network(p) in networks}

    def links(self) -> list[str]:
        """The network devices on the host's side, but for the loopback."""
        text = subprocess.check_output(self.command("ip", "-json", "link"), text=True)
        return [link["ifname"] for link in json.loads(text) if link["ifname"] != "lo"]


def _command_lines() -> dict[int, str]:
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes().decode().rstrip("\0").split("\0")
            except OSError:
                continue
            found[int(folder.name)] = " ".join(words)
    return found


def _network(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/net")
    except OSError:
        return ""


def _cgroups() -> set[Path]:
    return set(Path("/sys/fs/cgroup").glob("*/scheduled-reports-*")) | set(
        Path("/sys/fs/cgroup").glob("scheduled-reports-*")
    )


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Elsewhere]:
    if os.geteuid() != 0:
        pytest.skip("the single node needs root; where Docker answers, kind is used instead")
    (tmp_path / "parts").symlink_to(CACHE / "parts")
    holder = subprocess.Popen(["unshare", "--net", "sleep", "600"])
    while _network(holder.pid) == _network(os.getpid()):
        time.sleep(0.01)
    place = Elsewhere(tmp_path, holder.pid)
    yield place
    place.make("down")
    holder.kill()
    holder.wait()


@pytest.mark.cluster
def test_a_node_is_reused_while_it_works_and_replaced_when_it_was_killed(
    elsewhere: Elsewhere,
) -> None:
    cgroups_before, mounts_before = _cgroups(), Path("/proc/mounts").read_text()
    kubeconfig = elsewhere.make("up").splitlines()[-1]
    assert kubeconfig == f"{elsewhere.cache}/node/kubeconfig"
    processes = elsewhere.processes()
    assert any(words.startswith("kube-apiserver ") for words in processes.values())
    assert elsewhere.kubectl("get", "nodes", "--output=name") == "node/node1\n"
    assert Path("/proc/mounts").read_text() == mounts_before

    elsewhere.make("up")
    assert elsewhere.processes().keys() == processes.keys()

    for pid in processes:
        with contextlib.suppress(ProcessLookupError):  # the first one's end is the others'
            os.kill(pid, signal.SIGKILL)
    elsewhere.make("up")
    assert elsewhere.kubectl("get", "nodes", "--output=name") == "node/node1\n"

    elsewhere.make("down")
    assert elsewhere.processes() == {}
    assert elsewhere.links() == []
    assert _cgroups() == cgroups_before
    assert not (elsewhere.cache / "cluster.json").exists()


@pytest.mark.cluster
def test_a_bring_up_that_was_killed_midway_is_taken_over(elsewhere: Elsewhere) -> None:
    argv = elsewhere.command(sys.executable, "-m", "report_cluster", "up")
    killed = subprocess.Popen(argv, env=elsewhere.env(), stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not any(words.startswith("etcd ") for words in elsewhere.processes().values()):
        assert time.monotonic() < deadline, "the node did not start"
        time.sleep(0.05)
    killed.kill()
    killed.wait()
    elsewhere.make("up")
    assert elsewhere.kubectl("get", "nodes", "--output=name") == "node/node1\n"


def test_a_process_that_only_speaks_of_the_node_is_not_ended(elsewhere: Elsewhere) -> None:
    words = ["-m", "report_cluster.inside", f"{elsewhere.cache}/node", "not quite"]
    stranger = subprocess.Popen(
        [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)", *words],
        stdout=subprocess.PIPE,
    )
    with stranger:
        assert stranger.stdout
        stranger.stdout.readline()
        elsewhere.make("down")
        assert stranger.poll() is None
        stranger.kill()


def test_addresses_that_the_machine_uses_already_are_refused(elsewhere: Elsewhere) -> None:
    for command in (
        "ip link add taken type bridge",
        "ip link set taken up",
        "ip route add 10.96.0.0/12 dev taken",
    ):
        subprocess.run(elsewhere.command(*command.split()), check=True)
    argv = elsewhere.command(sys.executable, "-m", "report_cluster", "up")
    done = subprocess.run(argv, env=elsewhere.env(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "10.96.0.0 is already routed over taken: free it" in done.stderr


def test_without_docker_and_root_the_message_names_both_and_the_way_round(
    elsewhere: Elsewhere,
) -> None:
    elsewhere.cache.chmod(0o777)
    python = Path(os.path.realpath("/usr/bin/python3"))  # one that nobody may run
    argv = ["setpriv", f"--reuid={NOBODY}", "--clear-groups", str(python), "-m", "report_cluster"]
    env = elsewhere.env(SCHEDULED_REPORTS_CACHE="/nonexistent", PATH="/usr/bin:/bin")
    done = subprocess.run([*argv, "up"], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "neither does Docker answer" in done.stderr
    assert "nor is this root" in done.stderr
    assert "make try" in done.stderr

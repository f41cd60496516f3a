"""The single node from the host's side: bring it up, tell whether it works, take it away."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from report_cluster import cgroups, parts
from report_cluster.api import Api
from report_cluster.layout import Layout
from report_cluster.pause import write_pause_archive
from report_cluster.settings import (
    HOST_ADDRESS,
    HOST_LINK,
    LINK_PREFIX,
    NODE_ADDRESS,
    POD_RANGE,
    SERVICE_RANGE,
    SOURCES,
)
from report_cluster.talk import ClusterError, run, say, tail

NAMESPACES = ["--mount", "--net", "--pid", "--ipc", "--uts"]
UP_SECONDS = 90
END_SECONDS = 20
CNI_CACHE = Path("/var/lib/cni")


def up(layout: Layout) -> None:
    """Bring the node up, or leave it alone where it runs and works. Raises ClusterError."""
    fingerprint = _fingerprint()
    with _lock(layout):
        if processes(layout) and _started_from(layout) == fingerprint and not Api(layout).shortfall():
            return
        _end(layout)
        _check_addresses()
        path = _path_of_parts()
        began = time.monotonic()
        say("starting the node")
        _start(layout, path, fingerprint)
        say(f"the node is ready after {time.monotonic() - began:.0f} s")


def down(layout: Layout) -> None:
    """Take away all that the node has but its files in the cache."""
    with _lock(layout):
        _end(layout)
        layout.kubeconfig.unlink(missing_ok=True)


def processes(layout: Layout) -> list[int]:
    """
    The node's first process and the one that started it.

    They are known by their whole command line, which names the state folder: no other process has
    it, and there is no record that could be out of date.
    """
    mark = _inside_command(layout)
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                argv = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
                if argv[-len(mark) :] == mark:
                    found.append(int(folder.name))
    return sorted(found)


def enter(layout: Layout) -> list[str]:
    """The words that, put before a command, run it inside the node. Raises ClusterError."""
    for pid in processes(layout):
        # The starter stayed outside; only the first process has the node's namespaces.
        if Path(f"/proc/{pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink():
            return ["nsenter", f"--target={pid}", "--mount", "--net", "--pid", "--"]
    raise ClusterError("the node is not running: make cluster")


def _inside_command(layout: Layout) -> list[str]:
    return ["-m", "report_cluster.inside", str(layout.state), str(_pause_archive(layout))]


def _pause_archive(layout: Layout) -> Path:
    return layout.life / "pause.tar"


@contextlib.contextmanager
def _lock(layout: Layout) -> Iterator[None]:
    """One at a time; the kernel frees the lock of a killed process."""
    layout.state.mkdir(parents=True, exist_ok=True)
    with (layout.state / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another command is at work on the node: waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for file in sorted(SOURCES.rglob("*")):
        if file.is_file() and file.suffix != ".pyc":
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _started_from(layout: Layout) -> str:
    try:
        return layout.fingerprint.read_text()
    except OSError:
        return ""


def _path_of_parts() -> str:
    parts.need_packages(parts.NODE_PACKAGES)
    programs = [parts.program(part) for part in (parts.COREDNS, parts.KUBECTL)]
    folders = [parts.components(), *(program.parent for program in programs)]
    return os.pathsep.join([*map(str, folders), "/usr/sbin", "/usr/bin", "/sbin", "/bin"])


def _check_addresses() -> None:
    """Refuse where the machine already has another use for the node's addresses."""
    for target in (NODE_ADDRESS, POD_RANGE.split("/")[0], SERVICE_RANGE.split("/")[0]):
        routes = json.loads(run(["ip", "-json", "route", "show", "match", target]) or "[]")
        if taken := [route for route in routes if route["dst"] != "default"]:
            raise ClusterError(
                f"the address {target} of the node is already routed over {taken[0]['dev']}: "
                "free it, or install Docker to use kind instead"
            )


def _start(layout: Layout, path: str, fingerprint: str) -> None:
    shutil.rmtree(layout.life, ignore_errors=True)
    parts.folders([layout.life, layout.log, layout.store, CNI_CACHE])
    write_pause_archive(parts.program(parts.PAUSE), _pause_archive(layout))
    env = {"PATH": path, "PYTHONPATH": str(SOURCES), "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/"}
    unshare = ["unshare", *NAMESPACES, "--fork", "--kill-child", "--mount-proc"]
    with (layout.log / "node.log").open("w") as log:
        subprocess.Popen(
            [*unshare, sys.executable, *_inside_command(layout)],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _connect(layout)
        _wait_ready(layout)
    except BaseException:
        _end(layout)
        raise
    layout.fingerprint.write_text(fingerprint)


def _connect(layout: Layout) -> None:
    """Lay the link between this machine and the node, and the routes to pods and services."""
    deadline = time.monotonic() + END_SECONDS
    while True:
        try:
            first = enter(layout)[1].removeprefix("--target=")
            break
        except ClusterError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
    peer = ["peer", "name", "eth0", "netns", first]
    run(["ip", "link", "add", HOST_LINK, "type", "veth", *peer])
    run(["ip", "address", "add", f"{HOST_ADDRESS}/{LINK_PREFIX}", "dev", HOST_LINK])
    run(["ip", "link", "set", HOST_LINK, "up"])
    for destination in (POD_RANGE, SERVICE_RANGE):
        run(["ip", "route", "replace", destination, "via", NODE_ADDRESS])


def _wait_ready(layout: Layout) -> None:
    deadline = time.monotonic() + UP_SECONDS
    while missing := Api(layout).shortfall():
        if not processes(layout) or time.monotonic() > deadline:
            said = tail((layout.log / "node.log").read_text(errors="replace"))
            raise ClusterError(f"{missing} (logs: {layout.log}){said}")
        time.sleep(0.2)


def _end(layout: Layout) -> None:
    """Kill the node; the kernel takes its processes, mounts and devices, and we the rest."""
    deadline = time.monotonic() + END_SECONDS
    while alive := processes(layout):
        for pid in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise ClusterError(f"the node's process {alive[0]} does not end")
        time.sleep(0.05)
    # The kernel frees a dead node's link a moment later; one of a killed start is still there.
    with contextlib.suppress(ClusterError):
        run(["ip", "link", "delete", HOST_LINK])
    cgroups.remove(cgroups.cgroup_name(layout.state))
    with contextlib.suppress(OSError):
        CNI_CACHE.rmdir()

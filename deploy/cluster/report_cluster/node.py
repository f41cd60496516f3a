"""The single node: bring it up, tell whether it works, take it away."""

import hashlib
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

from report_cluster import cgroups, configs, link, namespaces, parts
from report_cluster.api import Api
from report_cluster.commands import commands
from report_cluster.layout import Layout
from report_cluster.locks import locked
from report_cluster.pause import write_pause_archive
from report_cluster.talk import ClusterError, say, tail

PATIENCE_SECONDS = 30
START_SECONDS = 10
READY_SECONDS = 90
# The node mounts a folder of its own over this one, so the host has to have it. It stays, empty:
# to remove it would take it from under a second node.
CNI_CACHE = Path("/var/lib/cni")


def up(layout: Layout) -> None:
    """Bring the node up, or leave it alone where it runs and works. Raises ClusterError."""
    fingerprint = _fingerprint(layout)
    with locked(layout.lock, "the node"):
        if _started_from(layout) == fingerprint and _works(layout):
            return
        path = _path_of_parts()
        _end(layout)
        link.check_addresses()
        began = time.monotonic()
        say("starting the node")
        try:
            _start(layout, path)
        except BaseException:
            _end(layout)
            raise
        layout.fingerprint.write_text(fingerprint)
        say(f"the node is ready after {time.monotonic() - began:.0f} s")


def down(layout: Layout) -> None:
    """Take away all that the node has but its files in the cache."""
    with locked(layout.lock, "the node"):
        _end(layout)
        layout.kubeconfig.unlink(missing_ok=True)


def _fingerprint(layout: Layout) -> str:
    """A digest of all that shapes the node, so a changed checkout brings up another."""
    built = [part.key() for part in (parts.KUBE, parts.COREDNS, parts.PAUSE)]
    shape = [built, configs.files(layout), commands(layout)]
    return hashlib.sha256(json.dumps(shape).encode()).hexdigest()


def _started_from(layout: Layout) -> str:
    try:
        return layout.fingerprint.read_text()
    except OSError:
        return ""


def _works(layout: Layout) -> bool:
    """Whether the node works, or does so soon: a busy machine and a restarted part get time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    said = ""
    while namespaces.processes(layout):
        missing = Api(layout).shortfall()
        if not missing:
            return True
        if time.monotonic() > deadline:
            break
        if missing != said:
            say(f"waiting for the node that runs: {missing}")
            said = missing
        time.sleep(0.5)
    return False


def _path_of_parts() -> str:
    parts.need_packages(parts.NODE_PACKAGES)
    programs = [parts.program(part) for part in (parts.COREDNS, parts.KUBECTL)]
    folders = [parts.components(), *(program.parent for program in programs)]
    return os.pathsep.join([*map(str, folders), "/usr/sbin", "/usr/bin", "/sbin", "/bin"])


def _start(layout: Layout, path: str) -> None:
    shutil.rmtree(layout.life, ignore_errors=True)
    parts.folders([layout.life, layout.log, layout.store, CNI_CACHE])
    write_pause_archive(parts.program(parts.PAUSE), layout.pause_archive)
    starter = namespaces.start(layout, path)
    _wait_for_namespaces(layout, starter)
    _wait_until_ready(layout, starter)


def _wait_for_namespaces(layout: Layout, starter: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while (pid := namespaces.inhabitant(layout)) is None:
        if starter.poll() is not None or time.monotonic() > deadline:
            raise _failure(layout, "this machine gives the node no namespaces of its own")
        time.sleep(0.02)
    link.connect(pid)


def _wait_until_ready(layout: Layout, starter: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while missing := Api(layout).shortfall():
        if starter.poll() is not None:
            raise _failure(layout, "the node ended while it came up")
        if time.monotonic() > deadline:
            raise _failure(layout, f"after {READY_SECONDS} s still: {missing}")
        time.sleep(0.2)


def _failure(layout: Layout, text: str) -> ClusterError:
    said = (layout.log / "node.log").read_text(errors="replace")
    return ClusterError(f"{text} (logs: {layout.log}){tail(said)}")


def _end(layout: Layout) -> None:
    """Kill the node: the kernel takes its processes, mounts and devices; this takes the rest."""
    namespaces.end(layout)
    link.disconnect()
    cgroups.remove(cgroups.cgroup_name(layout.state))

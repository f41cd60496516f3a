"""
The node's processes from the host's side: start the first, find it, enter it, end it.

All of the node lives in namespaces that end with their first process, so this is the only one to
know. It is known by its whole command line, which names the state folder: no other process has it,
and there is no record that could be out of date.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from report_cluster.layout import Layout
from report_cluster.settings import SOURCES
from report_cluster.talk import ClusterError

UNSHARE = ["unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child"]
END_SECONDS = 20


def start(layout: Layout, path: str) -> subprocess.Popen[bytes]:
    """Start the node's first process with *path* as its PATH; it outlives this one."""
    env = {"PATH": path, "PYTHONPATH": str(SOURCES), "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/"}
    with (layout.log / "node.log").open("w") as log:
        return subprocess.Popen(
            [*UNSHARE, "--mount-proc", sys.executable, *_mark(layout)],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def processes(layout: Layout) -> list[int]:
    """The process ids of the node's first process and of ``unshare``, which waits for it."""
    pids = [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]
    return sorted(pid for pid in pids if _is_ours(pid, layout))


def inhabitant(layout: Layout) -> int | None:
    """The process id of the one inside, once it is there."""
    for pid in processes(layout):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{pid}/ns/pid") != os.readlink("/proc/self/ns/pid"):
                return pid
    return None


def enter(layout: Layout) -> list[str]:
    """The words that, put before a command, run it inside the node. Raises ClusterError."""
    pid = inhabitant(layout)
    if pid is None:
        raise ClusterError("the node is not running: make cluster")
    return ["nsenter", f"--target={pid}", "--mount", "--root", "--net", "--pid", "--"]


def end(layout: Layout) -> None:
    """Kill the node; when this returns none of its processes is left. Raises ClusterError."""
    deadline = time.monotonic() + END_SECONDS
    while alive := processes(layout):
        for pid in alive:
            _kill(pid, layout)
        if time.monotonic() > deadline:
            raise ClusterError(f"the node's process {alive[0]} does not end")
        time.sleep(0.05)


def _mark(layout: Layout) -> list[str]:
    return ["-m", "report_cluster.inside", str(layout.state)]


def _is_ours(pid: int, layout: Layout) -> bool:
    try:
        argv = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return False
    mark = _mark(layout)
    return argv[-len(mark) :] == mark


def _kill(pid: int, layout: Layout) -> None:
    with contextlib.suppress(ProcessLookupError):
        handle = os.pidfd_open(pid)
        # Looked at again under the handle: from here on the number cannot be another process's.
        if _is_ours(pid, layout):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        os.close(handle)

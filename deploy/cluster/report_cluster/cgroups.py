"""
The cgroup that all of a node's pods live under, one for each cache folder.

The kubelet clears away every pod cgroup that it does not know, so two kubelets on one machine must
not share a parent.
"""

import contextlib
import hashlib
import time
from pathlib import Path

REMOVE_SECONDS = 10


def cgroup_name(state: Path) -> str:
    """The name of the cgroup of the node whose state lies in *state*."""
    return f"scheduled-reports-{hashlib.sha256(str(state).encode()).hexdigest()[:8]}"


def make(name: str) -> None:
    """Make the cgroup in each hierarchy that the machine has (version 1 or 2)."""
    for root in _hierarchies():
        _enable_controllers(root)
        (root / name).mkdir(exist_ok=True)


def remove(name: str) -> None:
    """Remove the cgroup and all below it; its processes are dead, but may be so only just."""
    deadline = time.monotonic() + REMOVE_SECONDS
    for root in _hierarchies():
        while (root / name).exists() and time.monotonic() < deadline:
            _remove_tree(root / name)
            time.sleep(0.05)


def _hierarchies() -> list[Path]:
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    return [Path(fields[1]) for fields in mounts if fields[2] in ("cgroup", "cgroup2")]


def _enable_controllers(root: Path) -> None:
    available = root / "cgroup.controllers"
    if not available.exists():
        return  # version 1: each hierarchy is its controller
    for controller in available.read_text().split():
        # One that the machine keeps back is none that the kubelet insists on.
        with contextlib.suppress(OSError):
            (root / "cgroup.subtree_control").write_text(f"+{controller}")


def _remove_tree(folder: Path) -> None:
    below = sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True)
    for path in [*below, folder]:
        with contextlib.suppress(OSError):
            path.rmdir()

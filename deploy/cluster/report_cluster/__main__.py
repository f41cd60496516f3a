"""
The commands behind ``make cluster``, ``make images``, ``make down`` and ``make purge``.

Progress goes to standard error. The last line of ``up`` on standard output is the path of the
cluster's kubeconfig. Where no cluster can be had, the exit code is 1 and the message says what is
missing.
"""

import contextlib
import os
import shutil
import sys
from pathlib import Path

from report_cluster import description, kind, node, node_images
from report_cluster.layout import this_layout
from report_cluster.settings import HOST_ADDRESS, cache_folder
from report_cluster.talk import ClusterError, say


def up() -> None:
    """Bring a cluster up and print the path of its kubeconfig."""
    print(kind.up() if kind.docker_answers() else _node_up())


def images() -> None:
    """Build the images whose inputs changed and load them into the running cluster."""
    if kind.docker_answers():
        kind.load_images()
    else:
        node_images.load_images(this_layout())


def down() -> None:
    """Take the cluster away; what was built stays in the cache."""
    if kind.docker_answers():
        kind.down()
    if os.geteuid() == 0:
        node.down(this_layout())
    description.remove()


def purge() -> None:
    """Take away the cluster, its images and all that was built for it."""
    down()
    if kind.docker_answers():
        kind.remove_images()
    for name in ("images", "kind", "log", "node", "parts", "uv"):
        shutil.rmtree(cache_folder() / name, ignore_errors=True)
    (cache_folder() / "images.lock").unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        cache_folder().rmdir()  # only where nothing of others lies in it
    say(f"emptied {cache_folder()}")


def _node_up() -> Path:
    if os.geteuid() != 0 or sys.platform != "linux":
        raise ClusterError(
            "no cluster can be had: neither does Docker answer (docker info), to use kind, nor is "
            "this root on Linux, to start a node of its own. Start Docker, or run this as root. "
            "Without either: make try"
        )
    description.programs()  # what takes minutes the first time comes first
    layout = this_layout()
    node.up(layout)
    description.write(
        provider="node",
        kubeconfig=layout.kubeconfig,
        audit_log=layout.audit_log,
        host_address=HOST_ADDRESS,
    )
    return layout.kubeconfig


COMMANDS = {"up": up, "images": images, "down": down, "purge": purge}

if __name__ == "__main__":
    try:
        COMMANDS[sys.argv[1]]()
    except ClusterError as error:
        say(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)

"""The node's network as the host has it: one link, and the routes to pods and services."""

import contextlib
import json

from report_cluster.settings import (
    HOST_ADDRESS,
    HOST_LINK,
    LINK_PREFIX,
    NODE_ADDRESS,
    POD_RANGE,
    SERVICE_RANGE,
)
from report_cluster.talk import ClusterError, run


def check_addresses() -> None:
    """Refuse where the machine already has another use for the node's addresses."""
    for target in (NODE_ADDRESS, POD_RANGE.split("/")[0], SERVICE_RANGE.split("/")[0]):
        routes = json.loads(run(["ip", "-json", "route", "show", "match", target]) or "[]")
        if taken := [route for route in routes if route["dst"] != "default"]:
            raise ClusterError(
                f"the node's address {target} is already routed over {taken[0]['dev']}: "
                "free it, or install Docker to use kind instead"
            )


def connect(pid: int) -> None:
    """Lay the link from this machine to the network of process *pid*, and the routes over it."""
    peer = ["peer", "name", "eth0", "netns", str(pid)]
    run(["ip", "link", "add", HOST_LINK, "type", "veth", *peer])
    run(["ip", "address", "add", f"{HOST_ADDRESS}/{LINK_PREFIX}", "dev", HOST_LINK])
    run(["ip", "link", "set", HOST_LINK, "up"])
    for destination in (POD_RANGE, SERVICE_RANGE):
        run(["ip", "route", "replace", destination, "via", NODE_ADDRESS])


def disconnect() -> None:
    """Remove the link, if it is still there, and the routes with it."""
    # The kernel does so for a dead node, but a moment later.
    with contextlib.suppress(ClusterError):
        run(["ip", "link", "delete", HOST_LINK])

"""Where things lie, the addresses of the node, and the versions of its parts."""

import os
from pathlib import Path

SOURCES = Path(__file__).resolve().parent.parent  # deploy/cluster
CHECKOUT = SOURCES.parent.parent

KUBERNETES = "v1.34.4"
HELM = "v3.22.0"
KUBECONFORM = "v0.8.0"
KIND = "v0.33.0"

NODE_NAME = "node1"
NODE_ADDRESS = "10.244.255.1"
HOST_ADDRESS = "10.244.255.2"  # this machine, as the pods see it
LINK_PREFIX = 30
POD_RANGE = "10.244.0.0/24"
SERVICE_RANGE = "10.96.0.0/16"
API_PORT = 6443
DNS_READY_PORT = 8181
HOST_LINK = "reports0"  # the only network device on the host's side

PAUSE_IMAGE = "localhost/scheduled-reports/pause:1"
KIND_CLUSTER = "scheduled-reports"


def cache_folder() -> Path:
    """The folder for everything that is built or kept; always outside the checkout."""
    named = os.environ.get("SCHEDULED_REPORTS_CACHE")
    return Path(named or "~/.cache/scheduled-reports").expanduser().resolve()


def description_file() -> Path:
    """The JSON file that tells programs about the running cluster (see ``description.py``)."""
    named = os.environ.get("SCHEDULED_REPORTS_CLUSTER")
    return Path(named) if named else cache_folder() / "cluster.json"

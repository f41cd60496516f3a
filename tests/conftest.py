"""What tests on a cluster share: where it is, its tools, and a namespace of one's own."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

import cluster as running


@pytest.fixture(scope="session")
def cluster() -> running.Cluster:
    """The running cluster; a test that asks for it fails where there is none."""
    found = running.read_cluster()
    found.kubectl("get", "--raw", "/readyz")
    return found


@pytest.fixture
def namespace(cluster: running.Cluster) -> Iterator[str]:
    """A namespace of the test's own, under enforced Pod Security restricted."""
    name = f"test-{uuid4().hex[:8]}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    manifest = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": labels},
    }
    cluster.kubectl("create", "-f", "-", stdin=json.dumps(manifest))
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Any]:
    """A function that asks a probe until its answer is truthy, and returns that answer."""
    return running.eventually

"""The product, installed once, and a stage of its own for each test."""

import pytest

from cluster import Cluster
from stage import Stage, install_parts, install_product, stage_in


@pytest.fixture(scope="session")
def product(cluster: Cluster) -> Cluster:
    """A cluster with the operator, installed by the chart, a mail catcher and a data source."""
    install_product(cluster, "operator.resyncSeconds=20")
    install_parts(cluster)
    return cluster


@pytest.fixture
def stage(product: Cluster, namespace: str) -> Stage:
    """A namespace where reports can be delivered."""
    return stage_in(product, namespace)

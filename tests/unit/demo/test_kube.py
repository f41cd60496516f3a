"""The demo finds its cluster, or says what to do."""

import json
from pathlib import Path

import pytest

from report_demo.kube import KubeError, read_cluster

FACTS = {"kubectl": "/k", "helm": "/h", "kubeconfig": "/c", "provider": "node"}


def test_the_cluster_is_read_from_the_file_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "here.json").write_text(json.dumps(FACTS))

    kube = read_cluster({"SCHEDULED_REPORTS_CLUSTER": str(tmp_path / "here.json")})

    assert ("/k", "/h", "/c") == (kube.kubectl, kube.helm, kube.kubeconfig)


def test_without_a_name_it_is_read_from_the_cache(tmp_path: Path) -> None:
    (tmp_path / "cluster.json").write_text(json.dumps(FACTS))

    assert "/k" == read_cluster({"SCHEDULED_REPORTS_CACHE": str(tmp_path)}).kubectl


@pytest.mark.parametrize("content", [None, "", "{}", "not json"])
def test_where_no_cluster_is_the_way_out_is_named(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "cluster.json").write_text(content)

    with pytest.raises(KubeError, match="make cluster"):
        read_cluster({"SCHEDULED_REPORTS_CACHE": str(tmp_path)})

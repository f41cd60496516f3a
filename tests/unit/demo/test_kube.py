"""The demo finds its cluster, or says what to do."""

import json
import sys
from pathlib import Path

import pytest

from report_demo.kube import Kube, KubeError, read_cluster

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


def test_a_tool_that_cannot_be_run_is_named() -> None:
    kube = Kube("/nowhere/kubectl", "/nowhere/helm", "/nowhere/kubeconfig")

    with pytest.raises(KubeError, match="/nowhere/kubectl"):
        kube.run("get", "pods")


def test_what_a_tool_says_is_in_the_error() -> None:
    python = Kube(sys.executable, "", "")

    with pytest.raises(KubeError, match=r"(?s)-c .*the reason"):
        python.run("-c", "import sys; sys.exit('the reason')")

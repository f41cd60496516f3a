"""Putting the demo's parts onto the cluster, over whatever an earlier demo left."""

from pathlib import Path
from typing import Final

from report_demo.kube import Kube
from report_demo.samples import NAMESPACE, SAMPLES

RELEASE: Final = "scheduled-reports"  # also the namespace that it is installed in
_CHECKOUT: Final = Path(__file__).parents[3]
_CHART: Final = _CHECKOUT / "charts" / "scheduled-reports"
_SERVERS: Final = ("mail-catcher", "data-source")
_OPERATOR: Final = f"{RELEASE}-operator"
_IMAGES: Final = "localhost/scheduled-reports"
_LOCAL_IMAGES: Final = (
    f"image.repository={_IMAGES}/operator,image.tag=dev,"
    f"runner.image.repository={_IMAGES}/runner,runner.image.tag=dev"
)
_NAMESPACE_MANIFEST: Final = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {
        "name": NAMESPACE,
        "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
    },
}


def install_servers(kube: Kube) -> None:
    """Start the mail catcher, with an empty inbox, and the data source; say how mail is sent."""
    were_there = _exist(kube, NAMESPACE, *_SERVERS)
    kube.apply(NAMESPACE, _NAMESPACE_MANIFEST)
    for server in _SERVERS:
        kube.run("-n", NAMESPACE, "apply", "-f", str(_CHECKOUT / "deploy/dev" / f"{server}.yaml"))
    kube.run("-n", NAMESPACE, "apply", "-f", str(SAMPLES / "report-smtp.yaml"))
    if were_there:
        _restart(kube, NAMESPACE, *_SERVERS)


def install_operator(kube: Kube) -> None:
    """Install the chart with the images that were built here, and wait until it is ready."""
    was_there = _exist(kube, RELEASE, _OPERATOR)
    where = ("-n", RELEASE, "--create-namespace")
    wait = ("--wait", "--timeout", "120s")
    kube.run_helm(
        "upgrade", "--install", RELEASE, str(_CHART), *where, "--set", _LOCAL_IMAGES, *wait
    )
    if was_there:
        _restart(kube, RELEASE, _OPERATOR)
        _wait(kube, RELEASE, _OPERATOR)


def wait_for_servers(kube: Kube) -> None:
    """Wait until the mail catcher and the data source answer."""
    _wait(kube, NAMESPACE, *_SERVERS)


def _exist(kube: Kube, namespace: str, *deployments: str) -> bool:
    found = kube.run("-n", namespace, "get", "deployments", "--ignore-not-found", "-o", "name")
    return {f"deployment.apps/{name}" for name in deployments} <= set(found.split())


def _restart(kube: Kube, namespace: str, *deployments: str) -> None:
    """Start them anew: an image of the same tag may have been built since."""
    kube.run("-n", namespace, "rollout", "restart", "deployment", *deployments)


def _wait(kube: Kube, namespace: str, *deployments: str) -> None:
    for name in deployments:
        kube.run("-n", namespace, "rollout", "status", f"deployment/{name}", "--timeout=90s")

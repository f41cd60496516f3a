"""Questions to the node's servers that tell whether it works."""

import json
import ssl
import urllib.request
from typing import Any

from report_cluster.layout import Layout
from report_cluster.settings import API_PORT, DNS_READY_PORT, NODE_ADDRESS, NODE_NAME

SECONDS = 5
PROXY_HEALTH_PORT = 10256


class Api:
    """The node's API server, asked over TLS that is checked against its certificate."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def ready(self) -> bool:
        """Whether the API server answers and means it."""
        return self._get("/readyz") is not None

    def shortfall(self) -> str:
        """What the node still lacks before a pod can run on it; empty if it lacks nothing."""
        if not self.ready():
            return "the API server does not answer"
        if not self._node_is_ready():
            return "the node is not Ready"
        if self._get("/api/v1/namespaces/default/serviceaccounts/default") is None:
            return "the controllers have made no service account yet"
        if self._get("/api/v1/namespaces/default/configmaps/kube-root-ca.crt") is None:
            return "the controllers have not published the authority's certificate yet"
        if not _answers(DNS_READY_PORT, "/ready"):
            return "CoreDNS is not ready"
        if not _answers(PROXY_HEALTH_PORT, "/healthz"):
            return "kube-proxy is not ready"
        return ""

    def _node_is_ready(self) -> bool:
        node = json.loads(self._get(f"/api/v1/nodes/{NODE_NAME}") or "{}")
        conditions: list[dict[str, Any]] = node.get("status", {}).get("conditions", [])
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    def _get(self, path: str) -> bytes | None:
        try:
            context = ssl.create_default_context(cafile=str(self._layout.authority))
            token = (self._layout.pki / "admin.token").read_text()
            url = f"https://{NODE_ADDRESS}:{API_PORT}{path}"
            request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
            return _open(request, urllib.request.HTTPSHandler(context=context))
        except OSError:
            return None


def _answers(port: int, path: str) -> bool:
    try:
        _open(urllib.request.Request(f"http://{NODE_ADDRESS}:{port}{path}"))
    except OSError:
        return False
    return True


def _open(request: urllib.request.Request, *handlers: urllib.request.BaseHandler) -> bytes:
    # No proxy of the machine's stands between it and its own node.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), *handlers)
    with opener.open(request, timeout=SECONDS) as answer:
        body: bytes = answer.read()
        return body

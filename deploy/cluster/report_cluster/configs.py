"""The components' configuration files: text made from settings, nothing is written."""

import json

from report_cluster.cgroups import cgroup_name
from report_cluster.layout import Layout
from report_cluster.settings import (
    API_PORT,
    DNS_READY_PORT,
    NODE_ADDRESS,
    NODE_NAME,
    PAUSE_IMAGE,
    POD_RANGE,
)

CONTAINERD_SOCKET = "/run/containerd/containerd.sock"  # /run is the node's own
CTR = ["ctr", "--address", CONTAINERD_SOCKET, "--namespace", "k8s.io"]

# Who may do what is Kubernetes' own affair: it knows these users and groups.
USERS = {
    "admin": ("admin", "system:masters"),
    "controllers": ("system:kube-controller-manager", ""),
    "scheduler": ("system:kube-scheduler", ""),
    "proxy": ("system:kube-proxy", ""),
    "kubelet": (f"system:node:{NODE_NAME}", "system:nodes"),
    "dns": ("system:coredns", ""),
}


def kubeconfig(token: str, authority: str) -> str:
    """A kubeconfig as JSON, which is YAML; *authority* is the API server's certificate, base64."""
    cluster = {
        "server": f"https://{NODE_ADDRESS}:{API_PORT}",
        "certificate-authority-data": authority,
    }
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "scheduled-reports", "cluster": cluster}],
            "users": [{"name": "me", "user": {"token": token}}],
            "contexts": [
                {"name": "node", "context": {"cluster": "scheduled-reports", "user": "me"}}
            ],
            "current-context": "node",
        },
        indent=1,
    )


def token_file(tokens: dict[str, str]) -> str:
    """The API server's list of bearer tokens, from the token of each of USERS."""
    lines = [f'{tokens[key]},{name},{name},"{groups}"' for key, (name, groups) in USERS.items()]
    return "\n".join(lines) + "\n"


def files(layout: Layout) -> dict[str, str]:
    """The configuration files by name, for ``layout.config``."""
    return {
        "containerd.toml": _containerd(layout),
        "cni/10-pods.conflist": json.dumps(_pod_network(layout), indent=1),
        "kubelet.yaml": json.dumps(_kubelet(layout), indent=1),
        "proxy.yaml": json.dumps(_proxy(layout), indent=1),
        "Corefile": _corefile(layout),
    }


def _containerd(layout: Layout) -> str:
    # restrict_oom_score_adj: on a machine that may not lower a score, no pod would start.
    return f"""version = 2
root = "{layout.store}/containerd"
state = "/run/containerd"
[grpc]
  address = "{CONTAINERD_SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{layout.config}/cni"
"""


def _pod_network(layout: Layout) -> dict[str, object]:
    addresses = {
        "type": "host-local",
        "dataDir": f"{layout.life}/addresses",
        "ranges": [[{"subnet": POD_RANGE}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    # No masquerading: a pod's packets carry its own address, and leave this machine never.
    bridge = {
        "type": "bridge",
        "bridge": "pods",
        "isGateway": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": addresses,
    }
    portmap = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge, portmap]}


def _kubelet(layout: Layout) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE_ADDRESS,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{layout.pki}/kubelet-client.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{cgroup_name(layout.state)}",
        "clusterDNS": [NODE_ADDRESS],
        "clusterDomain": "cluster.local",
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "enforceNodeAllocatable": [],
        "eventRecordQPS": 0,
        "evictionHard": {
            "memory.available": "200Mi",
            "nodefs.available": "2%",
            "imagefs.available": "2%",
        },
        "failSwapOn": False,
        "healthzBindAddress": NODE_ADDRESS,
        # The images were built here and could not be pulled again.
        "imageGCHighThresholdPercent": 100,
        "maxPods": 250,
        "podLogsDir": "/var/log/pods",
        "registryPullQPS": 0,
        "resolvConf": "",
        "volumePluginDir": f"{layout.life}/volume-plugins",
    }


def _proxy(layout: Layout) -> dict[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": f"{layout.pki}/proxy.kubeconfig"},
        "clusterCIDR": POD_RANGE,
        # These limits belong to the machine as a whole, not to the node's namespaces.
        "conntrack": {"maxPerCore": 0, "min": 0},
        "healthzBindAddress": f"{NODE_ADDRESS}:10256",
        "hostnameOverride": NODE_NAME,
        # A changed service is reachable at once, not up to a second later.
        "iptables": {"minSyncPeriod": "100ms"},
        "metricsBindAddress": "127.0.0.1:10249",
        "mode": "iptables",
    }


def _corefile(layout: Layout) -> str:
    return f""".:53 {{
    bind {NODE_ADDRESS}
    ready {NODE_ADDRESS}:{DNS_READY_PORT}
    errors
    cache 5
    kubernetes cluster.local {{
        kubeconfig {layout.pki}/dns.kubeconfig node
    }}
}}
"""

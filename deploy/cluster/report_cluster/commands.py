"""The components' command lines."""

from report_cluster.layout import Layout
from report_cluster.settings import API_PORT, NODE_ADDRESS, NODE_NAME, SERVICE_RANGE

ETCD = "http://127.0.0.1:2379"
ETCD_PEER = "http://127.0.0.1:2380"
# What these do for a cloud or for many nodes, one node has in its settings.
NO_CONTROLLERS = (
    "cloud-node-lifecycle-controller",
    "node-ipam-controller",
    "node-route-controller",
)


def commands(layout: Layout) -> dict[str, list[str]]:
    """The components' command lines by name, in the order in which they start."""
    return {
        "containerd": ["containerd", "-c", f"{layout.config}/containerd.toml"],
        "etcd": [
            "etcd",
            f"--data-dir={layout.life}/etcd",
            "--unsafe-no-fsync",
            f"--listen-client-urls={ETCD}",
            f"--advertise-client-urls={ETCD}",
            f"--listen-peer-urls={ETCD_PEER}",
            f"--initial-advertise-peer-urls={ETCD_PEER}",
            f"--initial-cluster=default={ETCD_PEER}",
        ],
        "kube-apiserver": _api_server(layout),
        "kube-controller-manager": [
            "kube-controller-manager",
            f"--kubeconfig={layout.pki}/controllers.kubeconfig",
            f"--service-account-private-key-file={layout.pki}/service-accounts.key",
            "--use-service-account-credentials",
            f"--root-ca-file={layout.authority}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--controllers=*,{','.join(f'-{name}' for name in NO_CONTROLLERS)}",
        ],
        "kube-scheduler": [
            "kube-scheduler",
            f"--kubeconfig={layout.pki}/scheduler.kubeconfig",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
        ],
        "kubelet": [
            "kubelet",
            f"--config={layout.config}/kubelet.yaml",
            f"--kubeconfig={layout.pki}/kubelet.kubeconfig",
            f"--root-dir={layout.life}/kubelet",
            f"--node-ip={NODE_ADDRESS}",
            f"--hostname-override={NODE_NAME}",
        ],
        "kube-proxy": ["kube-proxy", f"--config={layout.config}/proxy.yaml"],
        "coredns": ["coredns", "-conf", f"{layout.config}/Corefile"],
    }


def _api_server(layout: Layout) -> list[str]:
    return [
        "kube-apiserver",
        f"--etcd-servers={ETCD}",
        f"--bind-address={NODE_ADDRESS}",
        f"--advertise-address={NODE_ADDRESS}",
        f"--secure-port={API_PORT}",
        f"--cert-dir={layout.pki}",
        f"--token-auth-file={layout.pki}/tokens.csv",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={layout.pki}/service-accounts.key",
        f"--service-account-signing-key-file={layout.pki}/service-accounts.key",
        "--allow-privileged",
        "--kubelet-preferred-address-types=InternalIP",
        f"--kubelet-client-certificate={layout.pki}/kubelet-client.crt",
        f"--kubelet-client-key={layout.pki}/kubelet-client.key",
        f"--audit-policy-file={layout.config}/audit-policy.yaml",
        f"--audit-log-path={layout.audit_log}",
    ]

"""
The first process inside the node's namespaces: it sets the node up and keeps its components alive.

``python -m report_cluster.inside STATE`` runs under ``unshare`` with mounts, network and process
ids of its own. When it dies the kernel ends every process of the node and with them go the mounts,
the network devices and the packet filter's rules: a killed node leaves only files and cgroups.
"""

import base64
import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from report_cluster import cgroups, configs
from report_cluster.api import Api
from report_cluster.commands import commands
from report_cluster.configs import CTR
from report_cluster.layout import Layout
from report_cluster.settings import LINK_PREFIX, NODE_ADDRESS, PAUSE_IMAGE, SOURCES
from report_cluster.supervisor import Supervisor
from report_cluster.talk import ClusterError, run, say, succeeds

LINK_SECONDS = 15
CONTAINERD_SECONDS = 20
API_SECONDS = 60


def main(state: Path) -> None:
    """Bring the node up and stay. Raises ClusterError."""
    layout = Layout(state)
    _mounts(layout)
    _network()
    cgroups.make(cgroups.cgroup_name(state))
    _write_configuration(layout)
    supervisor = Supervisor(commands(layout), layout.log)
    supervisor.start("etcd")
    supervisor.start("kube-apiserver")
    _start_containerd(supervisor, layout)
    _import_pause(layout.pause_archive)
    _wait("the API server", API_SECONDS, lambda: Api(layout).ready())
    _write_access(layout)
    for name in ("kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "coredns"):
        supervisor.start(name)
    run(
        ["kubectl", f"--kubeconfig={layout.kubeconfig}", "apply", "-f", SOURCES / "dns/access.yaml"]
    )
    say("all components started")
    supervisor.stay()


def _wait(what: str, seconds: float, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise ClusterError(f"{what} did not come up within {seconds:.0f} s")
        time.sleep(0.1)


def _mounts(layout: Layout) -> None:
    run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"])
    for source, target in ((layout.log, "/var/log"), (layout.life / "cni", "/var/lib/cni")):
        source.mkdir(parents=True, exist_ok=True)
        run(["mount", "--bind", source, target])


def _network() -> None:
    """Give the node its address, once the host has made the link."""
    _wait("the node's network link", LINK_SECONDS, _link_is_there)
    run(["ip", "link", "set", "lo", "up"])
    run(["ip", "address", "add", f"{NODE_ADDRESS}/{LINK_PREFIX}", "dev", "eth0"])
    run(["ip", "link", "set", "eth0", "up"])
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    filtered = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
    if not filtered.exists():
        run(["modprobe", "br_netfilter"])
    filtered.write_text("1")


def _link_is_there() -> bool:
    # /sys still shows the host's devices, /proc those of this process.
    return "eth0:" in Path("/proc/net/dev").read_text()


def _write_configuration(layout: Layout) -> None:
    for name, text in configs.files(layout).items():
        path = layout.config / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    shutil.copy(SOURCES / "audit-policy.yaml", layout.config)
    layout.pki.mkdir(parents=True)
    layout.pki.chmod(0o700)
    for name in configs.USERS:
        (layout.pki / f"{name}.token").write_text(secrets.token_hex(16))
    (layout.pki / "tokens.csv").write_text(configs.token_file(_tokens(layout)))
    new_key = ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-days", "365"]
    new_key += ["-pkeyopt", "ec_paramgen_curve:prime256v1"]
    client, accounts = layout.pki / "kubelet-client", layout.pki / "service-accounts"
    subject = ["-subj", "/O=system:masters/CN=kube-apiserver-kubelet-client"]
    run([*new_key, *subject, "-keyout", f"{client}.key", "-out", f"{client}.crt"])
    run(["openssl", "genpkey", "-algorithm", "RSA", "-out", f"{accounts}.key"])


def _tokens(layout: Layout) -> dict[str, str]:
    return {name: (layout.pki / f"{name}.token").read_text() for name in configs.USERS}


def _write_access(layout: Layout) -> None:
    """Write each component's kubeconfig, and the administrator's in its lasting place."""
    authority = base64.b64encode(layout.authority.read_bytes()).decode()
    for name, token in _tokens(layout).items():
        path = layout.pki / f"{name}.kubeconfig"
        path.write_text(configs.kubeconfig(token, authority))
        path.chmod(0o600)
    (layout.pki / "admin.kubeconfig").replace(layout.kubeconfig)


def _start_containerd(supervisor: Supervisor, layout: Layout) -> None:
    supervisor.start("containerd")
    try:
        _wait("containerd", CONTAINERD_SECONDS, lambda: succeeds([*CTR, "version"]))
    except ClusterError:
        say("containerd cannot read its images of before: starting with none")
        supervisor.stop("containerd")
        shutil.rmtree(layout.store)
        supervisor.start("containerd")
        _wait("containerd", CONTAINERD_SECONDS, lambda: succeeds([*CTR, "version"]))


def _import_pause(archive: Path) -> None:
    if PAUSE_IMAGE not in run([*CTR, "images", "ls", "-q"]).split():
        run([*CTR, "images", "import", archive])


if __name__ == "__main__":
    os.umask(0o022)
    try:
        main(Path(sys.argv[1]))
    except ClusterError as error:
        say(str(error))
        sys.exit(1)

"""The folders and files of one node, all under its state folder."""

from dataclasses import dataclass
from pathlib import Path

from report_cluster.settings import cache_folder


@dataclass(frozen=True)
class Layout:
    """``life`` is wiped at each start; ``store`` (the images) outlives it."""

    state: Path

    @property
    def life(self) -> Path:
        """Everything that one life of the node writes."""
        return self.state / "life"

    @property
    def store(self) -> Path:
        """containerd's images and layers."""
        return self.state / "store"

    @property
    def lock(self) -> Path:
        """Held by the command that is at work on the node."""
        return self.state / "lock"

    @property
    def pause_archive(self) -> Path:
        """The image that holds a pod's namespaces open."""
        return self.life / "pause.tar"

    @property
    def pki(self) -> Path:
        """Keys, certificates and tokens."""
        return self.life / "pki"

    @property
    def config(self) -> Path:
        """The components' configuration files."""
        return self.life / "config"

    @property
    def log(self) -> Path:
        """What the components say, one file each; mounted as the node's /var/log."""
        return self.life / "log"

    @property
    def audit_log(self) -> Path:
        """Every request to the API server, one JSON object a line."""
        return self.log / "audit.log"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's access. The path stays the same from life to life."""
        return self.state / "kubeconfig"

    @property
    def authority(self) -> Path:
        """The certificate that vouches for the API server, which makes it at its first start."""
        return self.pki / "apiserver.crt"

    @property
    def fingerprint(self) -> Path:
        """Which sources the running node was started from."""
        return self.life / "fingerprint"


def this_layout() -> Layout:
    """The layout of the one node of this cache folder."""
    return Layout(cache_folder() / "node")

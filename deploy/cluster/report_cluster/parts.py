"""
The public parts: programs from Debian's packages, and programs built from Go modules.

What is built lies in the cache folder under a key made of its sources and version, so another
version is another file and nothing is built twice.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from report_cluster.settings import (
    HELM,
    KIND,
    KUBECONFORM,
    KUBERNETES,
    SOURCES,
    cache_folder,
)
from report_cluster.talk import ClusterError, run, run_long, say

COMPONENTS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubelet",
)
NODE_PACKAGES = {
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "containerd": "containerd",
    "ip": "iproute2",
    "iptables": "iptables",
    "openssl": "openssl",
    "runc": "runc",
}
BUILD_PACKAGES = {"buildah": "buildah", "debootstrap": "debootstrap"}

_MINOR = KUBERNETES.split(".")[1]
_VERSION = "k8s.io/component-base/version"
_KUBE_FLAGS = (
    f"-X {_VERSION}.gitVersion={KUBERNETES} "
    f"-X {_VERSION}.gitMajor=1 -X {_VERSION}.gitMinor={_MINOR}"
)


@dataclass(frozen=True)
class Part:
    """A Go program: a package of a module beside this file, or one of a public module."""

    name: str
    module: Path | None
    package: str
    flags: str = ""
    how_long: str = "1 minute"

    def key(self) -> str:
        """A digest of all that decides what is built."""
        digest = hashlib.sha256(f"{self.package} {self.flags}".encode())
        for file in sorted(self.module.rglob("*")) if self.module else []:
            if file.is_file():
                digest.update(file.read_bytes())
        return digest.hexdigest()[:12]

    def folder(self) -> Path:
        """The folder in the cache that holds the program, and nothing else but names for it."""
        return cache_folder() / "parts" / f"{self.name}-{self.key()}"


KUBE = Part("kube", SOURCES / "kube", ".", _KUBE_FLAGS, "7 minutes")
COREDNS = Part("coredns", SOURCES / "dns", ".", how_long="3 minutes")
PAUSE = Part("pause", SOURCES / "pause", ".")
KUBECTL = Part("kubectl", SOURCES / "kube", "./kubectl", _KUBE_FLAGS, "2 minutes")
HELM_CLIENT = Part("helm", None, f"helm.sh/helm/v3/cmd/helm@{HELM}", how_long="3 minutes")
VALIDATOR = Part("kubeconform", None, f"github.com/yannh/kubeconform/cmd/kubeconform@{KUBECONFORM}")
KIND_CLIENT = Part("kind", None, f"sigs.k8s.io/kind@{KIND}")


def program(part: Part, *, or_on_path: bool = False) -> Path:
    """
    The path of *part*'s program, which is built where it is not yet.

    With *or_on_path* a machine without Go may use the program that it has. Raises ClusterError.
    """
    built = part.folder() / part.name
    if built.exists():
        return built
    on_path = shutil.which(part.name)
    if shutil.which("go") is None and or_on_path and on_path:
        return Path(on_path)
    _build(part)
    return built


def components() -> Path:
    """The folder that holds the node's components, each under its own name."""
    folder = program(KUBE).parent
    for name in COMPONENTS:
        link = folder / name
        if not link.is_symlink():
            link.symlink_to(KUBE.name)
    return folder


def _build(part: Part) -> None:
    if shutil.which("go") is None:
        raise ClusterError(
            f"Go is missing, and {part.name} is built with it: install Go 1.26 or newer "
            "(https://go.dev/dl) and put it on PATH"
        )
    parent = part.folder().parent
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix=".build-") as scratch:
        flags = ["-trimpath", f"-ldflags=-s -w {part.flags}".rstrip()]
        env = {**os.environ, "CGO_ENABLED": "0", "GOBIN": scratch}
        if part.module:
            argv = ["go", "build", *flags, "-o", f"{scratch}/{part.name}", part.package]
        else:
            argv = ["go", "install", *flags, part.package]
        log = cache_folder() / "log" / f"build-{part.name}.log"
        what = f"building {part.name} (about {part.how_long} the first time)"
        run_long(what, argv, log=log, cwd=part.module or Path("/"), env=env)
        shutil.rmtree(part.folder(), ignore_errors=True)
        part.folder().mkdir()
        # The program arrives in one step, so a folder that has it has all of it.
        Path(scratch, part.name).rename(part.folder() / part.name)


def need_packages(programs: Mapping[str, str]) -> None:
    """Install the Debian packages of those *programs* that are missing. Raises ClusterError."""
    missing = _missing(programs)
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise ClusterError(f"missing: {', '.join(missing)}; install them, or Docker")
    say(f"installing {' '.join(missing)}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
    run(["apt-get", "update", "-qq"], env=env)
    run(install, env=env)
    if still := _missing(programs):
        raise ClusterError(f"apt-get installed {', '.join(still)}, yet a program is not on PATH")


def _missing(programs: Mapping[str, str]) -> list[str]:
    search = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    return sorted({package for name, package in programs.items() if not _is_there(name, search)})


def _is_there(name: str, search: str) -> bool:
    return shutil.which(name, path=search) is not None


def folders(paths: Iterable[Path]) -> None:
    """Make each of *paths* a folder."""
    for path in paths:
        path.mkdir(parents=True, exist_ok=True)

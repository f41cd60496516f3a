"""
Building images without Docker: buildah, in a store of its own in the cache folder.

The base image is a small Debian with Python, made by debootstrap: a stand-in for ``python:*-slim``
where there is no image registry to pull from.
"""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from report_cluster import parts
from report_cluster.images import Image
from report_cluster.settings import CHECKOUT, cache_folder
from report_cluster.talk import ClusterError, run, run_long, succeeds

RELEASE = "bookworm"
BASE_PACKAGES = "ca-certificates,python3,python3-venv"
TRIM = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale", "usr/share/man")
# Mounts and processes of a build that is killed go with its namespaces.
APART = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


def build(image: Image) -> None:
    """Build *image* from the checkout into the store. Raises ClusterError."""
    parts.need_packages(parts.BUILD_PACKAGES)
    _forget_killed_builds()
    base = _base()
    settings = _settings()
    argv = [*_buildah("bud"), "--isolation=chroot", "--network=host", "--layers"]
    argv += [f"--volume={source}:{target}:ro" for target, source in settings.items()]
    argv += [f"--build-arg=BASE_IMAGE={base}", f"--file={image.dockerfile}", f"--tag={image.tag}"]
    log = cache_folder() / "log" / f"image-{image.name}.log"
    run_long(f"building {image.tag}", [*argv, str(CHECKOUT)], log=log)


def save(image: Image, archive: Path) -> None:
    """Write *image* from the store to *archive*, as ``docker save`` would."""
    run([*_buildah("push"), "--quiet", image.tag, f"docker-archive:{archive}:{image.tag}"])


def _buildah(command: str) -> list[str]:
    store = [f"--root={_folder()}/store", f"--runroot={_folder()}/run", "--storage-driver=overlay"]
    return [*APART, "env", f"TMPDIR={_folder()}/scratch", "buildah", *store, command]


def _folder() -> Path:
    return cache_folder() / "images"


def _forget_killed_builds() -> None:
    shutil.rmtree(_folder() / "scratch", ignore_errors=True)
    (_folder() / "scratch").mkdir(parents=True)
    run([*_buildah("rm"), "--all"])


def _base() -> str:
    recipe = f"{RELEASE} {BASE_PACKAGES} {TRIM}"
    tag = f"localhost/scheduled-reports-base:{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    if not succeeds([*_buildah("inspect"), "--type=image", tag]):
        with tempfile.TemporaryDirectory(dir=cache_folder(), prefix="base-") as folder:
            _make_base(tag, Path(folder))
    return tag


def _make_base(tag: str, folder: Path) -> None:
    root = folder / "root"
    log = cache_folder() / "log" / "image-base.log"
    make = ["debootstrap", "--variant=minbase", f"--include={BASE_PACKAGES}", RELEASE, str(root)]
    run_long("making the base image (about 1 minute the first time)", [*APART, *make], log=log)
    for name in TRIM:
        shutil.rmtree(root / name, ignore_errors=True)
    (folder / "Dockerfile").write_text("FROM scratch\nADD root /\n")
    run([*_buildah("bud"), "--quiet", f"--tag={tag}", str(folder)])


def _settings() -> dict[str, Path]:
    """
    What pip and uv need to know of this machine to reach the package index, as files to mount.

    A build sees none of the machine's environment, and the image keeps none of these.
    """
    folder = _folder() / "settings"
    folder.mkdir(parents=True, exist_ok=True)
    pip, uv = folder / "pip.conf", folder / "uv.toml"
    index = os.environ.get("PIP_INDEX_URL") or os.environ.get("UV_DEFAULT_INDEX")
    timeout = os.environ.get("PIP_DEFAULT_TIMEOUT", "60")
    pip_index = f"index-url = {index}\n" if index else ""
    pip.write_text(f"[global]\ncert = {CERTIFICATES}\ntimeout = {timeout}\n{pip_index}")
    uv_index = f'[[index]]\nurl = "{index}"\ndefault = true\n' if index else ""
    uv.write_text(f"system-certs = true\n{uv_index}")
    for file in (pip, uv):
        file.chmod(0o600)
    if not Path(CERTIFICATES).exists():
        raise ClusterError(f"{CERTIFICATES} is missing: apt-get install ca-certificates")
    return {"/etc/pip.conf": pip, "/etc/uv/uv.toml": uv, CERTIFICATES: Path(CERTIFICATES)}

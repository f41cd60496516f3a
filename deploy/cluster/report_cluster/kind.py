"""The cluster where Docker answers: kind, made by ``deploy/kind.yaml``."""

import shutil
from pathlib import Path

from report_cluster import description, parts
from report_cluster.images import IMAGES
from report_cluster.settings import CHECKOUT, KIND_CLUSTER, SOURCES, cache_folder
from report_cluster.talk import run, run_long, succeeds

DOCKER_SECONDS = 10
READY_SECONDS = 120
NODE = f"{KIND_CLUSTER}-control-plane"


def docker_answers() -> bool:
    """Whether a Docker daemon can be used; a client alone is none."""
    return shutil.which("docker") is not None and succeeds(
        ["docker", "info"], timeout=DOCKER_SECONDS
    )


def up() -> Path:
    """Make the cluster, or leave it alone where it works; its kubeconfig. Raises ClusterError."""
    if not _works():
        down()
        _create()
    gateway = "{{range .NetworkSettings.Networks}}{{.Gateway}}{{end}}"
    description.write(
        provider="kind",
        kubeconfig=_kubeconfig(),
        audit_log=_audit_log(),
        host_address=run(["docker", "inspect", "--format", gateway, NODE]).strip(),
    )
    return _kubeconfig()


def down() -> None:
    """Delete the cluster, if there is one."""
    if NODE in run(["docker", "ps", "--all", "--format", "{{.Names}}"]).split():
        run([_kind(), "delete", "cluster", "--name", KIND_CLUSTER])
    shutil.rmtree(_folder(), ignore_errors=True)


def load_images() -> None:
    """Build the images and load them; Docker and kind skip what they have."""
    for image in IMAGES:
        build = ["docker", "build", f"--file={image.dockerfile}", f"--tag={image.tag}"]
        log = cache_folder() / "log" / f"image-{image.name}.log"
        run_long(f"building {image.tag}", [*build, str(CHECKOUT)], log=log)
        run([_kind(), "load", "docker-image", image.tag, "--name", KIND_CLUSTER])


def remove_images() -> None:
    """Remove the images that ``load_images`` built."""
    run(["docker", "image", "rm", "--force", *(image.tag for image in IMAGES)])


def _folder() -> Path:
    return cache_folder() / "kind"


def _kubeconfig() -> Path:
    return _folder() / "kubeconfig"


def _audit_log() -> Path:
    return _folder() / "audit" / "audit.log"


def _kind() -> Path:
    on_path = shutil.which("kind")
    return Path(on_path) if on_path else parts.program(parts.KIND_CLIENT)


def _works() -> bool:
    kubectl = parts.program(parts.KUBECTL, or_on_path=True)
    ask = [str(kubectl), f"--kubeconfig={_kubeconfig()}", "get", "--raw", "/readyz"]
    return _kubeconfig().exists() and succeeds(ask)


def _create() -> None:
    # The configuration names folders relative to this one: Docker mounts them into the node.
    parts.folders([_folder() / "audit"])
    # The API server would make the log for root's eyes only; one that is there keeps its mode.
    _audit_log().touch()
    shutil.copy(SOURCES / "audit-policy.yaml", _folder())
    argv = [str(_kind()), "create", "cluster", "--name", KIND_CLUSTER, f"--wait={READY_SECONDS}s"]
    argv += [f"--config={CHECKOUT}/deploy/kind.yaml", f"--kubeconfig={_kubeconfig()}"]
    log = cache_folder() / "log" / "kind.log"
    run_long("making a kind cluster (1 to 3 minutes)", argv, log=log, cwd=_folder())

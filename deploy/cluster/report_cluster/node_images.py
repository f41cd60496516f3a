"""Handing images to the single node, and knowing which it has."""

import json
import tempfile
from pathlib import Path

from report_cluster import buildah, namespaces
from report_cluster.configs import CTR
from report_cluster.images import IMAGES, Image
from report_cluster.layout import Layout
from report_cluster.locks import locked
from report_cluster.settings import cache_folder
from report_cluster.talk import run, say


def load_images(layout: Layout) -> None:
    """Build and load each image whose inputs are not those of the one that the node has."""
    with locked(cache_folder() / "images.lock", "the images"):
        _load_changed(layout)


def _load_changed(layout: Layout) -> None:
    inside = [*namespaces.enter(layout), *CTR]
    present = run([*inside, "images", "ls", "-q"]).split()
    record = layout.store / "inputs.json"
    known: dict[str, str] = json.loads(record.read_text()) if record.exists() else {}
    for image in IMAGES:
        inputs = image.inputs()
        if image.tag in present and known.get(image.name) == inputs:
            continue
        buildah.build(image)
        _load(image, inside)
        known[image.name] = inputs
        record.write_text(json.dumps(known))


def _load(image: Image, inside: list[str]) -> None:
    with tempfile.TemporaryDirectory(dir=cache_folder(), prefix="load-") as folder:
        archive = Path(folder) / "image.tar"
        buildah.save(image, archive)
        run([*inside, "images", "import", archive])
    say(f"loaded {image.tag}")

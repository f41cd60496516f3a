"""
The project's images: what goes into them, and whether they are as the checkout has them.

Building is ``docker build`` where Docker answers, else buildah (see ``buildah.py``).
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from report_cluster.settings import CHECKOUT

# The wheel carries README and LICENSE too, but no program reads them: they make no other image.
SHARED = ("pyproject.toml", "uv.lock", ".dockerignore", "api/report_types")


@dataclass(frozen=True)
class Image:
    """One image: its name and the folder of its own code."""

    name: str
    code: str

    @property
    def tag(self) -> str:
        """The full name under which manifests ask for it."""
        return f"localhost/scheduled-reports/{self.name}:dev"

    @property
    def dockerfile(self) -> Path:
        """Its Dockerfile, in the checkout."""
        return CHECKOUT / f"Dockerfile.{self.name}"

    def inputs(self) -> str:
        """A digest of every file that it is made of."""
        digest = hashlib.sha256()
        for name in (self.dockerfile.name, self.code, *SHARED):
            for file in _files(CHECKOUT / name):
                digest.update(f"{file.relative_to(CHECKOUT)}\0".encode())
                digest.update(file.read_bytes())
        return digest.hexdigest()


IMAGES = (
    Image("runner", "runner/report_runner"),
    Image("operator", "operator/report_operator"),
    Image("demo", "deploy/dev/report_demo"),
)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(f for f in path.rglob("*") if f.is_file() and "__pycache__" not in f.parts)

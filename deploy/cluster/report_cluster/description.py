"""
What programs need to know of the running cluster, as a JSON file.

Tests and the demo read ``$SCHEDULED_REPORTS_CLUSTER`` (by default ``cluster.json`` in the cache
folder). Its members:

* ``provider``: ``kind`` or ``node``
* ``kubeconfig``: the administrator's access
* ``kubectl``, ``helm``, ``kubeconform``: paths of these programs
* ``auditLog``: every request to the API server, a JSON object a line, without bodies
* ``hostAddress``: this machine's address as pods reach it
* ``images``: the full names of the images ``runner``, ``operator`` and ``demo``
"""

import json
from pathlib import Path

from report_cluster import parts
from report_cluster.images import IMAGES
from report_cluster.settings import description_file


def programs() -> dict[str, str]:
    """The paths of the client programs, which are built where they are missing."""
    clients = (parts.KUBECTL, parts.HELM_CLIENT, parts.VALIDATOR)
    return {part.name: str(parts.program(part, or_on_path=True)) for part in clients}


def write(*, provider: str, kubeconfig: Path, audit_log: Path, host_address: str) -> None:
    """Write the file, in one step."""
    text = json.dumps(
        {
            "provider": provider,
            "kubeconfig": str(kubeconfig),
            **programs(),
            "auditLog": str(audit_log),
            "hostAddress": host_address,
            "images": {image.name: image.tag for image in IMAGES},
        },
        indent=1,
    )
    target = description_file()
    if target.exists() and target.read_text() == text:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_suffix(".new")
    scratch.write_text(text)
    scratch.replace(target)


def remove() -> None:
    """There is no cluster any more."""
    description_file().unlink(missing_ok=True)

"""
How long a run may take, in whole seconds.

The runner keeps the limits of its parts by itself. The deadlines are for when it cannot: the pod's
(``run_seconds``) is kept by the node, even one that has lost the API server, and the Job's by the
API server, even for a pod that never starts.
"""

from typing import Final

from report_types.plan import run_seconds
from report_types.report import ReportSpec

WAITING: Final = 600  # for the cluster to find room for a pod


def job_deadline(spec: ReportSpec) -> int:
    """Return how long a run may last: time to wait for room, and one pod in place of another."""
    return WAITING + 2 * run_seconds(spec)

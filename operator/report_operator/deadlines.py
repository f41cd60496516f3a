"""
How long a run may take, in whole seconds: the sum of what its parts may take at worst.

The runner keeps the limit of each part by itself. These deadlines are for when it cannot: the
pod's is kept by the node, even one that has lost the API server, and the Job's by the API server,
even for a pod that never starts.
"""

from typing import Final

from report_types.report import ReportSpec, RetryFetch
from report_types.source import Source

STARTING: Final = 300  # pulling the image and mounting the volumes, which a pod's clock counts
READING: Final = 60  # copying one file source
LOADING: Final = 120  # the sandbox, loading the data, and writing and checking the result
TRANSACTION: Final = 180  # one conversation with the mail server
ENDING: Final = 60  # the failure mail and the record
WAITING: Final = 600  # for the cluster to find room for a pod
LONGEST_BACKOFF: Final = 60


def pod_deadline(spec: ReportSpec) -> int:
    """Return how long one pod of a run may live."""
    retry = spec.retry.delivery
    delivery = (retry.limit + 1) * TRANSACTION + retry.limit * retry.backoff_seconds
    fetch = sum(_fetch(source, spec.retry.fetch) for source in spec.sources)
    return STARTING + fetch + LOADING + spec.script.timeout_seconds + delivery + ENDING


def job_deadline(spec: ReportSpec) -> int:
    """Return how long a run may last: time to wait for room, and one pod in place of another."""
    return WAITING + 2 * pod_deadline(spec)


def _fetch(source: Source, retry: RetryFetch) -> int:
    if source.http is None:
        return READING
    waits = sum(min(retry.backoff_seconds << n, LONGEST_BACKOFF) for n in range(retry.limit))
    return (retry.limit + 1) * source.http.timeout_seconds + waits

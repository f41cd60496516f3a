"""
Two sweeps that keep the cache and the reports honest.

* The resync marks every report once in a while, whatever the watches have shown. It asks nothing
  of the API server.
* When kopf loses its place in a watch it lists again, and what was deleted in between is never
  told. Then the uids of that kind are listed, and what is not among them is forgotten.
"""

import asyncio
import logging
from typing import Final

from report_operator.cache import Cache
from report_operator.cluster import ClusterError, KubernetesCluster
from report_operator.kinds import Kind
from report_operator.workqueue import WorkQueue

log = logging.getLogger(__name__)

RETRY_SECONDS: Final = 5.0


class Sweeper:
    """Marks reports, and forgets objects that are gone."""

    def __init__(
        self,
        cluster: KubernetesCluster,
        cache: Cache,
        kinds: tuple[Kind, ...],
        queue: WorkQueue,
    ) -> None:
        self._kinds = {kind.resource[2]: kind for kind in kinds}
        self._cluster = cluster
        self._cache = cache
        self._queue = queue
        self._asked: asyncio.Queue[str] = asyncio.Queue()

    def ask(self, path: str) -> None:
        """Have the kind whose list is at *path* looked through."""
        self._asked.put_nowait(path)

    async def run(self, seconds: float) -> None:
        """Sweep for ever; the resync comes every *seconds*."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._resync(seconds))
            group.create_task(self._forget())

    async def _resync(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            for key in self._cache.all_keys():
                self._queue.mark(key)

    async def _forget(self) -> None:
        while True:
            path = await self._asked.get()
            try:
                await self.forget_gone(path)
            except (ClusterError, OSError, TimeoutError) as error:
                log.warning("Sweep failed", extra={"reason": path, "error": repr(error)})
                await asyncio.sleep(RETRY_SECONDS)
                self._asked.put_nowait(path)

    async def forget_gone(self, path: str) -> None:
        """Forget the objects of one kind, in one namespace or all, that are gone."""
        kind = self._kinds[path.rsplit("/", 1)[-1]]
        known = tuple(kind.known())  # before the list: what comes later is not judged by it
        query = {"labelSelector": kind.selector} if kind.selector else {}
        there = await self._cluster.uids(path, query)
        for key, seen in known:
            if seen.meta.uid in there or not _is_within(path, seen.meta.namespace):
                continue
            kind.forget(seen.meta.uid)
            for report in kind.concerns(key):
                self._queue.mark(report)


def _is_within(path: str, namespace: str) -> bool:
    return "/namespaces/" not in path or f"/namespaces/{namespace}/" in path

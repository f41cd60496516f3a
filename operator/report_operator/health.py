"""
Whether the operator is alive and ready, told over HTTP as it is at that moment.

* ``/healthz``: the process works on what it sees. It is false when a watch has not been renewed
  for so long that it must be lost; then only a new process helps.
* ``/readyz``: all kinds have been listed once, and the API server answers.
"""

import asyncio
import logging
from typing import Final

from aiohttp import ClientError, web

from report_operator.cluster import ClusterError, KubernetesCluster
from report_operator.connection import Contact

log = logging.getLogger(__name__)

SILENCE: Final = 15.0  # seconds without an answer after which the API server is asked
PATIENCE: Final = 5.0
TOLD_EVERY: Final = 10.0
LOST_WATCH: Final = 600.0  # a watch is renewed every 240 s, and retried without end
LOST_SERVER: Final = 900.0  # perhaps it is there, and only we hold on to an old certificate
SLOW_START: Final = 300.0


class Health:
    """Answers for the operator; *watches* is how many of them there are to be."""

    def __init__(self, cluster: KubernetesCluster, contact: Contact, watches: int) -> None:
        self._cluster = cluster
        self._contact = contact
        self._watches = watches
        self._started = contact.clock()

    def why_dead(self) -> str | None:
        """Return why the process should be started anew, or None."""
        contact = self._contact
        if (silence := contact.silent_for()) > LOST_SERVER:
            return f"the API server has not answered for {silence:.0f} s"
        if silence > SILENCE * 2:
            return None  # it is away: a new process would not help
        if (age := contact.oldest_watch()) > LOST_WATCH:
            return f"a watch has not been renewed for {age:.0f} s"
        if not self._has_listed() and contact.clock() - self._started > SLOW_START:
            return f"{len(contact.watched)} of {self._watches} kinds have been listed"
        return None

    async def why_not_ready(self) -> str | None:
        """Return what is missing, or None."""
        if not self._has_listed():
            return f"{len(self._contact.watched)} of {self._watches} kinds have been listed"
        if self._contact.silent_for() > SILENCE:
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._cluster.ping()
            except (ClusterError, ClientError, OSError, TimeoutError) as error:
                return f"the API server does not answer: {type(error).__name__}"
        return None

    async def tell(self) -> None:
        """Log each time that the operator becomes ready, or no longer is; never ends."""
        known: str | None = "starting"
        while True:
            problem = await self.why_not_ready()
            if problem and problem != known:
                log.warning("Not ready", extra={"reason": problem})
            elif known and not problem:
                log.info("Ready")
            known = problem
            await asyncio.sleep(TOLD_EVERY if not problem else 1)

    def _has_listed(self) -> bool:
        return len(self._contact.watched) >= self._watches


async def serve_health(health: Health, port: int) -> web.AppRunner:
    """Serve ``/healthz`` and ``/readyz`` on *port*; the caller cleans the runner up."""

    async def healthz(_: web.Request) -> web.Response:
        return _answer(health.why_dead())

    async def readyz(_: web.Request) -> web.Response:
        return _answer(await health.why_not_ready())

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner


def _answer(problem: str | None) -> web.Response:
    return web.Response(text=problem or "ok", status=503 if problem else 200)

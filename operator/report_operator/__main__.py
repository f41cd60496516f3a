"""``python -m report_operator``: wire the parts together and run until told to stop."""

import asyncio
import gc
import logging
import sys
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, cast

import kopf

from report_operator.cache import Cache
from report_operator.cluster import KubernetesCluster
from report_operator.connection import (
    Connection,
    ConnectionMissingError,
    Contact,
    connect,
)
from report_operator.handlers import build_registry, kopf_settings
from report_operator.health import Health, serve_health
from report_operator.kinds import watched_kinds
from report_operator.logs import configure_logs
from report_operator.reconcile import Reconciler
from report_operator.settings import Settings, SettingsError, read_settings
from report_operator.sweep import Sweeper
from report_operator.workqueue import WorkQueue
from report_types.names import API_VERSION

log = logging.getLogger("report_operator")

CONNECTIONS = 8  # are enough for a thousand writes a second
Part = Coroutine[Any, Any, None]


def main() -> int:
    """Run the operator; return the exit code."""
    try:
        settings = read_settings()
        connection = connect()
    except (SettingsError, ConnectionMissingError) as error:
        print(f"report_operator: {error}", file=sys.stderr)
        return 2
    configure_logs(settings.log_level)
    asyncio.run(run(settings, connection))
    return 0


async def run(settings: Settings, connection: Connection) -> None:
    """Run the operator until a signal ends it."""
    contact, cache = Contact(), Cache()
    kinds = watched_kinds(cache)
    async with connection.session(contact.note_answer, CONNECTIONS) as session:
        cluster = KubernetesCluster(session, connection.server)
        reconciler = Reconciler(cluster, cache, settings, lambda: datetime.now(UTC))
        queue = WorkQueue(reconciler.reconcile)
        sweeper = Sweeper(cluster, cache, kinds, queue)
        contact.on_list = sweeper.ask
        watches = len(kinds) * max(len(settings.namespaces), 1)
        health = Health(cluster, contact, watches)
        server = await serve_health(health, settings.health_port)
        try:
            await _wait_for_crds(cluster)
            gc.freeze()  # what is here by now stays for good
            await _run_beside(
                kopf.operator(
                    registry=build_registry(kinds, queue, connection, contact),
                    settings=kopf_settings(kinds),
                    clusterwide=not settings.namespaces,
                    namespaces=settings.namespaces,
                    # kopf would otherwise ask for the user's name, and our uid has none.
                    identity=cast("Any", settings.instance),
                ),
                queue.run(),
                sweeper.run(settings.resync_seconds),
                health.tell(),
            )
        finally:
            await server.cleanup()


async def _run_beside(watching: Part, *others: Part) -> None:
    """Run all parts until one ends: kopf, the first, by a signal, any of them by an error."""
    tasks = [asyncio.create_task(part) for part in others]
    # kopf waits some seconds for each task that is younger than itself when it ends.
    await asyncio.sleep(0)
    tasks.append(asyncio.create_task(watching))
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()


async def _wait_for_crds(cluster: KubernetesCluster) -> None:
    """Wait until our kinds are served: kopf would go on without them for good."""
    told = False
    while True:
        try:
            if await cluster.serves(f"apis/{API_VERSION}"):
                return
            problem = "its CustomResourceDefinitions are not installed"
        except Exception as error:
            problem = repr(error)
        if not told:
            log.warning("Waiting for the API", extra={"reason": API_VERSION, "error": problem})
            told = True
        await asyncio.sleep(2)


if __name__ == "__main__":
    sys.exit(main())

"""
The handlers: they put what the watches show into the cache, and mark the reports it concerns.

Every kind has an index function and an event handler. kopf calls index functions first, and lets
no event handler run before all kinds have been listed, so the first reconcile sees everything.
"""

from collections.abc import Iterator
from typing import Any

import kopf

from report_operator.connection import Connection, Contact
from report_operator.kinds import Kind
from report_operator.workqueue import WorkQueue


class _Backoffs:
    """Seconds between the attempts of one request of kopf's, without an end."""

    def __iter__(self) -> Iterator[float]:
        yield from (0.2, 0.5, 1.0, 2.0)
        while True:
            yield 3.0


def kopf_settings(kinds: tuple[Kind, ...]) -> kopf.OperatorSettings:
    """Return settings that make kopf watch and do nothing else: no events, no state, no peers."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.scanning.disabled = True
    settings.queueing.worker_limit = None
    settings.queueing.idle_timeout = 0.05
    settings.queueing.exit_timeout = 1.0
    settings.watching.server_timeout = 240
    settings.watching.client_timeout = 300
    settings.watching.connect_timeout = 10
    settings.watching.chunk_size = 100
    settings.networking.request_timeout = 60
    settings.networking.connect_timeout = 10
    settings.networking.error_backoffs = _Backoffs()
    for kind in kinds:
        if kind.selector:
            settings.watching.label_selectors[kind.resource] = kind.selector
    return settings


def build_registry(
    kinds: tuple[Kind, ...], queue: WorkQueue, connection: Connection, contact: Contact
) -> kopf.OperatorRegistry:
    """Return the registry of all handlers."""
    registry = kopf.OperatorRegistry()

    async def login(**_: Any) -> kopf.AiohttpSession:
        session = connection.session(contact.note_watcher, connections=0)
        return kopf.AiohttpSession(server=connection.server, aiohttp_session=session)

    kopf.on.login(registry=registry)(login)
    for kind in kinds:
        _register(registry, kind, queue)
    return registry


def _register(registry: kopf.OperatorRegistry, kind: Kind, queue: WorkQueue) -> None:
    async def remember(body: kopf.Body, **_: Any) -> None:
        kind.remember(body)
        _let_go(body)

    async def mark(event: kopf.RawEvent, body: kopf.Body, **_: Any) -> None:
        if event["type"] == "DELETED":
            kind.forget(body["metadata"]["uid"])
        key = kind.key_of(body)
        for report in kind.concerns(key) if key else ():
            queue.mark(report)

    name = kind.resource[2]
    kopf.index(*kind.resource, id=f"remember-{name}", registry=registry)(remember)
    kopf.on.event(*kind.resource, id=f"mark-{name}", registry=registry)(mark)


def _let_go(body: kopf.Body) -> None:
    """
    Empty the large parts of an object that has been remembered.

    kopf holds on to every object until all kinds are listed: with many reports, each script is
    there twice.
    """
    for part in ("script", "jobTemplate", "containers"):
        if part in body.spec:
            del body["spec"][part]
    body["metadata"].pop("managedFields", None)

"""Health is told as it is: lost watches, an API server that is away, and the first listing."""

import asyncio
from typing import Any, cast

import pytest
from yarl import URL

from report_operator.cluster import KubernetesCluster
from report_operator.connection import Contact
from report_operator.health import Health


class Clock:
    """A clock that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Server:
    """An API server that answers, or does not."""

    def __init__(self, contact: Contact) -> None:
        self.contact = contact
        self.is_there = True
        self.asked = 0

    async def ping(self) -> None:
        self.asked += 1
        if not self.is_there:
            raise ConnectionRefusedError
        self.contact.note_answer("GET", URL("https://x/version"), 200)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def contact(clock: Clock) -> Contact:
    return Contact(clock)


@pytest.fixture
def server(contact: Contact) -> Server:
    return Server(contact)


@pytest.fixture
def health(server: Server, contact: Contact) -> Health:
    return Health(cast("KubernetesCluster", server), contact, watches=2)


def watch(contact: Contact, *kinds: str, status: int = 200) -> None:
    for kind in kinds:
        contact.note_watcher("GET", URL(f"https://x/{kind}?watch=true"), status)


def ready(health: Health) -> str | None:
    return asyncio.run(health.why_not_ready())


def test_ready_when_all_kinds_have_been_listed(health: Health, contact: Contact) -> None:
    watch(contact, "jobs")
    assert ready(health) == "1 of 2 kinds have been listed"

    watch(contact, "pods", status=403)
    assert ready(health) == "1 of 2 kinds have been listed"

    watch(contact, "pods")
    assert ready(health) is None


def test_not_ready_while_the_api_server_is_away(
    health: Health, contact: Contact, server: Server, clock: Clock
) -> None:
    watch(contact, "jobs", "pods")
    server.is_there = False
    clock.now += 10
    assert ready(health) is None
    assert server.asked == 0

    clock.now += 10
    assert "ConnectionRefusedError" in str(ready(health))
    assert health.why_dead() is None

    server.is_there = True
    assert ready(health) is None


def test_quiet_cluster_is_ready(
    health: Health, contact: Contact, server: Server, clock: Clock
) -> None:
    watch(contact, "jobs", "pods")
    clock.now += 100

    assert ready(health) is None
    assert server.asked == 1


def test_dead_when_a_watch_is_lost(health: Health, contact: Contact, clock: Clock) -> None:
    watch(contact, "jobs", "pods")
    clock.now += 500
    watch(contact, "jobs")
    assert health.why_dead() is None

    clock.now += 110
    watch(contact, "jobs")
    assert health.why_dead() == "a watch has not been renewed for 610 s"


def test_dead_when_it_never_gets_to_list(health: Health, contact: Contact, clock: Clock) -> None:
    clock.now += 301
    contact.note_answer("GET", URL("https://x/version"), 200)

    assert health.why_dead() == "0 of 2 kinds have been listed"


def test_dead_after_a_long_silence(health: Health, contact: Contact, clock: Clock) -> None:
    """
    Only a new process reads new certificates.
    """
    watch(contact, "jobs", "pods")
    clock.now += 901

    assert health.why_dead() == "the API server has not answered for 901 s"


def test_server_error_is_no_answer(contact: Contact, clock: Clock) -> None:
    clock.now += 50
    contact.note_answer("GET", URL("https://x/version"), 503)

    assert contact.silent_for() == 50


def test_second_listing_of_a_kind_is_noticed(contact: Contact) -> None:
    """
    kopf has lost its place in the watch, and what was deleted meanwhile is never told.
    """
    asked: list[Any] = []
    contact.on_list = asked.append
    contact.note_watcher("GET", URL("https://x/jobs?limit=500"), 200)
    watch(contact, "jobs")
    assert asked == []

    contact.note_watcher("GET", URL("https://x/jobs?limit=500"), 200)
    assert asked == ["/jobs"]

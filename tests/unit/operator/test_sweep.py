"""What was deleted while nobody watched is forgotten, and made up for."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import pytest

from report_operator.cache import Cache, Key
from report_operator.cluster import KubernetesCluster
from report_operator.identity import build_role_binding, build_service_account
from report_operator.kinds import Kind, watched_kinds
from report_operator.sweep import Sweeper
from report_operator.workqueue import WorkQueue

JOBS = "/apis/batch/v1/jobs"


class Lister:
    """An API server that only lists."""

    def __init__(self) -> None:
        self.there: set[str] = set()
        self.asked: list[tuple[str, Mapping[str, str]]] = []

    async def uids(self, path: str, query: Mapping[str, str]) -> set[str]:
        self.asked.append((path, query))
        return self.there


class Marks(list[Key]):
    """A queue that only remembers what was marked."""

    def mark(self, key: Key) -> None:
        self.append(key)


class World:
    """A sweeper and all that it works on."""

    def __init__(self) -> None:
        self.cache = Cache()
        kinds = watched_kinds(self.cache)
        self.kinds: dict[str, Kind] = {kind.resource[2]: kind for kind in kinds}
        self.lister, self.marks = Lister(), Marks()
        self.sweeper = Sweeper(
            cast("KubernetesCluster", self.lister),
            self.cache,
            kinds,
            cast("WorkQueue", self.marks),
        )

    def remember(self, plural: str, body: dict[str, Any], **meta: Any) -> None:
        more = {
            "uid": f"uid-{plural}",
            "resourceVersion": "1",
            "creationTimestamp": "2026-11-22T10:00:00Z",
            **meta,
        }
        self.kinds[plural].remember({**body, "metadata": {**body["metadata"], **more}})

    def job(self, name: str, namespace: str = "team") -> None:
        labels = {"scheduledreports.dev/report": "sales"}
        meta = {"name": name, "namespace": namespace, "labels": labels}
        self.remember("jobs", {"metadata": meta}, uid=name)

    def sweep(self, path: str, *there: str) -> list[Key]:
        self.lister.there = set(there)
        asyncio.run(self.sweeper.forget_gone(path))
        marks, self.marks[:] = list(self.marks), []
        return marks


@pytest.fixture
def world(report_body: Any) -> World:
    world = World()
    world.remember("scheduledreports", report_body())
    return world


def test_object_that_is_gone_is_forgotten_and_its_report_marked(world: World) -> None:
    world.job("a")
    world.job("b")

    assert world.sweep(JOBS, "a") == [("team", "sales")]
    assert [job.meta.name for job in world.cache.view(("team", "sales")).jobs] == ["a"]
    assert world.sweep(JOBS, "a") == []


def test_only_the_namespace_that_was_listed_is_swept(world: World) -> None:
    world.job("a", "other")

    assert world.sweep("/apis/batch/v1/namespaces/team/jobs") == []
    assert world.sweep("/apis/batch/v1/namespaces/other/jobs") == [("other", "sales")]


def test_same_objects_are_asked_for_as_are_watched(world: World) -> None:
    world.sweep(JOBS)
    world.sweep("/apis/scheduledreports.dev/v1alpha1/reportruns")

    assert [query for _, query in world.lister.asked] == [
        {"labelSelector": "app.kubernetes.io/managed-by=scheduled-reports"},
        {},
    ]


def test_kinds_that_share_a_shelf_are_swept_apart(world: World) -> None:
    world.remember("serviceaccounts", build_service_account("team"))
    world.remember("rolebindings", build_role_binding("team"))

    assert world.sweep("/api/v1/serviceaccounts", "uid-serviceaccounts") == []
    assert world.cache.identities.of(("team", "RoleBinding"))
    assert world.sweep("/apis/rbac.authorization.k8s.io/v1/rolebindings") == [("team", "sales")]

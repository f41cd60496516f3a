"""
The kinds that are watched: how an object of each is remembered, and which reports it concerns.

Of the kinds that others use too, only objects with our label are watched, so nothing of anybody
else's is ever received, let alone kept.
"""

import dataclasses
import logging
from collections.abc import Callable, Iterable
from typing import Any, Final

from pydantic import ValidationError

from report_operator.cache import Cache, Key, Shelf
from report_operator.identity import is_as_built
from report_operator.observed import (
    Body,
    IdentitySeen,
    JobSeen,
    PodSeen,
    see_cronjob,
    see_job,
    see_meta,
    see_pod,
    see_report,
    see_run,
)
from report_types.names import (
    GROUP,
    MANAGED_BY_LABEL,
    MANAGER,
    REPORT_LABEL,
    REPORT_PLURAL,
    RUN_PLURAL,
    RUNNER_SERVICE_ACCOUNT,
    VERSION,
)

log = logging.getLogger(__name__)

OURS: Final = f"{MANAGED_BY_LABEL}={MANAGER}"


class Kind:
    """One kind of object; *selector* is empty for kinds that are ours alone."""

    def __init__(
        self,
        resource: tuple[str, str, str],
        shelf: Shelf[Any],
        see: Callable[[Body], Any],
        key_of: Callable[[Body], Key | None],
        selector: str = OURS,
    ) -> None:
        self.resource = resource
        self.selector = selector
        self.shelf = shelf
        self._see = see
        self.key_of = key_of

    def remember(self, body: Body) -> None:
        """Take note of an object as it is now."""
        if (key := self.key_of(body)) is None:
            return
        try:
            self.shelf.put(key, self._see(body))
        except ValidationError as error:
            name = "{namespace}/{name}".format(**body["metadata"])
            log.warning("Object passed over", extra={"run": name, "error": str(error)})

    def forget(self, uid: str) -> None:
        """Take note that an object is gone."""
        self.shelf.drop(uid)

    def known(self) -> Iterable[tuple[Key, Any]]:
        """Return what is remembered of this kind, each with its key."""
        return self.shelf.entries()

    def concerns(self, key: Key) -> Iterable[Key]:
        """Return the keys of the reports to look after when the object at *key* has changed."""
        return (key,)


class PodKind(Kind):
    """Pods: the last words of one are kept until its Job is gone, though the pod may go first."""

    def __init__(self, *args: Any, jobs: Shelf[JobSeen]) -> None:
        super().__init__(*args)
        self._jobs = jobs

    def forget(self, uid: str) -> None:
        """Take note that a pod is gone."""
        known = self.shelf.get(uid)
        self.shelf.drop(uid)
        if known and self._jobs.get(known[1].meta.owner_uid):
            self.shelf.put(known[0], _tombstone(known[1]))


class JobKind(Kind):
    """Jobs; with one of them go its pods."""

    def __init__(self, *args: Any, pods: Shelf[PodSeen]) -> None:
        super().__init__(*args)
        self._pods = pods

    def forget(self, uid: str) -> None:
        """Take note that a Job is gone."""
        known = self.shelf.get(uid)
        self.shelf.drop(uid)
        for pod in self._pods.of(known[0]) if known else ():
            if pod.meta.owner_uid == uid:
                self._pods.drop(pod.meta.uid)


class IdentityKind(Kind):
    """ServiceAccounts or RoleBindings of runs; one that is not as we built it counts as gone."""

    def __init__(self, resource: tuple[str, str, str], name: str, cache: Cache) -> None:
        super().__init__(resource, cache.identities, _see_identity, _key_of_identity)
        self._name = name
        self._cache = cache

    def known(self) -> Iterable[tuple[Key, Any]]:
        """Return what is remembered of this kind; the shelf holds the other one too."""
        return [(key, seen) for key, seen in self.shelf.entries() if key[1] == self._name]

    def remember(self, body: Body) -> None:
        """Take note of an object as it is now."""
        if is_as_built(body):
            super().remember(body)
        else:
            self.forget(body["metadata"]["uid"])

    def concerns(self, key: Key) -> Iterable[Key]:
        """Return the keys of the reports that lack the object at *key*."""
        return () if self.shelf.of(key) else self._cache.reports_in(key[0])


def watched_kinds(cache: Cache) -> tuple[Kind, ...]:
    """Return all kinds that are watched, with where they are remembered."""
    rbac = "rbac.authorization.k8s.io"
    return (
        Kind((GROUP, VERSION, REPORT_PLURAL), cache.reports, see_report, _key_of_report, ""),
        Kind((GROUP, VERSION, RUN_PLURAL), cache.runs, see_run, _key_of_run, ""),
        Kind(("batch", "v1", "cronjobs"), cache.cronjobs, see_cronjob, _key_by_label),
        JobKind(("batch", "v1", "jobs"), cache.jobs, see_job, _key_by_label, pods=cache.pods),
        PodKind(("", "v1", "pods"), cache.pods, see_pod, _key_by_label, jobs=cache.jobs),
        IdentityKind(("", "v1", "serviceaccounts"), "ServiceAccount", cache),
        IdentityKind((rbac, "v1", "rolebindings"), "RoleBinding", cache),
    )


def _tombstone(pod: PodSeen) -> PodSeen:
    return dataclasses.replace(pod, meta=dataclasses.replace(pod.meta, deleting=True))


def _see_identity(body: Body) -> IdentitySeen:
    return IdentitySeen(see_meta(body))


def _key_of_identity(body: Body) -> Key | None:
    meta = body["metadata"]
    is_ours = meta["name"] == RUNNER_SERVICE_ACCOUNT
    return (meta["namespace"], body["kind"]) if is_ours else None


def _key_of_report(body: Body) -> Key:
    return body["metadata"]["namespace"], body["metadata"]["name"]


def _key_of_run(body: Body) -> Key:
    return body["metadata"]["namespace"], body["spec"]["reportRef"]["name"]


def _key_by_label(body: Body) -> Key | None:
    meta = body["metadata"]
    name = meta.get("labels", {}).get(REPORT_LABEL)
    return (meta["namespace"], name) if name else None

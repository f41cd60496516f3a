"""
What the watches have shown, by kind and by the report that it belongs to.

It is fed by the handlers and by the answers to our own writes, whichever comes first; an older
version of an object never replaces a newer one.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from report_operator.observed import (
    CronJobSeen,
    IdentitySeen,
    JobSeen,
    PodSeen,
    ReportSeen,
    RunSeen,
    Seen,
)

Key = tuple[str, str]  # namespace and name of a report
S = TypeVar("S", bound=Seen)


class Shelf(Generic[S]):
    """The objects of one kind, by uid, and by the report that they belong to."""

    def __init__(self) -> None:
        self._by_uid: dict[str, tuple[Key, S]] = {}
        self._by_key: dict[Key, dict[str, S]] = defaultdict(dict)

    def put(self, key: Key, seen: S) -> None:
        """Remember *seen*, unless something newer of the same object is known."""
        uid = seen.meta.uid
        if (known := self._by_uid.get(uid)) and known[1].meta.version > seen.meta.version:
            return
        self.drop(uid)
        self._by_uid[uid] = key, seen
        self._by_key[key][uid] = seen

    def drop(self, uid: str) -> None:
        """Forget an object that is gone."""
        if known := self._by_uid.pop(uid, None):
            siblings = self._by_key[known[0]]
            del siblings[uid]
            if not siblings:
                del self._by_key[known[0]]

    def of(self, key: Key) -> tuple[S, ...]:
        """Return what belongs to the report *key*, oldest first."""
        found = self._by_key.get(key, {}).values()
        return tuple(sorted(found, key=lambda seen: (seen.meta.created, seen.meta.name)))

    def get(self, uid: str | None) -> tuple[Key, S] | None:
        """Return an object and its key, if it is here."""
        return self._by_uid.get(uid) if uid else None

    def taken(self) -> tuple[Key, ...]:
        """Return the keys of all reports that have something here."""
        return tuple(self._by_key)

    def entries(self) -> tuple[tuple[Key, S], ...]:
        """Return all that is here, each with its key."""
        return tuple(self._by_uid.values())


@dataclass(frozen=True, slots=True)
class View:
    """All that is known about one report, at one moment."""

    report: ReportSeen | None
    cronjob: CronJobSeen | None
    jobs: tuple[JobSeen, ...] = ()
    pods: tuple[PodSeen, ...] = ()
    runs: tuple[RunSeen, ...] = ()


@dataclass(frozen=True, slots=True)
class Cache:
    """Everything that the watches have shown; the key of an identity is (namespace, kind)."""

    reports: Shelf[ReportSeen] = field(default_factory=Shelf)
    cronjobs: Shelf[CronJobSeen] = field(default_factory=Shelf)
    jobs: Shelf[JobSeen] = field(default_factory=Shelf)
    pods: Shelf[PodSeen] = field(default_factory=Shelf)
    runs: Shelf[RunSeen] = field(default_factory=Shelf)
    identities: Shelf[IdentitySeen] = field(default_factory=Shelf)

    def view(self, key: Key) -> View:
        """Return all that belongs to the report *key*."""
        return View(
            report=next(reversed(self.reports.of(key)), None),
            cronjob=next(reversed(self.cronjobs.of(key)), None),
            jobs=self.jobs.of(key),
            pods=self.pods.of(key),
            runs=self.runs.of(key),
        )

    def reports_in(self, namespace: str) -> list[Key]:
        """Return the keys of the reports in a namespace."""
        return [key for key in self.reports.taken() if key[0] == namespace]

    def all_keys(self) -> set[Key]:
        """Return the keys of all reports, and of the runs whose report is missing."""
        return {*self.reports.taken(), *self.runs.taken()}

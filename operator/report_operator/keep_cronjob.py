"""
Keep the CronJob of a report as the report asks.

One request per change: a POST where there is none, a PUT of the whole where it differs. A PUT also
takes away what others have put into the spec, and a POST cannot overwrite what is not ours.
"""

import asyncio
import logging
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from report_operator.cache import Cache, View
from report_operator.cluster import (
    CRONJOBS,
    ROLE_BINDINGS,
    SERVICE_ACCOUNTS,
    Cluster,
    ClusterError,
)
from report_operator.cronjob import build_cronjob
from report_operator.identity import build_role_binding, build_service_account
from report_operator.observed import CronJobSeen, IdentitySeen, see_cronjob, see_meta
from report_operator.pod import PlanTooLargeError
from report_operator.settings import RunnerSettings
from report_operator.slots import wakes_a_slot
from report_operator.status import Readiness
from report_types.base import to_rfc3339
from report_types.condition import ReadyReason
from report_types.names import REPORT_KIND, TEMPLATE_HASH_ANNOTATION
from report_types.report import ReportStatus, ScheduledReport

log = logging.getLogger(__name__)

GONE_SOON: Final = 2.0  # seconds until the garbage collector may have deleted an object
STUBBORN: Final = 120.0  # seconds until a refusal of the API server is worth another try


@dataclass(frozen=True, slots=True)
class Kept:
    """What came of it; no readiness means that it is too early to tell."""

    readiness: Readiness | None
    recheck: float | None = None
    is_healed: bool = False


class CronJobKeeper:
    """Keeps the CronJobs of all reports, and what their pods need in each namespace."""

    def __init__(self, cluster: Cluster, cache: Cache, settings: RunnerSettings) -> None:
        self._cluster = cluster
        self._cache = cache
        self._settings = settings
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def keep(
        self, report: ScheduledReport, view: View, previous: ReportStatus, now: datetime
    ) -> Kept:
        """
        Make the CronJob of *report* as it should be.

        Raises:
            ClusterError: the cluster is not able to; try again.
        """
        try:
            desired = build_cronjob(report, self._settings)
        except PlanTooLargeError as error:
            return Kept(Readiness(ReadyReason.INVALID_SPEC, str(error)))
        try:
            await self._keep_identity(desired["metadata"]["namespace"])
            return await self._keep(desired, view.cronjob, previous, now)
        except ClusterError as error:
            if error.is_end_of_namespace:
                return Kept(None, STUBBORN)
            if not error.is_ours:
                raise
            log.warning("CronJob refused", extra={"report": _key(desired), "error": str(error)})
            return Kept(Readiness(ReadyReason.REJECTED, _refusal(error)), STUBBORN)

    async def _keep_identity(self, namespace: str) -> None:
        async with self._locks[namespace]:
            for resource, manifest in (
                (SERVICE_ACCOUNTS, build_service_account(namespace)),
                (ROLE_BINDINGS, build_role_binding(namespace)),
            ):
                key = namespace, manifest["kind"]
                if not self._cache.identities.of(key):
                    applied = await self._cluster.apply(resource, manifest)
                    self._cache.identities.put(key, IdentitySeen(see_meta(applied)))
                    log.info(f"{manifest['kind']} applied", extra={"namespace": namespace})

    async def _keep(
        self,
        desired: dict[str, Any],
        seen: CronJobSeen | None,
        previous: ReportStatus,
        now: datetime,
    ) -> Kept:
        if seen is None:
            return await self._create(desired, previous, now)
        if seen.meta.deleting:
            return Kept(None, GONE_SOON)
        if (verdict := _judge_owner(desired, seen)) is not None:
            return verdict
        if not _differs(desired, seen, previous.cron_job_generation):
            return Kept(_ready(seen))
        return await self._replace(desired, seen, now)

    async def _create(self, desired: dict[str, Any], previous: ReportStatus, now: datetime) -> Kept:
        meta = desired["metadata"]
        try:
            seen = see_cronjob(await self._cluster.create(CRONJOBS, desired))
        except ClusterError as error:
            if error.status != 409:
                raise
            taken = await self._cluster.get(CRONJOBS, meta["namespace"], meta["name"])
            seen = see_cronjob(taken)
            verdict = _judge_owner(desired, seen)
            return verdict or await self._replace(desired, seen, now)
        self._cache.cronjobs.put((meta["namespace"], meta["name"]), seen)
        log.info("CronJob created", extra={"report": _key(desired)})
        was_there = previous.cron_job_generation is not None
        return Kept(_ready(seen), is_healed=was_there)

    async def _replace(self, desired: dict[str, Any], seen: CronJobSeen, now: datetime) -> Kept:
        meta, spec = desired["metadata"], desired["spec"]
        namespace, name = meta["namespace"], meta["name"]
        was_as_asked = seen.annotations.get(TEMPLATE_HASH_ANNOTATION) == _hash(desired)
        version = seen.meta.version
        if wakes_a_slot(seen, spec, now):
            patch = {"status": {"lastScheduleTime": to_rfc3339(now)}}
            moved = await self._cluster.patch_status(CRONJOBS, namespace, name, patch)
            version = int(moved["metadata"]["resourceVersion"])
            log.info("Past slot passed over", extra={"report": _key(desired)})
        try:
            body = await self._cluster.replace(CRONJOBS, _merge(desired, seen, version))
        except ClusterError as error:
            if error.status == 404:
                self._cache.cronjobs.drop(seen.meta.uid)
            elif error.status == 409:
                fresh = await self._cluster.get(CRONJOBS, namespace, name)
                self._cache.cronjobs.put((namespace, name), see_cronjob(fresh))
            else:
                raise
            return Kept(None, 0.0)
        replaced = see_cronjob(body)
        self._cache.cronjobs.put((namespace, name), replaced)
        log.info("CronJob replaced", extra={"report": _key(desired)})
        return Kept(
            _ready(replaced),
            is_healed=was_as_asked and replaced.generation != seen.generation,
        )


def _differs(desired: dict[str, Any], seen: CronJobSeen, generation: int | None) -> bool:
    """Tell whether the CronJob is other than asked: by us or, at another generation, by hand."""
    meta = desired["metadata"]
    return (
        seen.annotations.get(TEMPLATE_HASH_ANNOTATION) != _hash(desired)
        or generation not in (None, seen.generation)
        or not meta["labels"].items() <= seen.labels.items()
        or seen.meta.owner is None
    )


def _judge_owner(desired: dict[str, Any], seen: CronJobSeen) -> Kept | None:
    """Return what to do about a CronJob that is not ours, or None if it is."""
    meta, owner = desired["metadata"], seen.meta.owner
    if owner is None:
        if TEMPLATE_HASH_ANNOTATION in seen.annotations:
            return None  # ours, but somebody took its owner reference away
        who = "nobody: it was made by hand, or by another tool"
    elif owner[2] == meta["ownerReferences"][0]["uid"]:
        return None
    elif owner[0] == REPORT_KIND and owner[1] == meta["name"]:
        return Kept(None, GONE_SOON)  # of an earlier report of this name, and about to go
    else:
        who = f"{owner[0]} {owner[1]}"
    message = (
        f"there is a CronJob {meta['name']} already, which belongs to {who}. Delete it, or give "
        "the report another name"
    )
    return Kept(Readiness(ReadyReason.NOT_OWNED, message), STUBBORN)


def _merge(desired: dict[str, Any], seen: CronJobSeen, version: int) -> dict[str, Any]:
    """Return *desired* as a replacement of *seen* that keeps what others wrote in its metadata."""
    meta = desired["metadata"]
    ours = meta["ownerReferences"][0]["uid"]
    others = [o for o in seen.owners if o["uid"] != ours and not o.get("controller")]
    return {
        **desired,
        "metadata": {
            **meta,
            "uid": seen.meta.uid,
            "resourceVersion": str(version),
            "labels": {**seen.labels, **meta["labels"]},
            "annotations": {**seen.annotations, **meta["annotations"]},
            "finalizers": list(seen.finalizers),
            "ownerReferences": [*meta["ownerReferences"], *others],
        },
    }


def _ready(seen: CronJobSeen) -> Readiness:
    return Readiness(
        ReadyReason.RECONCILED,
        f"CronJob {seen.meta.name} starts the runs",
        seen.meta.name,
        seen.generation,
    )


def _refusal(error: ClusterError) -> str:
    return (
        f"the cluster refuses the report's CronJob: {error.message}. If this is about a quota or "
        "an admission rule of the cluster, ask whoever looks after it"
    )


def _hash(desired: dict[str, Any]) -> str:
    return str(desired["metadata"]["annotations"][TEMPLATE_HASH_ANNOTATION])


def _key(desired: dict[str, Any]) -> str:
    return f"{desired['metadata']['namespace']}/{desired['metadata']['name']}"

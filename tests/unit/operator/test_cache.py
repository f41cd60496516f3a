"""The cache: newest version, by report, and how each kind is remembered and forgotten."""

from typing import Any

import pytest

from report_operator.cache import Cache
from report_operator.identity import build_role_binding, build_service_account
from report_operator.kinds import Kind, watched_kinds
from report_operator.observed import see_report

KEY = ("team", "sales")


@pytest.fixture
def cache() -> Cache:
    return Cache()


@pytest.fixture
def kinds(cache: Cache) -> dict[str, Kind]:
    return {kind.resource[2]: kind for kind in watched_kinds(cache)}


def stored(body: dict[str, Any], version: int = 1, **meta: Any) -> dict[str, Any]:
    more = {
        "uid": f"uid-{body['metadata']['name']}",
        "resourceVersion": str(version),
        "creationTimestamp": "2026-11-22T10:00:00Z",
        **meta,
    }
    return {**body, "metadata": {**body["metadata"], **more}}


def job(name: str = "sales-1", **meta: Any) -> dict[str, Any]:
    labels = {"scheduledreports.dev/report": "sales"}
    return stored({"metadata": {"name": name, "namespace": "team", "labels": labels}}, **meta)


def pod(name: str = "sales-1-x") -> dict[str, Any]:
    owner = {"kind": "Job", "name": "sales-1", "uid": "uid-sales-1", "controller": True}
    return job(name, ownerReferences=[owner])


def test_older_version_never_replaces_a_newer_one(
    cache: Cache, kinds: dict[str, Kind], report_body: Any
) -> None:
    """
    The answer to our own write may come before the watch shows what was there before it.
    """
    kinds["scheduledreports"].remember(stored(report_body(), 5, generation=5))
    kinds["scheduledreports"].remember(stored(report_body(), 4, generation=4))

    report = cache.view(KEY).report
    assert report
    assert report.generation == 5


def test_report_comes_back_whole(report_body: Any) -> None:
    body = stored(report_body(script={"inline": "ä = '☃'"}), managedFields=[{"manager": "x"}])
    again = see_report(body).body()

    assert again["spec"] == body["spec"]
    assert "managedFields" not in again["metadata"]


def test_everything_is_found_by_its_report(
    cache: Cache, kinds: dict[str, Kind], report_body: Any
) -> None:
    kinds["scheduledreports"].remember(stored(report_body()))
    kinds["jobs"].remember(job())
    kinds["pods"].remember(pod())

    view = cache.view(KEY)
    assert view.report
    assert [j.meta.name for j in view.jobs] == ["sales-1"]
    assert [p.meta.name for p in view.pods] == ["sales-1-x"]
    assert cache.view(("other", "sales")).report is None
    assert cache.all_keys() == {KEY}


def test_newer_report_of_a_name_is_the_one_that_counts(
    cache: Cache, kinds: dict[str, Kind], report_body: Any
) -> None:
    kinds["scheduledreports"].remember(stored(report_body(), uid="old"))
    young = stored(report_body(), uid="new", creationTimestamp="2026-11-22T11:00:00Z")
    kinds["scheduledreports"].remember(young)
    kinds["scheduledreports"].forget("old")

    report = cache.view(KEY).report
    assert report
    assert report.meta.uid == "new"


def test_last_words_of_a_pod_are_kept_until_its_job_is_gone(
    cache: Cache, kinds: dict[str, Kind]
) -> None:
    kinds["jobs"].remember(job())
    kinds["pods"].remember(pod())

    kinds["pods"].forget("uid-sales-1-x")
    (kept,) = cache.view(KEY).pods
    assert kept.has_ended

    kinds["jobs"].forget("uid-sales-1")
    assert cache.view(KEY).pods == ()


def test_pod_that_goes_after_its_job_leaves_nothing(cache: Cache, kinds: dict[str, Kind]) -> None:
    kinds["jobs"].remember(job())
    kinds["jobs"].forget("uid-sales-1")
    kinds["pods"].remember(pod())
    kinds["pods"].forget("uid-sales-1-x")

    assert cache.view(KEY).pods == ()


def test_run_that_cannot_be_read_is_passed_over(cache: Cache, kinds: dict[str, Kind]) -> None:
    body = {
        "metadata": {"name": "r", "namespace": "team"},
        "spec": {"reportRef": {"name": "sales"}, "trigger": "Nobody"},
    }
    kinds["reportruns"].remember(stored(body))

    assert cache.view(KEY).runs == ()


@pytest.mark.parametrize(
    ("plural", "build"),
    [("serviceaccounts", build_service_account), ("rolebindings", build_role_binding)],
)
def test_identity_that_was_changed_counts_as_gone(
    cache: Cache, kinds: dict[str, Kind], report_body: Any, plural: str, build: Any
) -> None:
    kind, body = kinds[plural], stored(build("team"))
    kinds["scheduledreports"].remember(stored(report_body()))
    kind.remember(body)
    key = kind.key_of(body)
    assert key
    assert list(kind.concerns(key)) == []

    changed = {**body, "subjects": [], "automountServiceAccountToken": True}
    kind.remember(changed)
    assert list(kind.concerns(key)) == [KEY]


def test_somebody_elses_service_account_is_not_remembered(
    cache: Cache, kinds: dict[str, Kind]
) -> None:
    body = stored(build_service_account("team"))
    body["metadata"]["name"] = "default"
    kinds["serviceaccounts"].remember(body)

    assert cache.identities.entries() == ()
    assert kinds["serviceaccounts"].key_of(body) is None


def test_only_our_own_kinds_are_watched_without_a_selector(kinds: dict[str, Kind]) -> None:
    assert {name for name, kind in kinds.items() if not kind.selector} == {
        "scheduledreports",
        "reportruns",
    }

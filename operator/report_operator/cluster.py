"""The API server, as little of it as we need: the only module that sends it a request."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import aiohttp

from report_operator.diagnose import ClusterEvent
from report_types.names import API_VERSION, MANAGER, REPORT_PLURAL, RUN_PLURAL

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object, as the API server's paths name it."""

    api: str
    plural: str

    def path(self, namespace: str, *rest: str) -> str:
        """Return the path of the objects in *namespace*, or of one of them."""
        parts = (self.api, "namespaces", namespace, self.plural, *(part for part in rest if part))
        return "/" + "/".join(parts)


REPORTS: Final = Resource(f"apis/{API_VERSION}", REPORT_PLURAL)
RUNS: Final = Resource(f"apis/{API_VERSION}", RUN_PLURAL)
CRONJOBS: Final = Resource("apis/batch/v1", "cronjobs")
JOBS: Final = Resource("apis/batch/v1", "jobs")
EVENTS: Final = Resource("api/v1", "events")
SERVICE_ACCOUNTS: Final = Resource("api/v1", "serviceaccounts")
ROLE_BINDINGS: Final = Resource("apis/rbac.authorization.k8s.io/v1", "rolebindings")

_APPLY: Final = "application/apply-patch+yaml"
_MERGE: Final = "application/merge-patch+json"
_JSON: Final = "application/json-patch+json"


class ClusterError(Exception):
    """The API server refused a request; *status* is the HTTP status code."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message

    @property
    def is_ours(self) -> bool:
        """Whether the same request will be refused again: what it asks for is at fault."""
        return self.status in (400, 403, 413, 422)

    @property
    def is_end_of_namespace(self) -> bool:
        """Whether the namespace is being deleted: nothing can be made in it any more."""
        return self.status == 403 and "because it is being terminated" in self.message


class Cluster(Protocol):
    """What the operator does to a cluster; each call is one request, and may raise ClusterError."""

    async def get(self, resource: Resource, namespace: str, name: str) -> Body:
        """Read one object."""
        ...

    async def create(self, resource: Resource, manifest: Body) -> Body:
        """Create an object; 409 means that its name is taken."""
        ...

    async def replace(self, resource: Resource, manifest: Body) -> Body:
        """Replace an object; 409 means that it has another resourceVersion by now."""
        ...

    async def apply(self, resource: Resource, manifest: Body) -> Body:
        """Make the fields of *manifest* so, whoever has set them (server-side apply)."""
        ...

    async def patch(self, resource: Resource, namespace: str, name: str, patch: Body) -> Body:
        """Merge *patch* into an object."""
        ...

    async def patch_status(
        self, resource: Resource, namespace: str, name: str, patch: Body
    ) -> Body:
        """Merge *patch* into an object's status subresource."""
        ...

    async def replace_status(
        self, resource: Resource, namespace: str, name: str, uid: str, status: Body
    ) -> Body:
        """Replace the whole status of the object *uid*; 422 means that another bears its name."""
        ...

    async def delete(self, resource: Resource, namespace: str, name: str, uid: str) -> None:
        """Delete the object *uid* and, in the background, what it owns."""
        ...

    async def events_about(self, namespace: str, uid: str) -> list[ClusterEvent]:
        """Return the events about an object, oldest first."""
        ...


class KubernetesCluster:
    """A real cluster."""

    def __init__(self, session: aiohttp.ClientSession, server: str) -> None:
        self._session = session
        self._server = server

    async def get(self, resource: Resource, namespace: str, name: str) -> Body:
        """See ``Cluster``."""
        return await self._send("GET", resource.path(namespace, name))

    async def create(self, resource: Resource, manifest: Body) -> Body:
        """See ``Cluster``."""
        path = resource.path(manifest["metadata"]["namespace"])
        return await self._send("POST", path, manifest, query={"fieldManager": MANAGER})

    async def replace(self, resource: Resource, manifest: Body) -> Body:
        """See ``Cluster``."""
        meta = manifest["metadata"]
        path = resource.path(meta["namespace"], meta["name"])
        return await self._send("PUT", path, manifest, query={"fieldManager": MANAGER})

    async def apply(self, resource: Resource, manifest: Body) -> Body:
        """See ``Cluster``."""
        meta = manifest["metadata"]
        path = resource.path(meta["namespace"], meta["name"])
        query = {"fieldManager": MANAGER, "force": "true"}
        return await self._send("PATCH", path, manifest, content_type=_APPLY, query=query)

    async def patch(self, resource: Resource, namespace: str, name: str, patch: Body) -> Body:
        """See ``Cluster``."""
        return await self._merge(resource.path(namespace, name), patch)

    async def patch_status(
        self, resource: Resource, namespace: str, name: str, patch: Body
    ) -> Body:
        """See ``Cluster``."""
        return await self._merge(resource.path(namespace, name, "status"), patch)

    async def replace_status(
        self, resource: Resource, namespace: str, name: str, uid: str, status: Body
    ) -> Body:
        """See ``Cluster``."""
        steps = [
            {"op": "test", "path": "/metadata/uid", "value": uid},
            {"op": "add", "path": "/status", "value": status},
        ]
        path = resource.path(namespace, name, "status")
        query = {"fieldManager": MANAGER}
        return await self._send("PATCH", path, steps, content_type=_JSON, query=query)

    async def delete(self, resource: Resource, namespace: str, name: str, uid: str) -> None:
        """See ``Cluster``."""
        options = {"preconditions": {"uid": uid}, "propagationPolicy": "Background"}
        await self._send("DELETE", resource.path(namespace, name), options)

    async def events_about(self, namespace: str, uid: str) -> list[ClusterEvent]:
        """See ``Cluster``."""
        query = {"fieldSelector": f"involvedObject.uid={uid}", "limit": "100"}
        found = await self._send("GET", EVENTS.path(namespace), query=query)
        events = sorted(found["items"] or (), key=_moment)
        return [ClusterEvent(event["reason"], event.get("message", "")) for event in events]

    async def uids(self, path: str, query: Mapping[str, str]) -> set[str]:
        """Return the uids of all objects at a list's *path*, without the objects themselves."""
        accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
        found = await self._send("GET", path, query=query, accept=accept)
        return {item["metadata"]["uid"] for item in found["items"] or ()}  # null if there is none

    async def serves(self, api: str) -> bool:
        """Tell whether the API server knows an API, such as ``apis/batch/v1``."""
        try:
            await self._send("GET", f"/{api}")
        except ClusterError as error:
            if error.status == 404:
                return False
            raise
        return True

    async def ping(self) -> None:
        """Ask the API server whether it is there."""
        await self._send("GET", "/version")

    async def _merge(self, path: str, patch: Body) -> Body:
        query = {"fieldManager": MANAGER}
        return await self._send("PATCH", path, patch, content_type=_MERGE, query=query)

    async def _send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Body:
        data = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        headers = {"Accept": accept, **({"Content-Type": content_type} if data else {})}
        url = self._server + path
        async with self._session.request(
            method, url, data=data, headers=headers, params=query
        ) as response:
            answer = await response.read()
        found = _parse(answer)
        if response.status >= 400:
            reason, message = found.get("reason", ""), found.get("message", response.reason or "")
            raise ClusterError(response.status, reason, message)
        return found


def _parse(answer: bytes) -> Body:
    try:
        found = json.loads(answer)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _moment(event: Mapping[str, Any]) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")

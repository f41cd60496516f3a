"""
Who a run's pod is: a ServiceAccount in each namespace that has reports, and what it may do there.

It is bound to one ClusterRole, which is shipped with the operator; the operator may bind no other.
"""

from collections.abc import Mapping
from typing import Any, Final

from report_types.names import (
    MANAGED_BY_LABEL,
    MANAGER,
    RUNNER_CLUSTER_ROLE,
    RUNNER_SERVICE_ACCOUNT,
)

Manifest = dict[str, Any]

_LABELS: Final = {
    "app.kubernetes.io/name": "scheduled-report",
    "app.kubernetes.io/component": "runner",
    "app.kubernetes.io/part-of": MANAGER,
    MANAGED_BY_LABEL: MANAGER,
}


def build_service_account(namespace: str) -> Manifest:
    """Build the ServiceAccount of all runs in *namespace*; only the runner mounts its token."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": RUNNER_SERVICE_ACCOUNT, "namespace": namespace, "labels": _LABELS},
        "automountServiceAccountToken": False,
    }


def build_role_binding(namespace: str) -> Manifest:
    """Build the RoleBinding that lets runs in *namespace* record what they did."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": RUNNER_SERVICE_ACCOUNT, "namespace": namespace, "labels": _LABELS},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": RUNNER_CLUSTER_ROLE,
        },
        "subjects": [
            {"kind": "ServiceAccount", "name": RUNNER_SERVICE_ACCOUNT, "namespace": namespace}
        ],
    }


def is_as_built(body: Mapping[str, Any]) -> bool:
    """Tell whether a ServiceAccount or RoleBinding says what we would have it say."""
    build = _BUILDERS[body["kind"]]
    wanted = build(body["metadata"]["namespace"])
    return all(body.get(name) == wanted[name] for name in wanted if name != "metadata")


_BUILDERS: Final = {"ServiceAccount": build_service_account, "RoleBinding": build_role_binding}

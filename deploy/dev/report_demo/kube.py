"""The cluster that the demo runs on: its kubectl and helm, as programs."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

CLUSTER_VARIABLE: Final = "SCHEDULED_REPORTS_CLUSTER"
_LONGEST_CALL: Final = 180  # seconds; whatever waits inside waits less


class KubeError(Exception):
    """The cluster could not be asked, or said no."""


@dataclass(frozen=True)
class Kube:
    """The tools of one cluster."""

    kubectl: str
    helm: str
    kubeconfig: str

    def run(self, *args: str, stdin: str | None = None) -> str:
        """
        Run kubectl and return what it printed.

        Raises:
            KubeError: it failed; the message is its own.
        """
        return self.run_bytes(*args, stdin=stdin).decode("utf-8", "replace")

    def run_bytes(self, *args: str, stdin: str | None = None) -> bytes:
        """Run kubectl and return the bytes that it printed; raises KubeError as ``run`` does."""
        return self._call(self.kubectl, *args, stdin=stdin)

    def run_helm(self, *args: str) -> None:
        """Run helm; raises KubeError as ``run`` does."""
        self._call(self.helm, *args)

    def get(self, *args: str) -> Any:
        """Return what ``kubectl get … -o json`` prints, None where it prints nothing."""
        printed = self.run("get", *args, "-o", "json")
        return json.loads(printed) if printed.strip() else None

    def apply(self, namespace: str, *manifests: Mapping[str, Any]) -> None:
        """Apply manifests in *namespace*."""
        items = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self.run("-n", namespace, "apply", "-f", "-", stdin=json.dumps(items))

    def _call(self, program: str, *args: str, stdin: str | None = None) -> bytes:
        try:
            done = subprocess.run(
                [program, *args],
                env={**os.environ, "KUBECONFIG": self.kubeconfig},
                input=stdin.encode() if stdin is not None else None,
                capture_output=True,
                timeout=_LONGEST_CALL,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise KubeError(f"{program}: {error}") from error
        if done.returncode != 0:
            command = " ".join((Path(program).name, *args))
            raise KubeError(f"{command}\n{done.stderr.decode('utf-8', 'replace').strip()}")
        return done.stdout


def read_cluster(environment: Mapping[str, str]) -> Kube:
    """
    Return the cluster that ``make cluster`` has described in a file.

    Raises:
        KubeError: there is no such file, or it does not name the tools.
    """
    cache = environment.get("SCHEDULED_REPORTS_CACHE") or "~/.cache/scheduled-reports"
    named = environment.get(CLUSTER_VARIABLE)
    path = Path(named) if named else Path(cache).expanduser() / "cluster.json"
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return Kube(facts["kubectl"], facts["helm"], facts["kubeconfig"])
    except FileNotFoundError as error:
        raise KubeError(f"no cluster is up ({path} is not there): run `make cluster`") from error
    except (OSError, ValueError, KeyError) as error:
        raise KubeError(f"{path} describes no cluster ({error}): run `make cluster`") from error

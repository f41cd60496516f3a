"""``srep validate`` and kubectl give the same verdict on the same YAML."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from report_cli.checks import check_text

pytestmark = pytest.mark.cluster
CRDS = Path(__file__).parents[2] / "charts/scheduled-reports/files/crds"
REPORT = """\
apiVersion: scheduledreports.dev/v1alpha1
kind: ScheduledReport
metadata:
  name: daily-sales
spec:
  schedule: "0 9 * * 1-5"
  timeZone: Europe/Berlin
  sources:
  - name: data
    http:
      url: https://api.example.com/sales
      format: CSV
  script:
    inline: |
      result = data
  delivery:
    email:
      to:
      - analyst@example.com
"""


def spec(text: str) -> tuple[str, str]:
    """Add these lines to the spec."""
    return "  schedule:", f"  {text}\n  schedule:"


def http(text: str) -> tuple[str, str]:
    """Add these lines to the source."""
    return "      format: CSV", f"      format: CSV\n      {text}"


def email(text: str) -> tuple[str, str]:
    """Add these lines to the mail."""
    return "      to:", f"      {text}\n      to:"


EDITS = [
    ("kind:", "kind: &kind"),
    ("v1alpha1", "v1"),
    ("spec:", "foo: {}\nspec:"),
    ("spec:", "foo:\nspec:"),
    ("spec:", "status:\nspec:"),
    ("  name: daily-sales", "  name: a.b"),
    ("  name: daily-sales", "  name: " + "a" * 52),
    ("  name: daily-sales", "  name: " + "a" * 53),
    ("  name: daily-sales", "  name: 5"),
    ("  name: daily-sales", "  name: x\n  labels: {a: 1}"),
    ("  name: daily-sales", "  name: x\n  annotations: null"),
    ("  name: daily-sales", "  name: x\n  label: {}"),
    ("  name: daily-sales", "  labels: {}"),
    ('"0 9 * * 1-5"', "10:30"),
    ('"0 9 * * 1-5"', '"24:00"'),
    ('"0 9 * * 1-5"', "9"),
    ('"0 9 * * 1-5"', ""),
    ("timeZone:", "time_zone:"),
    spec("foo:"),
    spec("displayName:"),
    spec("displayName: 5"),
    spec("displayName: yes"),
    spec("suspend: yes"),
    spec('suspend: "yes"'),
    spec("suspend: ~"),
    spec("startingDeadlineSeconds: 600.0"),
    spec("startingDeadlineSeconds: 600.5"),
    spec('startingDeadlineSeconds: "600"'),
    spec("startingDeadlineSeconds: 0o1130"),
    spec("startingDeadlineSeconds: 010"),
    spec("resources: {limits: {cpu: 1}}"),
    spec("resources: {limits: {cpu: 1.0}}"),
    spec("resources: {limits: {cpu: 1.5}}"),
    spec("parameters: {a: null, b: 010}"),
    spec("parameters: [1]"),
    spec("retry: {fetch: null}"),
    http("headers: [{name: a, value: b}, {name: a, value: c}]"),
    http("headers: [{name: a, value: 5}]"),
    http("headers: [{name: a, value: x, valueFrom: null}]"),
    http("headers: [null]"),
    http("body:"),
    http("maxSize: 5"),
    http("timeoutSeconds: 1_0"),
    email("cc: [a@b.de, a@b.de]"),
    email("cc:"),
    email("cc: [null]"),
    email("smtpSecretRef:"),
    email("smtpSecretRef: {}"),
    ("    inline:", "    configMapKeyRef:\n    inline:"),
    ("    inline:", "    timeoutSeconds: 0\n    inline:"),
]


@pytest.fixture(scope="module")
def crds(cluster: Any) -> None:
    """Our CRDs, as they are now."""
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(CRDS))
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(CRDS))


@pytest.mark.usefixtures("crds")
@pytest.mark.parametrize(("old", "new"), EDITS)
def test_srep_refuses_what_kubectl_refuses_and_nothing_else(
    cluster: Any, old: str, new: str
) -> None:
    """
    Also nulls, unknown fields and what YAML makes of a value are read alike.
    """
    assert 1 == REPORT.count(old)
    text = REPORT.replace(old, new)

    create = ("create", "--dry-run=server", "--validate=strict", "-n", "default", "-f", "-")
    answer = cluster.kubectl(*create, stdin=text, check=False)
    errors = [
        error.what()
        for checked in check_text("report.yaml", text, datetime.now(UTC))
        for error in checked.errors
    ]

    taken = answer.endswith("created (server dry run)\n")
    assert taken is (errors == []), (answer, errors)

"""
Reports that tests judge: the plainest one, and what is wrong with its variations.

The same table is held against the models and against a real API server.
"""

from copy import deepcopy
from typing import Any

PLAINEST: dict[str, Any] = {
    "apiVersion": "scheduledreports.dev/v1alpha1",
    "kind": "ScheduledReport",
    "metadata": {"name": "daily-sales"},
    "spec": {
        "schedule": "0 9 * * 1-5",
        "timeZone": "Europe/Berlin",
        "sources": [
            {
                "name": "data",
                "http": {
                    "url": "https://api.example.com/sales",
                    "format": "JSON",
                    "recordsPath": "items",
                },
            }
        ],
        "script": {"inline": "result = data"},
        "delivery": {"email": {"to": ["analyst@example.com"]}},
    },
}
RUN: dict[str, Any] = {
    "apiVersion": "scheduledreports.dev/v1alpha1",
    "kind": "ReportRun",
    "metadata": {"name": "daily-sales-now"},
    "spec": {"reportRef": {"name": "daily-sales"}},
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the plainest report with *value* at *path*; numbers in the path index lists."""
    report = deepcopy(PLAINEST)
    place: Any = report
    *parents, last = (int(part) if part.isdigit() else part for part in path.split("."))
    for part in parents:
        place = place.setdefault(part, {}) if isinstance(place, dict) else place[part]
    if isinstance(place, list):
        place[last : last + 1] = [value]
    else:
        place[last] = value
    return report


BAD = [
    ("spec.schedule", "61 9 * * *", "minute"),
    ("spec.schedule", "0 9 * *", "five"),
    ("spec.schedule", "25:00", "25"),
    ("spec.timeZone", "Europe/Berlim", "Europe/Berlin"),
    ("spec.timeZone", "Local", "IANA"),
    ("spec.startingDeadlineSeconds", 5, "greater than or equal to 30"),
    ("spec.concurrencyPolicy", "Sometimes", "Allow"),
    ("spec.bogus", 1, "Extra inputs are not permitted"),
    ("spec.sources", [], "at least 1 item"),
    ("spec.sources.0.name", "Data", "lower-case letters"),
    (
        "spec.sources.0.file",
        {"path": "a.csv", "format": "CSV", "configMap": {"name": "a"}},
        "exactly one of: http, file",
    ),
    ("spec.sources.0.http.url", "ftp://example.com/x", "http:// or https://"),
    ("spec.sources.0.http.url", "https://user:pw@example.com/x", "no user name or password"),
    ("spec.sources.0.http.method", "DELETE", "GET"),
    ("spec.sources.0.http.format", "XLSX", "CSV"),
    ("spec.sources.0.http.format", "CSV", "recordsPath is for format JSON only"),
    ("spec.sources.0.http.recordsPath", "a..b", "joined by dots"),
    ("spec.sources.0.http.timeoutSeconds", 0, "greater than or equal to 1"),
    ("spec.sources.0.http.maxSize", "12 parsecs", "must be a quantity"),
    ("spec.sources.0.http.headers", [{"name": "A B", "value": "x"}], "header's name"),
    ("spec.sources.0.http.headers", [{"name": "A", "value": "x\ny"}], "single line"),
    ("spec.sources.0.http.headers", [{"name": "A"}], "exactly one of: value, valueFrom"),
    (
        "spec.sources.0.http.headers",
        [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "db", "key": "k"}}}],
        "starts with report-",
    ),
    (
        "spec.script",
        {"inline": "a", "configMapKeyRef": {"name": "a", "key": "b"}},
        "exactly one of",
    ),
    ("spec.script", {}, "exactly one of: inline, configMapKeyRef"),
    ("spec.script.inline", "é" * 40000, "at most 64 KiB"),
    ("spec.script.timeoutSeconds", 4000, "less than or equal to 3600"),
    ("spec.delivery.email.to", [], "at least 1 item"),
    ("spec.delivery.email.to.0", "a@example.com, b@example.com", "one plain mail address"),
    ("spec.delivery.email.to.0", "a@example.com\nBcc: b@example.com", "one plain mail address"),
    ("spec.delivery.email.to.0", "Ann <a@example.com>", "one plain mail address"),
    ("spec.delivery.email.cc", [f"a{n}@example.com" for n in range(50)], "at most 50 recipients"),
    ("spec.delivery.email.subject", "a\r\nBcc: b@example.com", "single line"),
    ("spec.delivery.email.subject", "{{ today }}", "the known ones are"),
    ("spec.delivery.email.smtpSecretRef", {"name": "smtp"}, "starts with report-"),
    ("spec.resources", {"limits": {"memory": "16Mi"}}, "requests must not be larger"),
    ("spec.resources", {"limits": {"memory": "64Mi"}, "requests": {"memory": "64Mi"}}, "128Mi"),
    ("spec.retry", {"fetch": {"limit": 11}}, "less than or equal to 10"),
    ("metadata.name", "a" * 53, "at most 52 characters"),
    ("metadata.name", "Daily", "at most 52 characters"),
]

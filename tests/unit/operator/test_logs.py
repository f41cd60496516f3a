"""Logs are JSON lines with what they are about in fields of their own."""

import json
import logging

from report_operator.logs import JSONFormatter


def test_record_is_one_line_of_json() -> None:
    record = logging.LogRecord("x", logging.INFO, "f", 1, "did %s\nit", ("so",), None)
    record.report = "team/sales"
    record.secret = "s3cr3t"
    line = JSONFormatter().format(record)
    entry = json.loads(line)

    assert "\n" not in line
    assert (entry["message"], entry["level"], entry["report"]) == (
        "did so\nit",
        "info",
        "team/sales",
    )
    assert "s3cr3t" not in line

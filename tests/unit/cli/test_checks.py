"""Each fault that a report can have: its line and column, its field, and the way out."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from report_cli.checks import check_text

Check = Callable[..., list[str]]

FAULTS = [
    # what is replaced, by what, where it is found, and what is said
    ("  timeZone:", "  time_zone:", "7:3", "spec.time_zone: unknown field: did you mean timeZone?"),
    ("  timeZone:", "  tz:", "7:3", "spec.tz: unknown field: remove it, or write one of displ"),
    (
        "  timeZone:",
        "  url:",
        "7:3",
        "spec.url: unknown field here: it belongs to spec.sources[].ht",
    ),
    (
        "      format: CSV\n",
        "",
        "10:5",
        "spec.sources[0].http.format: is missing. How the answer is",
    ),
    ("format: CSV", "format: csv", "12:15", "must be one of CSV, JSON, NDJSON: did you mean CSV?"),
    (
        "https://",
        "ftp://",
        "11:12",
        "spec.sources[0].http.url: must start with http:// or https://",
    ),
    ('"0 9 * * 1-5"', '"0 9 * * 7"', "6:13", "write 0 or SUN for Sunday"),
    ('"0 9 * * 1-5"', "9", "6:13", "spec.schedule: must be text: put the value in quotes"),
    ('"0 9 * * 1-5"', '""', "6:13", "spec.schedule: '' has 0 of the 5 fields; write"),
    ('"0 9 * * 1-5"', "", "6:3", "spec.schedule: is missing. When: five cron fields"),
    ("Europe/Berlin", "Europe/Berln", "7:13", "write Europe/Berlin"),
    ("  - name: data", "  - name: Data", "9:11", "spec.sources[0].name: use lower-case letters"),
    ("    http:", "    htp:", "10:5", "spec.sources[0].htp: unknown field: did you mean http?"),
    ("- analyst@example.com", "- analyst", "20:9", "spec.delivery.email.to[0]: must be one plain"),
    ("- analyst@example.com", "  []", "19:7", "spec.delivery.email.to: must not be empty: give 1"),
    ("- analyst@example.com", "  a: x", "19:7", "spec.delivery.email.to: must be a list: begin"),
    (
        "  name: daily-sales",
        "  nam: daily-sales",
        "4:3",
        "metadata.nam: unknown field: did you mean",
    ),
    ("  name: daily-sales", "  labels: {}", "3:1", "metadata.name: is missing: give the object a"),
    (
        "  name: daily-sales",
        "  name: Daily_sales",
        "4:9",
        "metadata.name: a report's name has at mo",
    ),
    ("v1alpha1", "v1", "1:13", "apiVersion: must be scheduledreports.dev/v1alpha1"),
    ("kind: Sch", "kind: sch", "2:7", "kind: scheduledReport is not known: write ScheduledReport"),
    ("kind: ScheduledReport\n", "", "1:1", "kind: is missing: write ScheduledReport or ReportRun"),
    ("  schedule:", "  suspend: 'yes'\n  schedule:", "6:12", "spec.suspend: must be true or false"),
    (
        "  schedule:",
        "  startingDeadlineSeconds: '600'\n  schedule:",
        "6:28",
        "spec.startingDeadlineSeconds: must be a whole number, without quotes",
    ),
    (
        "  schedule:",
        "  startingDeadlineSeconds: 5\n  schedule:",
        "6:28",
        "spec.startingDeadlineSeconds: must be 30 or more",
    ),
    (
        "  schedule:",
        "  resources: {limits: {cpu: 1.5}}\n  schedule:",
        "6:29",
        "spec.resources.limits.cpu: must be text: put the value in quotes",
    ),
    (
        "  schedule:",
        "  resources:\n    limits: {memory: 64Mi}\n  schedule:",
        "6:3",
        "spec.resources: requests must not be larger than limits",
    ),
    (
        "      - analyst@example.com",
        "      - a@b.de\n      - a@b.de",
        "19:7",
        "spec.delivery.email.to: entry 2 is the same as entry 1: change or remove one",
    ),
    (
        "    email:",
        "    email: x\n    mail:",
        "18:12",
        "spec.delivery.email: must be an object: write",
    ),
    ("    inline: |", "    inline: |\n      if", "15:9", "line 1 of the script: not valid Python"),
    (
        "      result = total",
        "      result = (total",
        "16:16",
        "spec.script.inline: line 2 of the script: not valid Python",
    ),
]


@pytest.mark.parametrize(("old", "new", "where", "message"), FAULTS)
def test_fault_is_found_at_its_place_with_the_way_out(
    check: Check, old: str, new: str, where: str, message: str
) -> None:
    """
    One fault gives errors at the line and column where it is to be corrected.
    """
    findings = check(replace={old: new})

    hits = [finding for finding in findings if message in finding]
    assert [f"{where} error"] == [" ".join(hit.split()[:2]) for hit in hits], findings


def test_valid_report_has_no_findings(check: Check) -> None:
    """
    What is right is not talked about.
    """
    assert [] == check()


def test_all_faults_are_told_at_once_in_the_order_of_the_file(check: Check) -> None:
    """
    Nobody has to correct one fault to learn of the next, not even in the name.
    """
    findings = check(
        replace={"daily-sales": "A_B", "* 1-5": "* 8", "CSV": "X", "result = total": "1 +"}
    )

    assert ["4:9", "6:13", "12:15", "16:10"] == [finding.split()[0] for finding in findings]


def test_script_without_result_is_a_warning(check: Check) -> None:
    """
    The report may be applied, but its run would end ResultInvalid.
    """
    (finding,) = check(replace={"result = total": "print(total)"})

    assert finding.startswith("16:7 warning spec.script.inline: line 2 of the script: the script n")


def test_surprise_in_the_schedule_is_a_warning(check: Check) -> None:
    """
    Kubernetes takes the schedule, and it does what its author may not expect.
    """
    findings = check(replace={"0 9 * * 1-5": "0 9 1 * 1"})

    assert ["6:13 warning"] == [" ".join(finding.split()[:2]) for finding in findings]


def test_field_without_a_value_counts_as_left_out(check: Check) -> None:
    """
    The API server does so, too; parameters are the author's own.
    """
    empty = "  displayName:\n  parameters: {a: null}\n  suspend: ~\n  schedule:"

    told = "has no value, and counts as left out: give one, or remove it"
    assert [
        f"6:3 warning spec.displayName: {told}",
        f"8:12 warning spec.suspend: {told}",
    ] == check(replace={"  schedule:": empty})


def test_run_of_a_report_is_checked_too(check: Check) -> None:
    """
    A ReportRun is the other kind that people write.
    """
    text = (
        "apiVersion: scheduledreports.dev/v1alpha1\nkind: ReportRun\n"
        "metadata: {generateName: x-}\nspec:\n  reportRef: {nam: x}\n"
    )

    assert [
        "5:3 error spec.reportRef.name: is missing. Name of the ScheduledReport.",
        "5:15 error spec.reportRef.nam: unknown field: did you mean name?",
    ] == check(text)


def test_objects_of_other_kinds_are_passed_over_with_a_note(check: Check) -> None:
    """
    A file may hold what the report needs; that is not for srep to judge.
    """
    findings = check("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n")

    (note,) = findings
    assert note.startswith("2:7 note kind: ConfigMap settings is passed over: only ScheduledReport")


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n---\n"])
def test_file_without_objects_is_an_error(check: Check, text: str) -> None:
    """
    An empty file is more likely a mistake than a valid set of reports.
    """
    assert [" error is empty: write a ScheduledReport or a ReportRun"] == check(text)


def test_document_that_is_no_object_is_an_error(check: Check) -> None:
    """
    A list or a word cannot be applied.
    """
    assert ["1:1 error is no object: write apiVersion, kind, metadata and spec"] == check("- a\n")


def test_items_of_a_list_are_checked_one_by_one(report: str) -> None:
    """
    What ``kubectl get -o yaml`` prints is a List; each fault belongs to its own item.
    """
    item = report.replace("\n", "\n  ").rstrip()
    bad = item.replace("format: CSV", "format: CSV\n        format: JSON")
    text = f"apiVersion: v1\nkind: List\nitems:\n- {item}\n- {bad}\n"

    good, duplicate = check_text("r.yaml", text, datetime(2026, 1, 1, tzinfo=UTC))

    assert (True, False) == (good.is_valid, duplicate.is_valid)
    (finding,) = duplicate.findings
    assert "items[1].spec.sources[0].http.format" == finding.field
    assert 36 == (finding.place and finding.place.line)


def test_strange_key_cannot_steer_the_terminal(check: Check) -> None:
    """
    A field's name is shown in quotes, escaped and shortened.
    """
    findings = check(replace={"  schedule:": '  "\\e[31m": 1\n  schedule:'})

    assert ['spec["\\u001b[31m"]:'] == [finding.split()[2] for finding in findings]

"""``srep run --local``: what the run is given, and how its result is told."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from report_types.outcome import Outcome, Reason
from report_types.run import DeliveryRow, DeliveryState, ResultFile, RunResult, SandboxInForce

Srep = Callable[..., tuple[int, str, str]]

SECRET_HEADER = """\
      headers:
      - name: Authorization
        valueFrom: {secretKeyRef: {name: report-api, key: x}}"""


@pytest.fixture
def local_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """Stand in for the run itself: what it was given is kept, what it returns can be set."""
    kept: dict[str, Any] = {"result": RunResult(outcome=Outcome.DELIVERED, reason=Reason.DELIVERED)}

    def run_local(report: Any, **given: Any) -> RunResult:
        kept.update(given, report=report)
        print("a stray word of a library")
        if isinstance(kept["result"], BaseException):
            raise kept["result"]
        result: RunResult = kept["result"]
        return result

    monkeypatch.setattr("report_runner.local.run_local", run_local)
    monkeypatch.chdir(tmp_path)
    return kept


def test_without_local_the_run_of_the_cluster_is_shown(srep: Srep, file: Path) -> None:
    """
    What is shown can be pasted: it has the report's own name and namespace.
    """
    file.write_text(file.read_text().replace("  name: d", "  namespace: sales\n  name: d"))

    _, _, err = srep("run", str(file))

    assert "metadata: {generateName: daily-sales-, namespace: sales}" in err
    assert "spec: {reportRef: {name: daily-sales}}" in err


def test_run_prints_one_json_object_and_nothing_else(
    srep: Srep, file: Path, local_run: dict[str, Any]
) -> None:
    """
    A library that prints cannot get a word onto standard output.
    """
    code, out, err = srep("run", "--local", str(file), "-o", "json")

    assert (0, "Delivered") == (code, json.loads(out)["outcome"])
    assert "a stray word of a library\n" == err


def test_run_gets_what_the_options_say(
    srep: Srep, file: Path, local_run: dict[str, Any], tmp_path: Path
) -> None:
    """
    Sources of kind file are looked for beside the report; the mail is not sent unless asked for.
    """
    table, out = tmp_path / "x.csv", tmp_path / "there"
    table.write_text("a\n1\n")

    srep("run", "--local", str(file), f"--data=data={table}", f"--out={out}", "--unconfined")

    assert "daily-sales" == local_run["report"].metadata.name
    assert (tmp_path, out, {"data": table}, True, None) == (
        local_run["base"],
        local_run["out"],
        local_run["files"],
        local_run["unconfined"],
        local_run["smtp"],
    )


def test_send_takes_the_mail_server_from_the_environment(
    srep: Srep, file: Path, local_run: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Only --send does: variables that happen to be set never send a mail.
    """
    monkeypatch.setenv("SMTP_HOST", "mail.example")
    monkeypatch.setenv("SMTP_FROM_EMAIL", "reports@example.com")

    srep("run", "--local", str(file))
    assert None is local_run.pop("smtp")

    srep("run", "--local", str(file), "--send")
    assert "mail.example" == local_run["smtp"].host


@pytest.mark.parametrize("reason", [r for r in Reason if r is not Reason.DELIVERED])
def test_exit_code_of_a_run_is_that_of_its_reason(
    srep: Srep, file: Path, local_run: dict[str, Any], reason: Reason
) -> None:
    """
    A failure goes to standard error with the message and what to do; so does the way out.
    """
    local_run["result"] = RunResult(
        outcome=Outcome.FAILED, reason=reason, message="it broke", line=2
    )

    code, out, err = srep("run", "--local", str(file))

    assert (reason.exit_code, "") == (code, out)
    assert f"{reason}: it broke\n" in err
    assert f"  {file}:16, line 2 of the script:\n    result = total\n" in err
    assert "what to do: " in err


@pytest.mark.parametrize(
    ("raised", "reason"),
    [(KeyboardInterrupt(), Reason.STOPPED), (ValueError("boo"), Reason.INTERNAL_ERROR)],
)
def test_run_that_breaks_off_still_is_one_json_object(
    srep: Srep,
    file: Path,
    local_run: dict[str, Any],
    raised: BaseException,
    reason: Reason,
) -> None:
    """
    Also the keyboard and a bug end in an outcome.
    """
    local_run["result"] = raised

    code, out, _ = srep("run", "--local", str(file), "-o", "json")

    assert (reason.exit_code, reason.value) == (code, json.loads(out)["reason"])


@pytest.mark.parametrize(
    ("old", "new", "reason", "message"),
    [
        ("format: CSV", "format: XML", "InvalidSpec", ":12:15: spec.sources[0].http.format: must"),
        ("format: CSV", "format: [", "InvalidSpec", "YAML syntax"),
        (
            "apiVersion: scheduledreports.dev/v1alpha1\nkind: ScheduledReport",
            "apiVersion: v1\nkind: ConfigMap",
            "InvalidSpec",
            "holds no ScheduledReport",
        ),
        (
            "    inline: |\n      total = data[\"amount\"].sum()\n      result = total\n",
            "    configMapKeyRef: {name: scripts, key: x.py}\n",
            "ScriptMissing",
            "--script PATH",
        ),
        (
            "      format: CSV",
            f"      format: CSV\n{SECRET_HEADER}",
            "SecretMissing",
            "SREP_HEADER_DATA_AUTHORIZATION",
        ),
    ],
)  # fmt: skip
def test_report_that_cannot_be_run_is_a_failed_run_with_exit_code_10(
    srep: Srep, file: Path, old: str, new: str, reason: str, message: str
) -> None:
    """
    The object has all its keys, as if the run had begun.
    """
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))

    code, out, _ = srep("run", "--local", str(file), "-o", "json")
    _, plain_out, plain_err = srep("run", "--local", str(file))

    told = json.loads(out)
    assert (10, "Failed", reason) == (code, told["outcome"], told["reason"])
    assert message in told["message"]
    assert set(RunResult.model_json_schema(by_alias=True)["properties"]) == set(told)
    assert "" == plain_out
    assert message in plain_err


def test_send_without_variables_names_them(srep: Srep, file: Path) -> None:
    """
    Nobody has to look up what the variables are called.
    """
    code, _, err = srep("run", "--local", str(file), "--send")

    assert 10 == code
    assert "SMTP_HOST" in err
    assert "SMTP_FROM_EMAIL" in err


def test_file_with_several_reports_needs_a_name(
    srep: Srep, file: Path, local_run: dict[str, Any]
) -> None:
    """
    A fault in another report of the file does not stand in the way.
    """
    text = file.read_text()
    file.write_text(f"{text}---\n{text.replace('daily', 'weekly').replace('CSV', 'XML')}")

    code, _, err = srep("run", "--local", str(file))
    assert 2 == code
    assert "has 2 reports: choose one with --name: daily-sales, weekly-sales" in err

    assert 0 == srep("run", "--local", str(file), "--name", "daily-sales")[0]
    assert 10 == srep("run", "--local", str(file), "--name", "weekly-sales")[0]


def test_result_is_shown_with_rows_phases_files_and_sandbox(
    srep: Srep, file: Path, local_run: dict[str, Any], tmp_path: Path
) -> None:
    """
    The first rows are those of the CSV that was written; numbers stand flush right.
    """
    lines = ["carrier,delay", *(f"C{n},{n}.5" for n in range(12))]
    (tmp_path / "daily-sales.csv").write_text("\n".join(lines))
    local_run["result"] = RunResult(
        outcome=Outcome.DELIVERED,
        reason=Reason.DELIVERED,
        message="the mail is in daily-sales.eml",
        rows=12,
        columns=["carrier", "delay"],
        warnings=["two columns are empty"],
        duration_seconds={"fetch": 0.25, "total": 1.5},
        sandbox=SandboxInForce(confined=True, landlock_abi=7, seccomp=True),
        deliveries=[
            DeliveryRow(
                recipient="analyst@example.com", role="to", state=DeliveryState.ACCEPTED, code=250
            )
        ],
        files=[ResultFile(name="daily-sales.csv", bytes=1234, sha256="0" * 64)],
    )

    code, out, err = srep("run", "--local", str(file), "--out", str(tmp_path))

    assert 0 == code
    assert out.splitlines() == [
        "carrier  delay",
        *(f"C{n}         {n}.5" for n in range(10)),
        "12 rows, 2 columns, the first 10 shown",
        "",
        "fetch 0.25 s · total 1.50 s",
        "sandbox: confined by the kernel (Landlock 7, seccomp)",
        f"wrote {tmp_path}/daily-sales.csv (101 bytes)",
        "Delivered: the mail is in daily-sales.eml",
    ]
    assert "warning: two columns are empty\n" in err


def test_run_without_walls_is_called_unconfined(
    srep: Srep, file: Path, local_run: dict[str, Any]
) -> None:
    """
    Nobody believes to have been protected who was not.
    """
    local_run["result"] = local_run["result"].model_copy(
        update={"sandbox": SandboxInForce(confined=False)}
    )

    assert "sandbox: none" in srep("run", "--local", str(file), "--unconfined")[1]


@pytest.mark.parametrize(
    ("option", "code", "message"),
    [
        ("--data=data=gone.csv", 11, "--data data=gone.csv: gone.csv does not exist"),
        ("--data=data=.", 11, "--data data=.: . is no file"),
        ("--out=report.yaml", 2, "--out report.yaml: file exists: give another folder"),
        ("--out=/dev/null/x", 2, "--out /dev/null/x: not a directory: give another folder"),
    ],
)
def test_path_that_cannot_be_used_is_named(
    srep: Srep, file: Path, local_run: dict[str, Any], option: str, code: int, message: str
) -> None:
    """
    Before anything is run, and not as a bug.
    """
    ended, out, err = srep("run", "--local", str(file), option)

    assert (code, "") == (ended, out)
    assert message in err
    assert "report" not in local_run

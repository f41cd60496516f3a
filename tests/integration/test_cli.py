"""The real ``srep`` as a process: what people and programs see, and what lies on the disk after."""

import csv
import json
import os
import pty
import signal
import subprocess
import sys
import time
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from report_demo.data_source import DataSource
from report_demo.mail_catcher import MailCatcher

SREP = str(Path(sys.executable).with_name("srep"))
SALES = "category,amount\na,1\nb,2\na,3.5\n"
REPORT = """\
apiVersion: scheduledreports.dev/v1alpha1
kind: ScheduledReport
metadata: {name: daily-sales}
spec:
  schedule: "09:00"
  sources:
  - name: data
    SOURCE
  script:
    timeoutSeconds: 20
    inline: |
      SCRIPT
  delivery:
    email: {to: [analyst@example.com]}
"""
FILE_SOURCE = "file: {configMap: {name: sales}, path: sales.csv, format: CSV}"
SUM = 'result = data.groupby("category", as_index=False)["amount"].sum()'
NO_MAIL_SERVER = {k: v for k, v in os.environ.items() if not k.startswith(("SMTP_", "SREP_"))}


class Workplace:
    """A folder with a report and its data, in which srep is called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.report(SUM)
        (folder / "sales.csv").write_text(SALES)

    def report(self, script: str, source: str = FILE_SOURCE) -> None:
        """Write report.yaml with this script and source."""
        script = script.replace("\n", "\n      ")
        text = REPORT.replace("SOURCE", source).replace("SCRIPT", script)
        (self.folder / "report.yaml").write_text(text)

    def srep(self, *arguments: str, stdin: str = "", **environ: str) -> Any:
        """Call srep in the folder, with these variables set as well."""
        return subprocess.run(
            [SREP, *arguments],
            cwd=self.folder,
            env={**NO_MAIL_SERVER, **environ},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def run(self, *arguments: str, **environ: str) -> tuple[int, dict[str, Any], str]:
        """Run the report, for JSON: exit code, the one object, standard error."""
        ended = self.srep("run", "--local", "report.yaml", "-o", "json", *arguments, **environ)
        return ended.returncode, json.loads(ended.stdout), ended.stderr


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path)


def test_help_is_there_at_once() -> None:
    """
    Neither pandas nor httpx nor pydantic is imported to print a page of help.
    """
    seconds = []
    for _ in range(5):
        begin = time.perf_counter()
        subprocess.run([SREP, "--help"], check=True, capture_output=True)
        seconds.append(time.perf_counter() - begin)
    heavy = "{'pandas', 'httpx', 'pydantic', 'ruamel.yaml', 'rich'} & set(sys.modules)"
    code = f"import sys, report_cli.__main__; print({heavy} or 'none')"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert "none\n" == loaded.stdout
    assert min(seconds) < 0.3


def test_report_from_standard_input_is_checked(workplace: Workplace) -> None:
    """
    In a pipe, the file is called <stdin>, and nothing is coloured.
    """
    text = (workplace.folder / "report.yaml").read_text()

    good = workplace.srep("validate", "-", stdin=text)
    bad = workplace.srep("validate", "-", stdin=text.replace("09:00", "9"))

    assert (0, "1 object checked: valid\n", "") == (good.returncode, good.stdout, good.stderr)
    assert 1 == bad.returncode
    assert bad.stdout.startswith("<stdin>:5:13: spec.schedule: '9' has 1 of the 5 fields; write")


def test_samples_of_the_project_are_valid() -> None:
    """
    What people copy first has no fault.
    """
    samples = sorted((Path(__file__).parents[2] / "deploy/samples").glob("*.yaml"))
    checked = subprocess.run(
        [SREP, "validate", *samples], capture_output=True, text=True, timeout=60, check=False
    )

    assert samples
    assert 0 == checked.returncode, checked.stdout


def test_run_writes_the_result_and_the_mail(workplace: Workplace) -> None:
    """
    The source is found beside the report; the mail holds the CSV, and nothing was sent.
    """
    code, result, _ = workplace.run("--out", "there")

    assert (0, "Delivered", "Delivered") == (code, result["outcome"], result["reason"]), result
    assert (2, ["category", "amount"]) == (result["rows"], result["columns"])
    assert result["sandbox"]["confined"]
    assert {"fetch", "script", "render", "delivery", "total"} == set(result["durationSeconds"])
    (attached,) = result["files"]
    table = (workplace.folder / "there" / attached["name"]).read_bytes()
    assert [["category", "amount"], ["a", "4.5"], ["b", "2.0"]] == list(
        csv.reader(table.decode().splitlines())
    )
    (mail,) = (workplace.folder / "there").glob("*.eml")
    message = message_from_bytes(mail.read_bytes(), policy=policy.default)
    assert "analyst@example.com" == message["To"]
    assert [table] == [part.get_payload(decode=True) for part in message.iter_attachments()]


def test_other_data_can_stand_in_for_a_source(workplace: Workplace) -> None:
    """
    With --data, neither the network nor a Secret is asked.
    """
    secret = "valueFrom: {secretKeyRef: {name: report-api, key: token}}"
    http = (
        "http: {url: 'http://127.0.0.1:1/x', format: CSV, headers: [{name: X-Key, " + secret + "}]}"
    )
    workplace.report(SUM, http)

    code, result, _ = workplace.run("--data", "data=sales.csv")

    assert (0, 2) == (code, result["rows"]), result


def test_header_from_a_secret_reaches_the_server_and_no_message(workplace: Workplace) -> None:
    """
    The variable stands in for the Secret; its value is not repeated anywhere.
    """
    with DataSource() as source:
        workplace.report(
            "print(data.to_string())\nresult = data[data['name'].str.lower() == 'x-key']",
            f"http: {{url: '{source.url}/echo-headers', format: JSON, recordsPath: items, "
            "headers: [{name: X-Key, valueFrom: {secretKeyRef: {name: report-a, key: b}}}]}",
        )
        missing_code, missing, _ = workplace.run()
        code, result, _ = workplace.run(SREP_HEADER_DATA_X_KEY="s3cret-value")

    assert (10, "SecretMissing") == (missing_code, missing["reason"])
    assert "SREP_HEADER_DATA_X_KEY" in missing["message"]
    assert (0, 1) == (code, result["rows"]), result
    assert "s3cret-value" not in json.dumps(result)


def test_nothing_but_the_object_reaches_standard_output(workplace: Workplace) -> None:
    """
    Not what the script prints, not what it writes to the descriptor itself.
    """
    workplace.report(
        "import os, sys\nprint('printed')\nos.write(1, b'written')\n"
        "sys.__stdout__.write('beside')\nresult = data"
    )

    code, result, stderr = workplace.run()

    assert (0, 3) == (code, result["rows"]), result
    assert "printed" in stderr


FAILURES = [
    # script, source, exit code, reason, line of the script, what the message holds
    ("a = 1\nresult = data['x']", FILE_SOURCE, 13, "ScriptError", 2, "x"),
    ("result = (data", FILE_SOURCE, 10, "InvalidSpec", None, ":12:16: spec.script.inline: line 1"),
    ("print(data)", FILE_SOURCE, 16, "ResultInvalid", None, "result"),
    ("a = 1\nwhile True: pass", FILE_SOURCE, 14, "ScriptTimeout", 2, "timeoutSeconds"),
    ("result = data", FILE_SOURCE.replace("sales", "gone"), 11, "SourceMissing", None, "gone.csv"),
    (
        "result = data",
        FILE_SOURCE.replace("CSV", "JSON"),
        11,
        "SourceInvalid",
        None,
        "data",
    ),
    (
        "result = data",
        "http: {url: 'http://127.0.0.1:1/x', format: CSV}\n  retry: {fetch: {limit: 0}}",
        11,
        "SourceUnreachable",
        None,
        "data",
    ),
]


@pytest.mark.parametrize(("script", "source", "code", "reason", "line", "message"), FAILURES)
def test_failed_run_is_told_by_object_and_exit_code(
    workplace: Workplace,
    script: str,
    source: str,
    code: int,
    reason: str,
    line: int | None,
    message: str,
) -> None:
    """
    A program learns what failed from the code, and all else from the object.
    """
    source, _, retry = source.partition("\n  ")
    workplace.report(script, source)
    path = workplace.folder / "report.yaml"
    text = path.read_text()
    if retry:
        text += f"  {retry}\n"
    path.write_text(text.replace("timeoutSeconds: 20", "timeoutSeconds: 3"))

    ended_code, result, _ = workplace.run()

    assert (code, "Failed", reason) == (ended_code, result["outcome"], result["reason"]), result
    assert line == result["line"]
    assert message in result["message"]
    assert [] == [file for file in result["files"] if file["name"].endswith(".csv")]


def test_person_sees_the_line_that_failed_and_what_to_do(workplace: Workplace) -> None:
    """
    With the line in the file, so that it can be opened there.
    """
    workplace.report("a = 1\nresult = data['x']")

    ended = workplace.srep("run", "--local", "report.yaml")

    assert 13 == ended.returncode
    assert "ScriptError: " in ended.stderr
    assert "report.yaml:13, line 2 of the script:\n    result = data['x']\n" in ended.stderr
    assert "what to do: Correct the line" in ended.stderr
    assert "report_cli" not in ended.stderr


def test_person_sees_rows_phases_files_and_sandbox(workplace: Workplace) -> None:
    """
    The first lines are the result, the last one is the outcome.
    """
    ended = workplace.srep("run", "--local", "report.yaml", "--out", "there")

    assert 0 == ended.returncode, ended.stderr
    lines = ended.stdout.splitlines()
    assert ["category  amount", "a            4.5", "b            2.0"] == lines[:3]
    assert "2 rows, 2 columns" == lines[3]
    for part in ("script ", "sandbox: confined by the kernel", "wrote there/", ".eml ("):
        assert part in ended.stdout
    assert lines[-1].startswith("Delivered: ")


def test_mail_is_sent_only_when_asked_for(workplace: Workplace) -> None:
    """
    To a real server, and then no file is written in its place.
    """
    with MailCatcher() as catcher:
        server = {
            "SMTP_HOST": catcher.host,
            "SMTP_PORT": str(catcher.smtp_port),
            "SMTP_USE_TLS": "false",
            "SMTP_FROM_EMAIL": "reports@example.com",
        }
        workplace.run("--out", "written", **server)
        assert [] == catcher.inbox.mails()

        code, result, _ = workplace.run("--out", "sent", "--send", **server)
        (mail,) = catcher.inbox.wait_for(1, timeout=10)

    assert (0, "accepted") == (code, result["deliveries"][0]["state"]), result
    assert ["analyst@example.com"] == list(mail.recipients)
    assert [] == list((workplace.folder / "sent").glob("*.eml"))
    assert [] != list((workplace.folder / "written").glob("*.eml"))


def test_send_without_a_mail_server_names_the_variables(workplace: Workplace) -> None:
    """
    Nothing was run: the fault is told first.
    """
    code, result, _ = workplace.run("--send")

    assert (10, "SmtpNotConfigured") == (code, result["reason"])
    assert "SMTP_HOST" in result["message"]


def test_script_of_a_config_map_is_given_as_a_file(workplace: Workplace) -> None:
    """
    The same report runs here and in the cluster.
    """
    path = workplace.folder / "report.yaml"
    text = path.read_text().replace("inline: |", "configMapKeyRef: {name: scripts, key: a.py}")
    path.write_text(text.replace(f"      {SUM}\n", ""))
    (workplace.folder / "a.py").write_text(SUM)

    code, result, _ = workplace.run("--script", "a.py")

    assert (0, 2) == (code, result["rows"]), result


def test_unconfined_run_says_so(workplace: Workplace) -> None:
    """
    What was in force is what is told.
    """
    code, result, _ = workplace.run("--unconfined")

    assert (0, False) == (code, result["sandbox"]["confined"]), result


def test_keyboard_ends_a_run_and_its_script(workplace: Workplace) -> None:
    """
    Ctrl-C gives an object too, and leaves no process behind.
    """
    workplace.report("import time\nprint('begun', flush=True)\ntime.sleep(60)\nresult = data")
    running = subprocess.Popen(
        [SREP, "run", "--local", "report.yaml", "-o", "json"],
        cwd=workplace.folder,
        env=NO_MAIL_SERVER,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert running.stderr
    assert any("begun" in line for line in running.stderr)

    running.send_signal(signal.SIGINT)
    out, _ = running.communicate(timeout=30)

    assert (75, "Stopped") == (running.returncode, json.loads(out)["reason"])
    left = subprocess.run(
        ["ps", "-o", "pid=", "-s", str(running.pid)], capture_output=True, text=True, check=False
    )
    assert "" == left.stdout.strip()


def test_reader_that_goes_away_is_no_error(workplace: Workplace) -> None:
    """
    ``srep … | head -1`` ends quietly.
    """
    shell = f"{SREP} schedule '* * * * *' --count 1000 | head -1"
    ended = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=False)

    assert ended.stdout.startswith("Every minute")
    assert "" == ended.stderr


@pytest.mark.parametrize(("environ", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colours_are_for_terminals_that_want_them(
    workplace: Workplace, environ: dict[str, str], coloured: bool
) -> None:
    """
    On a terminal there are colours, and with NO_COLOR there are none.
    """
    parent, child = pty.openpty()
    subprocess.run(
        [SREP, "schedule", "09:00"],
        cwd=workplace.folder,
        env={**NO_MAIL_SERVER, "TERM": "xterm-256color", **environ},
        stdout=child,
        check=True,
    )
    os.close(child)
    shown = os.read(parent, 65536).decode()
    os.close(parent)

    assert "At 09:00" in shown
    assert ("\x1b[" in shown) is coloured

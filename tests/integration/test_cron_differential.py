"""
Our reading of schedules against the parser that is inside Kubernetes, on generated expressions.

``SR_CRON_CASES`` raises the number of expressions; the seed is fixed, so a failure comes again.
"""

import json
import os
import random
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from report_types.cron import SCHEDULE_PATTERN, Schedule, ScheduleError, next_times, parse
from report_types.cron.clocks import clock_changes
from report_types.cron.fields import UNITS, Unit

CASES = int(os.environ.get("SR_CRON_CASES", "4000"))
SEED = 20260329
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
TZDATA = resources.files("tzdata") / "zoneinfo"
_ZONES = (
    "Africa/Cairo Africa/Casablanca America/Asuncion America/Havana America/New_York "
    "America/Nuuk America/Santiago America/Sao_Paulo America/Scoresbysund America/St_Johns "
    "Antarctica/Troll Asia/Amman Asia/Beirut Asia/Gaza Asia/Kathmandu Asia/Kolkata Asia/Tehran "
    "Atlantic/Azores Australia/Lord_Howe Etc/UTC Europe/Berlin Europe/Dublin Europe/London "
    "Pacific/Chatham"
)
ZONES = _ZONES.split()
NAMES = [name for unit in UNITS for name in unit.names]
SPACES = [" "] * 30 + ["  ", "\t", "\n", "\v", "\x85", "\xa0", "\u2003", "\u3000", "\x1c", "\u200b"]
UNTOLD = r"beyond end of range|value out of range|cannot use TZ"  # by the pattern
ODDITIES = ["", "L", "5L", "1#1", "W", "MONDAY", "SEPT", "h", "1.5", "٣", "1_0", "0x5", "-", "TZ="]
_DESCRIPTORS = (
    "@yearly,@annually,@monthly,@weekly,@daily,@midnight,@hourly,@reboot,@Daily,@,@every,"
    "@every 1h,@every 90s,@every x, @daily,@daily ,TZ=UTC @daily"
)


@dataclass(frozen=True)
class Question:
    expr: str
    zone: str = "Etc/UTC"
    after: datetime = NEW_YEAR
    count: int = 3


@dataclass(frozen=True)
class Answer:
    error: str
    times: list[datetime]
    matches: bool


Oracle = Callable[[list[Question]], list[Answer]]


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Oracle:
    """
    The parser of Kubernetes as a program that answers questions.
    """
    go = shutil.which("go")
    if go is None:
        pytest.fail("Go is missing: install Go 1.21 or newer from https://go.dev/dl/")
    program = tmp_path_factory.mktemp("cron") / "oracle"
    built = subprocess.run(
        [go, "build", "-buildvcs=false", "-o", program, "."],
        cwd=Path(__file__).with_name("cron_oracle"),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert built.returncode == 0, built.stderr

    def ask(questions: list[Question]) -> list[Answer]:
        lines = [
            json.dumps({**vars(q), "after": int(q.after.timestamp())}) + "\n" for q in questions
        ]
        done = subprocess.run(
            [program, SCHEDULE_PATTERN],
            input="".join(lines),
            capture_output=True,
            text=True,
            timeout=300,
            env={"ZONEINFO": str(TZDATA)},
        )
        assert done.returncode == 0, done.stderr
        return [_read_answer(line) for line in done.stdout.split("\n")[:-1]]

    return ask


def _read_answer(line: str) -> Answer:
    body = json.loads(line)
    times = [datetime.fromtimestamp(time, UTC) for time in body["times"] or ()]
    return Answer(body["error"], times, body["matches"])


def _try_parse(expr: str) -> Schedule | str:
    try:
        return parse(expr)
    except ScheduleError as error:
        return str(error)


def _any_number(rng: random.Random, unit: Unit) -> str:
    value = rng.choice([*range(unit.low, unit.high + 1), rng.randint(0, 99)])
    huge = rng.choice([2**63 - 1, 2**63, 2**64, 10**30])
    return rng.choices(
        [str(value), f"0{value}", f"+{value}", f"-{value}", str(huge), "0" * 25 + str(value)],
        [60, 4, 2, 1, 1, 1],
    )[0]


def _any_value(rng: random.Random, unit: Unit) -> str:
    name = rng.choice(unit.names or NAMES)
    cased = rng.choice([name, name.upper(), name.title(), name.upper().replace("I", "\u0130")])
    kinds = [_any_number(rng, unit), cased, rng.choice(ODDITIES)]
    return rng.choices(kinds, [60, 15 if unit.names else 1, 1])[0]


def _any_part(rng: random.Random, unit: Unit) -> str:
    value, other = _any_value(rng, unit), _any_value(rng, unit)
    forms = ["*", "?", value, f"{value}-{other}", f"*-{other}", f"{value}-{other}-3"]
    head = rng.choices(forms, [30, 5, 30, 25, 2, 1])[0]
    step = rng.choices(
        ["", f"/{rng.randint(1, 9)}", f"/{_any_number(rng, unit)}", "/0", "/", "/2/3"],
        [60, 20, 5, 1, 1, 1],
    )[0]
    return head + step


def _any_field(rng: random.Random, unit: Unit) -> str:
    if rng.random() < 0.5:
        return rng.choice(["*", str(rng.randint(unit.low, unit.high))])
    parts = [_any_part(rng, unit) for _ in range(rng.choice([1, 1, 1, 1, 1, 2, 3]))]
    return rng.choices(
        [",".join(parts), ",".join([*parts, ""]), ",".join(["", *parts]), ",,".join(parts), ","],
        [50, 1, 1, 1, 1],
    )[0]


def _any_expression(rng: random.Random) -> str:
    if rng.random() < 0.02:
        return rng.choice(_DESCRIPTORS.split(","))
    fields = [_any_field(rng, unit) for unit in UNITS]
    if rng.random() < 0.03:
        fields = rng.choice([fields[1:], [*fields, "*"], ["", *fields, ""]])
    text = "".join(field + rng.choice(SPACES) for field in fields)
    text = text if rng.random() < 0.1 else text[:-1]
    if rng.random() < 0.05:
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice("*?/-,+0L \t@:x") + text[at + rng.randint(0, 1) :]
    return text


def test_accepts_what_kubernetes_accepts_and_would_run(oracle: Oracle) -> None:
    """
    We refuse what the API server refuses, ``@every``, and what has no run in five years: no more.
    """
    rng = random.Random(SEED)
    expressions = [_any_expression(rng) for _ in range(CASES)]
    verdicts = Counter[str]()
    for expr, answer in zip(expressions, oracle(list(map(Question, expressions))), strict=True):
        ours = _try_parse(expr)
        verdict = "refused" if answer.error else "never fires" if not answer.times else "runs"
        verdicts[verdict] += 1
        wanted = verdict == "runs" and not expr.startswith("@every")

        assert wanted == isinstance(ours, Schedule), (expr, answer, ours)
        if isinstance(ours, Schedule):
            assert answer.matches, f"the pattern refuses {expr!r}"
            assert answer.times == next_times(ours, ZoneInfo("Etc/UTC"), NEW_YEAR, 3), expr
        elif verdict == "never fires":
            assert "never fires" in ours, (expr, ours)
    print(dict(verdicts))
    assert all(verdicts[verdict] > CASES / 100 for verdict in ("refused", "never fires", "runs"))


def test_pattern_refuses_what_kubernetes_refuses(oracle: Oracle) -> None:
    """
    Only what a regular expression can hardly tell gets past it, and the operator refuses that.
    """
    rng = random.Random(SEED + 1)
    expressions = [_any_expression(rng) for _ in range(CASES)]
    refused = 0
    for expr, answer in zip(expressions, oracle(list(map(Question, expressions))), strict=True):
        if not answer.error:
            continue
        refused += not answer.matches
        if re.search(r"[*?]-", expr) and not expr.isascii():
            continue  # Kubernetes ignores what follows, up to a space; there are many spaces

        assert not answer.matches or re.search(UNTOLD, answer.error), (expr, answer)
    assert refused > CASES / 10


def _any_sound_expression(rng: random.Random) -> str:
    """Return an expression that mostly fires at night, when clocks change, on few days."""
    hour = rng.choice(["*", "*/2", "0", "1", "2", "3", "23", "0-3", "1,2", "0,23", "9", "5/7"])
    minute = rng.choice(["0", "30", "*", "*/15", "59", "15,45", "*/7", "20-40", "1"])
    day = rng.choice(["*", "*", "*", "?", "*/2", "1", "31", "29", "1-7", str(rng.randint(1, 31))])
    month = rng.choice(["*", "*", "*", "*/2", "3", "10", "FEB", "4-9", str(rng.randint(1, 12))])
    weekday = rng.choice(["*", "*", "*", "?", "SUN", "1-5", "5", "*/3", "6,0", "0-6", "*/1"])
    return f"{minute} {hour} {day} {month} {weekday}"


def _any_question(rng: random.Random, zones: dict[str, ZoneInfo]) -> Question:
    """Ask from somewhere in 40 years, or from a while before the clocks change, or right there."""
    name = rng.choice(ZONES)
    after = datetime(2000, 1, 1, tzinfo=UTC) + rng.random() * timedelta(days=365 * 40)
    changes = list(clock_changes(zones[name], after))
    if changes and rng.random() < 0.8:
        reach = rng.choice([timedelta(hours=3), timedelta(days=2), timedelta(days=40)])
        after = rng.choice(changes).old.replace(tzinfo=UTC) - rng.uniform(-0.5, 1) * reach
    return Question(_any_sound_expression(rng), name, after.replace(microsecond=0), 4)


def test_runs_when_kubernetes_runs_where_clocks_change(oracle: Oracle) -> None:
    """
    The next runs are those of the controller, in zones with every kind of change of the clocks.
    """
    rng = random.Random(SEED + 2)
    zones = {name: _zone_of(name) for name in ZONES}
    questions = [_any_question(rng, zones) for _ in range(CASES // 2)]
    compared = 0
    for question, answer in zip(questions, oracle(questions), strict=True):
        schedule = _try_parse(question.expr)
        if not isinstance(schedule, Schedule):
            assert not answer.times, question
            continue
        compared += 1
        ours = next_times(schedule, zones[question.zone], question.after, question.count)

        assert answer.times == ours, question
    assert compared > CASES / 3


def _zone_of(name: str) -> ZoneInfo:
    """Return the zone from the very file that the oracle reads."""
    with (TZDATA / name).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)

"""
Each file ``<family>/<name>.attack`` is a script that tries to do harm; here it must not.

The head of the file is comments that say what is expected:

    # reason:  how the run ends; Success if the attack is swallowed and the script goes on
    # harm:    leaked | touched | connected | meddled: what it does where there is no wall.
    #          It is run once more unconfined to prove that. "none": walls are not what stops it.
    # wall:    landlock | seccomp: the one wall that holds it, where the other alone would not
    # limits:  JSON of ScriptLimits, where the attack needs others
    # machine: x86_64, for attacks in its machine code
    # log:     a text that the log must hold
    # message: a text that the message must hold

Whatever the attack, no decoy is harmed, the run ends in time, and nothing of the decoys' secrets is
read by anybody. To add an attack, add a file.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from attack_world import HARMS, World, attack_world, machine_is
from script_runs import Ran, run_script, without_calls

FOLDER = Path(__file__).parent
TIMEOUT = 8.0
_HEAD = re.compile(r"^# (reason|harm|wall|limits|machine|log|message): +(.*)$", re.MULTILINE)
STARTING = 25.0  # seconds that starting Python twice may take on a busy machine


@dataclass(frozen=True)
class Attack:
    """One file."""

    name: str
    script: str
    reason: str
    harm: str
    wall: str = ""
    log: str = ""
    message: str = ""
    limits: dict[str, Any] = field(default_factory=dict)


def read_attack(path: Path) -> Attack | None:
    """Read a file; None if it is for another machine."""
    text = path.read_text()
    said = dict(_HEAD.findall(text))
    assert said.get("harm") in (*HARMS, "none"), path
    if "machine" in said and not machine_is(said["machine"]):
        return None
    return Attack(
        name=str(path.relative_to(FOLDER).with_suffix("")),
        script=text,
        reason=said["reason"],
        harm=said["harm"],
        wall=said.get("wall", ""),
        log=said.get("log", ""),
        message=said.get("message", ""),
        limits={"timeout_seconds": TIMEOUT, **json.loads(said.get("limits", "{}"))},
    )


ATTACKS = [attack for path in sorted(FOLDER.rglob("*.attack")) if (attack := read_attack(path))]
WALLS = {"landlock": "landlock_create_ruleset", "seccomp": "seccomp"}
HARMFUL = [attack for attack in ATTACKS if attack.harm != "none"]


def run_attack(attack: Attack, world: World, **how: Any) -> Ran:
    """Run it against *world*."""
    return run_script(attack.script, params=world.params(), limits=attack.limits, **how)


def harms_of(world: World, ran: Ran) -> set[str]:
    """Return the harms that came about, in the world or in what somebody reads."""
    message = ran.failure.message if ran.failure else ""
    return world.harms(ran.csv + ran.log + message)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_attack_does_no_harm_and_ends_with_its_reason(attack: Attack) -> None:
    with attack_world() as world:
        ran = run_attack(attack, world)
        harms = harms_of(world, ran)

    assert set() == harms
    assert attack.reason == (ran.reason or "Success"), (ran.failure, ran.log)
    assert attack.log in ran.log
    assert attack.message in (ran.failure.message if ran.failure else "")
    assert ran.seconds < attack.limits["timeout_seconds"] + STARTING


@pytest.mark.parametrize("attack", HARMFUL, ids=lambda attack: attack.name)
def test_attack_does_its_harm_where_no_wall_stands(attack: Attack) -> None:
    with attack_world() as world:
        ran = run_attack(attack, world, unconfined=True)

        assert attack.harm in harms_of(world, ran), (ran.failure, ran.log)


@pytest.mark.parametrize(
    "attack", [attack for attack in HARMFUL if attack.wall], ids=lambda attack: attack.name
)
def test_attack_does_its_harm_without_the_one_wall_that_holds_it(attack: Attack) -> None:
    missing = without_calls(WALLS[attack.wall])
    with attack_world() as world:
        ran = run_attack(attack, world, under=missing, allow_degraded=True)

        assert attack.harm in harms_of(world, ran), (ran.failure, ran.log)


def test_there_are_attacks_of_every_family() -> None:
    families = {attack.name.split("/")[0] for attack in ATTACKS}

    assert {"processes", "python", "files", "kernel", "network", "resources", "answers"} <= families

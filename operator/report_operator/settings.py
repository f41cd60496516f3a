"""What the admin sets: read once from the environment, and given on as a value."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from report_types.plan import SandboxPolicy
from report_types.quantity import to_bytes

PULL_POLICIES: Final = ("Always", "IfNotPresent", "Never")
LOG_LEVELS: Final = ("debug", "info", "warning", "error")


class SettingsError(Exception):
    """A variable of the environment cannot be used; the message names it and the way out."""


@dataclass(frozen=True, slots=True)
class RunnerSettings:
    """What every run's pod has in common."""

    image: str
    image_pull_policy: str = "IfNotPresent"
    memory_limit: str = "256Mi"
    runtime_class_name: str = ""
    sandbox: SandboxPolicy = field(default_factory=SandboxPolicy)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of the operator; no namespaces means all of them."""

    runner: RunnerSettings
    namespaces: tuple[str, ...] = ()
    resync_seconds: int = 300
    health_port: int = 8080
    log_level: int = logging.INFO
    instance: str = "scheduled-reports-operator"


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """
    Read the settings from *environ*; an empty variable counts as not set.

    Raises:
        SettingsError: a variable is missing or its value makes no sense.
    """
    env = {name: value.strip() for name, value in environ.items() if value.strip()}
    names = env.get("WATCH_NAMESPACES", "").split(",")
    return Settings(
        runner=_read_runner(env),
        namespaces=tuple(sorted({name.strip() for name in names if name.strip()})),
        resync_seconds=_whole_number(env, "RESYNC_SECONDS", 300, at_least=10),
        health_port=_whole_number(env, "HEALTH_PORT", 8080, at_least=1),
        log_level=logging.getLevelName(_one_of(env, "LOG_LEVEL", LOG_LEVELS, "info").upper()),
        instance=env.get("POD_NAME", "scheduled-reports-operator"),
    )


def _read_runner(env: Mapping[str, str]) -> RunnerSettings:
    if "RUNNER_IMAGE" not in env:
        raise SettingsError("RUNNER_IMAGE is not set: name the image that runs are made from")
    return RunnerSettings(
        image=env["RUNNER_IMAGE"],
        image_pull_policy=_one_of(env, "RUNNER_IMAGE_PULL_POLICY", PULL_POLICIES, "IfNotPresent"),
        memory_limit=_memory(env, "RUNNER_MEMORY_LIMIT", "256Mi"),
        runtime_class_name=env.get("RUNTIME_CLASS_NAME", ""),
        sandbox=SandboxPolicy(
            min_landlock_abi=_whole_number(env, "SANDBOX_MIN_LANDLOCK_ABI", 4, at_least=1),
            allow_degraded=_one_of(env, "SANDBOX_ALLOW_DEGRADED", ("true", "false"), "false")
            == "true",
        ),
    )


def _whole_number(env: Mapping[str, str], name: str, default: int, *, at_least: int) -> int:
    text = env.get(name, str(default))
    if not text.isdecimal() or int(text) < at_least:
        raise SettingsError(f"{name} is {text!r}: write a whole number, {at_least} or more")
    return int(text)


def _one_of(env: Mapping[str, str], name: str, known: tuple[str, ...], default: str) -> str:
    text = env.get(name, default)
    found = {value.lower(): value for value in known}.get(text.lower())
    if found is None:
        raise SettingsError(f"{name} is {text!r}: write one of {', '.join(known)}")
    return found


def _memory(env: Mapping[str, str], name: str, default: str) -> str:
    text = env.get(name, default)
    try:
        to_bytes(text)
    except ValueError as error:
        raise SettingsError(f"{name}: {error}") from error
    return text

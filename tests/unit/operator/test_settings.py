"""The operator's settings: read once, and refused with the variable's name."""

import logging

import pytest

from report_operator.settings import SettingsError, read_settings

IMAGE = {"RUNNER_IMAGE": "example.com/runner:1"}


def test_only_the_runner_image_must_be_set() -> None:
    settings = read_settings(IMAGE)

    assert settings.runner.image == "example.com/runner:1"
    assert settings.runner.sandbox.min_landlock_abi == 4
    assert not settings.runner.sandbox.allow_degraded
    assert settings.namespaces == ()
    assert settings.resync_seconds == 300
    assert settings.log_level == logging.INFO


def test_every_variable_reaches_its_setting() -> None:
    settings = read_settings(
        {
            **IMAGE,
            "RUNNER_IMAGE_PULL_POLICY": "never",
            "RUNTIME_CLASS_NAME": "gvisor",
            "WATCH_NAMESPACES": "b, a,,b",
            "SANDBOX_MIN_LANDLOCK_ABI": "6",
            "SANDBOX_ALLOW_DEGRADED": "true",
            "RUNNER_MEMORY_LIMIT": "1Gi",
            "RESYNC_SECONDS": "60",
            "HEALTH_PORT": "9000",
            "LOG_LEVEL": "debug",
            "POD_NAME": "operator-1",
        }
    )

    assert settings.runner.image_pull_policy == "Never"
    assert settings.runner.runtime_class_name == "gvisor"
    assert settings.runner.memory_limit == "1Gi"
    assert settings.runner.sandbox.min_landlock_abi == 6
    assert settings.runner.sandbox.allow_degraded
    assert settings.namespaces == ("a", "b")
    assert (settings.resync_seconds, settings.health_port) == (60, 9000)
    assert settings.log_level == logging.DEBUG
    assert settings.instance == "operator-1"


def test_empty_variable_counts_as_not_set() -> None:
    settings = read_settings({**IMAGE, "LOG_LEVEL": " ", "WATCH_NAMESPACES": ""})

    assert settings.log_level == logging.INFO
    assert settings.namespaces == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RUNNER_IMAGE", ""),
        ("RUNNER_IMAGE_PULL_POLICY", "Sometimes"),
        ("SANDBOX_MIN_LANDLOCK_ABI", "0"),
        ("SANDBOX_ALLOW_DEGRADED", "yes please"),
        ("RUNNER_MEMORY_LIMIT", "much"),
        ("RESYNC_SECONDS", "5m"),
        ("HEALTH_PORT", "-1"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_unusable_value_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        read_settings({**IMAGE, name: value})

"""
What the runner is told by its surroundings: paths, the plan, who it is, and the mail server.

Each is read once, at the start, and what is wrong is said in the words of whoever set it.
"""

import json
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import getaddresses
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import ValidationError

from report_types import names
from report_types.fields import ADDRESS_PATTERN, ONE_LINE_PATTERN
from report_types.names import PLAN_VARIABLE, SCRIPT_PATH, SCRIPT_VARIABLE, SMTP_KEYS
from report_types.outcome import Reason, RunError
from report_types.plan import RunPlan

IMPLICIT_TLS_PORT: Final = 465
_SUBMISSION_PORT: Final = 587
_REQUIRED: Final = ("SMTP_HOST", "SMTP_FROM_EMAIL")
_BOOLS: Final = {
    **dict.fromkeys(("true", "yes", "on", "1", ""), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}

Tls = Literal["starttls", "implicit", "none"]


@dataclass(frozen=True, kw_only=True)
class Paths:
    """Folders of a run."""

    input: Path
    output: Path
    work: Path
    sources: Path
    credentials: Path

    @classmethod
    def in_pod(cls) -> Self:
        """Return the paths that the pod's volumes are mounted at."""
        return cls(
            input=Path(names.INPUT_DIR),
            output=Path(names.OUTPUT_DIR),
            work=Path(names.WORK_DIR),
            sources=Path(names.SOURCES_DIR),
            credentials=Path(names.CREDENTIALS_DIR),
        )


@dataclass(frozen=True, kw_only=True)
class SmtpSettings:
    """How to reach the mail server; *where* is how messages call the place of the settings."""

    host: str
    sender: str
    port: int = _SUBMISSION_PORT
    sender_name: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    tls: Tls = "starttls"
    ca_certificates: str = field(default="", repr=False)
    where: str = "the SMTP settings"

    @classmethod
    def from_folder(cls, folder: Path, secret: str) -> Self:
        """
        Read the keys of the Secret *secret* that is mounted at *folder*.

        Raises:
            RunError: SmtpNotConfigured; it names the keys and the Secret.
        """
        values = {key: _read(folder / key) for key in SMTP_KEYS}
        where = f"Secret {secret} (delivery.email.smtpSecretRef)"
        if not any(values.values()):
            raise RunError(
                Reason.SMTP_NOT_CONFIGURED,
                f"{where} does not exist or is empty: create it with the keys "
                "SMTP_HOST, SMTP_FROM_EMAIL and, for a server with a login, SMTP_USER and "
                "SMTP_PASSWORD",
            )
        return cls.from_values(values, where)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        """
        Read the same keys from environment variables.

        Raises:
            RunError: SmtpNotConfigured; it names the variables.
        """
        return cls.from_values({key: environ.get(key, "") for key in SMTP_KEYS}, "the environment")

    @classmethod
    def from_values(cls, values: Mapping[str, str], where: str) -> Self:
        """
        Check the values of the keys; one that is empty counts as absent.

        Raises:
            RunError: SmtpNotConfigured; it names the keys and *where* they are.
        """
        kept = {
            key: text if key == "SMTP_CA_CERT" else text.strip() for key, text in values.items()
        }
        _check_keys(kept, where)
        port = _port(kept.get("SMTP_PORT", ""), where)
        _check_authorities(kept.get("SMTP_CA_CERT", ""), where)
        (name, sender), *others = getaddresses([kept["SMTP_FROM_EMAIL"]])
        if others or not _fits(ADDRESS_PATTERN, sender):
            raise _wrong("SMTP_FROM_EMAIL", where, "a mail address such as reports@example.com")
        return cls(
            host=kept["SMTP_HOST"],
            port=port,
            sender=sender,
            sender_name=name,
            user=kept.get("SMTP_USER", ""),
            password=kept.get("SMTP_PASSWORD", ""),
            tls=_tls(kept, port, where),
            ca_certificates=kept.get("SMTP_CA_CERT", ""),
            where=where,
        )


@dataclass(frozen=True, kw_only=True)
class PodSettings:
    """What the pod's manifest tells the runner."""

    plan: RunPlan
    script: str | None
    run_name: str
    pod_name: str
    pod_uid: str

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], credentials: Path) -> Self:
        """
        Read the plan and the names; *script* is None where the ConfigMap has none.

        Raises:
            RunError: InvalidSpec, when the operator that made the pod is not of this version.
        """
        try:
            plan = RunPlan.observed(json.loads(environ[PLAN_VARIABLE]))
            return cls(
                plan=plan,
                script=_script(plan, environ, credentials),
                run_name=environ["RUN_NAME"],
                pod_name=environ["POD_NAME"],
                pod_uid=environ["POD_UID"],
            )
        except KeyError as error:
            told = f"the variable {error.args[0]} is not set"
        except ValidationError as error:
            first = error.errors()[0]
            told = f"{PLAN_VARIABLE}: {'.'.join(map(str, first['loc']))}: {first['msg']}"
        except ValueError:
            told = f"{PLAN_VARIABLE} is not JSON"
        raise RunError(
            Reason.INVALID_SPEC,
            f"{told}: the operator and the runner's image are of different versions",
        )


def _script(plan: RunPlan, environ: Mapping[str, str], credentials: Path) -> str | None:
    if plan.spec.script.config_map_key_ref is None:
        return environ[SCRIPT_VARIABLE]
    try:
        return (credentials / SCRIPT_PATH).read_text("utf-8")
    except OSError:
        return None
    except UnicodeDecodeError as error:
        raise RunError(
            Reason.INVALID_SPEC, "spec.script.configMapKeyRef: the script is not UTF-8 text"
        ) from error


def _read(path: Path) -> str:
    """Return the text of a mounted key; empty if there is none."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _check_keys(values: Mapping[str, str], where: str) -> None:
    missing = [key for key in _REQUIRED if not values.get(key)]
    if values.get("SMTP_USER") and not values.get("SMTP_PASSWORD"):
        missing.append("SMTP_PASSWORD")
    if values.get("SMTP_PASSWORD") and not values.get("SMTP_USER"):
        missing.append("SMTP_USER")
    if missing:
        raise RunError(
            Reason.SMTP_NOT_CONFIGURED, f"{where} lacks {', '.join(missing)}: add what is missing"
        )
    for key, text in values.items():
        if key != "SMTP_CA_CERT" and not _fits(ONE_LINE_PATTERN, text):
            raise _wrong(key, where, "a single line of UTF-8 text")


def _port(text: str, where: str) -> int:
    if not text:
        return _SUBMISSION_PORT
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 65536):
        raise _wrong("SMTP_PORT", where, "a number from 1 to 65535, such as 587")
    return int(text)


def _tls(values: Mapping[str, str], port: int, where: str) -> Tls:
    wanted = _BOOLS.get(values.get("SMTP_USE_TLS", "").lower())
    if wanted is None:
        raise _wrong("SMTP_USE_TLS", where, "true or false")
    if wanted:
        return "implicit" if port == IMPLICIT_TLS_PORT else "starttls"
    if values.get("SMTP_USER"):
        raise RunError(
            Reason.SMTP_NOT_CONFIGURED,
            f"{where}: with SMTP_USE_TLS false the password would travel in the clear: "
            "set SMTP_USE_TLS to true, or remove SMTP_USER and SMTP_PASSWORD",
        )
    return "none"


def _check_authorities(pem: str, where: str) -> None:
    if not pem.strip():
        return
    try:
        ssl.create_default_context(cadata=pem)
    except (ssl.SSLError, ValueError) as error:
        raise _wrong("SMTP_CA_CERT", where, "certificates in PEM form") from error


def _wrong(key: str, where: str, expected: str) -> RunError:
    return RunError(Reason.SMTP_NOT_CONFIGURED, f"{where}: {key} must be {expected}")


def _fits(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern, text) is not None

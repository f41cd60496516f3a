"""
How a run ends: its outcome, and the reason, with the exit code that tells it to Kubernetes.

Exit codes 10 to 19 are final: the run has said what was wrong, and starting its pod again would
end the same way. 75 (EX_TEMPFAIL of sysexits.h) asks for another pod.
"""

from enum import StrEnum
from typing import Final


class Outcome(StrEnum):
    """How a run ended, as its report's owner sees it."""

    DELIVERED = "Delivered"
    PARTIALLY_DELIVERED = "PartiallyDelivered"
    SKIPPED = "Skipped"
    BLOCKED = "Blocked"
    FAILED = "Failed"

    @property
    def is_success(self) -> bool:
        """Whether nobody has to do anything: mails accepted by all, or none was due."""
        return self in (Outcome.DELIVERED, Outcome.SKIPPED)


class Reason(StrEnum):
    """Why a run ended as it did. What to do about each is in ``docs/reasons.md``."""

    DELIVERED = "Delivered"
    RECIPIENTS_REFUSED = "RecipientsRefused"

    INVALID_SPEC = "InvalidSpec"
    SECRET_MISSING = "SecretMissing"  # noqa: S105  the name of a reason
    SCRIPT_MISSING = "ScriptMissing"
    SMTP_NOT_CONFIGURED = "SmtpNotConfigured"

    SOURCE_MISSING = "SourceMissing"
    SOURCE_UNREACHABLE = "SourceUnreachable"
    SOURCE_TIMEOUT = "SourceTimeout"
    SOURCE_REJECTED = "SourceRejected"
    SOURCE_TOO_LARGE = "SourceTooLarge"
    SOURCE_INVALID = "SourceInvalid"

    SANDBOX_UNAVAILABLE = "SandboxUnavailable"
    SCRIPT_ERROR = "ScriptError"
    SCRIPT_TIMEOUT = "ScriptTimeout"
    OUT_OF_MEMORY = "OutOfMemory"
    RESULT_INVALID = "ResultInvalid"
    RESULT_TOO_LARGE = "ResultTooLarge"

    SMTP_UNREACHABLE = "SmtpUnreachable"
    SMTP_TLS_FAILED = "SmtpTlsFailed"
    SMTP_AUTH_FAILED = "SmtpAuthFailed"
    SMTP_REJECTED = "SmtpRejected"
    DELIVERY_UNKNOWN = "DeliveryUnknown"

    DEADLINE_EXCEEDED = "DeadlineExceeded"
    STOPPED = "Stopped"
    API_UNAVAILABLE = "ApiUnavailable"
    INTERNAL_ERROR = "InternalError"

    # Seen from outside the run, by the operator.
    IMAGE_PULL_FAILED = "ImagePullFailed"
    QUOTA_EXCEEDED = "QuotaExceeded"
    UNSCHEDULABLE = "Unschedulable"
    POD_REJECTED = "PodRejected"
    CONTAINER_CONFIG_ERROR = "ContainerConfigError"
    EVICTED = "Evicted"
    NODE_LOST = "NodeLost"
    RUNNER_DIED = "RunnerDied"
    REPORT_NOT_FOUND = "ReportNotFound"

    @property
    def exit_code(self) -> int:
        """The exit code of the ``runner`` container and of ``srep run --local``."""
        return _EXIT_CODES.get(self, 19)


_EXIT_CODES: Final[dict[Reason, int]] = {
    Reason.DELIVERED: 0,
    Reason.RECIPIENTS_REFUSED: 17,
    Reason.INVALID_SPEC: 10,
    Reason.SECRET_MISSING: 10,
    Reason.SCRIPT_MISSING: 10,
    Reason.SMTP_NOT_CONFIGURED: 10,
    Reason.SOURCE_MISSING: 11,
    Reason.SOURCE_UNREACHABLE: 11,
    Reason.SOURCE_TIMEOUT: 11,
    Reason.SOURCE_REJECTED: 11,
    Reason.SOURCE_TOO_LARGE: 11,
    Reason.SOURCE_INVALID: 11,
    Reason.SANDBOX_UNAVAILABLE: 12,
    Reason.SCRIPT_ERROR: 13,
    Reason.SCRIPT_TIMEOUT: 14,
    Reason.OUT_OF_MEMORY: 15,
    Reason.RESULT_INVALID: 16,
    Reason.RESULT_TOO_LARGE: 16,
    Reason.SMTP_UNREACHABLE: 17,
    Reason.SMTP_TLS_FAILED: 17,
    Reason.SMTP_AUTH_FAILED: 17,
    Reason.SMTP_REJECTED: 17,
    Reason.DELIVERY_UNKNOWN: 18,
    Reason.API_UNAVAILABLE: 75,
    Reason.STOPPED: 75,
}
PERMANENT_EXIT_CODES: Final = tuple(range(10, 20))


class RunError(Exception):
    """
    A run cannot go on. *message* is for the report's owner: what is wrong and the way out.

    It never holds a secret, a recipient or a row of data: it is shown on the report, in events
    and in the failure mail.
    """

    def __init__(self, reason: Reason, message: str, *, line: int | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.line = line

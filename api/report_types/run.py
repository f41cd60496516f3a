"""
The ``v1alpha1`` ReportRun: one run of a report, why it ran and what came of it.

Creating one by hand is "run now". Its name is its Job's name, so both can be made by whoever comes
first, the operator or the runner.
"""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from report_types.base import APIModel, Time
from report_types.condition import Conditions
from report_types.fields import ObjectName
from report_types.metadata import Metadata, name_rule
from report_types.names import API_VERSION, MAX_RUN_NAME, RUN_KIND
from report_types.outcome import Outcome, Reason


class Trigger(StrEnum):
    """Why a run was started."""

    SCHEDULE = "Schedule"
    MANUAL = "Manual"


class ReportRef(APIModel):
    """A report in the same namespace."""

    name: ObjectName = Field(description="Name of the ScheduledReport.")


class RunSpec(APIModel):
    """What is to be run; it cannot be changed."""

    report_ref: ReportRef = Field(description="The report that is run.")
    trigger: Trigger = Field(
        Trigger.MANUAL, description="Schedule for a due slot, Manual for a run made by hand."
    )
    scheduled_time: Time | None = Field(None, description="The slot of a scheduled run.")


class DeliveryState(StrEnum):
    """How far the mail to one recipient got; it only ever moves forward."""

    PENDING = "pending"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    DEFERRED = "deferred"
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        """Whether this row will not be tried again by itself."""
        return self not in (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.DEFERRED)


class DeliveryRow(APIModel):
    """What became of the mail to one recipient."""

    recipient: Annotated[str, Field(max_length=254)] = Field(description="The mail address.")
    role: Literal["to", "cc", "bcc", "failure"] = Field(description="Which list it stands in.")
    state: DeliveryState = Field(description="How far the mail got.")
    code: int | None = Field(None, description="The server's SMTP reply code.")
    enhanced_code: Annotated[str, Field(max_length=16)] | None = Field(
        None, description="The server's enhanced status code (RFC 3463), such as 5.1.1."
    )
    attempts: int = Field(0, description="SMTP transactions begun for it.")
    holder: Annotated[str, Field(max_length=64)] | None = Field(
        None, description="UID of the pod that claimed it."
    )
    message_id: Annotated[str, Field(max_length=300)] | None = Field(
        None, description="Message-ID of the mail."
    )


class ResultFile(APIModel):
    """A file that was attached."""

    name: Annotated[str, Field(max_length=200)] = Field(description="File name.")
    bytes: int = Field(description="Size.")
    sha256: Annotated[str, Field(max_length=64)] = Field(description="Hash of the content.")


class SandboxInForce(APIModel):
    """Which walls really stood around the script, as measured inside."""

    confined: bool = Field(description="Whether the script was confined by the kernel.")
    landlock_abi: int = Field(0, description="Version of Landlock in force; 0 is none.")
    seccomp: bool = Field(False, description="Whether our seccomp filter was in force.")
    user_namespace: bool = Field(False, description="Whether the pod had its own user namespace.")


class Durations(APIModel):
    """Seconds that each phase took."""

    fetch: float | None = Field(None, description="Fetching the sources.")
    script: float | None = Field(None, description="Loading the data and running the script.")
    render: float | None = Field(None, description="Checking and writing the CSV.")
    delivery: float | None = Field(None, description="Sending the mail.")
    total: float | None = Field(None, description="All together.")


class RunResult(APIModel):
    """
    How a run ended.

    The same object is printed by ``srep run --local -o json``, written to the ReportRun's status
    and, shortened, to the pod's termination message.
    """

    outcome: Outcome = Field(description="How the run ended.")
    reason: Reason = Field(description="Why it ended so.")
    message: Annotated[str, Field(max_length=2000)] = Field(
        "", description="What happened and what to do about it."
    )
    line: int | None = Field(None, description="Line of the script that failed.")
    rows: int | None = Field(None, description="Rows of the result.")
    columns: list[Annotated[str, Field(max_length=200)]] = Field(
        default_factory=list, max_length=200, description="Columns of the result."
    )
    warnings: list[Annotated[str, Field(max_length=500)]] = Field(
        default_factory=list, max_length=20, description="What the author should look at."
    )
    duration_seconds: Durations = Field(default_factory=Durations, description="Seconds by phase.")
    sandbox: SandboxInForce | None = Field(None, description="The walls around the script.")
    deliveries: list[DeliveryRow] = Field(
        default_factory=list, max_length=200, description="What became of each mail."
    )
    files: list[ResultFile] = Field(
        default_factory=list, max_length=20, description="What was attached."
    )


class RunStatus(RunResult):
    """What was observed of a run; written by the runner, or by the operator where it could not."""

    outcome: Outcome | None = Field(None, description="How the run ended.")  # type: ignore[assignment]
    reason: Reason | None = Field(None, description="Why it ended so.")  # type: ignore[assignment]
    observed_generation: int | None = Field(
        None, description="Generation of the report that was run."
    )
    start_time: Time | None = Field(None, description="When the run began.")
    completion_time: Time | None = Field(None, description="When the run ended.")
    pod_name: Annotated[str, Field(max_length=253)] | None = Field(
        None, description="The pod that reported; its logs are the run's logs."
    )
    conditions: Conditions = Field(default_factory=list, description="What is true of the run.")


class ReportRun(APIModel):
    """One run of a ScheduledReport. Create one to run a report now."""

    rules: ClassVar = (name_rule(MAX_RUN_NAME, "a run's name", "its Job bears it"),)
    api_version: Literal["scheduledreports.dev/v1alpha1"] = API_VERSION
    kind: Literal["ReportRun"] = RUN_KIND
    metadata: Metadata = Field(description="Standard metadata.")
    spec: Annotated[
        RunSpec,
        Field(
            json_schema_extra={
                "x-kubernetes-validations": [
                    {
                        "rule": "self == oldSelf",
                        "message": "a run cannot be changed: create another ReportRun",
                    }
                ]
            }
        ),
    ] = Field(description="What is to be run; it cannot be changed.")
    status: RunStatus = Field(default_factory=RunStatus, description="What was observed.")


class RunSummary(APIModel):
    """A finished run in short, as its report's status lists it."""

    name: Annotated[str, Field(max_length=253)] = Field(description="Name of the ReportRun.")
    outcome: Outcome = Field(description="How the run ended.")
    reason: Reason = Field(description="Why it ended so.")
    message: Annotated[str, Field(max_length=500)] = Field("", description="What happened.")
    trigger: Trigger = Field(Trigger.SCHEDULE, description="Why it was started.")
    scheduled_time: Time | None = Field(None, description="Its slot, if it was due.")
    start_time: Time | None = Field(None, description="When it began.")
    completion_time: Time | None = Field(None, description="When it ended.")
    rows: int | None = Field(None, description="Rows of the result.")
    accepted: int = Field(0, description="Recipients whose server took the mail.")
    refused: int = Field(0, description="Recipients that did not get it.")

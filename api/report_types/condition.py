"""Conditions, as the Kubernetes API conventions have them."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from report_types.base import APIModel, Time


class ConditionType(StrEnum):
    """The conditions that we set."""

    READY = "Ready"
    SUCCEEDING = "Succeeding"
    SUSPENDED = "Suspended"
    RUN_BLOCKED = "RunBlocked"
    STALLED = "Stalled"


class ReadyReason(StrEnum):
    """Why a report is ready or not."""

    RECONCILED = "Reconciled"
    INVALID_SPEC = "InvalidSpec"
    INVALID_SCHEDULE = "InvalidSchedule"
    NOT_OWNED = "NotOwned"
    REJECTED = "Rejected"


class Condition(APIModel):
    """One thing that is true or not, since when, and why."""

    type: Annotated[str, Field(max_length=316)] = Field(description="What this is about.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it is so.")
    reason: Annotated[str, Field(max_length=1024)] = Field(description="Why, in one word.")
    message: Annotated[str, Field(max_length=32768)] = Field(
        "", description="Why, and what to do about it, for people."
    )
    last_transition_time: Time = Field(description="When the status last changed.")
    observed_generation: int | None = Field(None, description="Generation that this describes.")


Conditions = Annotated[
    list[Condition],
    Field(
        max_length=16,
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
    ),
]

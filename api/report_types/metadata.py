"""The part of an object's standard metadata that we read, and the rule for its name."""

import re
from typing import Final

from pydantic import ConfigDict, Field

from report_types.base import APIModel, Rule, Time
from report_types.fields import LABEL_PATTERN

_LABEL: Final = re.compile(LABEL_PATTERN)


class OwnerReference(APIModel):
    """The object that another one belongs to and is deleted with."""

    model_config = ConfigDict(extra="ignore")
    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool | None = None


class Metadata(APIModel):
    """Standard metadata: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions."""

    model_config = ConfigDict(extra="ignore")
    name: str | None = None
    generate_name: str | None = None
    namespace: str | None = None
    uid: str | None = None
    generation: int | None = None
    resource_version: str | None = None
    creation_timestamp: Time | None = None
    deletion_timestamp: Time | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    owner_references: list[OwnerReference] = Field(default_factory=list)


def name_rule(longest: int, what: str, why: str) -> Rule:
    """
    Return the rule for the name of an object that another object must bear too.

    An object that is yet to get its name (``generateName``) is judged by the API server.
    """

    def holds(value: object) -> bool:
        name = getattr(value, "metadata").name  # noqa: B009
        return name is None or (len(name) <= longest and bool(_LABEL.fullmatch(name)))

    return Rule(
        f"self.metadata.name.size() <= {longest} && self.metadata.name.matches('{LABEL_PATTERN}')",
        f"{what} has at most {longest} characters, lower-case letters, digits and '-', "
        f"because {why}",
        holds,
    )

"""
What the API models are made of: a frozen, camelCase base, and rules that are written once.

A rule becomes two things: a check in Python (the command line, the facade) and a CEL rule in the
CRD (kubectl). The message is the same in both places.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

CEL = "x-kubernetes-validations"


def cel_string(text: str) -> str:
    """Quote *text* as a CEL string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


@dataclass(frozen=True)
class Rule:
    """
    A rule about a value: *cel* for the API server, *holds* for Python, *message* for both.

    *holds* may raise ValueError to give a message that is more exact than *message*.
    """

    cel: str
    message: str
    holds: Callable[[Any], bool]

    def check(self, value: Any) -> Any:
        """Return *value*, or raise the error that pydantic shows with this rule's message."""
        try:
            if self.holds(value):
                return value
            message = self.message
        except ValueError as error:
            message = str(error)
        raise PydanticCustomError("rule", "{message}", {"message": message})

    def to_cel(self) -> dict[str, str]:
        """Return the entry of ``x-kubernetes-validations``."""
        return {"rule": self.cel, "message": self.message}

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        json_schema = handler(schema)
        return {**json_schema, CEL: [*json_schema.get(CEL, []), self.to_cel()]}


def matches(pattern: str, message: str) -> Rule:
    """Return the rule that a string matches *pattern*, in RE2 syntax and anchored at both ends."""
    compiled = re.compile(pattern)
    return Rule(
        f"self.matches({cel_string(pattern)})",
        message,
        lambda value: compiled.fullmatch(value) is not None,
    )


class APIModel(BaseModel):
    """
    A piece of the wire format: frozen, camelCase outside, unknown fields refused.

    A subclass that names fields in ``one_of`` is a union: exactly one of them is given.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
    )
    one_of: ClassVar[tuple[str, ...]] = ()
    rules: ClassVar[tuple[Rule, ...]] = ()

    @classmethod
    def all_rules(cls) -> tuple[Rule, ...]:
        """Return the rules about the whole object, the union's among them."""
        return (*cls.rules, exactly_one_of(*cls.one_of)) if cls.one_of else cls.rules

    @model_validator(mode="after")
    def _keep_rules(self) -> Self:
        for rule in self.all_rules():
            rule.check(self)
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        json_schema = handler.resolve_ref_schema(handler(schema))
        for field in cls.model_fields.values():
            # Kubernetes fills in the defaults of a nested object only where the object is there.
            if isinstance(default := field.get_default(call_default_factory=True), APIModel):
                properties = json_schema["properties"][field.alias]
                properties["default"] = default.to_wire()
        if rules := cls.all_rules():
            json_schema[CEL] = [rule.to_cel() for rule in rules]
        return json_schema

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON form: camelCase, without fields that are not set."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @classmethod
    def observed(cls, body: Any) -> Self:
        """
        Read an object that the API server has accepted, passing over fields we do not know.

        An operator that is older than the CRD must go on working with the fields it knows.

        Raises:
            ValidationError: the object breaks a rule in a field that we do know.
        """
        try:
            return cls.model_validate(body)
        except ValidationError as error:
            unknown = [e["loc"] for e in error.errors() if e["type"] == "extra_forbidden"]
            if not unknown:
                raise
            return cls.observed(_without(body, unknown))


def entries_differ(entries: list[Any]) -> list[Any]:
    """Return *entries*, or raise the error of a list that the API server treats as a set or map."""
    seen: dict[Any, int] = {}
    for index, entry in enumerate(entries):
        first = seen.setdefault(getattr(entry, "name", entry), index)
        if first != index:
            what = "has the same name as" if hasattr(entry, "name") else "is the same as"
            message = f"entry {index + 1} {what} entry {first + 1}: change or remove one"
            raise PydanticCustomError("rule", "{message}", {"message": message})
    return entries


def exactly_one_of(*names: str) -> Rule:
    """Return the rule of a union: exactly one of the optional fields *names* is given."""
    given = ", ".join(f"has(self.{to_camel(name)})" for name in names)
    return Rule(
        f"[{given}].exists_one(x, x)",
        "give exactly one of: " + ", ".join(map(to_camel, names)),
        lambda value: sum(getattr(value, name) is not None for name in names) == 1,
    )


def _without(body: Any, paths: list[tuple[int | str, ...]]) -> Any:
    """Return a copy of *body* that lacks the entries at *paths*."""
    if isinstance(body, list):
        return [_without(v, [p[1:] for p in paths if p[0] == i]) for i, v in enumerate(body)]
    if not isinstance(body, dict):
        return body
    gone = {p[0] for p in paths if len(p) == 1}
    return {
        key: _without(value, [p[1:] for p in paths if p[0] == key and len(p) > 1])
        for key, value in body.items()
        if key not in gone
    }


def to_rfc3339(moment: datetime) -> str:
    """Write an aware datetime as Kubernetes does: UTC, whole seconds, ``Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


Time = Annotated[datetime, PlainSerializer(to_rfc3339, return_type=str, when_used="json")]

"""The small field types that several kinds share: names, addresses, quantities, references."""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from report_types.base import CEL, APIModel, cel_string, entries_differ, matches
from report_types.names import SECRET_PREFIX
from report_types.quantity import QUANTITY_PATTERN

LABEL_PATTERN: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_HOST_LABEL: Final = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
ADDRESS_PATTERN: Final = rf"^{_ATOM}(\.{_ATOM})*@{_HOST_LABEL}(\.{_HOST_LABEL})+$"
SECRET_NAME_PATTERN: Final = rf"^{SECRET_PREFIX}[a-z0-9]([-.a-z0-9]*[a-z0-9])?$"
ONE_LINE_PATTERN: Final = r"^[^\x00-\x1f\x7f]*$"

Address = Annotated[
    str,
    matches(ADDRESS_PATTERN, "must be one plain mail address, such as analyst@example.com"),
    Field(min_length=3, max_length=254),
]
Addresses = Annotated[
    list[Address],
    AfterValidator(entries_differ),
    Field(json_schema_extra={"x-kubernetes-list-type": "set"}),
]

ItemName = Annotated[
    str,
    matches(LABEL_PATTERN, "use lower-case letters, digits and '-', such as my-orders"),
    Field(min_length=1, max_length=40),
]
OneLine = Annotated[
    str, matches(ONE_LINE_PATTERN, "must be a single line without control characters")
]


def _to_text(value: Any) -> Any:
    """Turn the integer that YAML makes of ``cpu: 1`` into text."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


_QUANTITY_RULE: Final = matches(
    QUANTITY_PATTERN, "must be a quantity, such as 500m for CPU or 512Mi for memory"
)
Quantity = Annotated[
    str,
    _QUANTITY_RULE,
    BeforeValidator(_to_text),
    WithJsonSchema(
        {
            "x-kubernetes-int-or-string": True,
            "maxLength": 24,
            CEL: [
                {
                    "rule": "type(self) == int ? self >= 0 : "
                    f"string(self).matches({cel_string(QUANTITY_PATTERN)})",
                    "message": _QUANTITY_RULE.message,
                }
            ],
        }
    ),
]


_SecretName = Annotated[
    str,
    matches(
        SECRET_NAME_PATTERN,
        f"a report may only use Secrets whose name starts with {SECRET_PREFIX}: rename the "
        "Secret to opt it in",
    ),
    Field(max_length=253),
]


class SecretKeyRef(APIModel):
    """One key of a Secret in the report's namespace."""

    name: _SecretName = Field(
        description="Name of the Secret; it starts with `report-`, which opts it in."
    )
    key: Annotated[
        str,
        matches(r"^[-._a-zA-Z0-9]+$", "a key of a Secret has letters, digits, '-', '_' and '.'"),
        Field(min_length=1, max_length=253),
    ] = Field(description="The key in the Secret.")


class SecretRef(APIModel):
    """A Secret in the report's namespace."""

    name: _SecretName = Field(
        description="Name of the Secret; it starts with `report-`, which opts it in."
    )


ObjectName = Annotated[
    str,
    matches(r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$", "must be the name of an object in this namespace"),
    Field(min_length=1, max_length=253),
]


class ConfigMapKeyRef(APIModel):
    """One key of a ConfigMap in the report's namespace."""

    name: ObjectName = Field(description="Name of the ConfigMap.")
    key: Annotated[
        str,
        matches(r"^[-._a-zA-Z0-9]+$", "a key of a ConfigMap has letters, digits, '-', '_' and '.'"),
        Field(min_length=1, max_length=253),
    ] = Field(description="The key in the ConfigMap.")

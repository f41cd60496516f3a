"""Where the data of a report come from: ``spec.sources``."""

from enum import StrEnum
from typing import Annotated, ClassVar, Final, Literal

from pydantic import AfterValidator, Field

from report_types.base import APIModel, Rule, entries_differ, matches
from report_types.fields import ItemName, ObjectName, OneLine, Quantity, SecretKeyRef

# RFC 9110 section 5.1: a field name is a token.
HEADER_NAME_PATTERN: Final = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"
URL_PATTERN: Final = r"^https?://[^\s/?#@\x00-\x20]+([/?#][^\s\x00-\x20]*)?$"
RECORDS_PATTERN: Final = r"^[^.\s]+(\.[^.\s]+)*$"
FILE_PATH_PATTERN: Final = r"^[^/\x00-\x1f][^\x00-\x1f]*$"


_INSIDE = Rule(
    "!self.split('/').exists(part, part == '..')",
    "must be a path inside the volume, without '..'",
    lambda path: ".." not in path.split("/"),
)
_RECORDS_ONLY_IN_JSON = Rule(
    "!has(self.recordsPath) || self.format == 'JSON'",
    "recordsPath is for format JSON only",
    lambda source: source.records_path is None or source.format == "JSON",
)
_RecordsPath = Annotated[
    str,
    matches(RECORDS_PATTERN, "must be keys joined by dots, such as items or data.rows"),
    Field(max_length=200),
]


class Format(StrEnum):
    """How the bytes of a source are read."""

    CSV = "CSV"
    JSON = "JSON"
    NDJSON = "NDJSON"


class ValueFrom(APIModel):
    """Where a value is kept that must not stand in the report."""

    secret_key_ref: SecretKeyRef = Field(description="A key of a Secret in this namespace.")


class Header(APIModel):
    """One request header; its value stands here or in a Secret."""

    one_of: ClassVar = ("value", "value_from")
    name: Annotated[
        str,
        matches(HEADER_NAME_PATTERN, "must be a header's name, such as Authorization"),
        Field(min_length=1, max_length=100),
    ] = Field(description="Name of the header.")
    value: Annotated[OneLine, Field(max_length=4096)] | None = Field(
        None, description="The value, for what is no secret."
    )
    value_from: ValueFrom | None = Field(None, description="The Secret that holds the value.")


class QueryParameter(APIModel):
    """One parameter of the URL's query."""

    name: Annotated[OneLine, Field(min_length=1, max_length=200)] = Field(description="Its name.")
    value: Annotated[str, Field(max_length=4096)] = Field(description="Its value, not encoded.")


class HTTPSource(APIModel):
    """Data from an HTTP or HTTPS address."""

    rules: ClassVar = (_RECORDS_ONLY_IN_JSON,)
    url: Annotated[
        str,
        matches(
            URL_PATTERN,
            "must start with http:// or https://, name a host, and hold no user name or password "
            "(use headers with a Secret)",
        ),
        Field(max_length=2048),
    ] = Field(description="Address to fetch, http or https, without credentials in it.")
    method: Literal["GET", "POST"] = Field("GET", description="HTTP method.")
    headers: Annotated[
        list[Header],
        AfterValidator(entries_differ),
        Field(
            max_length=20,
            json_schema_extra={
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
            },
        ),
    ] = Field(default_factory=list, description="Request headers; secret values come from Secrets.")
    query: Annotated[list[QueryParameter], Field(max_length=50)] = Field(
        default_factory=list, description="Parameters that are added to the URL's query, encoded."
    )
    body: Annotated[str, Field(max_length=16384)] | None = Field(
        None, description="Body of a POST request; set its Content-Type in `headers`."
    )
    format: Format = Field(description="How the answer is read: CSV, JSON or NDJSON.")
    records_path: _RecordsPath | None = Field(
        None, description="Where the list of records stands in a JSON answer: `data.items`."
    )
    timeout_seconds: Annotated[int, Field(ge=1, le=300)] = Field(
        30, description="Longest time for one attempt, from connecting to the last byte."
    )
    max_size: Quantity = Field(
        "100Mi", description="Largest answer that is taken, in bytes after decompression."
    )


class ConfigMapFile(APIModel):
    """A ConfigMap in the report's namespace."""

    name: ObjectName = Field(description="Name of the ConfigMap.")


class ClaimFile(APIModel):
    """A PersistentVolumeClaim in the report's namespace; it is mounted read-only."""

    claim_name: ObjectName = Field(description="Name of the PersistentVolumeClaim.")


class FileSource(APIModel):
    """Data from a file on a volume."""

    one_of: ClassVar = ("config_map", "persistent_volume_claim")
    rules: ClassVar = (_RECORDS_ONLY_IN_JSON,)
    config_map: ConfigMapFile | None = Field(None, description="The ConfigMap that has the file.")
    persistent_volume_claim: ClaimFile | None = Field(
        None, description="The volume that has the file."
    )
    path: Annotated[
        str,
        matches(FILE_PATH_PATTERN, "must be a path inside the volume, without '/' at its start"),
        _INSIDE,
        Field(min_length=1, max_length=512),
    ] = Field(description="Path of the file inside the volume; for a ConfigMap, the key.")
    format: Format = Field(description="How the file is read: CSV, JSON or NDJSON.")
    records_path: _RecordsPath | None = Field(
        None, description="Where the list of records stands in a JSON file: `data.items`."
    )


class Source(APIModel):
    """One source of data: exactly one of its members says of which kind."""

    one_of: ClassVar = ("http", "file")
    name: ItemName = Field(
        description="The script finds this source as `sources[name]`; the one called `data`, or "
        "the only one, also as `data`."
    )
    http: HTTPSource | None = Field(None, description="Fetch from an HTTP or HTTPS address.")
    file: FileSource | None = Field(None, description="Read a file from a volume.")

"""
The ``v1alpha1`` ScheduledReport: what a user asks for, and what we observed.

These models are the only description of the kind. Each field's description is the text of
``kubectl explain scheduledreport.spec.<field>``.
"""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import AfterValidator, Field

from report_types.base import APIModel, Rule, Time, entries_differ, matches
from report_types.condition import Conditions
from report_types.cron import SCHEDULE_PATTERN, parse, zone
from report_types.fields import (
    Addresses,
    ConfigMapKeyRef,
    ItemName,
    OneLine,
    Quantity,
    SecretRef,
)
from report_types.metadata import Metadata, name_rule
from report_types.names import (
    API_VERSION,
    DEFAULT_SMTP_SECRET,
    MAX_INLINE_SCRIPT,
    MAX_REPORT_NAME,
    REPORT_KIND,
)
from report_types.quantity import parse_quantity
from report_types.run import RunSummary
from report_types.source import Source
from report_types.template import TEMPLATE_RULE

MAX_RECIPIENTS: Final = 50
_MAP_BY_NAME: Final = {
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
}
_SCHEDULE_MESSAGE: Final = (
    "schedule must be five cron fields (minute hour day-of-month month day-of-week), such as "
    "'0 9 * * 1-5', or HH:MM for daily, such as '09:00'"
)
_ZONE_PATTERN: Final = r"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$"


def _parses(schedule: str) -> bool:
    parse(schedule)
    return True


def _is_zone(name: str) -> bool:
    zone(name)
    return True


Schedule = Annotated[
    str,
    Rule(matches(SCHEDULE_PATTERN, "").cel, _SCHEDULE_MESSAGE, _parses),
    Field(min_length=1, max_length=200),
]
TimeZone = Annotated[
    str,
    Rule(
        matches(_ZONE_PATTERN, "").cel + " && self != 'Local'",
        "timeZone must be a name of the IANA time zone database, such as Europe/Berlin",
        _is_zone,
    ),
    Field(min_length=1, max_length=64),
]


class ConcurrencyPolicy(StrEnum):
    """What happens when a run is due while one is still going on; as in a CronJob."""

    ALLOW = "Allow"
    FORBID = "Forbid"
    REPLACE = "Replace"


class Script(APIModel):
    """The pandas script: it finds `data` and sets `result`."""

    one_of: ClassVar = ("inline", "config_map_key_ref")
    inline: (
        Annotated[
            str,
            Rule(
                f"size(bytes(self)) <= {MAX_INLINE_SCRIPT}",
                "an inline script has at most 64 KiB: keep a larger one in a ConfigMap "
                "(script.configMapKeyRef)",
                lambda text: len(text.encode("utf-8", "surrogatepass")) <= MAX_INLINE_SCRIPT,
            ),
            Field(min_length=1, max_length=MAX_INLINE_SCRIPT),
        ]
        | None
    ) = Field(None, description="The script itself, at most 64 KiB.")
    config_map_key_ref: ConfigMapKeyRef | None = Field(
        None, description="A key of a ConfigMap that holds the script; read when a run starts."
    )
    timeout_seconds: Annotated[int, Field(ge=1, le=3600)] = Field(
        300, description="Longest time that the script may run."
    )


def _recipients_fit(email: Any) -> bool:
    return len(email.to) + len(email.cc) + len(email.bcc) <= MAX_RECIPIENTS


class Email(APIModel):
    """One mail with the result attached."""

    rules: ClassVar = (
        Rule(
            "size(self.to) + (has(self.cc) ? size(self.cc) : 0) + "
            f"(has(self.bcc) ? size(self.bcc) : 0) <= {MAX_RECIPIENTS}",
            f"to, cc and bcc together have at most {MAX_RECIPIENTS} recipients",
            _recipients_fit,
        ),
    )
    to: Annotated[Addresses, Field(min_length=1, max_length=MAX_RECIPIENTS)] = Field(
        description="Recipients, 1 to 50."
    )
    cc: Annotated[Addresses, Field(max_length=MAX_RECIPIENTS)] = Field(
        default_factory=list, description="Recipients of a copy, seen by all."
    )
    bcc: Annotated[Addresses, Field(max_length=MAX_RECIPIENTS)] = Field(
        default_factory=list, description="Recipients of a copy, seen by nobody else."
    )
    reply_to: Annotated[Addresses, Field(max_length=5)] = Field(
        default_factory=list, description="Where answers go, if not to the sender."
    )
    subject: Annotated[OneLine, TEMPLATE_RULE, Field(min_length=1, max_length=200)] | None = Field(
        None,
        description="Subject; by default `Job Results: {name} - {timestamp}`. May hold "
        "`{{ report.name }}`, `{{ run.name }}`, `{{ run.date }}`, `{{ run.time }}` and "
        "`{{ result.rows }}`.",
    )
    text: Annotated[str, TEMPLATE_RULE, Field(min_length=1, max_length=10000)] | None = Field(
        None, description="Text of the mail; may hold the same placeholders as the subject."
    )
    smtp_secret_ref: SecretRef = Field(
        default_factory=lambda: SecretRef(name=DEFAULT_SMTP_SECRET),
        description="The Secret with SMTP_HOST, SMTP_PORT (587), SMTP_USER, SMTP_PASSWORD, "
        "SMTP_FROM_EMAIL, SMTP_USE_TLS (true) and, for a private authority, SMTP_CA_CERT.",
    )


class Delivery(APIModel):
    """Who gets the result, and how."""

    email: Email = Field(description="Send the result by mail.")


class NotificationEmail(APIModel):
    """A mail to people who look after the report."""

    to: Annotated[Addresses, Field(min_length=1, max_length=MAX_RECIPIENTS)] = Field(
        description="Recipients of the notice."
    )


class Notification(APIModel):
    """Who is told when something happens to the report."""

    name: ItemName = Field(description="Name of this notice.")
    events: Annotated[
        list[Literal["Failed"]],
        AfterValidator(entries_differ),
        Field(min_length=1, max_length=5, json_schema_extra={"x-kubernetes-list-type": "set"}),
    ] = Field(description="What is told: `Failed`, a run that failed.")
    email: NotificationEmail = Field(description="Tell it by mail.")


class RetryFetch(APIModel):
    """How often a source is asked again."""

    limit: Annotated[int, Field(ge=0, le=10)] = Field(
        3, description="Further attempts after the first one."
    )
    backoff_seconds: Annotated[int, Field(ge=0, le=60)] = Field(
        1, description="Wait before the second attempt; it doubles each time, up to 60 seconds."
    )


class RetryDelivery(APIModel):
    """How often the mail server is asked again."""

    limit: Annotated[int, Field(ge=0, le=10)] = Field(
        2, description="Further attempts after the first one."
    )
    backoff_seconds: Annotated[int, Field(ge=0, le=60)] = Field(
        5, description="Wait between two attempts."
    )


class Retry(APIModel):
    """What is tried again, and how often. The script is never run twice."""

    fetch: RetryFetch = Field(default_factory=RetryFetch, description="Fetching a source.")
    delivery: RetryDelivery = Field(default_factory=RetryDelivery, description="Sending the mail.")


class ResourceLimits(APIModel):
    """The most that the script may use."""

    cpu: Quantity = Field("1", description="CPU cores.")
    memory: Quantity = Field("512Mi", description="Memory; beyond it the run ends OutOfMemory.")


class ResourceRequests(APIModel):
    """What the scheduler sets aside for the script."""

    cpu: Quantity = Field("100m", description="CPU cores.")
    memory: Quantity = Field("128Mi", description="Memory.")


def _at_most(request: str, limit: str) -> bool:
    return parse_quantity(request) <= parse_quantity(limit)


class Resources(APIModel):
    """CPU and memory of the script."""

    rules: ClassVar = (
        Rule(
            "quantity(string(self.requests.memory)).compareTo("
            "quantity(string(self.limits.memory))) <= 0 && "
            "quantity(string(self.requests.cpu)).compareTo(quantity(string(self.limits.cpu))) <= 0",
            "requests must not be larger than limits",
            lambda r: (
                _at_most(r.requests.memory, r.limits.memory)
                and _at_most(r.requests.cpu, r.limits.cpu)
            ),
        ),
        Rule(
            "quantity(string(self.limits.memory)).compareTo(quantity('128Mi')) >= 0",
            "limits.memory must be at least 128Mi: pandas itself needs about 80Mi",
            lambda r: _at_most("128Mi", r.limits.memory),
        ),
    )
    limits: ResourceLimits = Field(
        default_factory=ResourceLimits, description="The most that the script may use."
    )
    requests: ResourceRequests = Field(
        default_factory=ResourceRequests, description="What is set aside for the script."
    )


class ReportSpec(APIModel):
    """What a report is: when, from which data, by which script, to whom."""

    rules: ClassVar = (
        Rule(
            "self.sources.size() == 1 || self.sources.exists(s, s.name == 'data')",
            "with several sources, one must be named data: it is the script's `data`",
            lambda spec: len(spec.sources) == 1 or any(s.name == "data" for s in spec.sources),
        ),
    )
    display_name: Annotated[OneLine, Field(min_length=1, max_length=100)] | None = Field(
        None, description="A title for people."
    )
    schedule: Schedule = Field(
        description="When: five cron fields (minute hour day-of-month month day-of-week), or "
        "HH:MM for daily."
    )
    time_zone: TimeZone = Field(
        "Etc/UTC", description="IANA time zone that the schedule is read in."
    )
    suspend: bool = Field(False, description="Whether scheduled runs are paused.")
    concurrency_policy: ConcurrencyPolicy = Field(
        ConcurrencyPolicy.FORBID,
        description="What happens when a run is due while one is going on: Allow both, Forbid "
        "the new one, or Replace the old one.",
    )
    starting_deadline_seconds: Annotated[int, Field(ge=30, le=86400)] = Field(
        600, description="How late a run may start; one that would be later is skipped."
    )
    parameters: Annotated[dict[str, Any], Field(max_length=50)] = Field(
        default_factory=dict,
        description="Values that the script finds as `params`.",
        json_schema_extra={"x-kubernetes-preserve-unknown-fields": True},
    )
    sources: Annotated[
        list[Source],
        AfterValidator(entries_differ),
        Field(min_length=1, max_length=10, json_schema_extra=_MAP_BY_NAME),
    ] = Field(description="Where the data come from.")
    script: Script = Field(description="The pandas script that makes `result` of `data`.")
    delivery: Delivery = Field(description="Who gets the result, and how.")
    notifications: Annotated[
        list[Notification],
        AfterValidator(entries_differ),
        Field(max_length=10, json_schema_extra=_MAP_BY_NAME),
    ] = Field(
        default_factory=list,
        description="Who is told of failures; by default those in `delivery.email.to`.",
    )
    retry: Retry = Field(default_factory=Retry, description="What is tried again, how often.")
    resources: Resources = Field(
        default_factory=Resources, description="CPU and memory of the script."
    )
    successful_runs_history_limit: Annotated[int, Field(ge=1, le=100)] = Field(
        10, description="How many successful ReportRuns are kept."
    )
    failed_runs_history_limit: Annotated[int, Field(ge=1, le=100)] = Field(
        10, description="How many other finished ReportRuns are kept."
    )


class ReportStatus(APIModel):
    """What was observed; written by the operator only."""

    observed_generation: int | None = Field(None, description="Generation that this describes.")
    conditions: Conditions = Field(default_factory=list, description="What is true of the report.")
    cron_job_name: str | None = Field(None, description="The CronJob that fires the runs.")
    cron_job_generation: int | None = Field(
        None, description="Generation of the CronJob as we wrote it; another one means drift."
    )
    last_schedule_time: Time | None = Field(None, description="Newest slot that a run began for.")
    next_schedule_time: Time | None = Field(None, description="When the next run is due.")
    last_success_time: Time | None = Field(None, description="When a run was last delivered.")
    last_run: RunSummary | None = Field(None, description="The newest finished run.")
    recent_runs: Annotated[
        list[RunSummary], Field(max_length=10, json_schema_extra=_MAP_BY_NAME)
    ] = Field(default_factory=list, description="The newest finished runs, newest first.")
    consecutive_failures: int = Field(0, description="Failed runs since the last success.")


class ScheduledReport(APIModel):
    """A report that is made on a schedule and mailed to people."""

    rules: ClassVar = (name_rule(MAX_REPORT_NAME, "a report's name", "its CronJob bears it"),)
    api_version: Literal["scheduledreports.dev/v1alpha1"] = API_VERSION
    kind: Literal["ScheduledReport"] = REPORT_KIND
    metadata: Metadata = Field(description="Standard metadata.")
    spec: ReportSpec = Field(description="What is asked for.")
    status: ReportStatus = Field(default_factory=ReportStatus, description="What was observed.")

"""Names that the parts agree on: API group, labels, annotations, paths inside the run's pod."""

from typing import Final

GROUP: Final = "scheduledreports.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = "scheduledreports.dev/v1alpha1"

REPORT_KIND: Final = "ScheduledReport"
REPORT_PLURAL: Final = "scheduledreports"
RUN_KIND: Final = "ReportRun"
RUN_PLURAL: Final = "reportruns"

REPORT_LABEL: Final = f"{GROUP}/report"
RUN_LABEL: Final = f"{GROUP}/run"
TRIGGER_LABEL: Final = f"{GROUP}/trigger"
MANAGED_BY_LABEL: Final = "app.kubernetes.io/managed-by"
MANAGER: Final = "scheduled-reports"
SCHEDULED_TIME_ANNOTATION: Final = "batch.kubernetes.io/cronjob-scheduled-timestamp"
TEMPLATE_HASH_ANNOTATION: Final = f"{GROUP}/template-hash"

RUNNER_SERVICE_ACCOUNT: Final = "scheduled-reports-runner"
RUNNER_CLUSTER_ROLE: Final = "scheduled-reports-runner"

# Only a Secret whose name says so may be used by a report: whoever may write a report could
# otherwise have any Secret of the namespace mounted.
SECRET_PREFIX: Final = "report-"  # noqa: S105  a prefix, no secret
DEFAULT_SMTP_SECRET: Final = "report-smtp"  # noqa: S105

# What the mail Secret may hold, and `srep run --local --send` reads from the environment.
SMTP_KEYS: Final = (
    "SMTP_HOST",
    "SMTP_PORT",
    "SMTP_USER",
    "SMTP_PASSWORD",
    "SMTP_FROM_EMAIL",
    "SMTP_USE_TLS",
    "SMTP_CA_CERT",
)

MAX_REPORT_NAME: Final = 52  # a CronJob's name: the controller appends 11 characters to it
MAX_RUN_NAME: Final = 63  # a Job's name is also the value of a label
MAX_INLINE_SCRIPT: Final = 64 * 1024  # kubectl copies the spec into annotations of 256 KiB at most

# Paths inside the run's pod.
INPUT_DIR: Final = "/run/report/input"
OUTPUT_DIR: Final = "/run/report/output"
WORK_DIR: Final = "/run/report/work"
SOURCES_DIR: Final = "/run/report/sources"
CREDENTIALS_DIR: Final = "/run/report/credentials"
SOCKET_NAME: Final = "script.sock"
SCRIPT_PATH: Final = "script/script.py"  # below CREDENTIALS_DIR

PLAN_VARIABLE: Final = "REPORT_PLAN"
SCRIPT_VARIABLE: Final = "REPORT_SCRIPT"

"""What each reason of a run means, and what to do about it: ``docs/reasons.md`` in short."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from report_types.outcome import Reason


@dataclass(frozen=True)
class Explanation:
    """One reason, for the report's owner."""

    meaning: str
    way_out: str


REASONS: Final[Mapping[Reason, Explanation]] = {
    Reason.DELIVERED: Explanation(
        "The mail server took the mail for every recipient.",
        "Nothing.",
    ),
    Reason.RECIPIENTS_REFUSED: Explanation(
        "The mail server took the mail for some recipients and refused others.",
        "Correct or remove the refused addresses in delivery.email; the deliveries list them.",
    ),
    Reason.INVALID_SPEC: Explanation(
        "The report breaks a rule, so it was not run.",
        "Correct what the message names; srep validate FILE checks again.",
    ),
    Reason.SECRET_MISSING: Explanation(
        "A Secret that a header of a source names is not there, or lacks the key.",
        "Create the Secret with that key in the report's namespace; for a local run, set the "
        "variable that the message names.",
    ),
    Reason.SCRIPT_MISSING: Explanation(
        "The ConfigMap that holds the script is not there, or lacks the key.",
        "Create the ConfigMap with that key in the report's namespace; for a local run, give "
        "--script PATH.",
    ),
    Reason.SMTP_NOT_CONFIGURED: Explanation(
        "The mail server's settings are missing or incomplete.",
        "Create the Secret that delivery.email.smtpSecretRef names (report-smtp by default) with "
        "SMTP_HOST and SMTP_FROM_EMAIL; for a local run, set them as variables, or leave --send "
        "out.",
    ),
    Reason.SOURCE_MISSING: Explanation(
        "The file of a source is not there.",
        "Check the source's path, and the ConfigMap or volume; for a local run, give --data "
        "NAME=PATH.",
    ),
    Reason.SOURCE_UNREACHABLE: Explanation(
        "A source could not be reached, or answered with a server error, at every attempt.",
        "Check the url and that its host is up and reachable from the cluster.",
    ),
    Reason.SOURCE_TIMEOUT: Explanation(
        "A source did not answer in time, at any attempt.",
        "Ask for less data, or raise http.timeoutSeconds.",
    ),
    Reason.SOURCE_REJECTED: Explanation(
        "A source refused the request, for instance with 401, 403 or 404.",
        "Check the url, and the credentials in the headers' Secret.",
    ),
    Reason.SOURCE_TOO_LARGE: Explanation(
        "A source sent more than http.maxSize.",
        "Ask for less data, or raise http.maxSize and resources.limits.memory.",
    ),
    Reason.SOURCE_INVALID: Explanation(
        "What a source sent cannot be read in its format.",
        "Look at the data; check format and recordsPath.",
    ),
    Reason.SANDBOX_UNAVAILABLE: Explanation(
        "The kernel cannot confine the script, so it was not run.",
        "Use nodes with Linux 6.7 or newer and Landlock enabled, or have the admin allow a "
        "degraded sandbox; a local run takes --unconfined for a script that you trust.",
    ),
    Reason.SCRIPT_ERROR: Explanation(
        "The script raised an error, or is not valid Python.",
        "Correct the line that the message names; srep run --local repeats the run.",
    ),
    Reason.SCRIPT_TIMEOUT: Explanation(
        "The script ran longer than script.timeoutSeconds.",
        "Make it do less, or raise script.timeoutSeconds.",
    ),
    Reason.OUT_OF_MEMORY: Explanation(
        "The script needed more memory than resources.limits.memory.",
        "Load fewer rows or columns, or raise resources.limits.memory.",
    ),
    Reason.RESULT_INVALID: Explanation(
        "The script set no result, or one that is no table.",
        "End the script with result = a DataFrame, a Series or a single value.",
    ),
    Reason.RESULT_TOO_LARGE: Explanation(
        "The CSV is too large to be mailed.",
        "Aggregate or filter in the script.",
    ),
    Reason.SMTP_UNREACHABLE: Explanation(
        "The mail server could not be reached, at any attempt.",
        "Check SMTP_HOST and SMTP_PORT, and that the server is reachable from the cluster.",
    ),
    Reason.SMTP_TLS_FAILED: Explanation(
        "No verified TLS connection to the mail server came about.",
        "Check SMTP_PORT and SMTP_USE_TLS; for a private authority, give its certificate as "
        "SMTP_CA_CERT.",
    ),
    Reason.SMTP_AUTH_FAILED: Explanation(
        "The mail server refused the user name or the password.",
        "Correct SMTP_USER and SMTP_PASSWORD in the SMTP Secret.",
    ),
    Reason.SMTP_REJECTED: Explanation(
        "The mail server refused the sender, every recipient, or the mail itself.",
        "Read its answer in the message; check SMTP_FROM_EMAIL and the addresses.",
    ),
    Reason.DELIVERY_UNKNOWN: Explanation(
        "The connection broke after the mail was handed over: it may have arrived or not.",
        "Ask the recipients; create a ReportRun to send it again.",
    ),
    Reason.DEADLINE_EXCEEDED: Explanation(
        "The whole run took longer than it may.",
        "Look at the durations for the slow phase; lower its timeout or its retries, or its work.",
    ),
    Reason.STOPPED: Explanation(
        "The run was told to stop before it was done, for instance by a node that was drained.",
        "Nothing in the cluster, where it starts again by itself; repeat a local run.",
    ),
    Reason.API_UNAVAILABLE: Explanation(
        "The Kubernetes API did not answer, so the run could not claim the delivery.",
        "Nothing; the run starts again by itself. Check the control plane if it stays so.",
    ),
    Reason.INTERNAL_ERROR: Explanation(
        "Something failed that should not: a bug in Scheduled Reports.",
        "Report it with the log of the container runner; a local run logs with SREP_DEBUG=1.",
    ),
    Reason.IMAGE_PULL_FAILED: Explanation(
        "The node could not pull the runner image.",
        "Check the image's name in the chart's values, and the node's access to the registry.",
    ),
    Reason.QUOTA_EXCEEDED: Explanation(
        "The namespace's ResourceQuota has no room for the run's pod.",
        "Raise the quota, or lower the report's resources.",
    ),
    Reason.UNSCHEDULABLE: Explanation(
        "No node has room for the run's pod, or may take it.",
        "Add capacity, or lower resources.requests.",
    ),
    Reason.POD_REJECTED: Explanation(
        "The cluster's admission refused the run's pod.",
        "Read the policy's message; let it admit the pods of Scheduled Reports, which meet Pod "
        "Security restricted.",
    ),
    Reason.CONTAINER_CONFIG_ERROR: Explanation(
        "A container of the run's pod could not be set up, for instance for want of a volume.",
        "Create the volume, ConfigMap or claim that the message names.",
    ),
    Reason.EVICTED: Explanation(
        "The node threw the run's pod out, for want of memory or disk.",
        "Raise resources.requests, so that a node with room is chosen.",
    ),
    Reason.NODE_LOST: Explanation(
        "The node that the run was on went away.",
        "Look after the node; create a ReportRun to repeat the run.",
    ),
    Reason.RUNNER_DIED: Explanation(
        "The container runner ended without a word.",
        "Look at its log and its exit code; raise the chart's runner memory if it was killed.",
    ),
    Reason.REPORT_NOT_FOUND: Explanation(
        "The ReportRun names a report that is not in its namespace.",
        "Create a ReportRun whose spec.reportRef.name is a report; kubectl get srep lists them.",
    ),
}

"""
The rules of the ledger's rows: what may be claimed, what has ended, when a run was due.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from report_types.plan import PlannedReport
from report_types.run import DeliveryRow, DeliveryState


def claimed(
    known: Iterable[DeliveryRow], wanted: Iterable[DeliveryRow], holder: str, *, is_retry: bool
) -> list[DeliveryRow]:
    """
    Return the rows after *holder* has claimed what it may of *wanted*.

    A row that is being sent already belongs to whoever died sending it, even if that is a pod of
    the same UID; unless this *is_retry* of our own claim, whose answer was lost.
    """
    rows = {_key(row): row for row in known}
    for key, row in rows.items():
        if row.state == DeliveryState.SENDING and not (is_retry and row.holder == holder):
            rows[key] = row.model_copy(update={"state": DeliveryState.UNKNOWN})
    for row in wanted:
        before = rows.get(_key(row), row)
        if not before.state.is_final:
            update = {"state": DeliveryState.SENDING, "holder": holder}
            rows[_key(row)] = before.model_copy(update={**update, "message_id": row.message_id})
    return list(rows.values())


def recorded(known: Iterable[DeliveryRow], ours: Iterable[DeliveryRow]) -> list[DeliveryRow]:
    """Return the rows *known* with *ours* in their places; what we know of ours is the truth."""
    rows = {_key(row): row for row in known}
    rows.update((_key(row), row) for row in ours)
    return list(rows.values())


def _key(row: DeliveryRow) -> tuple[bool, str]:
    return row.role == "failure", row.recipient.lower()


def scheduled_time(run_name: str, report: PlannedReport) -> datetime | None:
    """Return a scheduled run's slot: its Job's name ends with the slot's minutes since 1970."""
    minutes = run_name.removeprefix(f"{report.name}-")
    if minutes == run_name or not (minutes.isascii() and minutes.isdecimal()):
        return None
    try:
        return datetime.fromtimestamp(int(minutes) * 60, UTC)
    except (OverflowError, ValueError, OSError):
        return None

"""What the demo prints: lines of plain text, with bold headings where a terminal shows them."""

import csv
import io
import os
import sys
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Final

from report_demo.inbox import Attachment, Mail
from report_demo.verify import Receipt

_HEADERS: Final = ("From", "To", "Cc", "Subject", "Date", "Message-ID")
_FIRST_ROWS: Final = 5
_WIDEST_CELL: Final = 24


def say(text: str = "") -> None:
    """Print a line at once."""
    print(text, flush=True)


def heading(text: str) -> None:
    """Print a heading: bold on a terminal, with a blank line above it."""
    bold = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    say(f"\n\033[1m{text}\033[0m" if bold else f"\n{text}")


def columns(rows: Iterable[Sequence[str]]) -> list[str]:
    """Return *rows* as lines of aligned columns."""
    table = [[cell[:_WIDEST_CELL] for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip_longest(*table, fillvalue="")]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]


def file_lines(file: Attachment) -> list[str]:
    """Return the first rows of an attached CSV, under its name and size."""
    rows = list(csv.reader(io.StringIO(file.content.decode("utf-8", "replace"))))
    count = max(0, len(rows) - 1)
    rows_text = "1 row" if count == 1 else f"{count:,} rows"
    more = count - _FIRST_ROWS
    return [
        f"{file.name}: {rows_text}, {len(file.content):,} bytes",
        *columns(rows[: _FIRST_ROWS + 1]),
        *([f"and {more} more rows"] if more > 0 else []),
    ]


def mail_lines(mail: Mail) -> list[str]:
    """Return a mail as its reader sees it: headers, text, the first rows of its files."""
    message = mail.message
    headers = [f"{name + ':':<12} {message[name]}" for name in _HEADERS if message[name]]
    files = [["", *file_lines(file)] for file in mail.attachments]
    return [*headers, "", *mail.text.strip().splitlines(), *(line for f in files for line in f)]


def show_mails(receipts: Sequence[Receipt]) -> None:
    """Print each mail that arrived, once, under the names of all who got it."""
    readers: dict[tuple[str, int], list[str]] = {}
    mails: dict[int, Mail] = {}
    for receipt in receipts:
        if receipt.mail is not None:
            mails[receipt.mail.id] = receipt.mail
            readers.setdefault((receipt.report, receipt.mail.id), []).append(receipt.recipient)
    for (report, mail_id), recipients in readers.items():
        heading(f"Mail of {report} to {', '.join(recipients)}")
        for line in mail_lines(mails[mail_id]):
            say(f"  {line}".rstrip())


def show_checks(receipts: Sequence[Receipt], strange: Sequence[Mail]) -> None:
    """Print what was found when each mail was held against the data."""
    heading("Checked against the data, in plain Python instead of pandas")
    for receipt in receipts:
        verdict = "every cell agrees" if receipt.delivered else "; ".join(receipt.problems)
        say(f"  {receipt.report} to {receipt.recipient}: {verdict}")
    for mail in strange:
        say(f"  a mail that no run has recorded: {mail.message['Subject']}")


def all_is_well(receipts: Sequence[Receipt], strange: Sequence[Mail]) -> bool:
    """Whether every mail arrived once with the right numbers, and no other mail came."""
    return all(receipt.delivered for receipt in receipts) and not strange


def conclude(receipts: Sequence[Receipt], strange: Sequence[Mail]) -> int:
    """Print ``delivered N of N``; return the exit code, 0 only if all is well."""
    delivered = sum(receipt.delivered for receipt in receipts)
    say(f"\ndelivered {delivered} of {len(receipts)}")
    return 0 if all_is_well(receipts, strange) else 1

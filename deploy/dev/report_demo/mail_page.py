"""The mail catcher's page: text only, everything from a mail escaped."""

from html import escape
from typing import Final

from report_demo.inbox import Attachment, Mail

_PREVIEW_LINES: Final = 20
_STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 64rem; padding: 0 1rem;
  color: #1c1c1c; background: #fff }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100% }
th { text-align: left; font-weight: 600; color: #555; white-space: nowrap; vertical-align: top }
th, td { padding: .35rem .75rem .35rem 0; border-bottom: 1px solid #ddd; overflow-wrap: anywhere }
td.number, th.number { text-align: right; white-space: nowrap }
pre { padding: .75rem 1rem; background: #f4f4f2; overflow-x: auto; white-space: pre-wrap }
pre.data { white-space: pre }
a { color: #0a58a6 }
@media (prefers-color-scheme: dark) {
  body { color: #e6e6e6; background: #161616 } th { color: #aaa } a { color: #7db7ee }
  th, td { border-color: #333 } pre { background: #222 } }
"""


def _document(title: str, body: str, head: str = "") -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"{head}<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body>{body}</body></html>\n"
    )


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _row(mail: Mail) -> str:
    subject = str(mail.message.get("Subject", "")) or "(no subject)"
    return (
        f"<tr><td>{mail.received:%H:%M:%S}</td>"
        f'<td><a href="/messages/{mail.id}/view">{escape(subject)}</a></td>'
        f"<td>{escape(mail.sender)}</td><td>{escape(', '.join(mail.recipients))}</td>"
        f'<td class="number">{len(mail.raw):,}</td></tr>'
    )


def list_page(mails: list[Mail]) -> str:
    """Return the page that lists *mails*, newest first; it loads itself anew every 5 seconds."""
    if mails:
        rows = "".join(_row(mail) for mail in reversed(mails))
        body = (
            "<table><tr><th>Received (UTC)</th><th>Subject</th><th>From</th><th>To</th>"
            f'<th class="number">Bytes</th></tr>{rows}</table>'
        )
    else:
        body = "<p>No mail yet. It appears here by itself.</p>"
    refresh = '<meta http-equiv="refresh" content="5">'
    title = f"Mail catcher: {_count(len(mails), 'mail')}"
    return _document(title, f"<h1>{title}</h1>{body}", refresh)


def mail_page(mail: Mail) -> str:
    """Return the page that shows one mail: headers, text, the first lines of its files."""
    message = mail.message
    headers = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>"
        for name, value in message.items()
    )
    files = "".join(_file(mail.id, n, file) for n, file in enumerate(mail.attachments))
    subject = str(message.get("Subject", "")) or "(no subject)"
    return _document(
        subject,
        f'<p><a href="/">All mails</a> | <a href="/messages/{mail.id}/raw">Raw</a></p>'
        f"<h1>{escape(subject)}</h1><table>{headers}"
        f"<tr><th>Envelope to</th><td>{escape(', '.join(mail.recipients))}</td></tr></table>"
        f"<pre>{escape(mail.text)}</pre>{files}",
    )


def _file(mail_id: int, number: int, file: Attachment) -> str:
    link = f'<a href="/messages/{mail_id}/attachments/{number}">{escape(file.name)}</a>'
    head = f"<h2>{link}: {escape(file.content_type)}, {len(file.content):,} bytes</h2>"
    if not file.content_type.startswith("text/"):
        return head
    lines = file.content.decode("utf-8", "replace").splitlines()
    more = len(lines) - _PREVIEW_LINES
    rest = f"<p>and {_count(more, 'more line')}</p>" if more > 0 else ""
    return f'{head}<pre class="data">{escape(chr(10).join(lines[:_PREVIEW_LINES]))}</pre>{rest}'

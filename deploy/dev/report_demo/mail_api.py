"""The mail catcher's HTTP side: the API that programs read, and the page for people."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from report_demo.inbox import Inbox, Mail
from report_demo.mail_page import list_page, mail_page
from report_demo.web import (
    Request,
    Response,
    Service,
    as_json,
    as_text,
    method_not_allowed,
    not_found,
)

# Whatever a mail holds, the browser is to show it, never to run it.
_HARMLESS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}


def mail_service(inbox: Inbox) -> Service:
    """Return the service that shows *inbox*."""

    def answer(request: Request) -> Response:
        match request.path.strip("/").split("/"):
            case ["messages"] if request.method == "DELETE":
                inbox.clear()
                return Response(status=HTTPStatus.NO_CONTENT)
            case _ if request.method != "GET":
                return method_not_allowed(request)
            case ["messages"]:
                return as_json([mail.to_wire() for mail in inbox.mails()])
            case ["messages", mail_id, "raw"]:
                return _of_mail(inbox, mail_id, request, _raw)
            case ["messages", mail_id, "attachments", number]:
                return _of_mail(inbox, mail_id, request, lambda mail: _attachment(mail, number))
            case ["messages", mail_id, "view"]:
                return _of_mail(inbox, mail_id, request, lambda mail: _page(mail_page(mail)))
            case [""]:
                return _page(list_page(inbox.mails()))
            case ["healthz"]:
                return as_text("ok")
        return not_found(request)

    return answer


def _of_mail(
    inbox: Inbox, mail_id: str, request: Request, show: Callable[[Mail], Response | None]
) -> Response:
    """Show the mail with this id, or say that it, or this part of it, is not there."""
    mail = inbox.get(int(mail_id)) if mail_id.isascii() and mail_id.isdigit() else None
    return (mail and show(mail)) or not_found(request)


def _raw(mail: Mail) -> Response:
    return Response(mail.raw, content_type="text/plain; charset=utf-8", headers=_HARMLESS)


def _attachment(mail: Mail, number: str) -> Response | None:
    files = mail.attachments
    if not (number.isascii() and number.isdigit() and int(number) < len(files)):
        return None
    file = files[int(number)]
    disposition = f"attachment; filename*=UTF-8''{quote(file.name, safe='')}"
    headers = {**_HARMLESS, "Content-Disposition": disposition}
    return Response(file.content, content_type=file.content_type, headers=headers)


def _page(html: str) -> Response:
    return Response(html.encode(), content_type="text/html; charset=utf-8", headers=_HARMLESS)

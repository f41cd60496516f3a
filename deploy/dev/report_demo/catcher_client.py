"""Reading a mail catcher over its HTTP API, wherever it runs."""

import json
from collections.abc import Callable
from datetime import datetime
from urllib.request import ProxyHandler, build_opener

from report_demo.inbox import Mail

Get = Callable[[str], bytes]  # the body of GET path


def over_http(url: str) -> Get:
    """Return the way to a catcher at *url*; no proxy of the machine's stands between."""
    opener = build_opener(ProxyHandler({}))

    def get(path: str) -> bytes:
        with opener.open(url + path, timeout=10) as response:
            body: bytes = response.read()
            return body

    return get


def fetch_mails(get: Get) -> list[Mail]:
    """Return all mails that the catcher keeps, oldest first."""
    return [
        Mail(
            id=entry["id"],
            sender=entry["from"],
            recipients=tuple(entry["to"]),
            received=datetime.fromisoformat(entry["received"]),
            raw=get(f"/messages/{entry['id']}/raw"),
        )
        for entry in json.loads(get("/messages"))
    ]

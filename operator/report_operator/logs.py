"""Logs as JSON lines: one object per decision, with what it is about in fields of its own."""

import json
import logging
import sys
import time
from typing import Final

_FIELDS: Final = ("report", "run", "namespace", "reason", "error")
# kopf tells of each attempt of each watch while the API server is away; we tell of it once.
_QUIET: Final = {
    "kopf": logging.WARNING,
    "kopf._cogs.clients": logging.CRITICAL,
    "aiohttp": logging.WARNING,
    "asyncio": logging.WARNING,
}


class JSONFormatter(logging.Formatter):
    """Writes a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        entry = {
            "time": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry |= {name: str(record.__dict__[name]) for name in _FIELDS if name in record.__dict__}
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def configure_logs(level: int) -> None:
    """Send all logs to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name, quiet in _QUIET.items():
        logging.getLogger(name).setLevel(max(level, quiet))

"""Running a server of the demo as the one process of a container."""

import logging
import signal
from contextlib import AbstractContextManager


def serve_until_stopped(server: AbstractContextManager[object]) -> None:
    """Run *server* until SIGTERM or SIGINT, with its log on standard error."""
    # Blocked before any thread starts: a signal must reach sigwait, not kill a thread.
    stops = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    # It logs every command, addresses included.
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    with server:
        signal.sigwait(stops)

"""
What is to be reconciled: a set of keys, each worked on by at most one worker at a time.

An event only marks its key. A key marked while it is worked on is worked on again afterwards; one
whose work failed comes again, later each time. No key keeps another one waiting.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Final

from report_operator.cache import Key

log = logging.getLogger(__name__)

Work = Callable[[Key], Awaitable[float | None]]

WORKERS: Final = 32
FIRST_BACKOFF: Final = 0.5  # seconds
LONGEST_BACKOFF: Final = 120.0


class WorkQueue:
    """Runs *work* for every key that is marked; what it returns is when to mark it again."""

    def __init__(self, work: Work, workers: int = WORKERS) -> None:
        self._work = work
        self._workers = workers
        self._ready: asyncio.Queue[Key] = asyncio.Queue()
        self._marked: set[Key] = set()
        self._running: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}

    def mark(self, key: Key) -> None:
        """Have *key* worked on as soon as a worker is free."""
        if key not in self._marked:
            self._marked.add(key)
            if key not in self._running:
                self._ready.put_nowait(key)

    def mark_later(self, key: Key, seconds: float) -> None:
        """Have *key* worked on in *seconds*, unless that is to happen sooner anyway."""
        loop = asyncio.get_running_loop()
        known = self._timers.get(key)
        if known is not None and known.when() <= loop.time() + seconds:
            return
        self._forget_timer(key)
        self._timers[key] = loop.call_later(seconds, self._on_timer, key)

    async def run(self) -> None:
        """Work for ever; an error in here, rather than in the work, ends it."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._workers):
                group.create_task(self._serve())

    async def _serve(self) -> None:
        while True:
            key = await self._ready.get()
            self._marked.discard(key)
            self._running.add(key)
            self._forget_timer(key)
            try:
                await self._attempt(key)
            finally:
                self._running.discard(key)
            if key in self._marked:
                self._ready.put_nowait(key)

    async def _attempt(self, key: Key) -> None:
        try:
            seconds = await self._work(key)
        except Exception as error:
            self._failures[key] = failures = self._failures.get(key, 0) + 1
            # More than ten doublings are past the longest wait anyway.
            longest = min(FIRST_BACKOFF * 2 ** min(failures, 10), LONGEST_BACKOFF)
            seconds = longest * random.uniform(0.5, 1)  # noqa: S311  no secret
            extra = {"report": "/".join(key), "error": repr(error)}
            is_puzzling = not isinstance(error, (OSError, TimeoutError)) and failures == 1
            log.warning("Reconcile failed; will retry", extra=extra, exc_info=is_puzzling)
        else:
            self._failures.pop(key, None)
        if seconds is not None:
            self.mark_later(key, seconds)

    def _on_timer(self, key: Key) -> None:
        self._timers.pop(key, None)
        self.mark(key)

    def _forget_timer(self, key: Key) -> None:
        if timer := self._timers.pop(key, None):
            timer.cancel()

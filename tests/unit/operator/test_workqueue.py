"""The work queue: one worker per key, nobody waits for another key, and failures come again."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import pytest

from report_operator import workqueue
from report_operator.cache import Key
from report_operator.workqueue import WorkQueue

A, B = ("team", "a"), ("team", "b")


def drive(
    work: Callable[[Key], Awaitable[float | None]],
    scenario: Callable[[WorkQueue], Awaitable[None]],
) -> None:
    """Run *scenario* beside a queue that does *work*, and stop the queue afterwards."""

    async def main() -> None:
        queue = WorkQueue(work, workers=4)
        running = asyncio.create_task(queue.run())
        try:
            async with asyncio.timeout(5):
                await scenario(queue)
        finally:
            running.cancel()

    asyncio.run(main())


def test_marks_of_a_waiting_key_are_one() -> None:
    done: list[Key] = []

    async def work(key: Key) -> None:
        done.append(key)

    async def scenario(queue: WorkQueue) -> None:
        for _ in range(5):
            queue.mark(A)
        await asyncio.sleep(0.05)

    drive(work, scenario)
    assert done == [A]


def test_key_is_worked_on_by_one_worker_and_again_if_it_was_marked_meanwhile() -> None:
    log: list[str] = []

    async def work(key: Key) -> None:
        log.append("begin")
        await asyncio.sleep(0.02)
        log.append("end")

    async def scenario(queue: WorkQueue) -> None:
        queue.mark(A)
        await asyncio.sleep(0.01)
        queue.mark(A)
        queue.mark(A)
        await asyncio.sleep(0.1)

    drive(work, scenario)
    assert log == ["begin", "end", "begin", "end"]


def test_slow_key_keeps_no_other_waiting() -> None:
    done: list[Key] = []

    async def work(key: Key) -> None:
        if key == A:
            await asyncio.sleep(60)
        done.append(key)

    async def scenario(queue: WorkQueue) -> None:
        queue.mark(A)
        await asyncio.sleep(0.01)
        queue.mark(B)
        while not done:
            await asyncio.sleep(0.01)

    drive(work, scenario)
    assert done == [B]


def test_failed_work_comes_again_later_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workqueue, "FIRST_BACKOFF", 0.02)
    moments: list[float] = []

    async def work(key: Key) -> None:
        moments.append(asyncio.get_running_loop().time())
        if len(moments) < 4:
            raise OSError("away")

    async def scenario(queue: WorkQueue) -> None:
        queue.mark(A)
        while len(moments) < 4:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)

    drive(work, scenario)
    waits = [after - before for before, after in itertools.pairwise(moments)]
    assert len(waits) == 3, "after a success it comes no more"
    assert 0.015 < waits[0] < 0.1
    assert waits[2] > 0.075


def test_work_says_when_it_is_to_be_done_again() -> None:
    done: list[Key] = []

    async def work(key: Key) -> float | None:
        done.append(key)
        return 0.01 if len(done) < 3 else None

    async def scenario(queue: WorkQueue) -> None:
        queue.mark(A)
        await asyncio.sleep(0.2)

    drive(work, scenario)
    assert done == [A, A, A]


def test_sooner_mark_takes_the_place_of_a_later_one() -> None:
    done: list[Key] = []

    async def work(key: Key) -> None:
        done.append(key)

    async def scenario(queue: WorkQueue) -> None:
        queue.mark_later(A, 60)
        queue.mark_later(A, 0.01)
        queue.mark_later(A, 60)
        await asyncio.sleep(0.1)

    drive(work, scenario)
    assert done == [A]

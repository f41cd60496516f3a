"""What ends a run from outside."""

import time
from threading import Thread

import pytest

from report_runner.interrupts import DEADLINE, STOPPED, InterruptedRunError, Interrupts


def test_an_interrupt_ends_the_run_where_it_is() -> None:
    interrupts = Interrupts()
    with pytest.raises(InterruptedRunError) as caught:
        interrupts.interrupt(STOPPED)

    assert caught.value.error is STOPPED


def test_kept_interrupts_are_only_told() -> None:
    interrupts = Interrupts()
    interrupts.keep()
    interrupts.interrupt(DEADLINE)

    assert interrupts.pending is DEADLINE
    assert interrupts.wait(10)


def test_a_second_interrupt_does_not_disturb_the_first() -> None:
    """The run is ending already, and must be able to say how."""
    interrupts = Interrupts()
    with pytest.raises(InterruptedRunError):
        interrupts.interrupt(DEADLINE)
    interrupts.interrupt(STOPPED)

    assert interrupts.pending is STOPPED


def test_a_wait_ends_with_an_interrupt() -> None:
    interrupts = Interrupts()
    interrupts.keep()
    began = time.monotonic()
    Thread(target=interrupts.interrupt, args=(STOPPED,)).start()

    assert interrupts.wait(10)
    assert time.monotonic() - began < 5
    assert not Interrupts().wait(0)

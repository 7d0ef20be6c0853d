"""Signals that end the client: where they do so, and where they wait for what is being done."""

import os
import select
import signal
from collections.abc import Iterator

import pytest

from reference.client.interrupts import Interrupts, Output


@pytest.fixture
def interrupts() -> Iterator[Interrupts]:
    numbers = [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT]
    before = [(number, signal.getsignal(number)) for number in numbers]
    with Interrupts(keys=False) as interrupts:
        yield interrupts
    for number, handler in before:
        signal.signal(number, handler)


def test_what_is_being_done_is_done_first(interrupts: Interrupts) -> None:
    signal.raise_signal(signal.SIGTERM)
    assert select.select([interrupts], [], [])[0]
    with pytest.raises(SystemExit) as end:
        interrupts.take()
    assert end.value.code == 128 + signal.SIGTERM


def test_a_write_begins_no_more(interrupts: Interrupts) -> None:
    reads, writes = os.pipe()
    signal.raise_signal(signal.SIGHUP)
    with pytest.raises(SystemExit) as end:
        Output(writes, interrupts).write(b"too late")
    os.close(writes)
    assert end.value.code == 128 + signal.SIGHUP
    assert not os.read(reads, 99)
    os.close(reads)


@pytest.mark.parametrize("blocking", [True, False])
def test_a_write_that_waits_ends(interrupts: Interrupts, blocking: bool) -> None:
    """Nobody reads."""
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    with pytest.raises(BlockingIOError):
        os.write(writes, bytes(2**22)) and os.write(writes, bytes(2**22))
    os.set_blocking(writes, blocking)
    signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGTERM))
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    with pytest.raises(SystemExit) as end:
        Output(writes, interrupts).write(b"too much")
    assert end.value.code == 128 + signal.SIGTERM
    os.close(reads)
    os.close(writes)


@pytest.mark.parametrize(("number", "times"), [(signal.SIGTERM, 1), (signal.SIGINT, 2)])
def test_it_ends_wherever_it_is_when_asked_again(interrupts: Interrupts, number: int, times: int) -> None:
    for _ in range(times):
        signal.raise_signal(number)
    with pytest.raises((SystemExit, KeyboardInterrupt)):
        signal.raise_signal(number)


def test_nothing_ends_the_cleaning_up(interrupts: Interrupts) -> None:
    signal.raise_signal(signal.SIGTERM)
    interrupts.ignore()
    with interrupts.waiting():
        signal.raise_signal(signal.SIGTERM)

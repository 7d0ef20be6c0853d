"""The ledger of those who come and go: what agrees with the observer's log, and what does not."""

import pytest

from benchmarks.errors import Errors
from benchmarks.ledger import Ledger

DONE = [b"JOINED c1-1", b"SAID c2-1 r0 c2 1", b"NICK c1-1 c1-2", b"SAID c1-2 r0 c1 1", b"LEFT c1-2 moved"]
RECEIVED = [DONE[1], DONE[3]]  # by c1: neither its own JOINED, nor its NICK and LEFT
OTHER_ROOM = b"SAID c2-1 r1 c2 2"


def judged(observed: list[bytes], received: list[bytes], *, partial: bool = False) -> dict[str, int]:
    """Return the errors where all that is DONE is due, and an observer and the client c1 received this."""
    errors = Errors()
    ledger = Ledger([b"r0"], errors)
    for line in DONE:
        ledger.expect(b"r0", line)
    stay = ledger.enter(b"r0", b"c1-")
    for line in observed:
        ledger.observed(b"r0", line)
        ledger.settle()
    stay.lines.extend(received)
    stay.partial = partial
    ledger.settle()
    ledger.finish()
    return dict(errors.counts)


def test_a_stay_that_agrees_is_right() -> None:
    assert judged(DONE, RECEIVED) == {}


@pytest.mark.parametrize(
    ("received", "found"),
    [
        ([], {"missing": 2}),
        (RECEIVED[:1], {"missing": 1}),
        (RECEIVED[1:], {"missing": 1}),
        ([RECEIVED[0], *RECEIVED], {"doubled": 1}),
        ([*RECEIVED, RECEIVED[1]], {"doubled": 1}),
        (RECEIVED[::-1], {"reordered": 1}),
        ([RECEIVED[0], OTHER_ROOM, RECEIVED[1]], {"misrouted": 1}),
        ([*RECEIVED, b"SAID c1-2 cut"], {"altered": 1}),
    ],
)
def test_a_stay_that_differs_is_told(received: list[bytes], found: dict[str, int]) -> None:
    assert judged(DONE, received) == found


def test_who_was_cut_off_may_lack_the_end_and_nothing_else() -> None:
    assert judged(DONE, [], partial=True) == {}
    assert judged(DONE, RECEIVED[:1], partial=True) == {}
    assert judged(DONE, [*RECEIVED, RECEIVED[1]], partial=True) == {"doubled": 1}


@pytest.mark.parametrize(
    ("observed", "found"),
    [
        ([*DONE[:3], DONE[4]], {"missing": 1, "doubled": 1}),  # nobody but c1 got it: one too few, and one too many
        ([*DONE[:2], DONE[1], *DONE[2:]], {"doubled": 1, "missing": 1}),
        ([*DONE, OTHER_ROOM], {"misrouted": 1}),
        ([*DONE, b"SAID c2-1 cut"], {"altered": 1}),
        ([*DONE, b"LEFT c1-2 moved"], {"doubled": 1}),
    ],
)
def test_an_observer_that_lacks_something_or_gets_more_is_told(observed: list[bytes], found: dict[str, int]) -> None:
    assert judged(observed, RECEIVED) == found


def test_messages_of_one_speaker_come_in_order() -> None:
    errors = Errors()
    ledger = Ledger([b"r0"], errors)
    lines = [b"SAID c2-1 r0 c2 1", b"SAID c2-1 r0 c2 2"]
    for line in lines:
        ledger.expect(b"r0", line)
    for line in lines[::-1]:
        ledger.observed(b"r0", line)
    ledger.finish()
    assert dict(errors.counts) == {"reordered": 1}


def test_what_was_said_right_before_a_cut_may_be_lost_and_may_come() -> None:
    for observed in ([], [DONE[1]]):
        errors = Errors()
        ledger = Ledger([b"r0"], errors)
        ledger.expect(b"r0", DONE[1])
        ledger.excuse(b"r0", DONE[1])
        for line in observed:
            ledger.observed(b"r0", line)
        ledger.finish()
        assert not errors, observed


def test_what_all_have_behind_them_is_forgotten() -> None:
    ledger = Ledger([b"r0"], Errors())
    for number in range(100):
        line = b"SAID c2-1 r0 c2 %d" % number
        ledger.expect(b"r0", line)
        ledger.observed(b"r0", line)
    ledger.settle()
    log = ledger.logs[b"r0"]
    assert (log.lines, log.trimmed, len(log.due)) == ([], 100, 0)

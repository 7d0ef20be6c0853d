"""Servers that checks use one after the other: each check finds nobody there, or gets a new one."""

from collections.abc import Callable, Iterator

import pytest

from conformance.stage.server import Stage
from conformance.stage.server_subject import IN_TURN, CommandSubject, Crowd
from conformance.text.grammar import Grammar
from conformance.text.requirements import GRAMMAR, find_spec
from conformance.wire.failure import Inconclusive
from conformance.wire.peer import Peer
from tests.suite import faulty


@pytest.fixture
def stages() -> Iterator[Callable[[], Stage]]:
    """A maker of stages on one subject."""
    subject = CommandSubject(faulty())
    grammar = Grammar(find_spec() / GRAMMAR)
    yield lambda: Stage(subject, grammar)
    subject.close()


def play(stage: Stage, end: Callable[[Peer], None]) -> int:
    """Let a client enter a room on a server in turn, and end; return the server's port, when the turn is over."""
    try:
        port = stage.take_turn(terminal=False).address[1]
        (ann,) = stage.members(stage.room(), "ann")
        end(ann)
        return port
    finally:
        stage.close()


@pytest.mark.parametrize("end", [lambda ann: None, Peer.half_close, Peer.stall], ids=["stays", "half-closes", "stalls"])
def test_the_next_check_finds_nobody(stages: Callable[[], Stage], end: Callable[[Peer], None]) -> None:
    port, stage = play(stages(), end), stages()
    try:
        server = stage.take_turn(terminal=False)
        assert server.address[1] == port
        ann = stage.connect("ann")
        ann.settled()
        ann.send("/rooms")
        ann.expect("ROOMS 0")
    finally:
        stage.close()


@pytest.mark.parametrize("end", [Peer.close, Peer.reset], ids=["closes", "resets"])
def test_after_a_client_whose_end_the_server_may_not_know_there_is_a_new_one(
    stages: Callable[[], Stage], end: Callable[[Peer], None]
) -> None:
    assert play(stages(), end) != play(stages(), Peer.half_close)


def test_after_a_check_that_did_not_pass_there_is_a_new_one(stages: Callable[[], Stage]) -> None:
    failing = stages()
    failing.passed = False
    assert play(failing, Peer.half_close) != play(stages(), Peer.half_close)


def test_each_has_a_server_for_itself_and_no_more_are_started_than_there_may_be(stages: Callable[[], Stage]) -> None:
    taking = [stages() for _ in range(IN_TURN)]
    try:
        assert len({stage.take_turn(terminal=False).address[1] for stage in taking}) == IN_TURN
        late = stages()
        late.cancelled = True
        with pytest.raises(Inconclusive):
            late.take_turn(terminal=False)
        late.close()
    finally:
        for stage in taking:
            stage.close()


def test_of_many_checks_the_one_that_came_first_gets_further_clients() -> None:
    crowd = Crowd()
    assert crowd.admit("first", 0, 0)
    assert crowd.admit("second", 0, 0)
    assert crowd.admit("first", 1000, 0)
    assert not crowd.admit("second", 1, 0)
    crowd.leave("first")
    assert crowd.admit("second", 1, 0)

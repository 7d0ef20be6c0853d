"""No check waits for what cannot come, and none holds a run up."""

from collections.abc import Iterator

import pytest

from conformance.stage.server import Stage
from conformance.stage.server_subject import CommandSubject
from conformance.text.grammar import Grammar
from conformance.text.requirements import GRAMMAR, find_spec
from conformance.wire.failure import Failed, Inconclusive, NotReached
from tests.suite import faulty

LONG = 600.0  # seconds: a wait for the deadline would not end within a test's time


@pytest.fixture
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """A stage on a server with the faults that the test names, where deadlines are long and pings are asked soon."""
    subject = CommandSubject(faulty(*request.param))
    stage = Stage(subject, Grammar(find_spec() / GRAMMAR), deadline=LONG)
    stage.patience = 0.05
    yield stage
    stage.close()
    subject.close()


@pytest.mark.parametrize("stage", [["joined-missing"]], indirect=True)
def test_a_line_that_has_not_come_before_a_later_pong_is_not_waited_for(stage: Stage) -> None:
    with pytest.raises(Failed) as failed:
        stage.members(stage.room(), "ann", "bob")
    assert failed.value.asks == "ROOM-2"
    assert failed.value.preparing
    assert failed.value.received == "nothing, though a later ping was answered"


@pytest.mark.parametrize("stage", [["left-behind-bye"]], indirect=True)
def test_what_one_who_is_lost_brings_is_waited_for(stage: Stage) -> None:
    """No ping tells when the server has noticed the end of a connection."""
    ann, bob = stage.members(stage.room(), "ann", "bob")
    ann.close()
    bob.expect(f"LEFT {ann.name} lost")


@pytest.mark.parametrize("stage", [[]], indirect=True)
def test_what_is_known_not_to_hold_is_not_tried_again(stage: Stage) -> None:
    (ann,) = stage.members(stage.room(), "ann")
    stage.broken = {"SAY-2": "SAY-2"}
    with pytest.raises(NotReached, match="not reached: SAY-2 does not hold"):
        ann.expect("SAID nobody nothing")
    ann.expect_nothing()


@pytest.mark.parametrize("stage", [[]], indirect=True)
def test_a_check_ends_when_its_time_is_over(stage: Stage) -> None:
    (ann,) = stage.members(stage.room(), "ann")
    stage.end = 0.0
    with pytest.raises(Inconclusive, match="not through in"):
        ann.settle()

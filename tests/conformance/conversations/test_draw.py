"""The conversations that are drawn: what has to be in them, sooner or later."""

import re
from random import Random

from conformance.conversations.draw import conversation, volume
from conformance.conversations.steps import LATE, Step
from conformance.text.name_space import WORDS, is_name

MANY = [conversation(Random(f"1 {number}")) for number in range(300)]
STEPS = [one for steps in MANY for step in steps for one in (step, *step.parts)]
STREAMS = [step.octets for step in STEPS]
ENDINGS = ("half-closes", "closes", "resets")


def asked_for(command: bytes) -> set[str]:
    """Return all names for which a command asks."""
    lines = (line.removesuffix(b"\r") for stream in STREAMS for line in stream.split(b"\n"))
    return {line[len(command) :].decode("utf-8", "replace") for line in lines if line.startswith(command)}


def test_one_source_of_chance_draws_one_conversation() -> None:
    assert conversation(Random("1 7")) == MANY[7] != MANY[8]


def test_names_and_rooms_come_from_the_whole_space() -> None:
    for command in (b"/nick ", b"/cd "):
        names = [name for name in asked_for(command) if is_name(name)]
        assert 1 in map(len, names)
        assert "{32}" in asked_for(command)
        assert len({"1", "01", "001", "1e0"}.intersection(names)) > 1
        assert any(name.replace("_", "-") in names for name in names if "_" in name)
        assert any(name.swapcase() in names for name in names if not name.islower())
        assert len(set(WORDS).intersection(names)) > len(WORDS) / 2
        refused = [name for name in asked_for(command) if not name.isascii()]
        assert len(refused) > 100


def test_connections_end_in_each_way_and_what_is_unread_with_them() -> None:
    assert {step.verb for step in STEPS} >= {*ENDINGS, "connects", "sends", "stalls", "reads", "types", "ends"}
    assert any(stream.startswith(b"exit\n") for stream in STREAMS)
    for verb in (*ENDINGS, "reads", "sends"):
        assert any(_acts_late(steps, verb) for steps in MANY)


def _acts_late(steps: tuple[Step, ...], verb: str) -> bool:
    """Whether somebody who does not read does this next."""
    stalls = [number for number, step in enumerate(steps) if step.verb == "stalls"]
    following = (
        next((step for step in steps[number + 1 :] if step.who == steps[number].who), None) for number in stalls
    )
    return any(step is not None and step.verb == verb for step in following)


def test_all_leave_and_others_come() -> None:
    assert any(_is_emptied(steps) for steps in MANY)


def _is_emptied(steps: tuple[Step, ...]) -> bool:
    present: set[str] = set()
    for number, step in enumerate(steps):
        if step.verb == "connects" and not step.octets:
            present.add(step.who)
        elif step.verb in ENDINGS or re.search(rb"(?:^|\n)exit\n", step.octets):
            present.discard(step.who)
            if not present and any(one.verb == "connects" and not one.octets for one in steps[number:]):
                return True
    return False


def test_rooms_are_entered_in_each_way() -> None:
    ways = {step.line for step in STEPS if step.verb == "connects"}
    assert ways >= {"main", "Main", "/cd main", "/cd MAIN\r", ""}


def test_many_lines_many_clients_and_late_readers_are_in_each_search() -> None:
    steps = [step for steps in volume() for step in steps]
    for kind in (b"/nick ", b"/cd ", b"/say ", b"/ping ", b"/who", b"/rooms", b"/help", b"\xff"):
        assert any(step.octets.count(b"\n") > 100 and kind in step.octets for step in steps)
    assert max(len({step.who for step in steps if step.verb == "connects"}) for steps in volume()) > 32
    (waiting,) = (sum(len(step.octets) for step in steps) for steps in volume() if ("stalls", LATE) in _acts(steps))
    assert 200_000 < waiting < 262_144  # each server lets so much wait [FLOW-4]


def _acts(steps: tuple[Step, ...]) -> list[tuple[str, str]]:
    return [(step.verb, step.who) for step in steps]

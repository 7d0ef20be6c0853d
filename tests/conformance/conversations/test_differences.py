"""Which requirement a difference breaks: no sockets."""

import pytest

from conformance.conversations.differences import Moment, Past, blamed, forbidden
from conformance.conversations.world import Expected, World

FEATURES = frozenset({"who", "rooms"})


def played(*lines: tuple[str, bytes]) -> tuple[Past, World]:
    """Return what happened to ann and bob in main, and cyd in the lobby, and the world after it."""
    past, world = Past(), World(features=FEATURES)
    for label in ("ann", "bob", "cyd"):
        world = world.connect(label, f"guest-{label}")
    entering = [(label, line) for label in ("ann", "bob") for line in (b"/nick " + label.title().encode(), b"main")]
    for label, line in (*entering, *lines):
        past.note(world, label, line)
        world = world.act(label, line)[0] if label else world.command(line)[0]
    return past, world


@pytest.mark.parametrize(
    ("label", "line", "event", "cites"),
    [
        ("ann", b"/nick Ann", b"NICK Ann Ann", "NICK-3"),
        ("ann", b"/nick bob", b"NICK Ann bob", "NICK-4"),
        ("ann", b"/cd MAIN", b"JOINED Ann", "ROOM-5"),
        ("ann", b"/cd main", b"LEFT Ann moved", "ROOM-5"),
        ("ann", b"/cd a b", b"LEFT Ann moved", "ROOM-6"),
        ("cyd", b"/nick Cyd", b"NICK guest-cyd Cyd", "STATE-5"),
        ("cyd", b"exit", b"LEFT guest-cyd exit", "STATE-5"),
        ("ann", b"/nick Anna", b"NICK Ann Anna", ""),
        ("ann", b"/cd tea", b"LEFT Ann moved", ""),
        ("ann", b"hi", b"NICK Ann hi", ""),
        ("dan", b"/nick Dan", b"NICK guest-dan Dan", ""),
    ],
)
def test_which_events_a_line_must_not_bring(label: str, line: bytes, event: bytes, cites: str) -> None:
    past, world = played()
    assert forbidden(Moment(world, label, line), event) == cites
    past.note(world, label, line)
    if cites:
        assert blamed(past, world.act(label, line)[0], "bob", None, [event], ()) == cites


MEMBERS = Expected(b"MEMBERS main 2", "WHO-1", (b"MEMBER Ann", b"MEMBER Bob"))
ROOMS = Expected(b"ROOMS 1", "LIST-1", (b"LIVE main 2",))


@pytest.mark.parametrize(
    ("expected", "received", "cites"),
    [
        (MEMBERS, [b"MEMBER Ann", b"PONG x", b"MEMBER Bob", b"MEMBERS main 2"], "WHO-2"),
        (MEMBERS, [b"MEMBER Ann", b"MEMBERS main 1"], "WHO-1"),
        (ROOMS, [b"LIVE main 2", b"LIVE tea 0", b"ROOMS 2"], "LIST-3"),
        (ROOMS, [b"LIVE main 1", b"ROOMS 1"], "LIST-1"),
        (Expected(b"ROOMS 0", "LIST-1"), [b"LIVE tea 1", b"ROOMS 1"], "LIST-3"),
        (Expected(b"SAID Ann hi", "SAY-2"), [b"SAID Ann HI"], "TEXT-5"),
        (Expected(b"SAID Ann hi", "SAY-2"), [b"SAID Ann two"], "SAY-2"),
        (Expected(b"SAID Ann hi", "SAY-2"), [b"SAID guest-ann hi"], "NICK-5"),
        (Expected(b"JOINED Ann", "ROOM-2"), [b"JOINED ann"], "NAME-4"),
        (Expected(b"SAID Ann hi", "SAY-2"), [b"ERROR bad-text x"], "TEXT-8"),
        (Expected(b"SAID Ann hi", "SAY-2", refused="SAY-4"), [b"ERROR bad-argument x"], "SAY-4"),
        (Expected(b"SAID Ann hi", "SAY-2", refused="SAY-4"), [b"ERROR too-long x"], "LINE-3"),
        (Expected(b"ROOM 01", "ROOM-1"), [b"ROOM 1"], "NAME-11"),
        (Expected(b"ROOM tea", "ROOM-1"), [b"ROOM Tea"], "NAME-10"),
        (Expected(b"PONG x", "PING-2"), [], "PING-2"),
    ],
)
def test_what_comes_instead_tells_what_is_broken(expected: Expected, received: list[bytes], cites: str) -> None:
    past, world = played()
    assert blamed(past, world, "ann", expected, received, {b"hi", b"two"}) == cites


@pytest.mark.parametrize(
    ("line", "name", "cites"),
    [
        (("ann", b"/nick Anna"), b"Ann", "NAME-8"),
        (("ann", b"exit"), b"ann", "NAME-9"),
        (("", b"/kick ann"), b"Ann", "NAME-9"),
        (("cyd", b"/nick Cyd"), b"guest-cyd", "NAME-8"),
        (("ann", b"hi"), b"01", "NAME-1"),
    ],
)
def test_a_name_that_is_not_free_was_given_up_in_some_way(line: tuple[str, bytes], name: bytes, cites: str) -> None:
    past, world = played(line)
    expected = dict(world.act("bob", b"/nick " + name)[1])["bob"]
    assert expected.line == b"NAME " + name
    assert blamed(past, world, "bob", expected, [b"ERROR name-taken x"], ()) == cites


def test_ones_own_name_in_another_case_is_not_taken() -> None:
    past, world = played()
    for name, cites in ((b"ANN", "NAME-5"), (b"Ann", "NICK-3")):
        expected = dict(world.act("ann", b"/nick " + name)[1])["ann"]
        assert blamed(past, world, "ann", expected, [b"ERROR name-taken x"], ()) == cites


def test_what_only_looks_like_exit_ends_nothing() -> None:
    for line in (b"exit ", b"Exit", b"exit now"):
        past, world = played(("ann", line))
        (_, expected), *_ = world.act("ann", line)[1]
        assert blamed(past, world, "ann", expected, [b"BYE exit"], ()) == "EXIT-4"


@pytest.mark.parametrize(
    ("lines", "label", "received", "cites"),
    [
        ([], "cyd", b"SAID Ann hi", "STATE-4"),
        ([("cyd", b"tea")], "cyd", b"NICK Ann Anna", "OUT-3"),
        ([("cyd", b"tea")], "cyd", b"SAID Ann hi", "SAY-3"),
        ([], "bob", b"SAID Ann hi", "SAY-2"),
        ([], "bob", b"JOINED Ann", "ROOM-2"),
        ([("ann", b"/cd tea")], "ann", b"LEFT Ann moved", "ROOM-3"),
        ([("ann", b"/cd tea")], "bob", b"LEFT Ann moved", "LEFT-2"),
        ([("", b"hello"), ("cyd", b"main")], "cyd", b"ANNOUNCE hello", "ORDER-2"),
        ([("", b"hello")], "bob", b"ANNOUNCE hello", "OPER-1"),
        ([("bob", b"")], "bob", b"ERROR bad-text x", "LINE-5"),
        ([("bob", b"hi")], "bob", b"ERROR bad-text x", "CMD-5"),
        ([("bob", b"exit")], "bob", b"PONG x", "BYE-2"),
    ],
)
def test_what_is_too_much(lines: list[tuple[str, bytes]], label: str, received: bytes, cites: str) -> None:
    past, world = played(*lines)
    assert blamed(past, world, label, None, [received], ()) == cites

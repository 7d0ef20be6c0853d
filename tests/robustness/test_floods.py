"""A client that sends as much and as fast as it can loses nothing, and costs the others only a moment."""

import pytest

from tests.robustness.support import Talker, assert_undelayed, converse, needs_proc, said, talking, unharmed
from tests.support import DEADLINE, Server, wait_until

pytestmark = needs_proc


def numbered(count: int, text: str = "x" * 60) -> bytes:
    """Return so many lines that can be told apart."""
    return b"".join(f"{number} {text}\n".encode() for number in range(count))


@pytest.mark.parametrize(("flooders", "lines"), [(1, 150_000), (51, 600)])
def test_flood(flooders: int, lines: int) -> None:
    """[FLOW-1] [FLOW-3]: alone, and 51 at once: each gets all that it said, in order, and others do not wait for it."""
    with Server() as server, unharmed(server, "flood") as same_room:
        idle = same_room.rounds(30)
        talkers = [Talker(server, "flood", numbered(lines)) for _ in range(flooders)]
        thread = talking(talkers)
        before = len(same_room.trips)
        thread.join(3 * DEADLINE)
        assert not thread.is_alive()
        for talker in talkers:
            assert said(talker) == [str(number) for number in range(lines)]
        assert_undelayed(idle, same_room.trips[before:] or same_room.rounds(1))


def test_storm_of_joining_and_leaving() -> None:
    """[LEFT-2]: 2000 who come and leave at once, in four ways; a member sees each come and go, once."""
    ends = (b"exit\n", b"", b"hello\nexit\n", b"/cd other\n")
    with Server() as server:
        with unharmed(server, "storm") as same_room:
            for _ in range(20):
                converse([Talker(server, None, b"storm\n" + ends[number % 4]) for number in range(100)])
            wait_until(lambda: server.log().count(" is gone ") == 2000, "all to be gone")
        words = [line.split(" ") for line in same_room.heard]
    present: set[str] = set()
    for word, name, *_ in words:
        assert (name in present) is (word != "JOINED")
        if word == "JOINED":
            present.add(name)
        elif word == "LEFT":
            present.remove(name)
    assert [word[0] for word in words].count("JOINED") == 2000
    assert not present


def test_renaming_as_fast_as_possible() -> None:
    """[NICK-2]: a member hears of each of 8000 names, in order."""
    names = [f"name-{number}" for number in range(8000)]
    with Server() as server, unharmed(server, "renaming") as same_room:
        talker = Talker(server, "renaming", "".join(f"/nick {name}\n" for name in names).encode())
        first = talker.name
        converse([talker])
    assert [line for line in talker.lines if line.startswith("NAME ")][1:] == [f"NAME {name}" for name in names]
    assert same_room.heard == [
        f"JOINED {first}",
        *(f"NICK {old} {new}" for old, new in zip([first, *names], names, strict=False)),
        f"LEFT {names[-1]} lost",
    ]


def test_announcements_under_load() -> None:
    """[OPER-1]: each of 300 comes to every member, once, in order, while ten flood."""
    announced = [f"ANNOUNCE Number {number}" for number in range(300)]
    with Server() as server:
        with unharmed(server) as elsewhere:
            talkers = [Talker(server, f"flood-{number % 2}", numbered(8000)) for number in range(10)]
            thread = talking(talkers)
            for line in announced:
                server.type(line.removeprefix("ANNOUNCE "))
            wait_until(lambda: elsewhere.heard[-1:] == announced[-1:], "the last announcement")
            thread.join(3 * DEADLINE)
            assert not thread.is_alive()
        assert elsewhere.heard == announced
    for talker in talkers:
        assert said(talker) == [str(number) for number in range(8000)]

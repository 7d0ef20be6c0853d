"""The ground of a line: the requirements that a check uses on its way."""

import pytest

from conformance.text.requirements import find_spec, read_requirements
from conformance.wire import standing

REQUIREMENTS = read_requirements(find_spec())


@pytest.mark.parametrize(
    ("line", "lobby", "wanted"),
    [
        (b"main", True, "STATE-6"),
        (b"MAIN", True, "NAME-10"),
        (b"no room", True, "NAME-12"),
        (b"hello", False, "SAY-2"),
        (b"/cd lounge", False, "ROOM-3"),
        (b"/nick Ann", False, "NICK-2"),
        (b"/nick a.b", False, "NAME-2"),
        (b"/nick Operator", False, "NAME-6"),
        (b"/say", False, "CMD-3"),
        (b"/zz", False, "CMD-1"),
        (b"/who x", False, "WHO-4"),
        (b"/history 5", False, "HIST-1"),
        (b"/history x", False, "HIST-6"),
        (b"/tell Ann hi", False, "TELL-1"),
        (b"/tell Ann", False, "TELL-4"),
        (b"exit", True, "EXIT-1"),
        (b"", True, "LINE-5"),
        (b"hello\r", False, "LINE-2"),
        (b"one\rtwo", False, "TEXT-3"),
        (b"a\x07b", False, "TEXT-2"),
        (b"\xff", False, "TEXT-1"),
        (b"x" * 4097, False, "LINE-4"),
        (b"x" * 4096, False, "LINE-3"),
    ],
)
def test_a_line_that_is_sent_stands_on(line: bytes, lobby: bool, wanted: str) -> None:
    assert wanted in standing.of_sending(line, b"" if lobby else b"main")


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (b"JOINED Ann", "ROOM-2"),
        (b"LEFT Ann moved", "ROOM-3"),
        (b"LEFT Ann exit", "EXIT-2"),
        (b"LEFT Ann lost", "LEFT-1"),
        (b"ERROR bad-room ...", "NAME-12"),
        (b"BYE exit", "EXIT-1"),
        (b"PAST 1 SAID Ann hi", "HIST-2"),
        (b"HISTORY main 1 1", "HIST-1"),
        (b"TELL Ann hi", "TELL-1"),
        (b"TOLD Ann hi", "TELL-2"),
        (b"ERROR no-user ...", "TELL-3"),
        (b"PONG x", "PING-1"),
    ],
)
def test_a_line_that_is_awaited_stands_on(line: bytes, wanted: str) -> None:
    assert wanted in standing.of_receiving(line)


def test_a_line_that_time_or_the_operator_brings_cannot_be_asked_for_by_pings() -> None:
    brought = (b"JOINED Ann", b"LEFT Ann moved", b"ERROR bad-room ...")
    assert all(map(standing.is_brought, brought))
    others = (b"HELLO flurfunk/1", b"BYE idle", b"LEFT Ann lost", b"LEFT Ann removed", b"ANNOUNCE x", b"INFO x")
    assert not any(map(standing.is_brought, others))


def test_all_that_is_stood_on_exists() -> None:
    named = {*standing.GREETING, *standing.BARRIER, *standing.ALWAYS, *standing.FOREIGN, *standing.LOSS}
    lines = (
        b"main",
        b"MAIN x",
        b"/cd X",
        b"/nick A",
        b"/nick -",
        b"/nick server",
        b"/say x",
        b"/who",
        b"/rooms",
        b"/help x",
    )
    named |= {
        one for line in lines for lobby in (True, False) for one in standing.of_sending(line, b"" if lobby else b"main")
    }
    codes = ("too-long", "bad-text", "no-password", "bad-password", "unknown-command", "bad-argument", "no-room")
    answers = [f"ERROR {code} ...".encode() for code in (*codes, "bad-room", "bad-name", "name-taken")]
    named |= {
        one for line in (*answers, b"SAID A x", b"MEMBERS main 1", b"ADMITTED") for one in standing.of_receiving(line)
    }
    assert named <= REQUIREMENTS.keys()

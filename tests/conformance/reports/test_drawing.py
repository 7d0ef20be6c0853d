"""A failed check as a drawing: whole ones, as they are read."""

import pytest

from conformance.judging.result import Result
from conformance.reports.drawing import cells, drawn
from conformance.text.requirements import find_spec, read_requirements
from conformance.wire.transcript import Transcript


def talk(script: str) -> Transcript:
    """Return the transcript of a conversation, a line for each entry: who, arrow, text."""
    transcript = Transcript("ab12cd")
    for entry in script.strip().splitlines():
        who, arrow, text = entry.split(" ", 2)
        if who == "operator":
            transcript.typed(f"{text}\n".encode())
        elif arrow == "->":
            transcript.sent(who, f"{text}\n".encode())
        elif arrow == "<-":
            transcript.received(who, text.encode())
        else:
            transcript.event(who, text)
    return transcript


def failed(script: str, expected: str, received: str) -> Result:
    requirement = read_requirements(find_spec())["ROOM-2"]
    transcript = talk(script)
    return Result("ROOM-2/x", requirement, "x", expected=expected, received=received, transcript=transcript)


TWO = """
ann -- connects
ann <- HELLO flurfunk/1 who
ann <- NAME guest-1
ann <- INFO Welcome
ann -> /cd main-ab12cd
ann <- ROOM main-ab12cd
bob -- connects
bob <- NAME guest-2
bob -> /cd main-ab12cd
bob <- ROOM main-ab12cd
pacer -> hello
ann -> /ping barrier-ab12cd-1
ann <- PONG barrier-ab12cd-1
"""
LONG = TWO + "".join(f"bob -> {n}\nann <- SAID guest-2 {n}\nbob <- SAID guest-2 {n}\n" for n in range(40))
CROWD = "".join(f"c{n} -> /cd main\nc{n} <- ROOM main\n" for n in range(9)) + "c7 -> hello\n"
MEANWHILE = """
ann -> /ping x-0
ann <- HELLO flurfunk/1
ann <- NAME guest-1
ann <- PONG x-0
ann -> main
ann <- ROOM main
ann -> /ping x-1
"""
CASES = {
    "missing": (TWO, 'ann <- "JOINED guest-2"', "ann <- nothing"),
    "wrong": (
        "ann <- NAME guest-1\nann -> /ping A B\nann <- PONG a b\n", 'ann <- "PONG A B"', 'ann <- "PONG a b"',
    ),
    "twice": (
        TWO + "ann <- JOINED guest-2\n" * 2, "ann <- JOINED guest-2", 'ann <- "JOINED guest-2", "JOINED guest-2"',
    ),
    "long": (LONG, 'ann <- "LEFT guest-2 lost"', "ann <- nothing"),
    "console": (
        "ann -> main\nann <- ROOM main\noperator -> good morning\n",
        'ann <- "ANNOUNCE good morning"', "nothing for 3.0 s",
    ),
    "words": ("ann -> exit\nann <- BYE exit\n", "the program ends with exit status 0", "exit status 1"),
    "crowd": (CROWD, "c3 <- SAID c7 hello", "c3 <- nothing"),
    "meanwhile": (
        MEANWHILE, "ann <- PONG x-1", 'ann <- "HELLO flurfunk/1", "NAME guest-1", "PONG x-0", "ROOM main"',
    ),
    "instead": (
        MEANWHILE + "ann <- ERROR unknown-command\n", "ann <- PONG x-1",
        'ann <- "HELLO flurfunk/1", "NAME guest-1", "PONG x-0", "ROOM main", "ERROR unknown-command"',
    ),
    "helper": (
        "ann -> main\nann <- ROOM main\npacer <- NAME guest-2\nann -> hello\n",
        "pacer <- SAID guest-1 hello", "pacer <- nothing",
    ),
    "repeated": (
        "ann -> main\nann <- ROOM main\n" + "ann -> /ping a\n" * 12 + "ann <- PONG a\n" * 11,
        "ann <- PONG a, after each ping", "ann <- nothing",
    ),
}  # fmt: skip
DRAWN = {
    "missing": r"""
     ann                 bob                 server
  (guest-1)           (guest-2)
      |<--- HELLO flurfunk/1 who ---------------|
      |<--- NAME guest-1 -----------------------|
      |---- /cd main -------------------------->|
      |<--- ROOM main --------------------------|
      |                   |<--- NAME guest-2 ---|
      |                   |---- /cd main ------>|
      |                   |<--- ROOM main ------|
      |<. . JOINED guest-2  . . . . . . . . . . |  did not come
""",
    "wrong": r"""
     ann                 server
  (guest-1)
      |<--- NAME guest-1 ---|
      |---- /ping A B ----->|
      |<. . PONG A B  . . . |  did not come
!     |<--- PONG a b -------|  came instead
""",
    "twice": r"""
     ann                 bob                 server
  (guest-1)           (guest-2)
      |<--- HELLO flurfunk/1 who ---------------|
      |<--- NAME guest-1 -----------------------|
      |---- /cd main -------------------------->|
      |<--- ROOM main --------------------------|
      |                   |<--- NAME guest-2 ---|
      |                   |---- /cd main ------>|
      |                   |<--- ROOM main ------|
      |<--- JOINED guest-2 ---------------------|
!     |<--- JOINED guest-2 ---------------------|  not expected
  expected: ann <- JOINED guest-2
""",
    "long": r"""
     ann                 bob                    server
  (guest-1)           (guest-2)
  ... 117 more lines ...
      |                   |<--- SAID guest-2 36 ---|
      |                   |---- 37 --------------->|
      |<--- SAID guest-2 37 -----------------------|
      |                   |<--- SAID guest-2 37 ---|
      |                   |---- 38 --------------->|
      |<--- SAID guest-2 38 -----------------------|
      |                   |<--- SAID guest-2 38 ---|
      |                   |---- 39 --------------->|
      |<--- SAID guest-2 39 -----------------------|
      |                   |<--- SAID guest-2 39 ---|
      |<. . LEFT guest-2 lost . . . . . . . . . .  |  did not come
""",
    "console": r"""
  ann               console               server
   |---- main ------------------------------>|
   |<--- ROOM main --------------------------|
   |                   |---- good morning -->|
   |<. . ANNOUNCE good morning . . . . . . . |  did not come
""",
    "words": r"""
  ann             server
   |---- exit ------>|
   |<--- BYE exit ---|
  expected: the program ends with exit status 0
""",
    "crowd": r"""
  c3                  c7               server
   |---- /cd main ----------------------->|
   |<--- ROOM main -----------------------|
   |                   |---- /cd main --->|
   |                   |<--- ROOM main ---|
   |                   |---- hello ------>|
   |<. . SAID c7 hello . . . . . . . . .  |  did not come
  (7 more clients not drawn)
""",
    "meanwhile": r"""
     ann                     server
  (guest-1)
      |---- /ping x-0 --------->|
      |<--- HELLO flurfunk/1 ---|
      |<--- NAME guest-1 -------|
      |<--- PONG x-0 -----------|
      |---- main -------------->|
      |<--- ROOM main ----------|
      |---- /ping x-1 --------->|
      |<. . PONG x-1  . . . . . |  did not come
""",
    "instead": r"""
     ann                          server
  (guest-1)
      |---- /ping x-0 -------------->|
      |<--- HELLO flurfunk/1 --------|
      |<--- NAME guest-1 ------------|
      |<--- PONG x-0 ----------------|
      |---- main ------------------->|
      |<--- ROOM main ---------------|
      |---- /ping x-1 -------------->|
      |<. . PONG x-1  . . . . . . .  |  did not come
!     |<--- ERROR unknown-command ---|  came instead
""",
    "helper": r"""
  ann                pacer                      server
                   (guest-2)
   |---- main ------------------------------------>|
   |<--- ROOM main --------------------------------|
   |                   |<--- NAME guest-2 ---------|
   |---- hello ----------------------------------->|
   |                   |<. . SAID guest-1 hello  . |  did not come
""",
    "repeated": r"""
  ann              server
   |---- main ------->|
   |<--- ROOM main ---|
   |---- /ping a ---->|  x 12
   |<--- PONG a ------|  x 11
  expected: ann <- PONG a, after each ping
""",
}


@pytest.mark.parametrize("case", CASES)
def test_a_failure_is_drawn(case: str) -> None:
    assert drawn(failed(*CASES[case])) == DRAWN[case].strip("\n")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("width", [30, 60, 100])
def test_a_drawing_stays_within_its_bounds(case: str, width: int) -> None:
    lines = drawn(failed(*CASES[case]), width).splitlines()
    assert 2 < len(lines) <= 14
    assert max(map(cells, lines)) <= width


def test_what_is_invisible_is_written_as_an_escape() -> None:
    text = drawn(failed("ann -> a\x1b[2Jb\n", "a \x1b[2J\nword", "\x07"))
    assert "a\\x1b[2Jb" in text
    assert "\x1b" not in text


def test_where_nothing_was_said_nothing_is_drawn() -> None:
    assert drawn(failed("ann -- connects", "HELLO", "nothing")) == ""

"""How a client begins and ends, played once for all checks that it concerns: a play asks for all that they ask for.

Where a play goes well, these checks pass. Where anything goes wrong in it, each of them is run by itself.
"""

import signal
from collections import Counter
from collections.abc import Callable

from conformance.stage.client import ClientScene
from conformance.wire import client_standing as standing
from conformance.wire.failure import Failed
from conformance.wire.peer import listed

CTRL_C, CTRL_D = "\x03", "\x04"
WAYS = {"exit": "exit\r", "end of input": CTRL_D, "interrupt": CTRL_C, "interrupt after half a line": f"half{CTRL_C}"}
IN_A_ROOM = ("shutdown", "removed", "slow")  # reasons of a BYE
IN_THE_LOBBY = ("idle", "denied", "removed", "shutdown")
HALVES = (b"SAID Bob ha", b"BYE")  # of lines, after which the connection is closed
IN_THE_GREETING = ("full", "shutdown")
SOME_LINES = ("one", " two ", "/say three", "caf\u00e9 \U0001f600")
USUAL_FEATURES = " who rooms"
WITHOUT_PASSWORD = ("", USUAL_FEATURES, " x-password passwords pass-word")  # features of servers that do not want one
UNKNOWN_FEATURES = ("", " who", " x-new who topics-2 rooms", " " + " ".join(f"x-feature-{n}" for n in range(200)))
UNKNOWN_LINES = ("MOTD Hello.", "INFO Welcome.", "LIMIT 5")  # of the greeting
NO_HELLO = (
    "HELLO flurfunk/2",
    "HELLO flurfunk/10 who",
    "HELLO FLURFUNK/1",
    "HELLO",
    "HELLO other flurfunk/1",
    "hello flurfunk/1",
    "NAME Guest",
    "+OK POP3 server ready",
    "HTTP/1.1 400 Bad Request",
)


# ---------------------------------------------------------------- the server greets


def enter_a_room(t: ClientScene, *more: str, features: str) -> None:
    """The client enters a room of a server that has these features and greets with `more` lines; nothing else comes."""
    t.lobby(*more, features=features)
    t.choose_room()
    t.settle_wire()


def greet_otherwise(t: ClientScene) -> None:
    """The server has other features than usual, or none, and greets with lines that nobody knows."""
    for features in dict.fromkeys((*WITHOUT_PASSWORD, *UNKNOWN_FEATURES)):
        enter_a_room(t, *(UNKNOWN_LINES if features == USUAL_FEATURES else ()), features=features)


# ---------------------------------------------------------------- the user leaves


def leave(t: ClientScene, keys: str) -> list[bytes]:
    """Let the user leave; return what the client sends then. It is dismissed as a server does."""
    t.needs(standing.WAYS_OUT[keys])
    t.press(keys)
    t.until(lambda: bool(t.wire.inbox or t.wire.ended), "exit, or the end of the connection")
    t.send("BYE exit")
    t.until_closed()
    return list(t.wire.inbox)


def say_some(t: ClientScene) -> None:
    """The user says something, which is sent as it was typed."""
    for line in SOME_LINES:
        t.say(line)


def leave_a_room(t: ClientScene) -> None:
    """The user says something, and leaves a room in each of the ways; a word comes before the BYE, but for the last."""
    for way, keys in WAYS.items():
        t.in_room()
        say_some(t)
        t.transcript.event("user", f"leaves by {way}")
        t.press(keys)
        t.expect("exit")
        if way != "interrupt after half a line":
            word = t.word()
            t.send(f"SAID Bob {word}")
            t.until_shown(word)
        t.send("BYE exit")
        t.until_closed()
        if t.wire.inbox:
            raise Failed("nothing but exit", listed(t.wire.inbox), way)
        _end(t)


def leave_the_lobby(t: ClientScene) -> None:
    """The user leaves in each of the ways before a room is chosen."""
    for way, keys in WAYS.items():
        t.lobby()
        t.transcript.event("user", f"leaves by {way}")
        leave(t, keys)
        _end(t)


def _end(t: ClientScene) -> None:
    """The program ends, and the mode of the terminal is as it was."""
    t.until_ended()
    t.mode_is_restored()


# ---------------------------------------------------------------- the server ends


def come_to_an_end(t: ClientScene) -> None:
    """The program ends, at an interrupt where it does not by itself: then all that it writes is there."""
    if not t.ends_by_itself():
        interrupt(t)


def end_if_need_be(t: ClientScene) -> None:
    """The same, and the mode of the terminal is as it was."""
    come_to_an_end(t)
    t.mode_is_restored()


def interrupt(t: ClientScene) -> None:
    """The program ends at an interrupt: not every client ends by itself when it has told the user."""
    t.needs(standing.WAYS_OUT[CTRL_C])
    t.press(CTRL_C)
    t.until_ended()


def told_apart(told: dict[str, frozenset[str]]) -> None:
    """Each reason is told in another way."""
    if len(set(told.values())) != len(told):
        raise Failed("reasons that can be told apart", f"{ {reason: sorted(rows) for reason, rows in told.items()} }")


def tell_apart(t: ClientScene, reasons: tuple[str, ...], begin: Callable[[], Counter[str]]) -> None:
    """Each reason of a BYE makes the client show something new, and something else than the others do.

    `begin` starts a new client, since what was on the screen before would make a difference; it returns what is no
    news.
    """
    told: dict[str, frozenset[str]] = {}
    for reason in reasons:
        before = begin()
        t.send(f"BYE {reason}")
        t.until_told_at_end(before)
        told[reason] = t.rows_without_words()
    told_apart(told)


def tell_apart_in_a_room(t: ClientScene) -> None:
    """BYE comes in a room, for each of its reasons."""

    def begin() -> Counter[str]:
        t.start_in_room()
        return t.before_news()

    tell_apart(t, IN_A_ROOM, begin)


def tell_apart_in_the_lobby(t: ClientScene) -> None:
    """BYE comes before a room is chosen, for each of its reasons."""

    def begin() -> Counter[str]:
        t.lobby()
        return t.before_news()

    tell_apart(t, IN_THE_LOBBY, begin)


def tell_apart_in_the_greeting(t: ClientScene) -> None:
    """BYE comes right after HELLO, for each of its reasons."""
    usual = rows_of_a_beginning(t)

    def begin() -> Counter[str]:
        t.start()
        t.send("HELLO flurfunk/1")
        return usual

    tell_apart(t, IN_THE_GREETING, begin)


def rows_of_a_beginning(t: ClientScene) -> Counter[str]:
    """Start the client, and greet it; return what is to be seen then, and thus is no news at another beginning.

    Such a row, of a client that tells that it connects, may come after all that this one has been sent.
    """
    t.lobby()
    return t.seen_rows()


def dismiss_in_a_room(t: ClientScene) -> None:
    """The server says BYE in a room, for each of its reasons, while half a line is typed; also when sending fails."""
    told: dict[str, frozenset[str]] = {}
    for reason in IN_A_ROOM:
        t.start_in_room()
        before = t.before_news()
        t.send(f"BYE {reason}")
        t.until_closed()
        t.until_told(before)
        ended = t.ends_by_itself()
        told[reason] = t.rows_without_words()
        if not ended:
            interrupt(t)
        t.mode_is_restored()
    told_apart(told)
    fail_to_send(t)


def fail_to_send(t: ClientScene) -> None:
    """Sending fails while lines and a BYE are unread: they are shown, and so is the reason of that BYE.

    It is one that no version has, so that it is shown as it came [CLIENT-19], whatever else is told.
    """
    t.in_room()
    t.terminal.signal(signal.SIGSTOP)
    word, reason = t.word(), t.word()
    t.send(*(f"SAID Bob {number}" for number in range(100)), f"SAID Bob {word}", f"BYE {reason}")
    t.wire.close()
    for number in range(20):
        t.press(f"unsent {number}\r")
    t.terminal.signal(signal.SIGCONT)
    t.until_shown(word, reason)


def dismiss_before(t: ClientScene) -> None:
    """The server says BYE in the lobby, or right after HELLO, for each of its reasons."""
    tell_apart_in_the_lobby(t)
    tell_apart_in_the_greeting(t)


def speak_no_protocol(t: ClientScene) -> None:
    """The first line is not HELLO, or not that of this version."""
    before = rows_of_a_beginning(t)
    for line in NO_HELLO:
        t.start()
        t.send(line, "NAME Guest")
        t.until_closed()
        t.until_told(before)
        if line == NO_HELLO[0]:
            end_if_need_be(t)


def lose(t: ClientScene) -> None:
    """The connection ends without BYE: while half a line is typed, within a line, by a reset, and in the lobby."""
    t.in_room()
    before = t.before_news()
    t.wire.close()
    t.until_told(before)
    end_if_need_be(t)
    for line in HALVES:
        t.in_room()
        before = t.before_news()
        t.wire.send_octets(line)
        t.wire.close()
        t.until_told(before)
    t.in_room()
    before = t.before_news()
    t.wire.reset()
    t.until_told(before)
    end_if_need_be(t)
    t.lobby()
    t.wire.close()
    end_if_need_be(t)

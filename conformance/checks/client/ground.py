"""The ground: one plain check for each thing that the other checks of clients use on their way. They run first.

Each needs as little as it can, sends line by line unless it is about more, and stands after those checks that it needs.
So where one fails, that is what does not hold; and what uses it is not reached.
"""

import contextlib

from conformance.checks.client.plays import (
    CTRL_C,
    CTRL_D,
    dismiss_in_a_room,
    leave_a_room,
    speak_no_protocol,
    tell_apart_in_a_room,
)
from conformance.checks.registry import client_check
from conformance.stage.client import ME, ROOM, ClientScene
from conformance.wire.client_standing import CR_LF, FEATURES, GREETED, MANY
from conformance.wire.failure import Failed
from conformance.wire.transcript import shown

_MANY_LINES = 10 * MANY
_UNKNOWN = " x-new"
_BEYOND_ASCII = "caf\u00e9 \u4f60\u597d \U0001f600"


def enter(t: ClientScene) -> None:
    """The client enters a room, shows what comes there, one by one and at once, and sends what is typed."""
    t.in_room()
    word, several = t.word(), [t.word() for _ in range(3)]
    t.send(f"SAID Bob {word}")
    t.until_shown(word)
    t.send(*(f"SAID Bob {one}" for one in several))
    _shown_in_order(t, several)
    _shows_halves(t)
    _shows_joined(t)
    _shows_many(t)
    _keeps_half_a_line(t)
    _answers_nothing(t)
    t.say(_BEYOND_ASCII)
    t.settle_wire()


def greet_unusually(t: ClientScene) -> None:
    """The client goes on when the greeting has a feature that nobody knows, and its lines end with CR LF."""
    _begin(t, end="\r\n", features=_UNKNOWN)
    t.type_room()


def _begin(t: ClientScene, end: str = "\n", features: str = "") -> None:
    """Start the client, and greet it, line by line."""
    t.needs(*GREETED, *(FEATURES if features else ()), *(CR_LF if end == "\r\n" else ()))
    t.start()
    for line in (f"HELLO flurfunk/1{features}", f"NAME {ME}"):
        t.wire.send_octets(f"{line}{end}".encode())
        t.give_turn()


def _type_first(t: ClientScene) -> None:
    """Type a first line; returns when something was sent for it, the client has ended, or the deadline is over."""
    t.press(f"{ROOM}\r")
    with contextlib.suppress(Failed):
        t.until(lambda: bool(t.wire.inbox or t.wire.ended), "a line")


def _stays(t: ClientScene, what: str, end: str = "\n", features: str = "") -> None:
    """The client does not end when it is greeted so; where it ends when something was typed, it is greeted again."""
    _begin(t, end, features)
    _type_first(t)
    if t.wire.ended and not t.wire.inbox:
        _begin(t, end, features)
        with contextlib.suppress(Failed):
            t.until(lambda: bool(t.wire.ended), "the end")
        if t.wire.ended:
            raise Failed(f"the client goes on after {what}", t.seen() or t.wire.ending())


def _enter_alone(t: ClientScene) -> None:
    """Have a client in a room, to which lines are sent one by one."""
    _begin(t)
    t.type_room()
    t.wire.send_octets(f"ROOM {ROOM}\n".encode())
    t.give_turn()


def _say(t: ClientScene, word: str) -> None:
    t.wire.send_octets(f"SAID Bob {word}\n".encode())
    t.until_shown(word)


def _say_at_once(t: ClientScene, count: int) -> list[str]:
    """Let Bob say so many words in one segment; return them."""
    words = [t.word() for _ in range(count)]
    t.wire.send_octets("".join(f"SAID Bob {word}\n" for word in words).encode())
    return words


@client_check("LINE-1", "3648c3f576c5", ground=1, plays=(enter,))
def a_typed_line_ends(t: ClientScene) -> None:
    """All that is sent for a line that was typed ends with LF, and no CR."""
    _begin(t)
    _type_first(t)
    if t.wire.octets_received and not t.wire.inbox and not t.wire.ended:
        raise Failed("a line that ends with LF", f"{t.wire.octets_received} octets, and no LF")
    if t.wire.ended:
        t.wire.wait_end()  # which notes half a line before it


@client_check("CLIENT-2", "3c479feabc88", ground=1, fact="CLIENT-2 for flurfunk/1", plays=(enter,))
def a_greeting_is_taken(t: ClientScene) -> None:
    """The client goes on when the first line is HELLO and its second word flurfunk/1."""
    _stays(t, "HELLO flurfunk/1")


@client_check("CLIENT-1", "035bae0ad6e0", ground=2, fact="CLIENT-1 for usual features", plays=(enter,))
def usual_features_are_taken(t: ClientScene) -> None:
    """The client goes on when HELLO names features, whether it knows them or not."""
    _stays(t, "HELLO flurfunk/1 who rooms", features=" who rooms")


@client_check("PASS-14", "893d4fc3485d", ground=2, plays=(enter,))
def the_first_line_is_no_password(t: ClientScene) -> None:
    """All that is typed first is not sent as a password to a server that does not want one."""
    t.needs("LINE-1")
    _begin(t)
    _type_first(t)
    if t.wire.inbox and t.wire.inbox[0].startswith(b"/password"):
        raise Failed("the name of a room, as it was typed", f"server <- {shown(t.wire.inbox[0])}")


@client_check("CLIENT-13", "148103154efe", ground=2, fact="CLIENT-13 for plain lines", plays=(enter,))
def plain_lines_are_sent(t: ClientScene) -> None:
    """The name of a room, and what is said in it, are sent."""
    _enter_alone(t)
    for _ in range(2):
        t.say(t.word())


@client_check("CLIENT-10", "139f8e6b13a3", ground=3, fact="CLIENT-10 for plain words", plays=(enter,))
def words_are_shown(t: ClientScene) -> None:
    """All that is said is shown."""
    _enter_alone(t)
    for _ in range(2):
        _say(t, t.word())


@client_check("NET-3", "c221683ea6db", ground=3, fact="NET-3 for whole lines", plays=(enter,))
def several_lines_at_once_are_shown(t: ClientScene) -> None:
    """Lines that come at once are shown."""
    _enter_alone(t)
    t.until_shown(*_say_at_once(t, 3))


@client_check("CLIENT-10", "139f8e6b13a3", ground=3, fact="CLIENT-10 for several lines", plays=(enter,))
def several_lines_at_once_are_shown_in_order(t: ClientScene) -> None:
    """Lines that come at once are shown in order."""
    t.needs("NET-3 for whole lines")
    _enter_alone(t)
    _shown_in_order(t, _say_at_once(t, 3))


def _shown_in_order(t: ClientScene, words: list[str]) -> None:
    t.until_shown(*words)
    _say(t, t.word())
    rows = [row for row in t.terminal.rows if any(word in row for word in words)]
    if [word for row in rows for word in words if word in row] != words:
        raise Failed("what was said in the order in which it came", " / ".join(rows))


@client_check("NET-3", "c221683ea6db", ground=3, fact="NET-3 for halves of lines", plays=(enter,))
def a_line_in_halves_is_shown(t: ClientScene) -> None:
    """A line whose halves come one by one is shown as one."""
    _enter_alone(t)
    _shows_halves(t)


def _shows_halves(t: ClientScene) -> None:
    one, other = t.word(), t.word()
    t.wire.send_octets(f"SAID Bob {one}".encode())
    t.give_turn()
    t.wire.send_octets(f" {other}\n".encode())
    t.until_shown(f"{one} {other}")


@client_check("CLIENT-12", "4de5a1d2aca7", ground=3, fact="CLIENT-12 for JOINED", plays=(enter,))
def who_enters_is_shown(t: ClientScene) -> None:
    """A client that enters is shown."""
    _enter_alone(t)
    _shows_joined(t)


def _shows_joined(t: ClientScene) -> None:
    name = t.word()
    t.wire.send_octets(f"JOINED {name}\n".encode())
    t.until_shown(name)


@client_check("CLIENT-10", "139f8e6b13a3", ground=3, fact="CLIENT-10 for many lines", plays=(enter,))
def many_lines_at_once_are_shown(t: ClientScene) -> None:
    """Hundreds of lines at once are shown."""
    t.needs("NET-3 for whole lines", "CLIENT-10 for several lines", "NET-3 for halves of lines")
    _enter_alone(t)
    _shows_many(t)


def _shows_many(t: ClientScene) -> None:
    words = _say_at_once(t, _MANY_LINES)
    t.until_shown(words[-1])
    seen = "\n".join(t.terminal.rows)
    if t.terminal.has_scrollback and (missing := [word for word in words if word not in seen]):
        raise Failed(f"{_MANY_LINES} lines on the screen", f"all but {len(missing)} of them")


@client_check("CLIENT-14", "dd45b1e6131c", ground=3, fact="CLIENT-14 for plain words", plays=(enter,))
def half_a_word_survives(t: ClientScene) -> None:
    """All that was typed before something comes is sent with the rest."""
    _enter_alone(t)
    _keeps_half_a_line(t)


def _keeps_half_a_line(t: ClientScene) -> None:
    half, rest = t.word(), t.word()
    t.press(half)
    t.give_turn()
    _say(t, t.word())
    t.press(f" {rest}\r")
    t.expect(f"{half} {rest}")


@client_check("CLIENT-13", "148103154efe", ground=3, fact="CLIENT-13 for all characters", plays=(enter,))
def characters_beyond_ascii_are_sent(t: ClientScene) -> None:
    """Characters of two, three and four octets are sent as they were typed."""
    _enter_alone(t)
    t.say(_BEYOND_ASCII)


@client_check("CLIENT-3", "21fa79dade57", ground=3, fact="CLIENT-3 for announcements", plays=(enter,))
def an_announcement_is_not_answered(t: ClientScene) -> None:
    """An announcement brings the client to send nothing."""
    _enter_alone(t)
    _answers_nothing(t)


def _answers_nothing(t: ClientScene) -> None:
    t.wire.send_octets(b"ANNOUNCE Hello.\n")
    _say(t, t.word())
    t.say(t.word())


@client_check("CLIENT-2", "3c479feabc88", ground=3, fact="CLIENT-2 for another version", plays=(speak_no_protocol,))
def another_version_is_left(t: ClientScene) -> None:
    """The client closes when the first line is HELLO flurfunk/2."""
    t.start()
    t.send("HELLO flurfunk/2")
    t.until_closed()


@client_check("CLIENT-1", "035bae0ad6e0", ground=3, fact="CLIENT-1 for unknown features", plays=(greet_unusually,))
def an_unknown_feature_is_passed_over(t: ClientScene) -> None:
    """The client goes on when HELLO names a feature that nobody knows."""
    _stays(t, "HELLO flurfunk/1 x-new", features=_UNKNOWN)


@client_check("LINE-2", "2716c0ff5413", ground=3, fact="LINE-2 for whole lines", plays=(greet_unusually,))
def a_greeting_with_cr_lf_is_taken(t: ClientScene) -> None:
    """The client goes on when the lines of the greeting end with CR LF."""
    _stays(t, "HELLO flurfunk/1 and CR LF", end="\r\n")


@client_check("CLIENT-8", "2256202be016", ground=3, fact="CLIENT-8 in a room", plays=(dismiss_in_a_room,))
def a_bye_ends_the_connection(t: ClientScene) -> None:
    """The client closes its side on a BYE."""
    _enter_alone(t)
    t.wire.send_octets(b"BYE shutdown\n")
    t.until_closed()


@client_check("CLIENT-15", "ae10d48a04b5", ground=3, fact="CLIENT-15 for exit", plays=(leave_a_room,))
def exit_ends_the_client(t: ClientScene) -> None:
    """In a room, exit ends the client."""
    _ends(t, "exit\r")


@client_check("CLIENT-15", "ae10d48a04b5", ground=3, fact="CLIENT-15 for end of input", plays=(leave_a_room,))
def end_of_input_ends_the_client(t: ClientScene) -> None:
    """In a room, end of input ends the client."""
    _ends(t, CTRL_D)


@client_check("CLIENT-15", "ae10d48a04b5", ground=3, fact="CLIENT-15 for interrupt", plays=(leave_a_room,))
def interrupt_ends_the_client(t: ClientScene) -> None:
    """In a room, Ctrl-C ends the client, be it that half a line was typed."""
    _ends(t, CTRL_C)
    _ends(t, f"half{CTRL_C}")


def _ends(t: ClientScene, keys: str) -> None:
    """The program ends on these keys, whether the client closes on the BYE or not."""
    t.in_room()
    t.press(keys)
    t.until(lambda: bool(t.wire.inbox or t.wire.ended), "exit, or the end of the connection")
    t.send("BYE exit")
    t.until_ended()


@client_check("CLIENT-18", "b4646fed8c1a", ground=3, fact="CLIENT-18 in a room", plays=(dismiss_in_a_room,))
def the_reason_of_a_bye_in_a_room(t: ClientScene) -> None:
    """BYE shutdown, removed and slow are told, each in another way."""
    tell_apart_in_a_room(t)

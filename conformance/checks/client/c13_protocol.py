"""Section 13.1, Every client."""

from conformance.checks.client.plays import (
    HALVES,
    NO_HELLO,
    UNKNOWN_FEATURES,
    UNKNOWN_LINES,
    USUAL_FEATURES,
    dismiss_before,
    dismiss_in_a_room,
    enter_a_room,
    fail_to_send,
    greet_otherwise,
    leave_a_room,
    lose,
    rows_of_a_beginning,
    speak_no_protocol,
)
from conformance.checks.registry import client_check
from conformance.stage.client import ClientScene
from conformance.text.vectors import ALLOWED
from conformance.wire import client_standing as standing
from conformance.wire.failure import Failed, NotReached
from conformance.wire.peer import listed

_SAYING: tuple[str, ...] = (
    "BYE shutdown",
    "exit",
    "server shutting down, closing connection",
    "bye",
    "NAME Eve",
    "ROOM lounge",
)
_SAYING += ("HELLO flurfunk/2", "disconnect", "reconnect", "the name is Eve", "Verbindung getrennt", "0", "\u202e")
_PROVOKING = ("Guest: hello?", "!help", "/ping", "ping", "exit", "/help", "PING x", "VERSION", "/who", "Guest", "BYE")


@client_check("CLIENT-1", "035bae0ad6e0")
def unknown_lines_are_passed_over(t: ClientScene) -> None:
    """Lines whose first word the client does not know change nothing."""
    t.in_room()
    known = t.word()
    t.send("TOPIC", "TOPIC main x", "X", "Z" * 32, "HISTORY Bob some text", "PARTED Bob", "KICK Guest now")
    t.send("SAIDX Bob no", "BYEX", "SAY Bob no", *(f"NEWS {text}" for text in ALLOWED), f"SAID Bob {known}")
    t.until_shown(known)
    t.settle_wire()


@client_check("CLIENT-1", "035bae0ad6e0", plays=(greet_otherwise,))
def unknown_lines_in_the_greeting(t: ClientScene) -> None:
    """Lines that the client does not know are passed over in the greeting and in the lobby too."""
    enter_a_room(t, *UNKNOWN_LINES, features=USUAL_FEATURES)


@client_check("CLIENT-1", "035bae0ad6e0", plays=(greet_otherwise,))
def unknown_features_are_passed_over(t: ClientScene) -> None:
    """Words of HELLO that the client does not know, or no words at all, change nothing."""
    for features in UNKNOWN_FEATURES:
        enter_a_room(t, features=features)


@client_check("CLIENT-2", "3c479feabc88", plays=(speak_no_protocol,))
def another_protocol_is_left_and_told(t: ClientScene) -> None:
    """When the first line is not HELLO, or its second word not flurfunk/1, the client closes and says so."""
    before = rows_of_a_beginning(t)
    for line in NO_HELLO:
        t.start()
        t.send(line, "NAME Guest")
        t.until_closed()
        t.until_told(before)


@client_check("CLIENT-3", "21fa79dade57")
def nothing_is_answered_by_itself(t: ClientScene) -> None:
    """SAID, ANNOUNCE and INFO lines, whatever they say, bring the client to send nothing."""
    t.in_room()
    already = len(t.by_itself)
    lines = [f"{kind} {text}" for text in _PROVOKING for kind in ("SAID Bob", "ANNOUNCE", "INFO")]
    t.send(*lines, *(f"SAID Guest {text}" for text in _PROVOKING))
    t.settle_screen()
    t.settle_wire()
    # Lines that a client may send now and then by itself does not come once for each line.
    sent = t.by_itself[already:]
    if len(sent) >= len(_PROVOKING):
        raise Failed("nothing but what is typed", listed(sent))


@client_check("CLIENT-4", "17baef7caee9")
def texts_for_people_mean_nothing(t: ClientScene) -> None:
    """The client stays, and keeps its name and room, whatever INFO and ERROR lines say."""
    t.in_room()
    for text in _SAYING:
        t.send(f"INFO {text}", f"ERROR bad-argument {text}", f"ERROR no-room {text}")
    t.settle_screen()
    t.settle_wire()


@client_check("CLIENT-6", "496bd884e03c", plays=(lose,))
def a_closed_connection_is_told(t: ClientScene) -> None:
    """The server closes without BYE: the user is told."""
    t.in_room()
    before = t.before_news()
    t.wire.close()
    t.until_told(before)


@client_check("CLIENT-6", "496bd884e03c", plays=(lose,))
def a_broken_connection_is_told(t: ClientScene) -> None:
    """The connection is reset: the user is told."""
    t.in_room()
    before = t.before_news()
    t.wire.reset()
    t.until_told(before)


@client_check("CLIENT-6", "496bd884e03c", plays=(lose,))
def an_end_within_a_line_is_told(t: ClientScene) -> None:
    """The server ends in the middle of a line, be it that of a BYE: the user is told."""
    for half in HALVES:
        t.in_room()
        before = t.before_news()
        t.wire.send_octets(half)
        t.wire.close()
        t.until_told(before)


@client_check("CLIENT-7", "b3eb85cd6502", plays=(dismiss_in_a_room,))
def what_came_is_processed_before_a_failure_is_told(t: ClientScene) -> None:
    """Sending fails while lines and a BYE are unread: they are shown, and the reason of the BYE is told."""
    t.needs(*standing.REASONS)
    t.in_room()
    reason = t.word()
    t.send(f"BYE {reason}")
    try:
        t.until_shown(reason)
    except Failed as failed:
        raise NotReached("CLIENT-19") from failed
    fail_to_send(t)


@client_check("CLIENT-8", "2256202be016", plays=(dismiss_in_a_room, dismiss_before))
def bye_is_followed_by_the_end(t: ClientScene) -> None:
    """The client closes its side on a BYE, which the server does not do first; in a room, and in the lobby."""
    t.in_room()
    t.send("BYE shutdown")
    t.until_closed()
    t.lobby()
    t.send("BYE idle")
    t.until_closed()
    t.start()
    t.send("HELLO flurfunk/1", "BYE full")
    t.until_closed()


@client_check("CLIENT-8", "2256202be016", plays=(leave_a_room,))
def bye_after_exit_is_followed_by_the_end(t: ClientScene) -> None:
    """The client closes its side when its exit was answered."""
    t.in_room()
    t.type("exit")
    t.until(lambda: bool(t.wire.inbox or t.wire.ended), "exit, or the end")
    t.send("BYE exit")
    t.until_closed()

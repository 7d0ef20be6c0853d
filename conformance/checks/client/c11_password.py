"""Section 11.3, the feature password, as clients see it."""

import time

from conformance.checks.client.plays import WITHOUT_PASSWORD, enter_a_room, greet_otherwise
from conformance.checks.registry import client_check
from conformance.stage.client import ENTER, ROOM, ClientScene
from conformance.wire import client_standing as standing
from conformance.wire.failure import Failed, Skipped
from conformance.wire.peer import octets
from conformance.wire.transcript import shown

UP = "\x1b[A"


@client_check("PASS-12", "45c11717fc00")
def the_user_is_asked_for_the_password(t: ClientScene) -> None:
    """All that the user types first is sent with /password, again when it was wrong, and from ADMITTED on as it is."""
    t.needs(*standing.ALL_CHARACTERS)
    t.lobby(features=" who password rooms")
    for words in (t.word(), f"{t.word()}  {t.word()} \u00e9"):
        _type_when_asked(t, words)
        t.send("ERROR bad-password That is not it." if words.isalpha() else "ADMITTED")
        t.settle_lobby()
    t.choose_room()
    t.settle_wire()


def _type_when_asked(t: ClientScene, words: str) -> None:
    """Type words, which are sent with /password.

    A client that shows no INFO lines may have read HELLO, and not yet dealt with it: what is typed then is no
    password to it. The server says what it says to that, and the words are typed anew.
    """
    end = time.monotonic() + t.deadline
    wanted = f"/password {words}"
    t.type(words)
    while (line := t.expect_one_of(wanted, words)) != octets(wanted):
        if t.shows_info or time.monotonic() > end:
            raise Failed(f"server <- {shown(octets(wanted))}", f"server <- {shown(line)}")
        t.send("ERROR no-password Type the password.")
        t.give_turn()
        t.type(words)


@client_check("PASS-13", "819b3e953524")
def the_password_is_not_shown(t: ClientScene) -> None:
    """All that is typed for a password is not to be seen: then, when something comes, when it was wrong, and later."""
    t.needs(*standing.WHILE_TYPING)
    t.lobby(features=" password")
    wrong, right = t.word(), t.word()
    _type_password(t, wrong)
    t.send("ERROR bad-password That is not it.")
    t.settle_lobby()
    _type_password(t, right)
    t.send("ADMITTED")
    t.settle_lobby()
    t.choose_room()
    t.press(UP)
    last = t.word()
    t.press(last)
    t.until_shown(last)
    for words in (wrong, right):
        if t.rows_with(words) or octets(words) in t.terminal.output:
            raise Failed("a password that is not to be seen", f"{words!r} on the screen")


def _type_password(t: ClientScene, words: str) -> None:
    """Type a password; something comes before Enter. Skipped where the client asks for none."""
    t.press(words)
    t.settle_lobby()
    t.press(ENTER)
    if t.expect_one_of(f"/password {words}", words) == octets(words):
        raise Skipped("the client does not ask for a password", missing=False)


@client_check("PASS-15", "af925b9f7e87")
def half_a_password_is_dropped(t: ClientScene) -> None:
    """All that was begun for a password is gone when ADMITTED comes: it is not to be seen, and is not said."""
    t.needs(*standing.WHILE_TYPING)
    t.lobby(features=" password")
    if not t.shows_info:
        raise Skipped("the client shows no INFO lines: nothing tells what it has read", missing=False)
    _type_password(t, t.word())
    half = t.word()
    t.press(half)
    t.settle_lobby()
    t.until(lambda: not t.terminal.unread, "the client reads what is typed")
    t.send("ADMITTED")
    t.settle_lobby()
    t.press(ENTER)
    t.settle_lobby()
    t.type(ROOM)
    while (line := t.expect_line()) not in (octets(ROOM), b"/cd " + octets(ROOM)):
        if octets(half) in line and not line.startswith(b"/password "):
            raise Failed("nothing of a password that was begun", f"server <- {shown(line)}")
    t.send(f"ROOM {ROOM}")
    t.settle_screen()
    if t.rows_with(half):
        raise Failed("a password that is not to be seen", f"{half!r} on the screen")


@client_check("PASS-16", "23e0cb89531b")
def a_command_typed_for_a_password_is_taken_for_its_words(t: ClientScene) -> None:
    """While a password is asked for, /password and the words, as the server tells people to type, are these words."""
    t.needs(*standing.TYPED)
    t.lobby(features=" password")
    _type_password(t, t.word())
    t.send("ERROR bad-password That is not it.")
    t.settle_lobby()
    for words in (f"{t.word()} {t.word()}", t.word()):
        t.type(f"/password {words}")
        t.expect(f"/password {words}")
        t.send("ERROR bad-password That is not it." if " " in words else "ADMITTED")
        t.settle_lobby()


@client_check("PASS-14", "893d4fc3485d", plays=(greet_otherwise,))
def no_password_is_sent_unasked(t: ClientScene) -> None:
    """To servers that do not want one, whatever else they have, no password is sent."""
    for features in WITHOUT_PASSWORD:
        enter_a_room(t, features=features)

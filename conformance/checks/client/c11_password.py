"""Section 11.3, the feature password, as clients see it."""

from conformance.checks.client.plays import WITHOUT_PASSWORD, enter_a_room, greet_otherwise
from conformance.checks.registry import client_check
from conformance.stage.client import ENTER, ClientScene
from conformance.wire import client_standing as standing
from conformance.wire.failure import Failed, Skipped
from conformance.wire.peer import octets

UP = "\x1b[A"


@client_check("PASS-12", "251a21fbb6ec")
def the_user_is_asked_for_the_password(t: ClientScene) -> None:
    """What the user types first is sent with /password, again when it was wrong, and from ADMITTED on as it is."""
    t.needs(*standing.ALL_CHARACTERS)
    t.lobby(features=" who password rooms")
    for words in (t.word(), f"{t.word()}  {t.word()} \u00e9"):
        t.type(words)
        t.expect(f"/password {words}")
        t.send("ERROR bad-password That is not it." if words.isalpha() else "ADMITTED")
        t.settle_lobby()
    t.choose_room()
    t.settle_wire()


@client_check("PASS-13", "1b2db34da7e9")
def the_password_is_not_shown(t: ClientScene) -> None:
    """What is typed for a password is not to be seen: then, when something comes, when it was wrong, and later."""
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


@client_check("PASS-14", "893d4fc3485d", plays=(greet_otherwise,))
def no_password_is_sent_unasked(t: ClientScene) -> None:
    """To servers that do not want one, whatever else they have, no password is sent."""
    for features in WITHOUT_PASSWORD:
        enter_a_room(t, features=features)

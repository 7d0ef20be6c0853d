"""The mistakes that can be switched on, each with the requirements whose checks have to notice it."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """A mistake: its name, what the client does then, and the requirements that it breaks."""

    name: str
    text: str
    breaks: tuple[str, ...]


_active: set[str] = set()


def choose(names: Iterable[str]) -> None:
    """Switch these faults on and all others off."""
    _active.clear()
    _active.update(names)


def fault(name: str) -> bool:
    """Tell whether to make this mistake."""
    return name in _active


_TABLE = (
    # sections 2 and 3
    ("segment-is-line", "takes the end of each segment for the end of a line", "NET-3"),
    ("segment-is-character", "decodes each segment by itself: characters cut at its border are replaced", "NET-3"),
    ("line-per-segment", "shows one line of each segment, the others when the next comes", "NET-3"),
    ("bye-drops-segment", "ends when a segment has a BYE in it, and shows nothing else of it", "NET-3 CLIENT-7"),
    ("crlf-sent", "ends its lines with CR LF", "LINE-1"),
    ("exit-without-lf", "sends exit without its LF", "LINE-1"),
    ("cr-kept", "takes the CR before an LF for a part of the line", "LINE-2"),
    ("cr-ends-line", "takes a CR alone for the end of a line", "LINE-2"),
    ("splitlines", "takes U+2028, VT, NEL and others for the end of a line", "LINE-2"),
    ("too-long-sent", "sends lines of whatever length", "LINE-11 CLIENT-13"),
    ("too-long-in-characters", "counts characters, not octets", "LINE-11 CLIENT-13"),
    ("long-refused", "drops a server's line of more than 4096 octets", "LINE-12"),
    ("long-cut", "shows only the beginning of a long line", "LINE-12"),
    ("forbidden-sent", "sends lines with forbidden characters", "TEXT-7 CLIENT-13"),
    ("ill-formed-sent", "sends lines that are no UTF-8", "TEXT-7"),
    # section 11.3
    ("password-not-asked", "does not ask for a password", "PASS-12"),
    ("password-shown", "shows a password while it is typed", "PASS-13"),
    ("password-shown-when-sent", "shows a password when it sends it", "PASS-13"),
    ("half-password-kept", "keeps what was begun for a password when it is admitted", "PASS-15"),
    ("half-password-shown", "shows what was begun for a password when it is admitted", "PASS-15"),
    ("password-command-doubled", "sends /password twice where the user types it", "PASS-16"),
    ("password-asked-always", "asks for a password at every server", "PASS-14"),
    # sections 11.4 and 11.5
    ("past-untimed", "shows what was said before without its time", "HIST-11"),
    ("past-like-words", "shows what was said before as it shows words, with the time of both", "HIST-11"),
    ("tell-like-words", "shows what its user is told alone as it shows words", "TELL-7"),
    ("teller-hidden", "does not show by whom its user is told something", "TELL-7"),
    # section 13.1
    ("unknown-line-ends", "ends at a line that it does not know", "CLIENT-1"),
    ("unknown-feature-ends", "ends at a word in HELLO that it does not know", "CLIENT-1"),
    ("hello-ignored", "does not look at HELLO", "CLIENT-2"),
    ("hello-prefix", "looks only whether the second word of HELLO begins with flurfunk/1", "CLIENT-2"),
    ("hello-untold", "closes at another HELLO without a word", "CLIENT-2"),
    ("auto-reply", "answers whoever mentions its user", "CLIENT-3"),
    ("announce-answered", "answers announcements", "CLIENT-3"),
    ("info-read", "ends when an INFO line says so", "CLIENT-4"),
    ("error-read", "ends when an ERROR says so", "CLIENT-4"),
    ("loss-untold", "ends without a word when the connection is lost", "CLIENT-6"),
    ("reset-untold", "ends without a word when the connection is reset", "CLIENT-6"),
    ("failure-first", "ends at once when sending fails", "CLIENT-7"),
    ("bye-ignored", "does not close its side on a BYE", "CLIENT-8"),
    # section 13.2
    ("controls-raw", "writes C0 controls as they are", "CLIENT-9"),
    ("c1-raw", "writes C1 controls as they are", "CLIENT-9"),
    ("bidi-raw", "writes bidirectional controls as they are", "CLIENT-9"),
    ("invisible-raw", "writes other invisible characters as they are", "CLIENT-9"),
    ("names-raw", "makes texts harmless, and not names", "CLIENT-9"),
    ("errors-raw", "makes what others say harmless, and not what the server says", "CLIENT-9"),
    ("bye-raw", "writes the reason of a BYE as it is", "CLIENT-9"),
    ("prompt-raw", "writes its own name and room as they are", "CLIENT-9"),
    ("speaker-hidden", "does not show who says something", "CLIENT-10"),
    ("newest-first", "shows the lines of one segment in the wrong order", "CLIENT-10"),
    ("flood-dropped", "drops lines when more than 50 come at once", "CLIENT-10"),
    ("text-stripped", "shows texts without the blanks at their ends, and single ones for others", "CLIENT-10"),
    ("own-twice", "shows the user's words when they are typed, and when they come back", "CLIENT-11 PASS-13"),
    ("own-hidden", "leaves out the user's own words", "CLIENT-11"),
    ("joined-hidden", "does not show who enters", "CLIENT-12"),
    ("nick-hidden", "does not show new names", "CLIENT-12"),
    ("errors-hidden", "does not show errors", "CLIENT-12 CLIENT-19"),
    ("left-without-reason", "does not show why somebody leaves", "CLIENT-12 CLIENT-19"),
    ("announce-like-text", "shows announcements as texts are shown", "CLIENT-23"),
    ("events-like-rows", "shows events so that a text can wrap into one", "CLIENT-23"),
    ("event-rows-like-text", "shows the later rows of events as those of texts", "CLIENT-23"),
    ("deaf-while-sending", "receives nothing while it sends", "CLIENT-20"),
    ("deaf-while-typing", "receives nothing until all that was typed is sent", "CLIENT-20"),
    ("room-not-asked", "does not ask for a room", "CLIENT-21 CLIENT-22"),
    ("name-untold", "does not show the user's new name", "CLIENT-22"),
    ("room-untold", "does not show the room that the user has entered", "CLIENT-22"),
    ("members-untold", "does not show the names that answer /who", "CLIENT-22"),
    ("rooms-untold", "does not show the rooms that answer /rooms", "CLIENT-22"),
    ("typed-stripped", "sends lines without the blanks at their ends", "CLIENT-13"),
    ("typed-ascii", "sends ? for what is not ASCII", "CLIENT-13"),
    ("say-removed", "sends /say x as x", "CLIENT-13"),
    ("commands-checked", "does not send commands that it does not know", "CLIENT-13"),
    ("typed-cut", "sends only the first 1024 octets of a line", "CLIENT-13"),
    ("too-long-cut", "sends the first 4096 octets of a line that is too long", "CLIENT-13"),
    ("not-sent-untold", "does not tell that a line was not sent", "CLIENT-13"),
    ("paste-dropped", "takes one line of what is pasted", "CLIENT-13"),
    ("half-lost", "forgets the line being typed when something comes", "CLIENT-14"),
    ("half-torn", "does not draw the line being typed again", "CLIENT-14"),
    ("half-character-lost", "forgets half a character when something comes", "CLIENT-14"),
    ("half-lost-at-resize", "forgets the line being typed when the window changes", "CLIENT-14"),
    ("ctrl-c-ignored", "ignores Ctrl-C", "CLIENT-15"),
    ("ctrl-d-ignored", "ignores Ctrl-D", "CLIENT-15"),
    ("exit-said", "says exit instead of leaving", "CLIENT-15"),
    ("bye-awaited-forever", "waits for the answer to exit without end", "CLIENT-15"),
    ("exit-unsent", "leaves without sending exit", "CLIENT-16"),
    ("bye-unawaited", "does not wait for the BYE", "CLIENT-16"),
    ("raw-left", "leaves the terminal raw", "CLIENT-17"),
    ("raw-left-at-interrupt", "leaves the terminal raw at Ctrl-C", "CLIENT-17"),
    ("raw-left-at-loss", "leaves the terminal raw when the server is lost", "CLIENT-17"),
    ("bye-without-reason", "does not tell the reason of a BYE", "CLIENT-18 CLIENT-19"),
    ("codes-known-alone", "passes over errors and leavings whose code or reason it does not know", "CLIENT-19"),
    ("bye-known-alone", "passes over a BYE whose reason it does not know", "CLIENT-19"),
    ("bye-untold", "ends without a word at a BYE", "CLIENT-18 CLIENT-19"),
)

# Parts that can be taken out of the client, each with all that it breaks then.
_LACKS_TABLE = (
    ("no-connection", "never connects", ""),
    (
        "no-screen",
        "shows nothing at all",
        "CLIENT-2 CLIENT-6 CLIENT-7 CLIENT-10 CLIENT-11 CLIENT-12 CLIENT-13 CLIENT-18 CLIENT-19",
    ),
    ("no-said", "shows nothing of what is said", "CLIENT-10 CLIENT-11"),
    ("no-info", "shows nothing of INFO lines, which it need not", ""),
    ("no-events", "shows nothing of events", "CLIENT-12 CLIENT-19"),
    ("no-joined", "ends when somebody enters", "CLIENT-12 CLIENT-23"),
    ("no-features", "ends when HELLO names a feature", "CLIENT-1 PASS-12"),
    ("no-sending", "sends no line", "CLIENT-13 CLIENT-16 PASS-12"),
    ("no-lf", "sends lines without LF", "LINE-1"),
    ("no-nick", "sends no /nick", "CLIENT-13 CLIENT-22"),
    ("no-bye", "passes over BYE", "CLIENT-7 CLIENT-8 CLIENT-18 CLIENT-19"),
    ("no-end", "goes on after exit", "CLIENT-15"),
)

FAULTS = {name: Fault(name, text, tuple(breaks.split())) for name, text, breaks in _TABLE}
LACKS = {name: Fault(name, text, tuple(breaks.split())) for name, text, breaks in _LACKS_TABLE}

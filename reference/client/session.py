"""What the client does about what comes: typed lines, lines of the server, ends -> effects.

Pure: no socket, no thread, no clock, no terminal.
"""

from enum import Enum, auto
from typing import NamedTuple

from reference import wire
from reference.client import texts


class Style(Enum):
    """What kind of line is shown; screen.py decides what each looks like."""

    SAID = auto()
    OWN = auto()
    EVENT = auto()
    INFO = auto()
    ANNOUNCE = auto()
    ERROR = auto()


class Show(NamedTuple):
    """Show a line; `text` and `speaker` hold what others wrote, not yet made harmless."""

    style: Style
    text: str
    speaker: str = ""


class Send(NamedTuple):
    """Send a line, without terminator, that keeps [LINE-11] and [TEXT-7]."""

    line: str


class Quit(NamedTuple):
    """End with this exit status; `message`, if any, tells the user why, not yet made harmless."""

    status: int
    message: str = ""


Effect = Show | Send | Quit

_PASSWORD = "/password "
LEFT_AS_WISHED = 0
FAILED = 1


class Session:
    """One connection as its user sees it, from HELLO to the end."""

    def __init__(self, name: str | None = None, room: str | None = None, password: str | None = None) -> None:
        """`name`, `room`: what to ask the server for first; both have the form of a name.

        `password`: what to answer a server that wants one; None: the user is asked, if that `can_ask`.
        """
        self._first = [f"/nick {name}"] if name else []
        self._first += [f"/cd {room}"] if room else []
        self._password = password
        self._name = ""
        self._room = ""
        self._list: list[str] = []  # MEMBER or LIVE lines whose end has not come
        self._interrupted = False
        self.can_ask = False  # what is typed can be kept from being seen
        self.asking = False  # what is typed is a password, and not to be seen nor kept [PASS-13]
        self.ready = False  # HELLO has come: lines may be typed
        self.leaving = False  # `exit` was sent: nothing more is sent

    @property
    def prompt(self) -> str:
        """What the user is asked for now; empty while there is nothing to type."""
        if not self.ready or self.leaving:
            return ""
        if self.asking:
            return texts.PROMPT_PASSWORD
        return texts.PROMPT_ROOM.format(name=self._name, room=self._room) if self._room else texts.PROMPT_LOBBY

    # ------------------------------------------------------------ from the user

    def typed(self, line: bytes | None) -> list[Effect]:
        """Take a line that was typed, without terminator; None: one longer than was looked at [CLIENT-13].

        Only once `ready`.  What is typed behind `exit` is dropped: no server acts on it.
        """
        if self.leaving or line == b"":
            return []
        before = _PASSWORD if self.asking and line != b"exit" else ""
        if line is None or len(before) + len(line) > wire.MAX_CLIENT_LINE:
            return [Show(Style.ERROR, texts.TOO_LONG.format(limit=wire.MAX_CLIENT_LINE))]
        text = wire.decode(line)
        if text is None:
            return [Show(Style.ERROR, texts.BAD_TEXT)]
        if text == "exit":
            return self.input_ended()
        local = text.partition(" ")[0] == "/help" and not before
        return [*(Show(Style.INFO, line) for line in texts.HELP if local), Send(before + text)]

    def input_ended(self) -> list[Effect]:
        """Leave, because the user said so or has nothing more to say [CLIENT-15] [CLIENT-16]."""
        if self.leaving:
            return []
        self.leaving = True
        return [Send("exit")]

    def interrupted(self) -> list[Effect]:
        """Leave at the user's Ctrl-C: however it goes on from here, it ends as wished."""
        self._interrupted = True
        return self.input_ended() if self.ready else [Quit(LEFT_AS_WISHED)]

    # ------------------------------------------------------------ from the connection

    def connection_ended(self) -> list[Effect]:
        """Take the end of a connection on which no BYE came [CLIENT-6]."""
        if not self.ready:
            return [Quit(FAILED, texts.NOT_FLURFUNK)]
        return [Quit(LEFT_AS_WISHED if self._interrupted else FAILED, texts.LOST)]

    def patience_ended(self) -> list[Effect]:
        """Take that a HELLO, or a BYE after `exit`, did not come in time."""
        if self._interrupted:
            return [Quit(LEFT_AS_WISHED)]
        return [Quit(FAILED, texts.NO_GOODBYE if self.ready else texts.NO_GREETING)]

    def received(self, line: bytes | None) -> list[Effect]:
        """Take a line of the server, without terminator; None: one longer than any server may send."""
        message = wire.parse_server(line)
        if not self.ready:
            return self._greeted(message)
        if message is None:  # [CLIENT-1]
            return []
        match message:
            case ("NAME", (name,)):
                return self._named(name)
            case ("ROOM", (room,)):
                self._room = room
                return [Show(Style.EVENT, texts.IN_ROOM.format(room=room))]
            case ("SAID", (name, text)):
                return [Show(Style.OWN if name == self._name else Style.SAID, text, speaker=name)]
            case ("ADMITTED", ()):
                return self._admitted()
            case ("ERROR", (code, text)):
                return self._refused(code, text)
            case ("BYE", (reason,)):
                return self._dismissed(reason)
            case ("MEMBER" | "MEMBERS" | "LIVE" | "ROOMS", words):
                return self._listed(message.kind, words)
        return _news(message)

    def _greeted(self, message: wire.ServerLine | None) -> list[Effect]:
        if message is None or message.kind != "HELLO" or message.words[0] != wire.PROTOCOL:
            return [Quit(FAILED, texts.NOT_FLURFUNK)]  # [CLIENT-2]
        self.ready = True
        wanted = "password" in message.words[1].split(" ")
        if wanted and self._password is None:
            self.asking = self.can_ask
            return [Show(Style.EVENT, texts.PASSWORD_ASKED) if self.can_ask else Quit(FAILED, texts.PASSWORD_WANTED)]
        known = [f"{_PASSWORD}{self._password}"] if wanted else []  # [PASS-14]
        return [Send(line) for line in (*known, *self._first)]

    def _admitted(self) -> list[Effect]:
        first = self._first if self.asking else []
        self.asking = False
        return [Show(Style.EVENT, texts.ADMITTED), *map(Send, first)]

    def _named(self, name: str) -> list[Effect]:
        text = texts.NEW_NAME if self._name else texts.FIRST_NAME
        self._name = name
        return [Show(Style.EVENT, text.format(name=name))]

    def _refused(self, code: str, theirs: str) -> list[Effect]:
        if code == wire.ErrorCode.BAD_PASSWORD and self._password is not None:
            return [Quit(FAILED, texts.PASSWORD_WRONG)]
        ours = texts.ERRORS.get(code, texts.ERROR_OTHERWISE.format(code=code))
        effects: list[Effect] = [Show(Style.ERROR, texts.SERVER_SAYS.format(ours=ours, theirs=theirs))]
        if code in (wire.ErrorCode.BAD_NAME, wire.ErrorCode.NAME_TAKEN):
            effects.append(Show(Style.EVENT, texts.SAME_NAME.format(name=self._name)))
        return effects

    def _dismissed(self, reason: str) -> list[Effect]:
        if self._interrupted or (self.leaving and reason == wire.ByeReason.EXIT):
            return [Quit(LEFT_AS_WISHED)]
        return [Quit(FAILED, texts.BYE.get(reason, texts.BYE_OTHERWISE.format(reason=reason)))]  # [CLIENT-18]

    def _listed(self, kind: str, words: tuple[str, ...]) -> list[Effect]:
        """Collect an answer to /who or /rooms, to show it as one line when it is whole."""
        if kind == "MEMBER":
            self._list.append(words[0])
            return []
        if kind == "LIVE":
            self._list.append(texts.ROOM_OF_LIST.format(room=words[0], count=words[1]))
            return []
        listed, self._list = ", ".join(self._list), []
        if kind == "MEMBERS":
            return [Show(Style.EVENT, texts.MEMBERS.format(room=words[0], count=words[1], names=listed))]
        return [Show(Style.EVENT, texts.ROOMS.format(count=words[0], rooms=listed))]


def _news(message: wire.ServerLine) -> list[Effect]:
    """What is shown and changes nothing [CLIENT-12]."""
    match message:
        case ("INFO", (text,)):
            return [Show(Style.INFO, text)]
        case ("ANNOUNCE", (text,)):
            return [Show(Style.ANNOUNCE, texts.ANNOUNCE.format(text=text))]
        case ("JOINED", (name,)):
            return [Show(Style.EVENT, texts.JOINED.format(name=name))]
        case ("LEFT", (name, reason)):
            return [Show(Style.EVENT, texts.LEFT.get(reason, texts.LEFT_OTHERWISE).format(name=name, reason=reason))]
        case ("NICK", (old, new)):
            return [Show(Style.EVENT, texts.NICK.format(old=old, new=new))]
        case ("PONG", (token,)):
            return [Show(Style.EVENT, texts.PONG.format(token=token))]
    return []  # a second HELLO

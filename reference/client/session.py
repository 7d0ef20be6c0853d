"""What the client does about what comes: typed lines, lines of the server, ends -> effects.

Pure: no socket, no thread, no clock, no terminal.
"""

import re
from collections import deque
from collections.abc import Sequence
from enum import Enum, auto
from itertools import groupby
from typing import NamedTuple

from reference import wire
from reference.client import completion, crowd
from reference.client.texts import Texts


class Style(Enum):
    """What kind of line is shown; screen.py decides what each looks like."""

    SAID = auto()
    MENTION = auto()  # said to the user by name
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
    """End with this exit status; `message`, if any, tells the user why, not yet made harmless.

    `lost`: the user did not want the end, and another connection may mend it.
    """

    status: int
    message: str = ""
    lost: bool = False


class Record(NamedTuple):
    """Append what is shown to this file from here on; an empty path: to none."""

    path: str


Effect = Show | Send | Record | Quit

_PASSWORD = "/password "
_USUAL_ROOMS = ("main", "lounge", "coffee-break")  # section 4
_TOKEN = "are-you-there"
# The reasons of BYE behind which another connection is welcome; an operator's wish is none of them.
_PASSING = (wire.ByeReason.SHUTDOWN, wire.ByeReason.SLOW)
_NOTHING = re.compile("(?!)")
LEFT_AS_WISHED = 0
FAILED = 1


class Session:
    """A connection as its user sees it, from HELLO to the end; and those after it, where it is lost and comes back."""

    def __init__(
        self, texts: Texts, name: str | None = None, room: str | None = None, password: str | None = None
    ) -> None:
        """`texts`: what the user is told, in the user's language.

        `name`, `room`: what to ask the server for first; both have the form of a name.

        `password`: what to answer a server that wants one; None: the user is asked, if they are `on_terminal`.
        """
        self.texts = texts
        self._wanted_name = name or ""  # what each connection is asked for first
        self._wanted_room = room or ""
        self._password = password
        self._name = ""  # as the server told on this connection, and so the room
        self._renamed = False  # the name is another one than that of the greeting
        self._called = _NOTHING  # finds where the user is called by name
        self._room = ""
        self._list: list[str] = []  # MEMBER or LIVE lines whose end has not come
        self._interrupted = False
        self._names: dict[str, None] = {}  # who is known to be in the room; who spoke last is last
        self._rooms = dict.fromkeys(_USUAL_ROOMS)  # those that are known
        self._ignored: dict[str, str] = {}  # names as they were given, by their folded form
        self._kept: list[str] = []  # what was typed while there was no connection
        self._unconfirmed: deque[str] = deque()  # what was said and has not come back
        self.on_terminal = False  # somebody types, and that can be kept from being seen
        self.away = False  # the connection was lost, and the user is not yet back in the room
        self.asking = False  # what is typed is a password, and not to be seen nor kept [PASS-13]
        self.ready = False  # HELLO has come: lines may be typed
        self.leaving = False  # `exit` was sent: nothing more is sent

    @property
    def prompt(self) -> str:
        """What the user is asked for now; empty while there is nothing to type."""
        if self.leaving or not (self.ready or self.away):
            return ""
        if self.asking:
            return self.texts.prompt_password
        if self.away:
            return self.texts.prompt_away
        if not self._room:
            return self.texts.prompt_lobby
        return self.texts.prompt_room.format(name=self._name, room=self._room)

    @property
    def in_room(self) -> bool:
        """Whether the user is in a room now."""
        return self.ready and bool(self._room) and not self.away

    # ------------------------------------------------------------ from the user

    def typed(self, line: bytes | None) -> list[Effect]:
        """Take a line that was typed, without terminator; None: one longer than was looked at [CLIENT-13].

        Only once `ready`, or while `away`.  What is typed behind `exit` is dropped: no server acts on it.
        """
        if self.leaving or line == b"":
            return []
        before = _PASSWORD if self.asking and line != b"exit" else ""
        if line is None or len(before) + len(line) > wire.MAX_CLIENT_LINE:
            return [Show(Style.ERROR, self.texts.too_long.format(limit=wire.MAX_CLIENT_LINE))]
        text = wire.decode(line)
        if text is None:
            return [Show(Style.ERROR, self.texts.bad_text)]
        if text == "exit":
            return self.input_ended()
        if before:
            return [Send(before + text)]
        word, _, argument = text.partition(" ")
        if habit := self.texts.habits.get(word):
            return [Show(Style.ERROR, habit)]
        if word == "/ignore":
            return [self._ignore(argument.strip())]
        if word == "/log":
            return [Record(argument.strip())]
        help_: list[Effect] = [Show(Style.INFO, line) for line in self.texts.help if word == "/help"]
        return help_ if help_ and self.away else [*help_, self._sent_or_kept(text)]

    def _ignore(self, name: str) -> Show:
        """Ignore somebody, or no longer, or tell who is ignored."""
        if not name:
            names = ", ".join(self._ignored.values())
            return Show(Style.EVENT, self.texts.ignored.format(names=names) if names else self.texts.nobody_ignored)
        if not wire.is_name(name):
            return Show(Style.ERROR, self.texts.bad_name.format(name=name))
        if self._ignored.pop(wire.fold(name), None):
            return Show(Style.EVENT, self.texts.heard_again.format(name=name))
        self._ignored[wire.fold(name)] = name
        return Show(Style.EVENT, self.texts.ignoring.format(name=name))

    def complete(self, before: str) -> tuple[int, list[str]]:
        """Return what the line up to the cursor can become; see completion.candidates."""
        names = [name for name in reversed(self._names) if name != self._name]
        return completion.candidates(before, names, self._rooms, self.in_room)

    def _sent_or_kept(self, text: str) -> Effect:
        if self.away:
            self._kept.append(text)
            return Show(Style.EVENT, self.texts.kept.format(text=text))
        said = text.removeprefix("/say ")
        if self.in_room and self.on_terminal and not said.startswith("/"):
            self._unconfirmed.append(said)
        return Send(text)

    def input_ended(self) -> list[Effect]:
        """Leave, because the user said so or has nothing more to say [CLIENT-15] [CLIENT-16]."""
        if self.leaving:
            return []
        if self.away and not self.ready:
            return [Quit(LEFT_AS_WISHED)]
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
            return [Quit(FAILED, self.texts.not_flurfunk, lost=self.away)]
        return [Quit(LEFT_AS_WISHED if self._interrupted else FAILED, self.texts.lost, lost=not self.leaving)]

    def patience_ended(self) -> list[Effect]:
        """Take that a HELLO, or a BYE after `exit`, did not come in time."""
        if self._interrupted:
            return [Quit(LEFT_AS_WISHED)]
        if not self.ready:
            return [Quit(FAILED, self.texts.no_greeting, lost=self.away)]
        return [Quit(FAILED, self.texts.no_goodbye, lost=not self.leaving)]

    # ------------------------------------------------------------ from one connection to another

    def lose(self, why: str) -> list[Show]:
        """Begin anew, for another connection, which is to bring the user back; return what to tell the user."""
        shows = [Show(Style.ERROR, why if self.away else self.texts.trying.format(why=why)), *self._doubts()]
        if not self.away:
            # In a room all was answered that was asked for first; before, only what was granted takes a wish's place.
            if self._room or self._renamed or not self._wanted_name:
                self._wanted_name = self._name
            self._wanted_room = self._room or self._wanted_room
        self._name = self._room = ""
        self._renamed = False
        self.away = True
        self.ready = self.asking = False
        self._list = []
        return shows

    def still_away(self, why: str) -> list[Effect]:
        """Take that there is no connection yet; `why`: what to tell the user, if anything."""
        return [Show(Style.EVENT, why)] if why else []

    def leftover(self) -> list[Show]:
        """Return what to tell the user, at the end, of what was typed in vain."""
        return [*(Show(Style.ERROR, self.texts.not_sent.format(text=text)) for text in self._kept), *self._doubts()]

    def ask(self) -> list[Effect]:
        """Ask a server that was silent whether it is there; its answer is not shown."""
        return [Send(f"/ping {_TOKEN}")] if self.ready and not self.leaving else []

    def _back(self) -> list[Effect]:
        self.away = False
        kept, self._kept = self._kept, []
        room = self._room or self.texts.lobby
        shown = Show(Style.EVENT, self.texts.back.format(name=self._name or self._wanted_name, room=room))
        return [shown, *(effect for text in kept for effect in self.typed(text.encode()))]

    def _doubts(self) -> list[Show]:
        """Return what to tell of what was said when the connection was lost."""
        shows = [Show(Style.ERROR, self.texts.doubtful.format(text=text)) for text in self._unconfirmed]
        self._unconfirmed.clear()
        return shows

    def _confirmed(self, text: str) -> None:
        """Take what the user said as it came back: what was said before has been dealt with too."""
        if text in self._unconfirmed:
            while self._unconfirmed.popleft() != text:
                pass

    # ------------------------------------------------------------ what the server says

    def received(self, line: bytes | None) -> list[Effect]:
        """Take a line of the server, without terminator; None: one longer than any server may send."""
        message = wire.parse_server(line)
        if not self.ready:
            return self._greeted(message)
        if message is None:  # [CLIENT-1]
            return []
        self._learn(message)
        match message:
            case ("NAME", (name,)):
                return self._named(name)
            case ("ROOM", (room,)):
                self._room = room
                return self._back() if self.away else [Show(Style.EVENT, self.texts.in_room.format(room=room))]
            case ("SAID", (name, text)):
                ignored = wire.fold(name) in self._ignored and name != self._name
                return [] if ignored else [Show(self._style(name, text), text, speaker=name)]
            case ("ADMITTED", ()):
                return self._admitted()
            case ("ERROR", (code, text)):
                return self._refused(code, text)
            case ("BYE", (reason,)):
                return self._dismissed(reason)
            case ("MEMBER" | "MEMBERS" | "LIVE" | "ROOMS", words):
                return self._listed(message.kind, words)
        return self._news(message)

    def received_together(self, lines: Sequence[bytes | None]) -> list[Effect]:
        """Take lines that came at once; who entered, or left for one reason, right behind each other, is one line."""
        effects: list[Effect] = []
        for kind, group in groupby(lines, crowd.kind):
            together = list(group)
            each = [effect for line in together for effect in self.received(line)]
            is_crowd = kind and len(together) > 1 and self.ready
            effects += [Show(Style.EVENT, crowd.told(together, self.texts))] if is_crowd else each
        return effects

    def _learn(self, message: wire.ServerLine) -> None:
        """Learn who is in the room, and which rooms there are."""
        match message:
            case ("NAME", _):
                self._names.pop(self._name, None)
            case ("ROOM", (room,)):
                self._names.clear()
                self._rooms[room] = None
            case ("LIVE", (room, _)):
                self._rooms[room] = None
            case ("SAID" | "JOINED" | "MEMBER", (name, *_)):
                self._names.pop(name, None)
                self._names[name] = None
            case ("LEFT", (name, _)):
                self._names.pop(name, None)
            case ("NICK", (old, new)):
                self._names.pop(old, None)
                self._names[new] = None
                if self._ignored.pop(wire.fold(old), None):
                    self._ignored[wire.fold(new)] = new

    def _greeted(self, message: wire.ServerLine | None) -> list[Effect]:
        if message is None or message.kind != "HELLO" or message.words[0] != wire.PROTOCOL:
            return [Quit(FAILED, self.texts.not_flurfunk)]  # [CLIENT-2]
        self.ready = True
        wanted = "password" in message.words[1].split(" ")
        if wanted and self._password is None:
            self.asking = self.on_terminal
            if self.asking:
                return [Show(Style.EVENT, self.texts.password_asked)]
            return [Quit(FAILED, self.texts.password_wanted)]
        known = [Send(f"{_PASSWORD}{self._password}")] if wanted else []  # [PASS-14]
        return [*known, *self._begin()]

    def _begin(self) -> list[Effect]:
        """Ask for what is wanted first."""
        first: list[Effect] = [Send(f"/nick {self._wanted_name}")] if self._wanted_name else []
        if self._wanted_room:
            return [*first, Send(f"/cd {self._wanted_room}")]
        return [*first, *self._back()] if self.away else first

    def _admitted(self) -> list[Effect]:
        first = self._begin() if self.asking else []
        self.asking = False
        return [Show(Style.EVENT, self.texts.admitted), *first]

    def _named(self, name: str) -> list[Effect]:
        self._renamed = bool(self._name)
        text = self.texts.new_name if self._renamed else self.texts.first_name
        self._name = name
        # A name is ASCII, and so is what ends it.
        self._called = re.compile(rf"(?<![A-Za-z0-9_-]){re.escape(name)}(?![A-Za-z0-9_-])", re.IGNORECASE | re.ASCII)
        return [] if self.away else [Show(Style.EVENT, text.format(name=name))]

    def _style(self, speaker: str, text: str) -> Style:
        if speaker == self._name:
            self._confirmed(text)
            return Style.OWN
        return Style.MENTION if self._called.search(text) else Style.SAID

    def _refused(self, code: str, theirs: str) -> list[Effect]:
        if code == wire.ErrorCode.BAD_PASSWORD and self._password is not None:
            return [Quit(FAILED, self.texts.password_wrong)]
        ours = self.texts.errors.get(code, self.texts.error_otherwise.format(code=code))
        effects: list[Effect] = [Show(Style.ERROR, self.texts.server_says.format(ours=ours, theirs=theirs))]
        if code in (wire.ErrorCode.BAD_NAME, wire.ErrorCode.NAME_TAKEN):
            effects.append(Show(Style.EVENT, self.texts.same_name.format(name=self._name)))
        return effects

    def _dismissed(self, reason: str) -> list[Effect]:
        if self.leaving and reason == wire.ByeReason.EXIT:
            self._unconfirmed.clear()  # it stands behind whatever was said
            return [Quit(LEFT_AS_WISHED)]
        if self._interrupted:
            return [Quit(LEFT_AS_WISHED)]
        # A full server is told to whoever comes, and tried again by who was there before.
        lost = not self.leaving and (reason in _PASSING or (self.away and reason == wire.ByeReason.FULL))
        told = self.texts.bye.get(reason, self.texts.bye_otherwise.format(reason=reason))  # [CLIENT-18]
        return [Quit(FAILED, told, lost)]

    def _listed(self, kind: str, words: tuple[str, ...]) -> list[Effect]:
        """Collect an answer to /who or /rooms, to show it as one line when it is whole."""
        if kind == "MEMBER":
            self._list.append(words[0])
            return []
        if kind == "LIVE":
            self._list.append(self.texts.room_of_list.format(room=words[0], count=words[1]))
            return []
        listed, self._list = ", ".join(self._list), []
        if kind == "MEMBERS":
            return [Show(Style.EVENT, self.texts.members.format(room=words[0], count=words[1], names=listed))]
        return [Show(Style.EVENT, self.texts.rooms.format(count=words[0], rooms=listed))]

    def _news(self, message: wire.ServerLine) -> list[Effect]:
        """What is shown and changes nothing [CLIENT-12]."""
        match message:
            case ("INFO", (text,)):
                return [Show(Style.INFO, text)]
            case ("ANNOUNCE", (text,)):
                return [Show(Style.ANNOUNCE, self.texts.announce.format(text=text))]
            case ("JOINED", (name,)):
                return [Show(Style.EVENT, self.texts.joined.format(name=name))]
            case ("LEFT", (name, reason)):
                return [
                    Show(
                        Style.EVENT,
                        self.texts.left.get(reason, self.texts.left_otherwise).format(name=name, reason=reason),
                    )
                ]
            case ("NICK", (old, new)):
                return [Show(Style.EVENT, self.texts.nick.format(old=old, new=new))]
            case ("PONG", (token,)) if token != _TOKEN:
                return [Show(Style.EVENT, self.texts.pong.format(token=token))]
        return []  # a second HELLO, or the answer to `ask`

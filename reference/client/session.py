"""The client's reactions to what comes: typed lines, lines of the server, ends -> effects.

Pure: no socket, no thread, no clock, no terminal.
"""

from collections import deque
from collections.abc import Sequence
from enum import Enum, auto
from itertools import groupby
from typing import NamedTuple

from reference import wire
from reference.client import completion, crowd
from reference.client.mentions import mentions
from reference.client.past import Found, Past
from reference.client.texts import Texts
from reference.client.wishes import Wishes


class Style(Enum):
    """The kind of a shown line; screen.py decides what each looks like."""

    SAID = auto()
    MENTION = auto()  # said to the user by name
    OWN = auto()
    EVENT = auto()
    INFO = auto()
    ANNOUNCE = auto()
    ERROR = auto()
    PRIVATE = auto()  # told to the user alone
    TOLD = auto()  # what the user told somebody alone
    PAST = auto()  # said before the user came


class Show(NamedTuple):
    """Show a line; `text` and `speaker` hold what others wrote, not yet made harmless."""

    style: Style
    text: str
    speaker: str = ""
    label: str = ""  # stands in the place of the speaker, for words that the room does not hear
    time: int = 0  # milliseconds since 1970 at which it was said; 0: now


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

_HELLO = b"HELLO "
_PASSWORD = "/password "
_USUAL_ROOMS = ("main", "lounge", "coffee-break")  # section 4
_TOKEN = "are-you-there"
# The reasons of BYE behind which another connection is welcome; an operator's wish is none of them.
_PASSING = (wire.ByeReason.SHUTDOWN, wire.ByeReason.SLOW)
WHISPERING = ("/msg", "/query", "/w")  # what other programs call /tell
LEFT_AS_WISHED = 0
FAILED = 1


class Session:
    """A connection as its user sees it, from HELLO to the end; and those after it, where it is lost and comes back."""

    def __init__(
        self,
        texts: Texts,
        name: str | None = None,
        room: str | None = None,
        password: str | None = None,
        history: int = 0,
    ) -> None:
        """`texts`: what the user is told, in the user's language.

        `name`, `room`: what to ask the server for first; both have the form of a name.

        `password`: what to answer a server that wants one; None: the user is asked, if they are `on_terminal`.

        `history`: how many of the last lines are shown where a room is entered, on a server that keeps them.
        """
        self.texts = texts
        self._wishes = Wishes(name or "", room or "")
        self._password = password
        self._name = ""  # as the server told on this connection, and so the room
        self._room = ""
        self._list: list[str] = []  # MEMBER or LIVE lines whose end has not come
        self._tells_members = False  # the server has the feature `who`
        self._tells_one = False  # the server has the feature `tell`
        self._past = Past(history)
        self._tellers: dict[str, None] = {}  # who told the user something, or was told; the last one is last
        self._quiet: deque[bool] = deque()  # for each /who that is not answered: nobody typed it
        self._interrupted = False
        self._names: dict[str, None] = {}  # who is known to be in the room; who spoke last is last
        self._rooms = dict.fromkeys(_USUAL_ROOMS)  # those that are known
        self._ignored: dict[str, str] = {}  # names as they were given, by their folded form
        self._kept: list[str] = []  # what was typed while there was no connection
        self._unconfirmed: deque[str] = deque()  # what was said and has not come back
        self._untold: deque[str] = deque()  # each /tell that is not answered
        self._told = ""  # why the connection was lost, as it was told last
        self.on_terminal = False  # somebody types, and that can be kept from being seen
        self.away = False  # the connection was lost, and the user is not yet back in the room
        self.asking = False  # what is typed is a password, and not to be seen nor kept [PASS-13]
        self.waiting = False  # a password that nobody typed was sent, and nothing follows before the answer [PASS-17]
        self.ready = False  # HELLO has come: lines may be typed
        self.leaving = False  # `exit` was sent: nothing more is sent

    @property
    def prompt(self) -> str:
        """The prompt: the thing that the user is asked for now; empty while there is nothing to type."""
        if self.leaving or not (self.ready or self.away) or (self.waiting and not self.away):
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

        Only once `ready`, or while `away`.  Lines typed after `exit` are dropped: no server acts on it.
        """
        if self.leaving or line == b"":
            return []
        if self.asking and line and line != b"exit" and not line.startswith(_PASSWORD.encode()):  # [PASS-16]
            line = _PASSWORD.encode() + line
        if line is None or len(line) > wire.MAX_CLIENT_LINE:
            return [Show(Style.ERROR, self.texts.too_long.format(limit=wire.MAX_CLIENT_LINE))]
        text = wire.decode(line)
        if text is None:
            return [Show(Style.ERROR, self.texts.bad_text)]
        if text == "exit":
            return self.input_ended()
        if self.asking:
            return [Send(text)]
        word, _, argument = text.partition(" ")
        if word in WHISPERING and self._tells_one:
            return self.typed(f"/tell {argument}".encode())
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
        tells = before.partition(" ")[0] in ("/tell", *WHISPERING)
        known = {**self._names, **self._tellers} if tells else self._names
        names = [name for name in reversed(known) if name != self._name]
        return completion.candidates(before, names, self._rooms, self.in_room)

    def _sent_or_kept(self, text: str) -> Effect:
        if self.away:
            self._kept.append(text)
            return Show(Style.EVENT, self.texts.kept.format(text=text))
        self._wishes.typed(text, self.in_room)
        self._past.typed(text)
        if text == "/who":
            self._quiet.append(False)
        said = text.removeprefix("/say ")
        if self.in_room and self.on_terminal and not said.startswith("/"):
            self._unconfirmed.append(said)
        word, _, words = text.partition(" ")
        if self._tells_one and self.on_terminal and word == "/tell" and words.partition(" ")[2]:
            self._untold.append(text)
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

    def connection_ended(self, rest: bytes = b"") -> list[Effect]:
        """Take the end of a connection on which no BYE came [CLIENT-6]; `rest`: a line whose end did not come."""
        if not self.ready:
            begun = rest.startswith(_HELLO) or _HELLO.startswith(rest)
            return [Quit(FAILED, self.texts.not_greeted if begun else self.texts.not_flurfunk, lost=self.away)]
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
        told = why if self.away else self.texts.trying.format(why=why)
        shows = [*([] if told == self._told else [Show(Style.ERROR, told)]), *self._doubts()]
        self._told = told
        self._wishes.lost()
        self._name = self._room = ""
        self.away = True
        self.ready = self.asking = self.waiting = False
        self._list = []
        self._quiet.clear()
        return shows

    def still_away(self, why: str) -> list[Effect]:
        """Take that there is no connection yet; `why`: what to tell the user, if anything."""
        return [Show(Style.EVENT, why)] if why else []

    def leftover(self) -> list[Show]:
        """Return what to tell the user, at the end, of what was typed in vain."""
        return [*(Show(Style.ERROR, self.texts.not_sent.format(text=text)) for text in self._kept), *self._doubts()]

    def ask(self) -> list[Effect]:
        """Ask a server that was silent whether it is there; its answer is not shown."""
        return [Send(f"/ping {_TOKEN}")] if self.ready and not (self.leaving or self.waiting) else []

    def wishing(self) -> bool:
        """Whether to `wish`, now and then: the user came back, and somebody else has the name."""
        return self._wishes.again and self.ready and not (self.away or self.leaving)

    def wish(self) -> list[Effect]:
        """Ask for the user's name again; that it is still refused is not shown."""
        return [Send(line) for line in self._wishes.ask()] if self.wishing() else []

    def _back(self) -> list[Effect]:
        self.away = False
        self._told = ""
        kept, self._kept = self._kept, []
        room = self._room or self.texts.lobby
        shown = Show(Style.EVENT, self.texts.back.format(name=self._name or self._wishes.name, room=room))
        return [shown, *(effect for text in kept for effect in self.typed(text.encode()))]

    def _doubts(self) -> list[Show]:
        """Return what to tell of what was said when the connection was lost."""
        doubtful = [*self._unconfirmed, *self._untold]
        self._unconfirmed.clear()
        self._untold.clear()
        return [Show(Style.ERROR, self.texts.doubtful.format(text=text)) for text in doubtful]

    def _confirmed(self, text: str) -> None:
        """Take what the user said as it came back: what was said before has been dealt with too."""
        if text in self._unconfirmed:
            while self._unconfirmed.popleft() != text:
                pass

    def _answered(self) -> None:
        """Take an answer to a /tell: they come in the order of the questions [ORDER-4]."""
        if self._untold:
            self._untold.popleft()

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
                return self._entered(room)
            case ("SAID", (name, text)):
                ignored = wire.fold(name) in self._ignored and name != self._name
                return [] if ignored else [Show(self._style(name, text), text, speaker=name)]
            case ("TELL", (name, text)):
                return self._whispered(name, text)
            case ("TOLD", (name, text)):
                self._answered()
                self._tellers.pop(name, None)
                self._tellers[name] = None
                return [Show(Style.TOLD, text, label=self.texts.told.format(name=name))]
            case ("PAST", (time, event)):
                self._past.told(time, event)
                return []
            case ("HISTORY", (room, _, number)):
                return self._shown(room, self._past.ended(room, number))
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
        """Learn who is in the room, which rooms there are, and how many events there were."""
        self._past.happened(message.kind)
        match message:
            case ("NAME", _):
                self._names.pop(self._name, None)
            case ("ROOM", (room,)):
                self._names.clear()
                self._rooms[room] = None
            case ("LIVE", (room, _)):
                self._rooms[room] = None
            case ("SAID" | "JOINED", (name, *_)):
                self._names.pop(name, None)
                self._names[name] = None
            case ("LEFT", (name, _)):
                self._names.pop(name, None)
            case ("NICK", (old, new)):
                self._names.pop(old, None)
                self._names[new] = None
                if old in self._tellers:
                    self._tellers = {new if name == old else name: None for name in self._tellers if name != new}
                if self._ignored.pop(wire.fold(old), None):
                    self._ignored[wire.fold(new)] = new

    def _greeted(self, message: wire.ServerLine | None) -> list[Effect]:
        if message is None or message.kind != "HELLO" or message.words[0] != wire.PROTOCOL:
            return [Quit(FAILED, self.texts.not_flurfunk)]  # [CLIENT-2]
        self.ready = True
        features = message.words[1].split(" ")
        self._tells_members = "who" in features
        self._tells_one = "tell" in features
        self._past.greeted(offered="history" in features)
        wanted = "password" in features
        if wanted and self._password is None:
            self.asking = self.on_terminal
            if self.asking:
                return [Show(Style.EVENT, self.texts.password_asked)]
            return [Quit(FAILED, self.texts.password_wanted)]
        if wanted:  # [PASS-14]
            self.waiting = True
            return [Send(f"{_PASSWORD}{self._password}")]
        return self._begin()

    def _begin(self) -> list[Effect]:
        """Ask for what is wanted first."""
        first: list[Effect] = [Send(line) for line in self._wishes.begin(self._name)]
        return [*first, *self._back()] if self.away and not self._wishes.room else first

    def _admitted(self) -> list[Effect]:
        first = self._begin() if self.asking or self.waiting else []
        self.asking = self.waiting = False
        return [Show(Style.EVENT, self.texts.admitted), *first]

    def _named(self, name: str) -> list[Effect]:
        text = self.texts.new_name if self._name else self.texts.first_name
        if self._name:
            self._wishes.named(name)
        else:
            self._wishes.greeted(name)
        self._name = name
        return [] if self.away else [Show(Style.EVENT, text.format(name=name))]

    def _entered(self, room: str) -> list[Effect]:
        """Take that the user is in a room now; who is there is asked for, to be completed."""
        self._room = room
        self._wishes.entered(room)
        asked: list[Effect] = []
        if not self.leaving:
            asked += [Send(line) for line in self._past.entered(room, back=self.away)]
        if self._tells_members and self.on_terminal and not self.leaving:
            self._quiet.append(True)
            asked.append(Send("/who"))
        return asked + (self._back() if self.away else [Show(Style.EVENT, self.texts.in_room.format(room=room))])

    def _whispered(self, name: str, text: str) -> list[Effect]:
        """Show what somebody told the user alone."""
        if wire.fold(name) in self._ignored and name != self._name:
            return []
        self._tellers.pop(name, None)
        self._tellers[name] = None
        return [Show(Style.PRIVATE, text, label=self.texts.whispered.format(name=name))]

    def _shown(self, room: str, found: Found) -> list[Effect]:
        """Show what was said before, marked off from what is new."""
        shows: list[Effect] = []
        for time, line in found.events:
            match wire.parse_server(line):
                case ("SAID", (name, text)) if wire.fold(name) not in self._ignored or name == self._name:
                    shows.append(Show(Style.PAST, text, speaker=name, time=time))
                case ("ANNOUNCE", (text,)):
                    shows.append(Show(Style.PAST, self.texts.announce.format(text=text), time=time))
        if not shows:
            return [Show(Style.EVENT, self.texts.past_none.format(room=room))] if found.typed else []
        gap = [Show(Style.EVENT, self.texts.past_gap)] if found.gap else []
        begin = Show(Style.EVENT, self.texts.past_begins.format(room=room))
        return [begin, *gap, *shows, Show(Style.EVENT, self.texts.past_ends)]

    def _style(self, speaker: str, text: str) -> Style:
        if speaker == self._name:
            self._confirmed(text)
            return Style.OWN
        return Style.MENTION if self._name and mentions(text, self._name) else Style.SAID

    def _refused(self, code: str, theirs: str) -> list[Effect]:
        if code == wire.ErrorCode.BAD_PASSWORD and self._password is not None:
            return [Quit(FAILED, self.texts.password_wrong)]
        if code == wire.ErrorCode.NO_USER:
            self._answered()
        if code == wire.ErrorCode.NO_ROOM and self._quiet:  # none was sent by itself from the lobby
            self._quiet.popleft()
        elif code == wire.ErrorCode.NO_ROOM:
            self._past.refused()
        if self._wishes.refused(code):
            return []
        ours = self.texts.errors.get(code, self.texts.error_otherwise.format(code=code))
        effects: list[Effect] = [Show(Style.ERROR, self.texts.server_says.format(ours=ours, theirs=theirs))]
        if code in (wire.ErrorCode.BAD_NAME, wire.ErrorCode.NAME_TAKEN):
            text = self.texts.name_for_now if self._wishes.again else self.texts.same_name
            effects.append(Show(Style.EVENT, text.format(name=self._name, wish=self._wishes.name)))
        return effects

    def _dismissed(self, reason: str) -> list[Effect]:
        if self.leaving and reason == wire.ByeReason.EXIT:
            self._unconfirmed.clear()  # it stands behind whatever was said, and its answers
            self._untold.clear()
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
        names, self._list = self._list, []
        listed = ", ".join(names)
        if kind == "MEMBERS":
            # A member that has spoken since is likelier to be meant.
            self._names = {**dict.fromkeys(name for name in reversed(names) if name not in self._names), **self._names}
            quiet = bool(self._quiet) and self._quiet.popleft()
            shown = Show(Style.EVENT, self.texts.members.format(room=words[0], count=words[1], names=listed))
            return [] if quiet else [shown]
        return [Show(Style.EVENT, self.texts.rooms.format(count=words[0], rooms=listed))]

    def _news(self, message: wire.ServerLine) -> list[Effect]:
        """A line that is shown and changes nothing [CLIENT-12]."""
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

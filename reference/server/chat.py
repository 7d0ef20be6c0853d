"""Users, rooms and membership: what a message changes, as a list of effects.

Pure: no socket, thread, clock, chance or log.  Effects name a place in an order: carried out one after the other,
they leave everybody with the stream that section 9 of the spec promises.  A client is left out of an event by where
its place in the room's stream begins (`Enter`) and ends (`Leave`).
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from reference.server.history import Drop, History, Keep
from reference.wire import (
    PROTOCOL,
    UNKNOWN_COMMAND,
    Bare,
    ByeReason,
    ErrorCode,
    Exit,
    Help,
    LeftReason,
    Message,
    Move,
    Password,
    Past,
    Ping,
    Refused,
    Rename,
    Rooms,
    Say,
    Whisper,
    Who,
    encode,
    fold,
    is_name,
)

FEATURES = ("who", "rooms", "tell")
PASSWORD_TRIES = 3  # [PASS-7]
RESERVED_NAMES = frozenset({"operator", "server"})  # [NAME-6]

HELP = (
    "/cd ROOM goes to another room. Usual rooms: main, lounge, coffee-break.",
    "/say TEXT says TEXT, even if it looks like a command. A line without a slash is said as it is.",
    "/nick NAME gives you another name. /who lists who is in your room, /rooms lists the rooms.",
    "/tell NAME TEXT says TEXT to the one who is called NAME, and to nobody else.",
    "/ping TOKEN is answered with PONG TOKEN. exit leaves.",
)
CHOOSE = encode("INFO", "Type the name of a room to enter it, for example main. /help lists the commands.")
HISTORY_HELP = "/history 20 shows the last 20 lines of your room."
_NUMBER = re.compile(r"[1-9][0-9]{0,3}")  # rule `lines` of the grammar
IDENTIFY = encode("INFO", "This server wants a password: type /password, a blank, and the password.")


# ---------------------------------------------------------------- effects


class Tell(NamedTuple):
    """Lines to one user alone, after all that has its place in the user's stream by now."""

    user: int
    lines: bytes


class Append(NamedTuple):
    """An event: one line at the end of a room's stream."""

    room: str
    line: bytes


class Enter(NamedTuple):
    """The user's place in the room's stream begins at its present end."""

    user: int
    room: str


class Leave(NamedTuple):
    """The user's place in the room's stream ends at its present end."""

    user: int
    room: str


class Close(NamedTuple):
    """The user's last line; after it the connection is closed."""

    user: int
    reason: ByeReason


class Hold(NamedTuple):
    """The user is made to wait, and so is what it sent; then its wrong password is answered: `refuse_password`."""

    user: int


class Record(NamedTuple):
    """Something for the operator's log: the name of an event, and what belongs to it."""

    name: str
    details: Mapping[str, str | int]


Effect = Tell | Append | Enter | Leave | Close | Hold | Keep | Drop | Record


class User:
    """A connected client: its name, and the room it is in, None in the lobby.

    No dataclass: to import that module takes a fifth of the server's start.
    """

    __slots__ = ("admitted", "introduced", "name", "room", "wrong_passwords")

    def __init__(self, name: str, *, admitted: bool) -> None:
        self.name = name
        self.room: str | None = None
        self.admitted = admitted
        self.wrong_passwords = 0
        self.introduced = False  # the operator has been told of it


class Chat:
    """Everybody who is connected, and where."""

    def __init__(self, is_password: Callable[[str], bool] | None = None, history: History | None = None) -> None:
        """`is_password`: whether words are the password; None where none is wanted.

        `history`: what is kept of rooms, None where nothing is; then times have to be told with `tick`.
        """
        self._is_password = is_password
        self.history = history
        self._now = 0
        self.features = (*FEATURES, *(["history"] if history else []), *(["password"] if is_password else []))
        self._users: dict[int, User] = {}
        self._by_name: dict[str, int] = {}  # folded [NAME-3]
        self._rooms: dict[str, dict[int, User]] = {}  # only those that have members [LIST-3]
        self._guests = 0
        self._unused: list[int] = []  # numbers of guests that nobody was told of

    # ------------------------------------------------------------ what the console asks

    def users(self) -> list[User]:
        """Return all users, in the order in which they came."""
        return list(self._users.values())

    def rooms(self) -> dict[str, int]:
        """Return the rooms that have members, with their numbers."""
        return {room: len(members) for room, members in self._rooms.items()}

    def numbers(self) -> Mapping[int, User]:
        """Return all users by their numbers, in the order in which they came."""
        return self._users

    @property
    def room_count(self) -> int:
        """How many rooms have members."""
        return len(self._rooms)

    def room_of(self, user: int) -> str | None:
        """Return the room of a user; None in the lobby, and for one that is gone."""
        me = self._users.get(user)
        return me.room if me else None

    def find(self, name: str) -> int | None:
        """Return the user of that name, compared folded; None where there is none."""
        return self._by_name.get(fold(name)) if is_name(name) else None

    def announce(self, text: str, room: str | None = None) -> list[Effect]:
        """The operator's words go to every member of every room [OPER-1], or of this one, compared folded."""
        line = encode("ANNOUNCE", text)
        rooms = [one for one in self._rooms if room is None or one == fold(room)]
        return [effect for one in rooms for effect in self._happen(one, line)]

    # ------------------------------------------------------------ history

    def tick(self, now: int) -> None:
        """Note the time: milliseconds since 1970.  Words have this time from now on [HIST-10]."""
        self._now = now

    def expire(self) -> list[Drop]:
        """Drop the words that are too old by now."""
        return [] if self.history is None else self.history.expire(self._now)

    def forget(self, room: str) -> list[Drop]:
        """Drop what is kept of a room, compared folded."""
        return [] if self.history is None else self.history.forget(fold(room))

    def _happen(self, room: str, line: bytes) -> list[Effect]:
        """Append SAID or ANNOUNCE to a room's stream, and keep it where that is wanted."""
        if self.history is None:
            return [Append(room, line)]
        return [Append(room, line), *self.history.keep(room, line, self._now, self._rooms)]

    # ------------------------------------------------------------ coming and going

    def connect(self, user: int) -> list[Effect]:
        """Greet a new user, under a name made up for it [STATE-1] [STATE-2] [NAME-7]."""
        name = self._made_up_name()
        self._users[user] = User(name, admitted=self._is_password is None)
        self._by_name[name] = user
        greeting = (
            encode("HELLO", PROTOCOL, *self.features),
            encode("NAME", name),
            CHOOSE if self._is_password is None else IDENTIFY,
            b"" if self.history is None else encode("INFO", _warning(self.history)),
        )
        return [Tell(user, b"".join(greeting))]

    def _made_up_name(self) -> str:
        while True:
            if self._unused:
                number = self._unused.pop()
            else:
                self._guests += 1
                number = self._guests
            if (name := f"guest-{number}") not in self._by_name:
                return name

    def introduce(self, user: int) -> list[Effect]:
        """Tell the operator of a user, once: when it says something, or has been here for a while.

        A check of the server's health connects and goes, every few seconds, and is worth no line of the log.
        """
        me = self._users.get(user)
        if me is None or me.introduced:
            return []
        me.introduced = True
        return [Record("connected", {"name": me.name})]

    def disconnect(self, user: int, reason: LeftReason) -> list[Effect]:
        """Forget a user whose connection ended; nothing where it is gone already [LEFT-1] [LEFT-2]."""
        if user not in self._users:
            return []
        left = self._leave(user, reason)
        gone = self._users.pop(user)
        del self._by_name[fold(gone.name)]
        if not gone.introduced:
            self._unused.append(int(gone.name.removeprefix("guest-")))
            return []
        return [*left, Record("gone", {"name": gone.name, "reason": reason})]

    def dismiss(self, user: int, bye: ByeReason) -> list[Effect]:
        """Send a user away: it gets BYE, the others LEFT; nothing where it is gone already."""
        if user not in self._users:
            return []
        reason = LeftReason.EXIT if bye is ByeReason.EXIT else LeftReason.REMOVED
        return [*self.introduce(user), *self.disconnect(user, reason), Close(user, bye)]

    def shut_down(self) -> list[Effect]:
        """Send everybody away; no LEFT, as all leave [OPER-2] [LEFT-2]."""
        users = list(self._users)
        self._users.clear()
        self._by_name.clear()
        self._rooms.clear()
        return [Close(user, ByeReason.SHUTDOWN) for user in users]

    # ------------------------------------------------------------ as a whole

    def dump(self) -> dict[str, Any]:
        """Return all that is known, as JSON takes it, and `load`."""
        users = [
            [user, one.name, one.admitted, one.introduced, one.wrong_passwords] for user, one in self._users.items()
        ]
        rooms = [[room, list(members)] for room, members in self._rooms.items()]
        return {"users": users, "rooms": rooms, "guests": self._guests, "unused": self._unused}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over, where nobody is connected, what another one has dumped."""
        for user, name, admitted, introduced, wrong_passwords in state["users"]:
            one = self._users[user] = User(name, admitted=admitted)
            one.introduced, one.wrong_passwords = introduced, wrong_passwords
            self._by_name[fold(name)] = user
        for room, members in state["rooms"]:
            self._rooms[room] = {user: self._users[user] for user in members}
            for user in members:
                self._users[user].room = room
        self._guests, self._unused = state["guests"], list(state["unused"])

    # ------------------------------------------------------------ messages

    def handle(self, user: int, message: Message) -> list[Effect]:
        """Return the effects of a user's message: its outcome, its answer, or one ERROR [CMD-6].

        A user that is gone has none [BYE-3].
        """
        me = self._users.get(user)
        if me is None:
            return []
        if not me.introduced:
            return [*self.introduce(user), *self.handle(user, message)]
        match message:
            case Bare() | Say() if me.room is not None:  # to match fields, too, would cost as much as the rest
                return self._happen(me.room, encode("SAID", me.name, message.text))
            case Password(words):
                return self._identify(user, me, words)
            case _ if not me.admitted and not _open_to_all(message):
                return _error(user, ErrorCode.NO_PASSWORD, "This server wants a password first: /password ...")
            case Bare(room) | Move(room):
                return self._move(user, me, room)
            case Say():
                return _error(user, ErrorCode.NO_ROOM, "Choose a room first: type its name, for example main.")
            case Rename(name):
                return self._rename(user, me, name)
            case Whisper(name, text):
                return self._whisper(user, me, name, text)
            case Past(number):
                return self._past(user, me, number)
            case Ping(token):
                return [Tell(user, encode("PONG", token))]
            case Who():
                return self._who(user, me)
            case Rooms():
                live = [encode("LIVE", room, str(len(members))) for room, members in self._rooms.items()]
                return [Tell(user, b"".join([*live, encode("ROOMS", str(len(live)))]))]
            case Help():
                infos = [IDENTIFY] if not me.admitted else []
                return [Tell(user, b"".join([*infos, *(encode("INFO", line) for line in self._help())]))]
            case Exit():
                return self.dismiss(user, ByeReason.EXIT)
            case Refused(code, text):
                return _error(user, code, text)

    def refuse_password(self, user: int) -> list[Effect]:
        """Answer a wrong password, and send away who gave too many; nothing where it is gone [PASS-3] [PASS-7]."""
        me = self._users.get(user)
        if me is None:
            return []
        me.wrong_passwords += 1
        record = Record("denied", {"name": me.name})
        refused = _error(user, ErrorCode.BAD_PASSWORD, "That is not the password.")
        last = me.wrong_passwords == PASSWORD_TRIES
        return [*refused, record, *(self.dismiss(user, ByeReason.DENIED) if last else [])]

    def _identify(self, user: int, me: User, words: str) -> list[Effect]:
        if self._is_password is None:
            return _error(user, *UNKNOWN_COMMAND)  # [FEAT-1]
        if me.admitted:
            return [Tell(user, encode("ADMITTED"))]  # [PASS-9]
        if not words:
            return _error(user, ErrorCode.NO_PASSWORD, "The password has to follow: /password ...")
        if not self._is_password(words):
            return [Hold(user)]
        me.admitted = True
        return [Tell(user, encode("ADMITTED") + CHOOSE), Record("admitted", {"name": me.name})]  # [PASS-2]

    def _move(self, user: int, me: User, wanted: str) -> list[Effect]:
        if not is_name(wanted):
            form = "A room's name is 1 to 32 letters, digits, - and _, for example main."
            return _error(user, ErrorCode.BAD_ROOM, form)
        room = fold(wanted)
        told = Tell(user, encode("ROOM", room))
        if room == me.room:
            return [told]  # [ROOM-5]
        left = self._leave(user, LeftReason.MOVED)
        joined = [Append(room, encode("JOINED", me.name))] if room in self._rooms else []
        self._rooms.setdefault(room, {})[user] = me
        me.room = room
        return [*left, *joined, told, Enter(user, room), Record("entered", {"name": me.name, "room": room})]

    def _leave(self, user: int, reason: LeftReason) -> list[Effect]:
        me = self._users[user]
        if me.room is None:
            return []
        room, me.room = me.room, None
        members = self._rooms[room]
        del members[user]
        if not members:
            del self._rooms[room]
            return [Leave(user, room)]
        return [Leave(user, room), Append(room, encode("LEFT", me.name, reason))]

    def _rename(self, user: int, me: User, name: str) -> list[Effect]:
        if not is_name(name):
            return _error(user, ErrorCode.BAD_NAME, "A name is 1 to 32 letters, digits, - and _.")
        folded = fold(name)
        if folded in RESERVED_NAMES or self._by_name.get(folded, user) != user:
            return _error(user, ErrorCode.NAME_TAKEN, f"The name {name} is taken.")
        told = Tell(user, encode("NAME", name))
        old = me.name
        if name == old:
            return [told]  # [NICK-3]
        del self._by_name[fold(old)]
        self._by_name[folded] = user
        me.name = name
        record = Record("renamed", {"old": old, "name": name})
        if me.room is None or len(self._rooms[me.room]) == 1:
            return [told, record]
        # The place ends before NICK and begins again after it: NAME stands in its stead [NICK-2].
        return [Leave(user, me.room), Append(me.room, encode("NICK", old, name)), told, Enter(user, me.room), record]

    def _whisper(self, user: int, me: User, name: str, text: str) -> list[Effect]:
        if not name or not text:
            return _error(user, ErrorCode.BAD_ARGUMENT, "/tell needs a name and a text after it: /tell NAME ...")
        other = self.find(name)
        if other is None or not self._users[other].admitted:
            return _error(user, ErrorCode.NO_USER, f"Nobody here is called {name}.")
        told = encode("TOLD", self._users[other].name, text)
        return [Tell(other, encode("TELL", me.name, text)), Tell(user, told)]

    def _past(self, user: int, me: User, number: str) -> list[Effect]:
        if self.history is None:
            return _error(user, *UNKNOWN_COMMAND)  # [FEAT-1]
        if not _NUMBER.fullmatch(number):
            return _error(user, ErrorCode.BAD_ARGUMENT, "/history needs a number from 1 to 9999 after it: /history 20")
        if me.room is None:
            return _error(user, ErrorCode.NO_ROOM, "You are in no room yet. /rooms lists the rooms.")
        lines, dropped = self.history.answer(me.room, int(number), self._now, self._rooms)
        return [*dropped, Tell(user, lines)]

    def _help(self) -> tuple[str, ...]:
        return HELP if self.history is None else (*HELP, HISTORY_HELP)

    def _who(self, user: int, me: User) -> list[Effect]:
        if me.room is None:
            return _error(user, ErrorCode.NO_ROOM, "You are in no room yet. /rooms lists the rooms.")
        members = self._rooms[me.room].values()
        lines = [encode("MEMBER", member.name) for member in members]
        return [Tell(user, b"".join([*lines, encode("MEMBERS", me.room, str(len(lines)))]))]


def _warning(history: History) -> str:
    """Return the words that tell people what is kept of theirs [HIST-9]."""
    days = f"{history.days:g} day{'' if history.days == 1 else 's'}" if history.days else "as long as there are no more"
    kept = f"What is said in a room is kept here: its last {history.lines} lines at most, "
    return f"{kept}for {days}. /history 20 shows the last 20."


def _open_to_all(message: Message) -> bool:
    """Whether a message is dealt with even where a password is wanted and was not given [PASS-4]."""
    if isinstance(message, Refused):
        return message.code in (ErrorCode.TOO_LONG, ErrorCode.BAD_TEXT)
    return isinstance(message, Ping | Help | Exit)


def _error(user: int, code: ErrorCode, text: str) -> list[Effect]:
    return [Tell(user, encode("ERROR", code, text))]

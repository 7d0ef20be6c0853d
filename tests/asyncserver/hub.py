"""The clients, their rooms, and the lines that they are sent about each other."""

import time
from dataclasses import dataclass

from tests.asyncserver import commands
from tests.asyncserver.connection import SOFT, Connection
from tests.asyncserver.faults import fault
from tests.asyncserver.later import later
from tests.asyncserver.past import Past
from tests.asyncserver.slips import HubSlips
from tests.asyncserver.text import (
    RefusalError,
    as_number,
    check_room_name,
    check_user_name,
    decode,
    fold_strangely,
    relayed,
)

_STOPPED = 1.0  # seconds in which nothing is taken for a client until it delays nobody any more ([FLOW-3])
_ERRORS = {
    "too-long": "A line has at most 4096 octets.",
    "bad-text": "A line is UTF-8 without control characters.",
    "no-password": "This server wants a password: /password and the password.",
    "bad-password": "That is not it.",
    "unknown-command": "No such command; /help lists them.",
    "bad-argument": "That command needs an argument, or takes none.",
    "no-room": "Choose a room first.",
    "bad-room": "A room's name is 1 to 32 letters, digits, - and _, a letter or digit first.",
    "bad-name": "A name is 1 to 32 letters, digits, - and _, a letter or digit first.",
    "name-taken": "That name is taken.",
    "no-user": "Nobody is called so.",
}

_LEFT_MISSING = {
    "moved": "left-missing-moved",
    "exit": "left-missing-exit",
    "lost": "left-missing-lost",
    "removed": "left-missing-removed",
}


@dataclass(frozen=True)
class Options:
    """The limits that the operator can set: octets and seconds; 0 clients and 0 seconds to choose mean no limit."""

    host: str
    port: int
    max_clients: int
    choose_timeout: float
    max_waiting: int
    stall_timeout: float
    password: str = ""  # none is wanted where it is empty


class Hub:
    """All clients and rooms. Everything happens in one thread: each line is done before the next begins ([ORDER-5])."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.clients: dict[str, Connection] = {}  # by folded name
        self.rooms: dict[str, list[Connection]] = {}
        self.connections: set[Connection] = set()
        self.overdue: list[Connection] = []  # clients for which too much waits
        self._guests = 0
        self._slots_lost = 0
        self._history = ""
        self.past = Past()
        self.slips = HubSlips()  # for faults only

    # -------------------------------------------------------- coming and going

    def admit(self, client: Connection) -> bool:
        """Give a new client a free name ([NAME-7]) and return True, or return False when the server is full."""
        limit = self.options.max_clients
        if limit and len(self.clients) + self._slots_lost >= limit + fault("full-off-by-one"):
            return False
        self._guests += 1
        while self._is_taken(self._guest_name()) and not fault("made-up-taken"):
            self._guests += 1
        client.name = client.old_name = self._guest_name()
        self.clients[client.name.lower()] = client
        return True

    def _is_taken(self, name: str) -> bool:
        owner = self.clients.get(name.lower())
        return owner is not None and (owner.slips.named or not fault("made-up-wraps"))

    def _guest_name(self) -> str:
        if fault("made-up-wraps"):
            return f"guest-{self._guests % 256}"
        return f"guest {self._guests}" if fault("made-up-form") else f"guest-{self._guests}"

    def greet(self, client: Connection) -> None:
        """Send HELLO, NAME and what a person needs to know ([STATE-1], [STATE-2], [STATE-3])."""
        if fault("info-before-hello"):
            client.send("INFO Welcome.")
        client.send(self._hello())
        if fault("name-after-info"):
            client.send("INFO Welcome.")
        if not fault("name-missing"):
            client.send(f"NAME {client.name}")
        if not fault("history-untold"):
            infos = ("INFO Type a room's name to enter it, for instance: main", "INFO /help tells more, exit ends.")
            client.send(*infos, *self.past.told())
        if fault("lobby-arrival-told"):
            self._tell_all(f"JOINED {client.name}", client)

    def refuse_full(self, client: Connection) -> None:
        """Tell a client that the server is full ([BYE-4])."""
        self._slots_lost += fault("full-counted")
        client.send(self._hello())
        if fault("full-greeted"):
            client.send("NAME nobody")
        client.say_bye("removed" if fault("full-wrong-reason") else "full")

    def _hello(self) -> str:
        features = ["who", "rooms", "history", "tell"]
        if self.options.password and not fault("password-unadvertised"):
            features.append("password")
        if fault("features-unadvertised"):
            features = []
        if fault("feature-twice"):
            features.append("who")
        if fault("feature-capital"):
            features.append("History")
        if fault("hello-version"):
            return " ".join(["HELLO flurfunk/1.0", *features])
        return " ".join(["HELLO flurfunk/1", *features])

    def forget(self, client: Connection, reason: str) -> None:
        """Free a client's name and place, then tell its room why it left ([NAME-9], [LEFT-1])."""
        client.served = False
        self._slots_lost += self.slips.leaves(client, reason)
        if fault("name-freed-late"):
            later(1.0, self._free, client)
        elif not fault("name-kept"):
            self._free(client)
        if fault("slot-kept") or (fault("slot-kept-lost") and reason == "lost"):
            self._slots_lost += 1
        if client.room is None:
            if fault("lobby-leaving-told"):
                self._tell_all(f"LEFT {client.name} {reason}", client)
        elif fault("left-behind-bye") and reason == "exit":
            later(0.1, self._withdraw, client, client.room, reason)
        else:
            self._withdraw(client, client.room, reason)

    def lose_places(self, number: int) -> None:
        """Let places be taken by nobody, or be there once more, for faults only."""
        self._slots_lost += number

    def _free(self, client: Connection) -> None:
        if self.clients.get(client.name.lower()) is client:
            del self.clients[client.name.lower()]

    def _withdraw(self, client: Connection, room: str, reason: str) -> None:
        """Take a client out of a room and tell those that stay ([ROOM-3], [EXIT-2])."""
        members = self.rooms.get(room, [])
        if client in members and not (fault("ghost-member") and reason == "moved"):
            members.remove(client)
        listed = (
            (fault("empty-room-listed-reset") and client.slips.was_reset)
            or fault("empty-room-listed")
            or (fault("empty-room-listed-lost") and reason == "lost")
        )
        if not members and not listed:
            self.rooms.pop(room, None)
            self.past.forget(room)
        if fault(_LEFT_MISSING.get(reason, "")) or fault("left-missing-rare", 10):
            return
        if (fault("lost-as-exit") and reason == "lost") or (fault("moved-as-exit") and reason == "moved"):
            reason = "exit"
        if (fault("exit-as-lost") and reason == "exit") or (fault("removed-as-lost") and reason == "removed"):
            reason = "lost"
        self.cast(room, f"LEFT {client.old_name if fault('old-name-left') else client.name} {reason}", client)
        if fault("left-twice") or (fault("left-twice-removed") and reason == "removed"):
            self.cast(room, f"LEFT {client.name} lost", client)

    def remove(self, client: Connection, bye: str, left: str) -> None:
        """End a client that did not ask for it."""
        client.slips.doomed = bye
        if fault("kick-waiting-left-lost") and client.waiting and bye == "removed":
            left = "lost"
        if not fault("kick-deaf") or bye != "removed":
            self.forget(client, left)
        client.say_bye(bye)
        self.settle()

    def remove_slow(self, client: Connection) -> None:
        """End a client that does not read ([FLOW-5])."""
        if fault("slow-half-closed-left-twice") and client.room and client.has_ended():
            later(0.2, self.cast, client.room, f"LEFT {client.name} lost")
        self.forget(client, "lost" if fault("slow-left-lost") else "removed")
        if fault("silence-is-a-stall") and not client.waiting:
            client.say_bye("slow")
        else:
            client.end_slow()
        self.settle()

    def gone(self, client: Connection) -> None:
        """A connection has ended."""
        self.connections.discard(client)
        self.settle()

    # ------------------------------------------------------------------ lines

    def line(self, client: Connection, octets: bytes) -> None:
        """Do what one complete line of a client asks for ([CMD-6])."""
        try:
            for _ in range(1 + fault("lines-twice")):
                commands.perform(self, client, decode(octets))
        except RefusalError as refusal:
            if fault("log-raw"):
                commands.write_raw(octets)
            self.refuse(client, refusal.code)
        self.settle()

    def refuse(self, client: Connection, code: str) -> None:
        """Answer a line with ERROR; nothing else comes of it ([CMD-5], [ERR-2])."""
        if fault("refused-silently") and code in {"name-taken", "bad-name"}:
            return
        if fault("refused-cd-leaves") and code == "bad-room" and client.room:
            self._withdraw(client, client.room, "moved")
            client.room = None
        if fault("own-codes") and code == "unknown-command":
            code = "bad-command"
        text = "" if fault("error-without-text") else _ERRORS.get(code, code)
        if fault("password-told") and code == "bad-password":
            text = f"It is not {client.guess}."
        client.send(f"ERROR {code} {text}".rstrip())
        if fault("error-twice") or (fault("too-long-twice") and code == "too-long"):
            client.send(f"ERROR {code} {text}")
        if fault("bad-text-eats-next") and code == "bad-text":
            client.drop_input()
        if fault("crash-on-bad-text") and code == "bad-text":
            commands.crash()
        if fault("error-closes") or (fault("too-long-closes") and code == "too-long"):
            self.remove(client, "removed", "removed")
        if fault("bad-text-closes") and code == "bad-text":
            self.remove(client, "removed", "removed")

    def settle(self) -> None:
        """End those for which too much waits, once all have received the same: one order for all ([ORDER-1])."""
        while self.overdue:
            client = self.overdue.pop()
            client.pump()
            if client.served and client.too_slow:
                self.remove_slow(client)

    def crowded(self, client: Connection) -> bool:
        """Tell whether the room of a client has members that read, and do not keep up ([FLOW-1], [FLOW-7])."""
        if fault("congestion-drops"):
            return False
        now = time.monotonic()
        members = self.rooms.get(client.room or "", ())
        if fault("talk-waits-for-slowest"):
            return any(member.waiting and member.stalled(now) < _STOPPED for member in members)
        if fault("slow-stalls-room"):
            return any(member.waiting > SOFT for member in members)
        return any(member.waiting > SOFT and member.stalled(now) < _STOPPED for member in members)

    def overwhelms(self, name: str) -> bool:
        """Tell whether much waits for the client of that name, and it reads ([FLOW-1], [FLOW-7])."""
        told = self.clients.get(name.lower())
        return bool(told and told.waiting > SOFT and told.stalled(time.monotonic()) < _STOPPED)

    def has_slow(self, client: Connection) -> bool:
        """Tell whether much waits for a member of the client's room, for a fault only."""
        return any(member.waiting > SOFT for member in self.rooms.get(client.room or "", ()))

    def keeps_waiting(self, octets: int) -> bool:
        """Tell whether more octets than that wait for a member of whichever room that reads, for faults only."""
        members, now = [member for room in self.rooms.values() for member in room], time.monotonic()
        return any(member.waiting > octets and member.stalled(now) < _STOPPED for member in members)

    def others_unfinished(self, client: Connection) -> bool:
        """Tell whether somebody has sent half a line, for a fault only."""
        return any(other is not client and other.unfinished for other in self.clients.values())

    # ------------------------------------------------------------------ rooms

    def cast(self, room: str, line: str, but: Connection | None = None) -> None:
        """Send an event to all members of a room, but one."""
        self._history = line
        self.past.note(room, line)
        for place, member in enumerate(tuple(self.rooms.get(room, ()))):
            if member is not but:
                if fault("congestion-drops") and member.waiting > SOFT:
                    continue
                if place > 1 and (fault("third-member-late") or fault("third-member-next-turn")):
                    later(0.05 if fault("third-member-late") else 0.0, member.send, line)
                elif fault("others-late"):
                    later(0.05, member.send, line)
                else:
                    member.send(line)
        if fault("events-to-lobby"):
            self._tell_lobby(line)
        if fault("password-events-outside"):
            for client in self.clients.values():
                if not client.admitted:
                    client.send(line)

    def enter(self, client: Connection, name: str) -> None:
        """Let a client enter a room, out of the one in which it is ([ROOM-1] to [ROOM-5])."""
        if fault("error-and-effect") and " " in name:
            self.enter(client, name.split(" ")[0])
        room = check_room_name(name)
        if fault("rooms-as-numbers"):
            room = next((known for known in self.rooms if as_number(known) == as_number(room)), room)
        if fault("room-reserved") and room in {"operator", "server", "lobby"}:
            raise RefusalError("bad-room")
        if fault("needs-feature") and not client.used_feature:
            raise RefusalError("no-room")
        old = client.room
        if old == room and not fault("cd-same-events") and not (fault("cd-other-case-events") and name != room):
            if not fault("cd-same-silent"):
                client.send(f"ROOM {room}")
            return
        if fault("late-event") and old:
            later(0.0, client.send, f"SAID {client.name} late")
        if old is not None and not fault("move-overlaps"):
            self._withdraw(client, old, "moved")
            if fault("moved-told-self"):
                client.send(f"LEFT {client.name} moved")
        elif old is not None:
            later(0.1, self._withdraw, client, old, "moved")
        client.room = room
        if not (fault("bare-first-still-idle") and client.slips.chose_bare):
            client.chosen()
        if fault("announce-nobody-kept"):
            later(0.0, client.send, *self.slips.kept)
            self.slips.kept.clear()
        if fault("move-gap") and old is not None:
            client.send(f"ROOM {room}")
            later(0.1, self._join, client, room)
            return
        if not fault("room-missing"):
            client.send(f"ROOM {name if fault('room-echoed') else room}" + " Welcome!" * fault("room-topic"))
        self._join(client, room)

    def _join(self, client: Connection, room: str) -> None:
        """Make a client a member and tell the others ([ROOM-2])."""
        if fault("history") and self._history:
            client.send(self._history)
        members = self.rooms.setdefault(room, [])
        name = client.slips.old_case if client.slips.old_case and fault("case-change-not-in-joined") else client.name
        line = f"JOINED {name}" + " 127.0.0.1" * fault("joined-host")
        if fault("joined-next-turn"):
            later(0.0, self.cast, room, line, client)
        elif not fault("joined-missing"):
            self.cast(room, line)
        if fault("joined-twice"):
            self.cast(room, line)
        if fault("joined-everywhere"):
            for other in self.rooms.keys() - {room}:
                self.cast(other, line)
        members.append(client)
        if fault("joined-told-self"):
            client.send(line)

    def say(self, client: Connection, text: str) -> None:
        """Say a text in the speaker's room ([SAY-2], [SAY-3])."""
        room = client.room
        if room is None:
            raise RefusalError("no-room")
        line = f"SAID {client.old_name if fault('old-name-said') else client.name} {relayed(text)}"
        if fault("said-extra-word"):
            line = f"SAID {client.name} {room} {text}"
        if fault("said-lost-rare", 100):
            return None
        members = self.rooms.get(room) or [client]
        if fault("said-not-to-self"):
            return self.cast(room, line, client)
        if fault("order-differs", 10):
            self.cast(room, line, members[0])
            return later(0.05, members[0].send, line)
        if fault("own-said-first") and members[-1] is not client:
            client.send(line)
            return later(0.02, self.cast, room, line, client)
        if fault("said-to-64"):
            for member in tuple(members)[:64]:
                member.send(line)
            return None
        self.cast(room, line)
        if fault("said-doubled-rare", 100) or fault("said-doubled"):
            self.cast(room, line)
        if fault("leak") or fault("leak-rare", 100):
            for other in self.rooms:
                if other != room:
                    self.cast(other, line)
        return None

    def rename(self, client: Connection, name: str) -> None:
        """Give a client another name ([NAME-3], [NAME-5], [NICK-1] to [NICK-3])."""
        if fault("nick-refused-renames"):
            later(0.0, setattr, client, "name", name[:32])
        name, old = check_user_name(name), client.name
        if fault("password-lost-at-nick") and self.options.password:
            client.admitted = False
        if fault("name-guest-refused") and name.lower().startswith("guest") and name.lower() != old.lower():
            raise RefusalError("name-taken")
        if name.lower() in self.slips.stuck:
            raise RefusalError("name-taken")
        other = self._owner(name, client)
        if other not in (None, client) or (other is client and fault("own-case-refused") and name != old):
            raise RefusalError("name-taken")
        if (fault("nick-same-taken") and name == old) or (fault("name-of-room-refused") and name.lower() in self.rooms):
            raise RefusalError("name-taken")
        recased = name != old and name.lower() == old.lower()
        if not fault("old-name-kept") and not client.slips.keeps_name(recased=recased):
            self._free(client)
        client.name = name
        client.slips.named = True
        client.slips.old_case = old if recased else client.slips.old_case if name == old else ""
        self.clients[name.lower()] = client
        if recased and fault("case-change-frees-name"):
            del self.clients[name.lower()]
        if not fault("nick-unanswered"):
            client.send(f"NAME {name}")
        if fault("idle-ends-at-nick"):
            client.chosen()
        client.old_name = old if client.room else name
        if fault("history-new-names"):
            self.past.rename(old, name)
        if name == old and not fault("nick-same-told"):
            return
        if fault("nick-case-silent") and name.lower() == old.lower():
            return
        if client.room is not None and not fault("nick-missing"):
            self.cast(client.room, f"NICK {old} {name}", None if fault("nick-told-self") else client)
        if fault("nick-everywhere") or (fault("lobby-rename-told") and client.room is None):
            self._tell_all(f"NICK {old} {name}", client)

    def _owner(self, name: str, client: Connection) -> Connection | None:
        """Return who has a name, folded."""
        owner = self.clients.get(name.lower())
        if fault("names-as-numbers") or fault("names-turkish") or fault("names-hyphen-underscore"):
            others = (other for other in self.clients.values() if other is not client)
            return next((other for other in others if fold_strangely(other.name) == fold_strangely(name)), None)
        if owner is None or owner is client:
            return owner
        if fault("names-case-sensitive") and owner.name != name:
            return None
        if fault("names-per-room") and owner.room != client.room:
            return None
        if fault("names-lobby-free") and owner.room is None:
            return None
        return owner

    def tell(self, client: Connection, name: str, text: str) -> None:
        """Tell one client something, and the teller that it is told ([TELL-1] to [TELL-3], [TELL-6])."""
        told = self.clients.get(name.lower())
        if told and fault("tell-exact-case") and told.name != name:
            told = None
        if told and fault("tell-same-room") and told.room != client.room:
            told = None
        if told is client and fault("tell-self-refused"):
            told = None
        if told is None or not (told.admitted or fault("tell-not-admitted")):
            if fault("tell-nobody-silent"):
                return
            raise RefusalError("no-user")
        line = f"TELL {client.name} {text.strip() or text if fault('tell-trimmed') else text}"
        if fault("tell-late"):
            later(0.0, told.send, line)
        else:
            told.send(line)
        if fault("tell-overheard") and told.room:
            self.cast(told.room, line, told)
        if not fault("told-missing"):
            client.send(f"TOLD {name if fault('told-as-typed') else told.name} {text}")

    # ----------------------------------------------------------- the operator

    def announce(self, text: str) -> None:
        """Tell all rooms what the operator typed ([OPER-1])."""
        rooms = list(self.rooms)[:1] if fault("announce-one-room") else list(self.rooms)
        if fault("announce-nobody-kept") and not rooms:
            self.slips.kept.append(f"ANNOUNCE {text}")
        if fault("announce-16-rooms"):
            rooms = rooms[:16]
        for room in rooms:
            self.cast(room, f"ANNOUNCE {text}")
            if fault("announce-twice"):
                self.cast(room, f"ANNOUNCE {text}")
        if fault("announce-to-lobby"):
            self._tell_lobby(f"ANNOUNCE {text}")
        self.settle()

    def shut_down(self) -> None:
        """Send BYE shutdown to all, and no LEFT ([OPER-2], [LEFT-2])."""
        for client in tuple(self.clients.values()):
            if fault("shutdown-left"):
                self.forget(client, "removed")
            client.served = False
            if fault("shutdown-drops-queue"):
                client.drop_queue()
            if fault("shutdown-silent") or (fault("shutdown-lobby-forgotten") and client.room is None):
                client.abort()
            client.say_bye("shutdown")
        if fault("shutdown-bye-half-closed"):
            for client in tuple(self.connections):
                client.forget_end()
                client.say_bye("shutdown")
        self.clients.clear()
        self.rooms.clear()

    def _tell_all(self, line: str, but: Connection) -> None:
        for room in self.rooms:
            self.cast(room, line, but)

    def _tell_lobby(self, line: str) -> None:
        for client in self.clients.values():
            if client.room is None:
                client.send(line)

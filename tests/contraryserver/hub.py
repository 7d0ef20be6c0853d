"""The clients, their rooms, and the lines that they are sent about each other."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.contraryserver.lines import RESERVED, fold
from tests.contraryserver.loop import Loop
from tests.contraryserver.past import Past
from tests.contraryserver.whims import Whims

if TYPE_CHECKING:
    from tests.contraryserver.client import Client

_HIGH = 65536  # waiting octets from which others wait for a client that reads
_GRACE = (
    1.0  # seconds without progress after which they do so no longer: [FLOW-7] asks for no less, [FLOW-3] for no more
)
_SLOW = 4.5  # seconds without progress after which a connection is broken on which BYE slow waits
_LEFT = {"exit": "exit", "removed": "removed", "slow": "removed", "lost": "lost"}  # what the room is told
_CHECK = 0.3  # seconds between two looks at who takes nothing
_INFOS = 40  # INFO lines without a reason in one connection, at most


@dataclass(frozen=True)
class Options:
    """The limits that the operator can set: octets and seconds; 0 seconds to choose a room are no limit."""

    max_clients: int
    choose_timeout: float
    max_waiting: int
    stall_timeout: float
    features: tuple[str, ...]
    password: str  # where it has the feature `password`
    quiet: bool  # no INFO line but the answer to `/help`


class Hub:
    """All clients and rooms. Each line is done before the next one begins, so a move is atomic [ORDER-5].

    An event is put into the output of everybody whom it concerns at once, and has its place there [ORDER-8]. When
    the output goes to the socket is another matter.
    """

    def __init__(self, loop: Loop, whims: Whims, options: Options) -> None:
        self.loop, self.whims, self.options = loop, whims, options
        self.clients: dict[str, Client] = {}  # those that are served, by folded name
        self.rooms: dict[str, set[Client]] = {}  # without empty ones
        self.connections: set[Client] = set()  # whose sockets are not closed
        self._lagging: set[Client] = set()  # for whom much waits
        self.past = Past(whims)
        loop.later(_CHECK, self._check_slow)
        if not options.quiet:
            loop.later(whims.silence(), self._say_something)

    # ------------------------------------------------------------ coming and going

    def come(self, client: "Client") -> None:
        """Greet a new client, or tell it that there is no place [BYE-4]."""
        self.connections.add(client)
        hello = " ".join(["HELLO flurfunk/1", *self.whims.shuffled(self.options.features)])
        if len(self.clients) >= self.options.max_clients:
            client.end(hello, "BYE full")
            return
        client.name = self.whims.name(self.clients)
        self.clients[fold(client.name)] = client
        client.served = True
        greeting = self.whims.greeting(password="password" in self.options.features)
        infos = [] if self.options.quiet else [f"INFO {text}" for text in greeting]
        if "history" in self.options.features:
            infos.append(f"INFO {self.past.notice}")
        client.put(hello, f"NAME {client.name}", *infos)
        if self.options.choose_timeout:
            self.loop.later(self.options.choose_timeout, lambda: self._expire(client))

    def _expire(self, client: "Client") -> None:
        if not client.room:
            self.bye(client, "idle")

    def leave(self, client: "Client", reason: str) -> None:
        """Free a client's name, and tell its room where a reason says so [NAME-9]."""
        if client.served:
            client.served, client.leaving = False, True
            del self.clients[fold(client.name)]
            self._leave_room(client, _LEFT.get(reason))

    def bye(self, client: "Client", reason: str, *before: str) -> None:
        """Take leave of a client that is served, with BYE and lines right before it."""
        if client.served:
            client.finish_answer()
            self.leave(client, reason)
            if reason == "slow" and self.whims.happens(0.5):
                client.drop_waiting()
            client.patience = _SLOW if reason == "slow" else self.options.stall_timeout
            client.end(*before, f"BYE {reason}")

    def shut_down(self) -> None:
        """Take leave of everybody [OPER-2]."""
        for client in self.clients.values():
            client.finish_answer()  # as long as everybody is there of whom it tells
        for client in self.whims.shuffled(self.clients.values()):
            self.bye(client, "shutdown")

    # ------------------------------------------------------------ what happens

    def tell(self, room: str | None, line: str, but: "Client | None" = None) -> None:
        """Put an event into the output of the members of a room, without one."""
        for member in self.whims.shuffled(self.rooms.get(room or "", ())):
            if member is not but:
                member.put(line)

    def say(self, room: str, event: str) -> None:
        """Tell an event that is kept."""
        self.past.add(room, event)
        self.tell(room, event)

    def announce(self, text: str) -> None:
        """Tell the operator's words [OPER-1]."""
        for room in self.whims.shuffled(self.rooms):
            self.say(room, f"ANNOUNCE {text}")

    def enter(self, client: "Client", name: str) -> None:
        """Let a client enter a room [ROOM-1 to ROOM-5]."""
        room = fold(name)
        if room != client.room:
            self._leave_room(client, "moved")
            client.room = room
            self.rooms.setdefault(room, set()).add(client)
            self.tell(room, f"JOINED {client.name}", client)
        client.put(f"ROOM {room}")

    def _leave_room(self, client: "Client", reason: str | None) -> None:
        room = client.room
        if room:
            self.rooms[room].discard(client)
            client.room = None
            if reason:
                self.tell(room, f"LEFT {client.name} {reason}")
            if not self.rooms[room]:
                del self.rooms[room]
                self.past.empty(room)

    def rename(self, client: "Client", name: str) -> bool:
        """Give a client another name and tell its room; return whether it can have it [NAME-3, NAME-6, NICK-2]."""
        old, folded = client.name, fold(name)
        if folded in RESERVED or self.clients.get(folded, client) is not client:
            return False
        del self.clients[fold(old)]
        self.clients[folded] = client
        client.name = name
        if name != old:
            self.tell(client.room, f"NICK {old} {name}", client)
        return True

    def members(self, room: str) -> list[str]:
        """Return the answer to `/who` [WHO-1]."""
        names = self.whims.shuffled(member.name for member in self.rooms[room])
        return [*(f"MEMBER {name}" for name in names), f"MEMBERS {room} {len(names)}"]

    def live(self) -> list[str]:
        """Return the answer to `/rooms` [LIST-1]."""
        rooms = self.whims.shuffled(self.rooms.items())
        return [*(f"LIVE {room} {len(members)}" for room, members in rooms), f"ROOMS {len(rooms)}"]

    # ------------------------------------------------------------ those who read slowly

    def note(self, client: "Client") -> None:
        """Note how much waits for a client."""
        if client.closed:
            self.connections.discard(client)
        if len(client.waiting) > _HIGH:
            self._lagging.add(client)
        elif client.closed or len(client.waiting) < _HIGH // 2:
            self._lagging.discard(client)

    def is_behind(self, client: "Client") -> bool:
        """Return whether so much waits for a client that nothing is done for it."""
        return client in self._lagging

    def is_crowded(self, told: str, *rooms: str | None) -> bool:
        """Return whether one lags although it reads, in these rooms or by the folded name of who is `told` something.

        Others wait for it [FLOW-7, FLOW-3].
        """
        reading = [client for client in self._lagging if client.progress > time.monotonic() - _GRACE]
        return any((client.room and client.room in rooms) or fold(client.name) == told for client in reading)

    def _check_slow(self) -> None:
        """Take leave of those for whom something waits, and who take nothing [FLOW-5]."""
        now = time.monotonic()
        for client in tuple(self.connections):
            if client.waiting and now - client.progress >= client.patience:
                client.reset() if client.leaving else self.bye(client, "slow")
        self.loop.later(_CHECK, self._check_slow)

    # ------------------------------------------------------------ words without a reason

    def _say_something(self) -> None:
        """Send an INFO line to somebody for whom nothing waits, so that it cannot make anybody slow."""
        if self.clients:
            client = self.whims.one(self.clients.values())
            if not client.waiting and client.infos < _INFOS:
                client.infos += 1
                client.put(f"INFO {self.whims.text(200)}")
        self.loop.later(self.whims.silence(), self._say_something)

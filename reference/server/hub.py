"""The one place where the chat's effects meet the streams: a message in, what is due out.

Where several servers are one, `reference.cluster.hub` has the inputs come back in one order for all before they are
carried out.
"""

from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from itertools import count, takewhile
from socket import MSG_DONTWAIT, SHUT_WR, socket
from threading import Condition
from time import monotonic, time
from typing import NamedTuple

from reference.server.chat import Append, Chat, Close, Effect, Enter, Hold, Leave, Record, Tell
from reference.server.delivery import LINGER, Delivery, Peer
from reference.server.history import Drop, History, Keep
from reference.server.stream import Stream
from reference.wire import MAX_CLIENT_LINE, PROTOCOL, ByeReason, LeftReason, Message, Whisper, encode

UNFINISHED_LINE = encode("INFO", "A line ends with LF (the Enter key). Your line has no end yet.")
TURNED_AWAY = 16  # connections that are kept for a while so that they can read why they are not served
UNREAD = 256  # lines of the greatest length that are read from a connection that is turned away
LEAVING = 64  # connections that may be on their way out, besides as many again as are served
ARRIVAL = 1.0  # seconds until the operator is told of a client that has said nothing
EXPIRY = 3600.0  # seconds between two looks for words that are too old to be kept
HOLD = 1.0  # seconds from a wrong password to its answer [PASS-5]


class Limits(NamedTuple):
    """The limits that the operator can set; 0 means no limit, but for `max_waiting`."""

    max_clients: int = 1000  # served at once [BYE-4]
    choose_timeout: float = 120.0  # seconds to choose a room [BYE-6]
    max_waiting: int = 1024 * 1024  # octets that wait for a slow reader [FLOW-4]
    stall_timeout: float = 30.0  # seconds without a slow reader's progress [FLOW-5]


class Client(NamedTuple):
    """The facts about one client that the operator is told."""

    name: str
    room: str | None  # None in the lobby
    address: str
    since: float  # seconds since the epoch


class Countdown:
    """Users for whom the same time runs, each from a beginning of its own: one timer, however many come and go."""

    def __init__(self, seconds: float, on_end: Callable[[int], list[Effect]]) -> None:
        """`on_end`: returns what is to be done with a user whose time is over."""
        self.seconds = seconds
        self.on_end = on_end
        self.ends: dict[int, float] = {}  # when the time of each user is over; the earliest first
        self.awaited = False


class Hub:
    """All clients of one server.  Its methods may be called from any thread."""

    def __init__(
        self,
        limits: Limits,
        note: Callable[[Record], None] = lambda event: None,
        *,
        log_messages: bool = False,
        is_password: Callable[[str], bool] | None = None,
        history: History | None = None,
        write: Callable[[list[Keep | Drop]], None] | None = None,
    ) -> None:
        """`note` is called without the lock for each event; `log_messages`: for what is said too [SEC-3].

        `is_password`: whether words are the password; None where none is wanted.  `history`: what is kept of rooms,
        `write` is called without the lock with changes of that, before anybody is sent what is kept.
        """
        self.limits = limits
        self._note = note
        self._log_messages = log_messages
        self._chat = Chat(is_password, history)
        self._delivery = Delivery(limits.max_waiting, limits.stall_timeout, self.remove_slow)
        if write is not None:
            self._delivery.write_with(write)
        self._peers: dict[int, Peer] = {}  # those that are not sent away yet
        self._streams: dict[str, Stream[Peer]] = {}
        self._choosing = Countdown(limits.choose_timeout, lambda user: self._chat.dismiss(user, ByeReason.IDLE))
        self._arriving = Countdown(ARRIVAL, self._chat.introduce)
        self._turned_away: set[socket] = set()
        self._held: set[int] = set()  # users whose wrong password is not answered yet
        self._sent_away = Condition(self._delivery.lock)
        self._announced = 0  # octets, since the operator last waited
        self._numbers = count(1)
        self._messages = 0  # carried out so far
        self._dropped = 0  # clients that were removed because they did not read
        self._closed = False
        self._locked = False
        self.since = time()  # seconds since the epoch

    def start(self, on_failure: Callable[[], None] = lambda: None) -> None:
        """Start the threads that write; `on_failure` is called where they cannot go on."""
        self._delivery.start(on_failure)
        self._expire()

    def _expire(self) -> None:
        """Drop the words that are too old by now, and come back."""
        if self.keeps:
            with self._delivery.lock:
                self._tick()
                self._apply(self._chat.expire())
            self._delivery.flush()
            self._delivery.call_later(EXPIRY, self._expire)

    def _tick(self) -> None:
        """Tell the chat the time, which it needs for what it keeps.  Requires the lock."""
        self._chat.tick(int(time() * 1000))

    def join(self) -> None:
        """Be ready to `start`; raises ClusterError where the others cannot be joined with which it is one server."""

    def end(self, stop: Callable[[], None]) -> None:
        """End the server, as the console's `exit` asks; `stop` ends this program."""
        stop()

    @property
    def failed(self) -> bool:
        """Whether the threads that write could not go on."""
        return self._delivery.failed

    # ------------------------------------------------------------ clients

    def new_number(self) -> int:
        """Return a number for the next client; none is used twice."""
        return next(self._numbers)

    def connect(self, peer: Peer) -> None:
        """Greet a new client, or send it away where it cannot be served [BYE-4]."""
        with self._delivery.lock:
            self._delivery.open.add(peer)
            reason = self._refusal()
            if reason is None:
                self._peers[peer.user] = peer
                records = self._apply(self._chat.connect(peer.user))
                self._begin(self._arriving, peer.user)
                if self.limits.choose_timeout:
                    self._begin(self._choosing, peer.user)
            else:
                peer.tell(self.refusal(reason))
                self._delivery.finish(peer)
                records = [Record("refused", {"reason": reason})]
        self._after(records)

    def receive(self, peer: Peer, messages: list[Message], flooding: bool) -> None:
        """Carry out a client's messages, as soon as those who hear it can take them."""
        pending = deque(messages)
        names = [message.name for message in messages if type(message) is Whisper]
        while pending:
            records: list[Record] = []
            with self._delivery.lock:
                self._delivery.admit(peer, flooding, self._find(names) if names else ())
                if self.keeps:
                    self._tick()
                room = peer.stream
                while pending:
                    self._messages += 1
                    records += self._apply(self._chat.handle(peer.user, pending.popleft()))
                    if peer.waiting > self._delivery.high_water:
                        break  # the answers are long: the client has to read them before it gets more [FLOW-2]
                    if peer.stream is not room:
                        break  # it waits for those in the room that it is in now [FLOW-1]
                    if peer.user in self._held:
                        break
            self._after(records)
            if peer.user in self._held:
                self._hold(peer.user)

    def _find(self, names: Iterable[str]) -> list[Peer]:
        """Return the clients of these names that there are.  Requires the lock."""
        return [self._peers[user] for name in names if (user := self._chat.find(name)) is not None]

    def _hold(self, user: int) -> None:
        """Wait before a wrong password is answered, in the thread of its client alone, unless it is sent away."""
        with self._delivery.lock:
            self._sent_away.wait_for(lambda: user not in self._peers, HOLD)
            self._held.discard(user)
            records = self._apply(self._chat.refuse_password(user))
        self._after(records)

    def hint(self, peer: Peer) -> None:
        """Tell a client that nothing happens because its line has not ended [LINE-10]."""
        with self._delivery.lock:
            if peer.user in self._peers:
                self._apply([Tell(peer.user, UNFINISHED_LINE)])
        self._delivery.flush()

    def end_of_stream(self, peer: Peer) -> None:
        """The client has ended its sending: it gets what waits for it, and no more [NET-4] [LEFT-1]."""
        with self._delivery.lock:
            records = self._apply(self._chat.disconnect(peer.user, LeftReason.LOST))
            self._forget(peer.user)
            self._delivery.finish(peer)
        self._after(records)

    def reader_ended(self, peer: Peer) -> None:
        """Note that the client's thread no longer uses its socket."""
        self._delivery.reader_ended(peer)

    def refuse(self, peer: Peer, protocol: str) -> None:
        """Close, at once and without a word, a connection that speaks something else [NET-9]."""
        with self._delivery.lock:
            records = self._apply(self._chat.disconnect(peer.user, LeftReason.LOST))
            self._forget(peer.user)
        self._delivery.abandon(peer)
        self._after([*records, Record("foreign", {"protocol": protocol})])

    def turn_away(self, sock: socket) -> None:
        """Send BYE full on a connection for which there is no thread, and close it a while later [BYE-4] [NET-6]."""
        with suppress(OSError):
            sock.send(self.refusal(ByeReason.FULL), MSG_DONTWAIT)
            sock.shutdown(SHUT_WR)
        with self._delivery.lock:
            self._turned_away.add(sock)
            crowded = len(self._turned_away) > TURNED_AWAY
        if crowded:
            self._close(sock)
        else:
            self._delivery.call_later(LINGER, partial(self._close, sock))

    def _close(self, sock: socket) -> None:
        """Read what came on a connection that was turned away: closed over it, it would be reset, and lose its BYE."""
        with self._delivery.lock:
            self._turned_away.discard(sock)
        with sock, suppress(OSError):
            for _ in range(UNREAD):
                if not sock.recv(MAX_CLIENT_LINE, MSG_DONTWAIT):
                    break

    def refusal(self, reason: ByeReason) -> bytes:
        """Return the lines for a connection that is not served."""
        return encode("HELLO", PROTOCOL, *self._chat.features) + encode("BYE", reason)

    @property
    def crowded(self) -> bool:
        """Whether so many connections are open, those that are just leaving included, that a thread is too much."""
        most = self.limits.max_clients
        return bool(most) and len(self._delivery.open) >= 2 * most + LEAVING

    # ------------------------------------------------------------ the operator

    def announce(self, text: str, room: str | None = None) -> tuple[int, int]:
        """Send the operator's words to every member of every room [OPER-1], or of one; return how many both are."""
        with self._delivery.lock:
            self._announced += len(text.encode())
            if self._announced > self._delivery.high_water // 2:
                self._delivery.admit_operator(self._streams.values())
                self._announced = 0
            self._tick()
            effects = self._chat.announce(text, room)
            rooms = [effect.room for effect in effects if isinstance(effect, Append)]
            people = sum(len(self._streams[one].members) for one in rooms)
            self._apply(effects)
        self._delivery.flush()
        return people, len(rooms)

    def forget(self, room: str) -> bool:
        """Drop what is kept of a room, compared folded; return whether there was anything."""
        with self._delivery.lock:
            effects = self._chat.forget(room)
            self._apply(effects)
        self._delivery.flush()
        return bool(effects)

    @property
    def keeps(self) -> bool:
        """Whether words of rooms are kept."""
        return self._chat.history is not None

    def kick(self, name: str) -> bool:
        """Remove the client of that name [OPER-4]; return whether there is one."""
        with self._delivery.lock:
            user = self._chat.find(name)
            records = [] if user is None else self._apply(self._chat.dismiss(user, ByeReason.REMOVED))
        self._after(records)
        return user is not None

    def users(self) -> list[Client]:
        """Return all users, in the order in which they came."""
        with self._delivery.lock:  # both are in that order
            both = zip(self._chat.users(), self._peers.values(), strict=True)
            return [Client(user.name, user.room, peer.address, peer.since) for user, peer in both]

    @property
    def locked(self) -> bool:
        """Whether new clients are sent away, as where the server is full [BYE-4]."""
        return self._locked

    @locked.setter
    def locked(self, locked: bool) -> None:
        with self._delivery.lock:
            self._locked = locked
        self._note(Record("locked" if locked else "unlocked", {}))

    def rooms(self) -> dict[str, int]:
        """Return the rooms that have members, with their numbers."""
        with self._delivery.lock:
            return self._chat.rooms()

    @property
    def counts(self) -> tuple[int, int]:
        """How many clients there are, and rooms that have members; never waits."""
        return len(self._peers), len(self._streams)

    def stats(self) -> dict[str, int]:
        """Return how many clients, rooms and messages there are, octets that wait, and clients that were dropped."""
        with self._delivery.lock:
            kept = (0, 0, 0) if self._chat.history is None else self._chat.history.size
            return {
                "clients": len(self._peers),
                "rooms": len(self._streams),
                "messages": self._messages,
                "waiting": sum(peer.waiting for peer in self._delivery.open),
                "dropped": self._dropped,
                **(dict(zip(("kept", "kept_rooms", "kept_octets"), kept, strict=True)) if self.keeps else {}),
            }

    def note_stats(self, every: float = 0.0) -> None:
        """Note the numbers; again every so many seconds, if any."""
        self._note(Record("stats", self.stats()))
        if every:
            self._delivery.call_later(every, partial(self.note_stats, every))

    def shut_down(self, seconds: float) -> None:
        """Send everybody away with what is queued for them, and wait until all are gone, so many seconds at most."""
        with self._delivery.lock:
            self._closed = True
            self._apply(self._chat.shut_down())
        self._delivery.flush()
        with self._delivery.lock:
            self._delivery.relief.wait_for(lambda: not self._delivery.open, seconds)
            stuck = list(self._delivery.open)
        for peer in stuck:
            self._delivery.abandon(peer)
        with self._delivery.lock:
            self._delivery.relief.wait_for(lambda: not self._delivery.open, 1.0)
        self._delivery.write_changes()

    # ------------------------------------------------------------ called by time or by the delivery

    def _begin(self, countdown: Countdown, user: int) -> None:
        """Let a user's time run: to choose a room [BYE-7], or to arrive.  Requires the lock."""
        countdown.ends[user] = monotonic() + countdown.seconds
        self._await(countdown)

    def _await(self, countdown: Countdown) -> None:
        """Have `_end` called when the first one's time is over."""
        if countdown.ends and not countdown.awaited:
            countdown.awaited = True
            first = next(iter(countdown.ends.values()))
            self._delivery.call_later(first - monotonic(), partial(self._end, countdown))

    def _end(self, countdown: Countdown) -> None:
        """Deal with those whose time is over, and come back when it is for the next."""
        with self._delivery.lock:
            now = monotonic()
            late = list(takewhile(lambda user: countdown.ends[user] <= now, countdown.ends))
            records = []
            for user in late:
                countdown.ends.pop(user, None)
                records += self._apply(countdown.on_end(user))
            countdown.awaited = False
            self._await(countdown)
        self._after(records)

    def remove_slow(self, peer: Peer) -> bool:
        """Remove a client that takes too little of what waits for it, or nothing for too long [FLOW-5].

        Returns whether it was still served.
        """
        with self._delivery.lock:
            records = self._apply(self._chat.dismiss(peer.user, ByeReason.SLOW))
            self._dropped += bool(records)
        self._after(records)
        self._delivery.call_later(LINGER, partial(self._delivery.abandon, peer))
        return bool(records)

    def _refusal(self) -> ByeReason | None:
        if self._closed:
            return ByeReason.SHUTDOWN
        most = self.limits.max_clients
        return ByeReason.FULL if self._locked or (most and len(self._peers) >= most) else None

    # ------------------------------------------------------------ effects

    def _apply(self, effects: Iterable[Effect]) -> list[Record]:
        """Carry out effects in their order; return what is to be logged.  Requires the lock."""
        records: list[Record] = []
        for effect in effects:
            match effect:
                case Append():  # to match fields, too, would cost as much as the rest
                    stream = self._streams[effect.room]
                    stream.append(effect.line)
                    self._delivery.touch(stream)
                    if self._log_messages:
                        records.append(Record("said", {"room": effect.room, "line": effect.line.decode().rstrip()}))
                case Tell(user, lines):
                    peer = self._peers[user]
                    peer.tell(lines)
                    self._delivery.touch(peer)
                case Keep() | Drop():
                    self._delivery.change(effect)
                case Enter(user, room):
                    self._choosing.ends.pop(user, None)
                    self._peers[user].enter(self._streams.setdefault(room, Stream()))
                case Leave(user, room):
                    self._peers[user].leave()
                    self._delivery.touch(self._peers[user])
                    if not self._streams[room].members:
                        del self._streams[room]
                case Close(user, reason):
                    peer = self._peers[user]
                    self._forget(user)
                    peer.leave()
                    if reason is ByeReason.SLOW:
                        peer.drop()
                    peer.tell(encode("BYE", reason))
                    self._delivery.finish(peer)
                    self._sent_away.notify_all()
                case Hold(user):
                    self._held.add(user)
                case Record():
                    records.append(effect)
        return records

    def _forget(self, user: int) -> None:
        """Serve a client no longer.  Requires the lock."""
        self._peers.pop(user, None)
        self._choosing.ends.pop(user, None)
        self._arriving.ends.pop(user, None)

    def _after(self, records: list[Record]) -> None:
        """Send what is due, then log.  Without the lock."""
        self._delivery.flush()
        for record in records:
            self._note(record)

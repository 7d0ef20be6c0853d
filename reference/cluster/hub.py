"""A hub whose clients share one chat with those of other nodes: inputs go to the log, and come back in its order.

The next lines of a client wait until those before have come back and are carried out.  That is back-pressure, too:
where there is no log, nobody is read on.  Nothing here changes the chat on its own; the flow of octets to a client is
this node's alone.
"""

import json
import logging
import socket
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from os import getpid
from secrets import token_hex
from threading import Lock
from time import monotonic, time
from typing import Any

from reference.cluster.entries import CLIENT_INPUTS, NODE_INPUTS, Entry, Input, decode_entry, encode_entry, pack_message
from reference.cluster.log import Log
from reference.cluster.options import Options
from reference.cluster.state import NUMBERS, Done, Down, Ended, Refuse, State
from reference.server.chat import Append, Close, Effect, Enter, Hold, Leave, Record, Tell
from reference.server.delivery import GRACE, LINGER, Peer
from reference.server.history import Drop, History, Keep
from reference.server.hub import HOLD, Client, Countdown, Hub, Limits
from reference.server.stream import Stream
from reference.wire import (
    Bare,
    ByeReason,
    Message,
    Move,
    Password,
    Ping,
    Refused,
    Rename,
    Say,
    Whisper,
    encode,
    fold,
    is_name,
)

MOST = 64 * 1024  # octets of inputs in one entry, about
WAITING = 1024 * 1024  # octets of the operator's words that may wait for the log
PASTED = 0.05  # seconds between lines of the operator that nobody types so fast
SILENT_BEATS = 5  # of this node's own that come back while another is silent: then that one is given up
SNAPSHOT_ENTRIES = 1000  # after so many, or so many octets of them, a snapshot
SNAPSHOT_OCTETS = 8 * 1024 * 1024
LAST_WORD = 2.0  # seconds for the log to take what a node says when it ends, or what its operator says or asks
PRESSED = 0.3  # seconds for which a room stays congested that another node says is
PRESS_LOOK = 0.01  # seconds between two looks at that
PRESS_AGAIN = 0.1  # seconds between two times of saying so
_LOCAL = (1 << NUMBERS) - 1

log = logging.getLogger("flurfunk")


class Waiter:
    """One input that is to come back from the log; `wait` returns when it has, or when it never will."""

    __slots__ = ("_lock", "input", "octets", "over", "result")

    def __init__(self, words: Input, octets: int) -> None:
        self.input = words
        self.octets = octets
        self.result: Done | None = None
        self.over = False
        self._lock = Lock()
        self._lock.acquire()

    def wait(self, seconds: float = -1) -> bool:
        """Return whether it has come back, or never will, within so many seconds; as long as it takes by default."""
        return self._lock.acquire(timeout=seconds)

    def release(self, result: Done | None = None) -> None:
        """End the waiting."""
        if not self.over:
            self.result, self.over = result, True
            self._lock.release()


class ClusterHub(Hub):
    """All clients of one node.  Its methods may be called from any thread."""

    def __init__(
        self,
        limits: Limits,
        note: Callable[[Record], None] = lambda event: None,
        *,
        cluster: Options,
        log_messages: bool = False,
        is_password: Callable[[str], bool] | None = None,
        history: History | None = None,
        write: Callable[[list[Keep | Drop]], None] | None = None,
    ) -> None:
        """See `Hub`; `cluster`: how the log is reached.  Nothing is written: the log itself keeps `history`."""
        super().__init__(limits, note, log_messages=log_messages, is_password=is_password, history=history)
        self._is_right = is_password
        self._bounds = (history.lines, history.days) if history else None
        self._state = self._begun()
        self._chat = self._state.chat
        alike = [*self._chat.features, *([f"({history.lines} lines, {history.days:g} days)"] if history else [])]
        self._log = Log(cluster, " ".join(alike), self)
        self._choosing = Countdown(limits.choose_timeout, partial(self._say_of, "idle"))
        self._arriving = Countdown(self._arriving.seconds, partial(self._say_of, "introduce"))
        self._label = f"{socket.gethostname()}:{getpid()}"
        self._token = ""
        self._base = 0  # of the numbers of this node's users; 0 while it has not joined
        self._number = 0  # of its last entry
        self._queue: deque[Waiter] = deque()
        self._queued = 0  # octets
        self._under_way: list[Waiter] = []
        self._packed: bytes | None = None
        self._back: list[tuple[Waiter, Done]] = []  # inputs that came back, and whose threads wait for `settle`
        self._records: list[Record] = []  # to be logged by `settle`
        self._unsettled = 0  # octets of entries since then
        self._coming: dict[int, Peer] = {}  # clients that are not known to the chat yet
        self._last_announcement = 0.0  # when the operator's last one was given to the log
        self._slow: set[int] = set()  # users whose removal is under way
        self._beat = Waiter(["beat"], 0)  # the last one
        self._beat.release()
        self._heard: dict[str, tuple[int, int]] = {}  # of each node: the last entry, and own beats since then
        self._pressed: dict[Stream[Peer], tuple[float, bool]] = {}  # until when; whether all wait, and not floods alone
        self._pressed_users: dict[int, float] = {}  # until when those wait who tell such a user something
        self._look_at_rooms = 0.0  # when it is to be looked again which rooms are congested here
        self._since_snapshot = [0, 0]  # entries, octets
        self._snapshotting = False
        self._over = False  # nothing that comes from the log counts any more
        self._fault = False
        self._stop: Callable[[], None] = lambda: None
        self._stop_wanted = False

    def _begun(self) -> State:
        """Return a state to which no entry has led yet."""
        return State(self._is_right is not None, History(*self._bounds) if self._bounds else None)

    def _expire(self) -> None:
        """Do nothing: what is too old is dropped by entries of the log, on all nodes alike."""

    # ------------------------------------------------------------ beginning and end

    def join(self) -> None:
        """Take over the state of the cluster; raises ClusterError.  This is a node of it from `start` on."""
        self._log.start()

    def _join(self) -> None:
        """Begin a new incarnation.  Requires the lock."""
        self._token, self._base, self._number = token_hex(8), 0, -1  # the first entry has number 0
        self._packed, self._under_way = None, []
        self._queue.appendleft(Waiter(["node", self._label], 64))

    def start(self, on_failure: Callable[[], None] = lambda: None) -> None:
        super().start(on_failure)
        with self._delivery.lock:
            self._stop = on_failure
            wanted = self._stop_wanted
            self._join()
        self._log.wake()
        if wanted:
            on_failure()

    @property
    def failed(self) -> bool:
        return super().failed or self._fault

    def fail(self, reason: str) -> None:
        """End with a fault: there is no log any more."""
        log.error("%s", reason)
        self._fault = True
        self._finish()

    def _finish(self) -> None:
        """Let nothing count any more, and have the server end.  Without the lock."""
        with self._delivery.lock:
            self._stop_following()
            stop = self._stop
            self._stop_wanted = True
        stop()

    def _stop_following(self) -> None:
        """Let nothing count any more, and nobody wait for the log.  Requires the lock."""
        self._over = True
        for waiter in (*self._under_way, *self._queue, *(waiter for waiter, _ in self._back)):
            waiter.release()
        self._queue.clear()
        self._under_way, self._packed = [], None
        self._sent_away.notify_all()

    def end(self, stop: Callable[[], None]) -> None:
        """End all nodes, and this one in any case, soon."""
        self._submit(["exit"])
        self._delivery.call_later(LAST_WORD, self._finish)

    def shut_down(self, seconds: float) -> None:
        """End this node: the others' rooms are told that its clients are gone, and its clients get BYE."""
        with self._delivery.lock:
            self._closed = True
            over = self._over
        if not over:
            self._submit(["leave"]).wait(LAST_WORD)
        with self._delivery.lock:
            self._stop_following()
            self._say_bye_to_all()
        super().shut_down(seconds - LAST_WORD)
        self._log.close()

    # ------------------------------------------------------------ inputs

    def _submit(self, words: Input, octets: int = 64) -> Waiter:
        """Give an input to the log.  Without the lock."""
        with self._delivery.lock:
            return self._put(words, octets)

    def _put(self, words: Input, octets: int = 64) -> Waiter:
        """Give an input to the log.  Requires the lock."""
        waiter = Waiter(words, octets)
        if self._over:
            waiter.release()
            return waiter
        self._queue.append(waiter)
        self._queued += octets
        if self._packed is None:
            self._log.wake()
        return waiter

    def _put_for(self, peer: Peer, kind: str, *words: Any, octets: int = 64) -> Waiter | None:
        """Give an input of a client to the log; None where it is not served any more.  Requires the lock."""
        if peer.user not in self._peers:
            return None
        return self._put([kind, peer.user & _LOCAL, *words], octets)

    def _say_of(self, kind: str, user: int) -> list[Effect]:
        """Say that a user's time is over.  Requires the lock."""
        if user in self._peers:
            self._put([kind, user & _LOCAL])
        return []

    def connect(self, peer: Peer) -> None:
        with self._delivery.lock:
            self._delivery.open.add(peer)
            over = self._closed or self._over
            if not over:
                self._coming[peer.user] = peer
                waiter = self._put(["come", peer.user, peer.address, peer.since, self.limits.max_clients])
        if not over:
            waiter.wait()
        with self._delivery.lock:
            if over or self._coming.pop(peer.user, None) is not None:  # the server ended before it came back
                self._turn_down(peer, ByeReason.SHUTDOWN)
        self._delivery.flush()

    def _turn_down(self, peer: Peer, reason: ByeReason) -> None:
        """Send a client away that was never served.  Requires the lock."""
        peer.tell(self.refusal(reason))
        self._delivery.finish(peer)

    def receive(self, peer: Peer, messages: list[Message], flooding: bool) -> None:
        pending = deque(messages)
        while pending:
            messages, rooms = segment(pending, peer.stream is not None)
            lines = [pack_message(one, self._verdict(one)) for one in messages]
            with self._delivery.lock:
                names = {message.name for message in messages if isinstance(message, Whisper)}
                self._admit(peer, flooding, rooms, names)
                octets = sum(len(word) for words in lines for word in words)
                waiter = self._put_for(peer, "lines", lines, octets=octets)
                self._messages += len(lines)
            if waiter is None:
                return
            waiter.wait()
            if peer.user in self._held:
                self._hold(peer.user)

    def _verdict(self, message: Message) -> bool:
        return self._is_right is not None and isinstance(message, Password) and self._is_right(message.words)

    def _admit(self, peer: Peer, flooding: bool, rooms: Collection[str], names: Collection[str]) -> None:
        """Wait until more of a client's lines may go to the log, for clients on other nodes, too [FLOW-1].

        `rooms`: those that it goes to in these lines; `names`: of those whom it tells something.  Requires the lock,
        and releases it while waiting.
        """
        while True:
            told = [user for name in names if (user := self._chat.find(name)) is not None]
            self._delivery.admit(peer, flooding, [self._peers[user] for user in told if user in self._peers])
            streams = [peer.stream, *(self._streams.get(room) for room in rooms)]
            waits = any(stream and self._is_congested(stream, flooding) for stream in streams)
            waits = waits or (flooding and any(self._pressed_users.get(user, 0.0) > monotonic() for user in told))
            if peer.finishing or not waits:
                return
            self._delivery.relief.wait(PRESSED)

    def _is_congested(self, stream: Stream[Peer], flooding: bool) -> bool:
        until, all_wait = self._pressed.get(stream, (0.0, False))
        pressed = (flooding or all_wait) and until > monotonic()
        return pressed or self._delivery.congested(stream, flooding)

    def _hold(self, user: int) -> None:
        with self._delivery.lock:
            self._sent_away.wait_for(lambda: user not in self._peers or self._over, HOLD)
            self._held.discard(user)
            waiter = self._put(["denied", user & _LOCAL]) if user in self._peers else None
        if waiter is not None:
            waiter.wait()

    def end_of_stream(self, peer: Peer) -> None:
        with self._delivery.lock:
            waiter = self._put_for(peer, "end")
        if waiter is not None:
            waiter.wait()
        with self._delivery.lock:
            self._delivery.finish(peer)
        self._delivery.flush()

    def refuse(self, peer: Peer, protocol: str) -> None:
        with self._delivery.lock:
            self._put_for(peer, "end")
        self._delivery.abandon(peer)
        self._note(Record("foreign", {"protocol": protocol}))

    def remove_slow(self, peer: Peer) -> bool:
        with self._delivery.lock:
            served = peer.user in self._peers and peer.user not in self._slow
            if served:
                self._slow.add(peer.user)
                self._put_for(peer, "slow")
        if served:
            return True
        if peer.finishing:
            self._delivery.call_later(LINGER, partial(self._delivery.abandon, peer))
        return False

    # ------------------------------------------------------------ the operator

    def announce(self, text: str, room: str | None = None) -> tuple[int, int]:
        """See `Hub.announce`; the lines of a paste do not wait for each other, so their numbers are those of before."""
        octets = len(text.encode())
        with self._delivery.lock:
            self._announced += octets
            if self._announced > self._delivery.high_water // 2:
                self._delivery.admit_operator(self._streams.values())
                self._announced = 0
            self._delivery.relief.wait_for(lambda: self._over or self._queued < WAITING)
            waiter = self._put(["announce", text, room], octets)
        if monotonic() - self._last_announcement > PASTED:
            waiter.wait(LAST_WORD)
        self._last_announcement = monotonic()
        with self._delivery.lock:
            rooms = self._chat.rooms()
            reached = [members for one, members in rooms.items() if room is None or one == fold(room)]
        return sum(reached), len(reached)

    def kick(self, name: str) -> bool:
        waiter = self._submit(["kick", name])
        waiter.wait()
        return waiter.result is not None and waiter.result.user is not None

    def forget(self, room: str) -> bool:
        waiter = self._submit(["forget", room])
        waiter.wait()
        return waiter.result is not None and bool(waiter.result.effects)

    def rooms(self) -> dict[str, int]:
        self._catch_up()
        return super().rooms()

    def _catch_up(self) -> None:
        """Let all that has its place in the log by now be carried out here, if the log answers.  Without the lock."""
        self._submit(["beat"]).wait(LAST_WORD)

    def users(self) -> list[Client]:
        self._catch_up()
        with self._delivery.lock:
            places = self._state.places
            return [
                Client(one.name, one.room, f"{places[user].address} at {places[user].label}", places[user].since)
                for user, one in self._chat.numbers().items()
            ]

    @property
    def locked(self) -> bool:
        return self._state.locked

    @locked.setter
    def locked(self, locked: bool) -> None:
        self._submit(["lock", locked]).wait()

    @property
    def counts(self) -> tuple[int, int]:
        return len(self._chat.numbers()), self._chat.room_count

    # ------------------------------------------------------------ called in the log's thread

    def pack(self) -> bytes | None:
        with self._delivery.lock:
            if self._packed is None and self._queue and self._token:  # before `start`, this is no node that can speak
                octets = 0
                while self._queue and octets < MOST:
                    waiter = self._queue.popleft()
                    octets += waiter.octets
                    self._under_way.append(waiter)
                self._queued = max(0, self._queued - octets)
                self._number += 1
                inputs = [waiter.input for waiter in self._under_way]
                self._packed = encode_entry(Entry(self._token, self._number, inputs, int(time() * 1000)))
                self._delivery.relief.notify_all()
            return self._packed

    def follow(self, seq: int, octets: bytes) -> None:
        entry = decode_entry(octets)
        records = self._records
        ended = False
        with self._delivery.lock:
            if self._over:
                return
            own = entry.node == self._token
            if own and entry.number == 0 and not self._base:
                self._base = seq
            done = self._state.apply(seq, entry)
            if done is not None:
                for words, one in zip(entry.inputs, done, strict=True):
                    ended = self._carry_out(words[0], one, records) or ended
                if own and entry.node == self._token and not self._over:  # it was not given up in this very entry
                    self._back += zip(self._under_way, done, strict=True)
                    self._under_way, self._packed = [], None
                for words in entry.inputs:
                    self._look_at(words, own, records)
                self._count_silence(entry, own)
            self._keep_snapshot(seq, len(octets))
        self._unsettled += len(octets)
        if ended or self._unsettled >= MOST:  # more together saves nothing, and would fill the buffers of the sockets
            self.settle()
        if ended:
            self._finish()

    def settle(self) -> None:
        with self._delivery.lock:
            self._say_what_is_congested()
            back, self._back = self._back, []
        self._delivery.flush()
        for waiter, result in back:  # not before: their threads would be in the way of the writing
            waiter.release(result)
        records, self._records, self._unsettled = self._records, [], 0
        for record in records:
            self._note(record)

    def _carry_out(self, kind: str, done: Done, records: list[Record]) -> bool:
        """Carry out what came of one input; return whether all ends.  Requires the lock.

        The chat is already what the whole entry makes of it.
        """
        ended = False
        mine = done.user is not None and done.user >> NUMBERS == self._base
        chat: list[Effect] = []
        for effect in done.effects:
            match effect:
                case Refuse(node, number, reason):
                    if node == self._token and (peer := self._coming.pop(number, None)):
                        self._turn_down(peer, reason)
                        records.append(Record("refused", {"reason": reason}))
                case Down(node, label):
                    if node != self._token:
                        log.info("node %s has left the cluster", label)
                        continue
                    if self._closed:  # it has said so itself: its clients get BYE, and not each other's LEFT
                        self._stop_following()
                        return False
                    log.warning("the other nodes had given this one up: its clients have to connect again")
                    self._send_away_all()
                case Ended():
                    ended = bool(self._base)  # otherwise it is of the past: this node takes over the state
                case _:
                    chat.append(effect)
        if ended:
            return True
        if mine and done.user is not None and (peer := self._coming.pop(done.user & _LOCAL, None)):
            peer.user = done.user
            self._peers[peer.user] = peer
            self._begin(self._arriving, peer.user)
            if self.limits.choose_timeout:
                self._begin(self._choosing, peer.user)
        slow = self._peers.get(done.user) if done.user in self._slow else None
        noted = self._apply(chat)
        if mine or done.user is None:
            records += noted
        if mine and kind == "end" and done.user is not None and (gone := self._peers.get(done.user)):
            self._forget(done.user)  # it has ended its sending: it gets the rest of its output, and no BYE [NET-4]
            self._delivery.finish(gone)
        if slow is not None and slow.finishing:
            self._dropped += 1
            self._delivery.call_later(LINGER, partial(self._delivery.abandon, slow))
        return False

    def _apply(self, effects: Iterable[Effect]) -> list[Record]:
        return super()._apply(self._own(effects))

    def _own(self, effects: Iterable[Effect]) -> Iterator[Effect]:
        """Pass over what concerns the clients of other nodes alone."""
        for effect in effects:
            match effect:
                case Append():
                    if effect.room in self._streams:
                        yield effect
                case Tell() | Enter() | Leave() | Close() | Hold():
                    if effect.user in self._peers:
                        yield effect
                case Keep() | Drop():
                    pass  # the log keeps it
                case _:
                    yield effect

    def _forget(self, user: int) -> None:
        super()._forget(user)
        self._held.discard(user)
        self._slow.discard(user)

    def _look_at(self, words: Input, own: bool, records: list[Record]) -> None:
        """Note what concerns the nodes.  Requires the lock."""
        match words:
            case ["node", str(label)]:
                log.info("node %s joined the cluster", label)
            case ["lock", bool(locked)]:
                records.append(Record("locked" if locked else "unlocked", {}))
            case ["snapshot", *_]:
                self._since_snapshot = [0, 0]
                if own:
                    self._snapshotting = False
                    self._log.tidy(self._state.snapshots[0])

    def _say_bye_to_all(self) -> None:
        """Send this node's clients away, whatever the chat knows of them.  Requires the lock."""
        for peer in list(self._peers.values()):
            self._forget(peer.user)
            peer.leave()
            peer.tell(encode("BYE", ByeReason.SHUTDOWN))
            self._delivery.finish(peer)
        self._streams.clear()
        self._sent_away.notify_all()

    def _send_away_all(self) -> None:
        """Send all clients away, and join once more.  Requires the lock."""
        self._say_bye_to_all()
        waiting = [*self._under_way, *self._queue]
        self._queue.clear()
        for waiter in waiting:
            kind = waiter.input[0]
            if kind in NODE_INPUTS or (kind in CLIENT_INPUTS and kind != "come"):
                waiter.release()
            else:
                self._queue.append(waiter)
        self._snapshotting = False
        self._join()
        self._log.wake()

    def begin_anew(self, octets: bytes | None) -> int:
        with self._delivery.lock:
            state = self._begun()
            if octets is not None:
                state.load(octets)
            again = self._base != 0
            self._state, self._chat = state, state.chat
            if again:
                log.warning("this node was away for too long: its clients have to connect again")
                self._send_away_all()
        self._delivery.flush()
        return self._state.seq

    # ------------------------------------------------------------ other nodes

    def beat(self) -> None:
        with self._delivery.lock:
            if self._base and not self._over and self._beat.over:
                self._beat = self._put(["beat"])

    def _count_silence(self, entry: Entry, own: bool) -> None:
        """Count own beats that come back while another node says nothing; say so where it is dead.

        Beats are counted, not seconds: while the log stands still, nobody is given up.  Requires the lock.
        """
        if not own or ["beat"] not in entry.inputs:
            return
        heard = {}
        for token, node in self._state.nodes.items():
            number, beats = self._heard.get(token, (node.number, 0))
            beats = beats + 1 if number == node.number else 0
            heard[token] = (node.number, beats)
            if beats == SILENT_BEATS and token != self._token:
                log.warning("node %s is silent, and given up", node.label)
                self._put(["dead", token, node.number])
        self._heard = heard

    def _keep_snapshot(self, seq: int, octets: int) -> None:
        """Store a snapshot where it is time, and this node's turn: the first's.  Requires the lock."""
        self._since_snapshot[0] += 1
        self._since_snapshot[1] += octets
        entries, amount = self._since_snapshot
        if (entries < SNAPSHOT_ENTRIES and amount < SNAPSHOT_OCTETS) or self._snapshotting or not self._base:
            return
        if next(iter(self._state.nodes), None) == self._token:
            self._snapshotting = True
            self._log.keep(seq, self._state.dump())

    def kept(self, seq: int) -> None:
        with self._delivery.lock:
            if seq:
                self._put(["snapshot", seq])
            else:
                self._snapshotting = False
                self._since_snapshot = [0, 0]

    def _say_what_is_congested(self) -> None:
        """Tell the other nodes where somebody reads slowly: floods there have to wait [FLOW-1].  Requires the lock."""
        now = monotonic()
        if now < self._look_at_rooms or len(self._state.nodes) < 2:
            return
        self._look_at_rooms = now + PRESS_LOOK
        since = now - GRACE
        rooms = {}
        for room, stream in self._streams.items():
            full = stream.octets > self._delivery.high_water
            if full or (stream.lagging and any(member.progress > since for member in stream.lagging)):
                rooms[room] = full
        users = [user for user, peer in self._peers.items() if self._delivery.overwhelmed(peer, True)]
        if rooms or users:
            self._look_at_rooms = now + PRESS_AGAIN
            self._log.say(json.dumps([self._token, rooms, users]).encode())
            self._delivery.call_later(PRESS_AGAIN, self._look_again)

    def _look_again(self) -> None:
        with self._delivery.lock:
            if not self._over:
                self._say_what_is_congested()

    def press(self, octets: bytes) -> None:
        token, rooms, users = json.loads(octets)
        if token == self._token:
            return
        with self._delivery.lock:
            until = monotonic() + PRESSED
            self._pressed = {stream: mark for stream, mark in self._pressed.items() if mark[0] > until - PRESSED}
            self._pressed_users = {user: end for user, end in self._pressed_users.items() if end > until - PRESSED}
            self._pressed_users.update(dict.fromkeys(users, until))
            for room, full in rooms.items():
                if stream := self._streams.get(room):
                    self._pressed[stream] = (until, bool(full))


def segment(pending: deque[Message], in_room: bool) -> tuple[list[Message], set[str]]:
    """Take out the messages that can be carried out at one go; return the rooms that they go to as well.

    The last one may be one whose answer is long, or comes late: its client has to wait before its next line.
    """
    messages: list[Message] = []
    rooms: set[str] = set()
    while pending:
        message = pending.popleft()
        messages.append(message)
        match message:
            case Bare(room) | Move(room) if not in_room or isinstance(message, Move):
                if is_name(room):
                    in_room = True
                    rooms.add(fold(room))
            case Bare() | Say() | Ping() | Refused() | Rename() | Whisper():
                pass
            case _:
                break
    return messages, rooms

"""The stage for a check of a server: its connections, and its server."""

import contextlib
import socket
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from conformance.stage.scene import Scene, preparing
from conformance.stage.server_subject import COMMONS, Crowd, Kind, Subject
from conformance.text.grammar import Grammar
from conformance.wire import standing
from conformance.wire.address import endpoint
from conformance.wire.failure import Failed, Inconclusive, Skipped
from conformance.wire.peer import Peer, listed, octets
from conformance.wire.process import Running
from conformance.wire.transcript import shown

MAX_SERVER_LINE = 8192  # [LINE-8]
_FULL = (
    "the server says that it is full: let it serve 100 clients at once at least, from one address too; "
    "or it goes on counting clients that have left"
)
_LOOK_SECONDS = 0.1  # between two looks whether the run was interrupted
_AT_ONCE = 12  # lines, with a ping after each: fewer than a server takes for a flood
_FORBIDDEN = {*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0), 0x2028, 0x2029}


class Stage(Scene):
    """One check's surroundings; ended with `close`."""

    def __init__(
        self,
        subject: Subject,
        grammar: Grammar,
        *,
        deadline: float = 3.0,
        seed: int = 1,
        examples: int = 100,
        broken: Mapping[str, str] = standing.ALL_HOLD,
        deadly: Collection[str] = (),
    ) -> None:
        """`deadline`: seconds that the server has for each thing that it is expected to do.

        `broken`: facts that are known not to hold, the most basic first, and because of what;
        `deadly`: those that end the server.

        `examples`: how many conversations by chance are held, where a check holds some.
        """
        super().__init__(grammar, deadline=deadline, seed=seed, broken=broken, deadly=deadly)
        self.subject = subject
        self.transcript.inside_tls = subject.tls is not None
        self.examples = examples
        self._is_server_line = grammar.matcher("server-line")
        self._server: Running | None = None
        self._kind: Kind | None = None  # of the server that others use, too; None: not needed yet
        self._borrowed: Running | None = None  # the server that other checks use before and after this one
        self._lent = False
        self._together = False
        self._limited = False
        self._pacer: Peer | None = None

    # ------------------------------------------------------------ the server

    @property
    def server(self) -> Running:
        """The server process that this check plays on; it can be another's too: see `start`, `share`, `take_turn`."""
        return self._server or self.subject.shared(self._place())

    def _place(self) -> Kind:
        """Return on which of the servers that several checks use this one plays, from now on."""
        self._kind = self._kind or self.subject.common()
        return self._kind

    def start(self, *, terminal: bool = True, password: str = "", together: bool = False, **limits: float) -> Running:
        """Start a server of this check's own, which wants a `password` if one is given; Skipped where that cannot be.

        `limits`: clients, seconds, stall.  `together`: where several programs are the server, all clients of this check
        are served by the one that has the console: a signal ends a program, and not the server.
        """
        if self._server is not None:
            raise RuntimeError("this check has a server already")
        self.needs(*standing.GREETING)  # without which there is nothing to look at
        self._limited = bool(limits)
        self._together = together
        self._server = self.subject.start(terminal=terminal, limits=limits, password=password)
        self._server.transcript = self.transcript
        self._server.on_typing = self._note_typing
        self.transcript.event("server", f"started on port {', '.join(map(str, self._server.ports))}")
        return self._server

    def lend(self, server: Running) -> None:
        """Play on a server of its own that the caller has started, and ends."""
        self._server, self._lent = server, True
        server.transcript = self.transcript
        server.on_typing = self._note_typing

    def _note_typing(self, octets: bytes) -> None:
        """Note what is typed; raise NotReached where what it stands on does not hold."""
        self.needs(*(one for line in octets.split(b"\n") for one in standing.of_typing(line.removesuffix(b"\r"))))

    def share(self, *, password: str = "", purpose: str = "", **limits: float) -> None:
        """Play on a server that other checks use at the same time, but not most; Skipped where that cannot be.

        `password`, `limits`: see `start`; `purpose`: what the checks have in common that use it.
        """
        self._limited = bool(limits)
        self._kind = Kind(password, tuple(limits.items()), purpose)

    def take_turn(self, *, terminal: bool = True, password: str = "", **limits: float) -> Running:
        """Play on a server where nobody else is, which other checks use before and after; return it.

        So this is for a check that neither ends the server, nor its console's input, nor asks for a new one.  Its
        clients are gone, and the server knows that, before it is the next one's turn. Arguments: see `start`.
        """
        kind = Kind(password, tuple(limits.items()), "in turn", terminal)
        while (borrowed := self.subject.borrow(kind, _LOOK_SECONDS)) is None:
            if self.cancelled:
                raise Inconclusive("the run was interrupted")
        self._kind, self._limited = borrowed, bool(limits)
        self.begin()  # the others' time is not this check's
        try:
            server = self._borrowed = self.subject.shared(borrowed)
        except BaseException:
            self.subject.give_back(borrowed, clean=True)
            raise
        server.transcript, server.on_typing = self.transcript, self._note_typing
        return server

    def take_turn_if_possible(self) -> None:
        """Play on a server where nobody else is, or on the one that all use."""
        if self.subject.can_start:
            self.take_turn()

    def _part(self) -> bool:
        """End all connections; return whether it is known that the server has done with each of them."""
        self.transcript.finish()
        end = time.monotonic() + self.deadline / 3
        for peer in self.peers:
            if not peer.ended:
                peer.part()
        with contextlib.suppress(Inconclusive):
            while any(not peer.ended for peer in self.peers) and (left := end - time.monotonic()) > 0:
                self.pump(left)
        return all(peer.ended == "end" for peer in self.peers)

    def share_if_possible(self, purpose: str) -> None:
        """Play on a server for this purpose, or on the one that all use."""
        if self.subject.can_start:
            self.share(purpose=purpose)

    @property
    def alone(self) -> bool:
        """Whether this check plays on a server where nobody else is."""
        return self.has_started or self._borrowed is not None

    @property
    def has_started(self) -> bool:
        """Whether this check plays on a server of its own."""
        return self._server is not None

    def has_lost_its_server(self) -> bool:
        """Whether the server of which it has no other check beside has ended by itself.

        Waits for that where a connection has ended.
        """
        server = self._server or self._borrowed
        if server is None or server.told_to_end:
            return False
        if any(peer.ended in ("end", "reset") for peer in self.peers):
            with contextlib.suppress(Failed):
                server.wait(self.deadline / 3)
        return server.status() is not None

    def start_if_possible(self, *, terminal: bool = True) -> Running | None:
        """Start a server of this check's own, or use the one that all use and return None."""
        return self.start(terminal=terminal) if self.subject.can_start else None

    def kick(self, name: str) -> None:
        """Let the operator remove a client."""
        typed = f"/kick {name}\n".encode()
        if self._server is not None:
            self._server.write(typed)
        else:
            self._note_typing(typed)
            self.transcript.typed(typed)
            self.subject.shared(self._place()).write(typed)

    def close(self) -> None:
        """Close all connections, and end the server of this check's own."""
        clean = self._borrowed is not None and self.passed and self._part()
        super().close()
        if self._kind in COMMONS:
            self.subject.crowds[self._kind].leave(self)
        if self._server is not None and not self._lent:
            self._server.stop()
        if self._kind is not None and self._borrowed is not None:
            self.subject.give_back(self._kind, clean=clean)

    # ------------------------------------------------------------ clients

    @preparing
    def dial(self, label: str, *, receive_buffer: int = 0) -> Peer:
        """Open a connection and read nothing; `receive_buffer`: octets for SO_RCVBUF, 0 for the default."""
        self.needs("NET-1")
        if self._server is None and self._place() in COMMONS:
            self._wait_for_room(self.subject.crowds[self._place()])
        server = self._server
        address = server.entrance(together=self._together) if server else self.subject.address(self._place())
        family, place = endpoint(address)
        connection = socket.socket(family)
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            # With small segments the sender's operating system keeps little, too. Not every system lets one say so.
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        connection.settimeout(self.deadline)
        tls = self.subject.tls
        try:
            connection.connect(place)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            inside = tls.channel(connection, self.subject.host) if tls else connection
        except OSError as error:
            connection.close()
            raise _asked("NET-1", "the server accepts a connection", str(error)) from error
        self.transcript.event(label, "connects")
        self.transcript.port = address[1]
        return self.adopt(label, inside)

    def let_show(self) -> None:
        port = self.transcript.port
        server = next((one for one in reversed(self.subject.programs()) if one.address[1] == port), None)
        if server is not None:
            server.shows_in_the_end(lambda text: False, server.mark(), self.deadline)

    def _wait_for_room(self, crowd: Crowd) -> None:
        """Wait while the checks have too many clients; what comes meanwhile is read."""
        began = time.monotonic()
        while not crowd.admit(self, sum(not peer.ended for peer in self._peers), _LOOK_SECONDS):
            self.pump(0)
        self.end += time.monotonic() - began  # the others' time is not this check's

    @preparing
    def connect(self, label: str, *, receive_buffer: int = 0) -> Peer:
        """Open a connection, and receive HELLO and NAME."""
        peer = self.dial(label, receive_buffer=receive_buffer)
        self.greet(peer)
        return peer

    @preparing
    def clients(self, *labels: str) -> list[Peer]:
        """Open several connections at the same time, and receive HELLO and NAME on each."""
        peers = [self.dial(label) for label in labels]
        for peer in peers:
            self.greet(peer)
        return peers

    @preparing
    def greet(self, peer: Peer) -> None:
        """Receive HELLO and NAME, and take the features and the name from them."""
        self.needs(*standing.GREETING)
        hello = self._greeting(peer, "HELLO flurfunk/1", "STATE-1")
        peer.features = tuple(hello.split(" ")[2:])
        name = self._greeting(peer, "NAME", "STATE-2")
        peer.name = name.removeprefix("NAME ")

    def _greeting(self, peer: Peer, wanted: str, cites: str) -> str:
        """Receive a line of the greeting that begins with these words; raise Failed, or Inconclusive at BYE full."""
        what = f'{peer.label} <- "{wanted} ..."'
        try:
            line = peer.receive(info=True, what=what)
        except Failed as failed:
            failed.asks = cites
            raise
        if line == b"BYE full":
            self.needs("BYE-5")
            if not self._limited:
                raise Inconclusive(_FULL)
            raise _asked("BYE-5", what, f"{peer.label} <- {shown(line)}")
        words = wanted.encode().split(b" ")
        if line.split(b" ")[: len(words)] != words or line == b"NAME":
            raise _asked(cites, what, f"{peer.label} <- {shown(line)}")
        return line.decode("utf-8", "replace")

    @preparing
    def members(self, room: str, *labels: str, receive_buffer: int = 0) -> list[Peer]:
        """Connect clients that enter the room at the same time; what each is told of the others is taken."""
        return self.groups([room], *labels, receive_buffer=receive_buffer)[0]

    @preparing
    def groups(self, rooms: Sequence[str], *labels: str, receive_buffer: int = 0) -> list[list[Peer]]:
        """Connect such members for each of several rooms, all at the same time; labels of the second begin with 1."""
        groups = [
            [self.dial(f"{number or ''}{label}", receive_buffer=receive_buffer) for label in labels]
            for number in range(len(rooms))
        ]
        for room, peers in zip(rooms, groups, strict=True):
            for peer in peers:
                peer.send(f"/cd {room}")
        for room, peers in zip(rooms, groups, strict=True):
            for peer in peers:
                self.greet(peer)
                peer.expect(f"ROOM {room}")
            self.meet(*peers)
        return groups

    @preparing
    def meet(self, *peers: Peer) -> None:
        """Take what clients are told that entered a room at the same time: of two, one sees the other come."""
        self.needs("ROOM-2")
        for one, other in combinations(peers, 2):
            self._meet(one, other)

    def _meet(self, one: Peer, other: Peer) -> None:
        told = {one: f"JOINED {other.name}".encode(), other: f"JOINED {one.name}".encode()}
        what = " or ".join(f"{peer.label} <- {shown(line)}" for peer, line in told.items())

        def who_was_told() -> Peer | None:
            return next((peer for peer, line in told.items() if line in peer.inbox), None)

        try:
            self.wait_for(one, lambda: who_was_told() is not None, what, provable=True)
        except Failed as failed:
            raise _asked("ROOM-2", failed.expected, failed.received) from failed
        peer = who_was_told()
        if peer is None:
            raise _asked("ROOM-2", what, one.ending())
        peer.inbox.remove(told[peer])

    @preparing
    def enter(self, peer: Peer, room: str, *others: Peer) -> None:
        """Let a client enter a room with /cd or as its first choice; `others` are its members and are told."""
        peer.send(f"/cd {room}")
        peer.expect(f"ROOM {room}")
        for other in others:
            other.expect(f"JOINED {peer.name}")

    @preparing
    def rename(self, peer: Peer, name: str) -> None:
        """Let a client take a name; nobody else may be in its room."""
        peer.send(f"/nick {name}")
        peer.expect(f"NAME {name}")
        peer.name = name

    def answers(self, peer: Peer, *pairs: tuple[str | bytes, str]) -> None:
        """Let a client send lines, several at once: to each comes its answer and nothing else [ORDER-7].

        A ping after each line shows which one is answered; `...` at the end of an answer stands for any words.
        """
        self.barrier_used = True
        for begin in range(0, len(pairs), _AT_ONCE):
            some = pairs[begin : begin + _AT_ONCE]
            peer.send(*(line for number, (one, _) in enumerate(some, 1) for line in (one, f"/ping {number}")))
            for number, (line, answer) in enumerate(some, 1):
                self.transcript.awaits_answer(peer.label, octets(line) + b"\n")
                peer.expect(answer, f"PONG {number}")

    def outcomes(self, peer: Peer, lines: Sequence[str | bytes]) -> Iterator[tuple[str | bytes, list[bytes]]]:
        """Let a client send lines, several at once; yield each with all that comes before the PONG after it."""
        self.barrier_used = True
        for begin in range(0, len(lines), _AT_ONCE):
            some = lines[begin : begin + _AT_ONCE]
            peer.send(*(one for number, line in enumerate(some) for one in (line, f"/ping {number}")))
            for number, line in enumerate(some):
                self.transcript.awaits_answer(peer.label, octets(line) + b"\n")
                received: list[bytes] = []
                while received[-1:] != [b"PONG %d" % number]:
                    received.append(peer.receive(info=True, what=f"{peer.label} <- PONG {number}"))
                yield line, received[:-1]

    def refused(self, peer: Peer, code: str, lines: Iterable[str | bytes]) -> None:
        """Let a client send lines, several at once: each is answered with an ERROR of this code, and nothing else."""
        self.answers(peer, *((line, f"ERROR {code} ...") for line in lines))

    def settle(self, *peers: Peer) -> None:
        """Let all peers settle, at the same time."""
        self.barrier_used = True
        pongs = [(peer, peer.ping()) for peer in peers]
        for peer, pong in pongs:
            peer.await_pong(pong)

    def nothing(self, actor: Peer, *others: Peer) -> None:
        """Prove that the actor's lines brought neither itself nor the others anything more [ORDER-8]."""
        actor.expect_nothing()
        self.settle(*others)
        for other in others:
            if lines := other.take():
                raise Failed(f"{other.label} <- nothing more", f"{other.label} <- {listed(lines)}")

    @preparing
    def quiet(self, *peers: Peer) -> None:
        """Let all peers settle, and drop what came: what is received from here on is news."""
        self.settle(*peers)
        self.settle(*peers)
        for peer in peers:
            peer.take()

    # ------------------------------------------------------------ waiting

    def give_turn(self) -> None:
        """Let the server run at least once, by a round trip on a connection that does nothing else."""
        try:
            if self._pacer is None:
                self._pacer = self.connect("pacer")
                # Nothing that a check sends or types can mean this name, whatever name the server made up.
                self._pacer.send(f"/nick {self.name('pacer')}")
            self._pacer.round_trip()
        except Failed as failed:  # a server that greets and answers others does so whatever the check's clients do
            failed.asks, failed.preparing = "SEC-1", True
            raise

    def dismiss_pacer(self) -> None:
        """Close that connection, so that the server does not wait for it when it ends."""
        if self._pacer is not None:
            self._pacer.close()
            self._pacer = None

    def send_in_turn(self, *clients: tuple[Peer, list[bytes]]) -> None:
        """Let each client send its pieces, each in a segment of its own: all the first ones, a turn, all the second."""
        for number in range(max(len(pieces) for _, pieces in clients)):
            if number:
                self.give_turn()
            for peer, pieces in clients:
                peer.send_octets(*pieces[number : number + 1])

    # ------------------------------------------------------------ seen in passing

    def hold_against_grammar(self, line: bytes) -> None:
        """Hold a received line against [OUT-1], [LINE-1], [LINE-8], [TEXT-4], [ERR-1], [GROW-2]."""
        if len(line) <= MAX_SERVER_LINE and self._is_server_line(line):
            return
        if line.endswith(b"\r"):
            self.violates("LINE-1", f"a CR before the LF: {shown(line)}")
            return
        if len(line) > MAX_SERVER_LINE:
            self.violates("LINE-8", shown(line))
        is_text = False
        try:
            is_text = _FORBIDDEN.isdisjoint(map(ord, line.decode()))
            if not is_text:
                self.violates("TEXT-4", f"a forbidden character: {shown(line)}")
        except UnicodeDecodeError:
            self.violates("TEXT-4", f"ill-formed UTF-8: {shown(line)}")
        words = line.split(b" ")
        if self._has_a_code_of_its_own(words):
            self.violates("ERR-1", shown(line))  # and not [OUT-1], too, on which everything stands
        elif not self.grammar.matches("server-line", line):
            self.violates("OUT-1", shown(line))
            if is_text and self._has_more_words(words):
                self.violates("GROW-2", f"more words than the line has: {shown(line)}")

    def _has_more_words(self, words: list[bytes]) -> bool:
        """Whether the first of these words are a line; HELLO is one whatever words come after it."""
        shorter = (b" ".join(words[:count]) for count in range(1, len(words)))
        return words[0] != b"HELLO" and any(self.grammar.matches("server-line", line) for line in shorter)

    def _has_a_code_of_its_own(self, words: list[bytes]) -> bool:
        """Whether the words are those of an ERROR line, but for a code that the table does not have."""
        matches = self.grammar.matches
        return (
            len(words) > 2
            and matches("feature", words[1])  # no rule says how a code is written that is not of the table
            and not matches("error-code", words[1])
            and matches("error-line", b" ".join([words[0], b"bad-text", *words[2:]]))
        )


def _asked(cites: str, expected: str, received: str) -> Failed:
    """Return a failure, with the requirement that asks for what was expected."""
    failed = Failed(expected, received)
    failed.asks = cites
    return failed


def skip(reason: str) -> Skipped:
    """Return what a check raises where it does not apply to this server."""
    return Skipped(reason, missing=False)

"""Sections 2 and 9.4: those that are no longer served, and for which something still waits."""

from time import monotonic
from typing import NamedTuple

from conformance.checks.registry import check
from conformance.checks.server.s09_long import PATIENCE, SMALL, STALL, leavings, pings, pongs, take_all
from conformance.stage.server import Stage
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, listed
from conformance.wire.queues import kept

STEP, STEPS = 40, 13  # pings; how many more each of several clients sends, since buffers of systems differ
LOOK = 0.5  # seconds between two looks at what operating systems keep
AFTER = 1.0  # seconds in which a server would tell something once more
FEW, LATE = 30, 6  # pings; how many clients send so many, twice as many and so on
PROCESSED = 1.5  # seconds in which a server processes all lines of those for which not too much waits


class _Leaver(NamedTuple):
    """A client that asks, reads nothing, and leaves in its way."""

    peer: Peer
    asked: int  # pings
    reason: str  # of its LEFT, unless it was removed before the server had processed all
    last: bytes  # the last line for it


class _Leavers:
    """A room from which clients go in several ways, each with more that waits for it than the last one."""

    def __init__(self, t: Stage) -> None:
        """Let all come in, ask, and go; they read nothing."""
        self._t = t
        self.room = t.room()
        (self.witness,) = t.members(self.room, "witness")
        self.leavers: list[_Leaver] = []
        self._lefts: dict[str, list[str]] = {}  # by name: the reasons of all its LEFTs
        self._when: dict[str, float] = {}  # by name: when the last of them came
        self._taken: dict[int, int] = {}  # by port: octets that systems took for it
        self._not_ended: set[int] = set()  # ports whose connections the server has neither ended nor broken
        with_console = t.subject.console == "yes"
        for number in range(1, STEPS + 1):
            self._come("ends", number, "lost", pongs(STEP * number)[-1])
            self._come("exits", number, "exit", b"BYE exit")
            if with_console:
                self._come("kicked", number, "removed", b"BYE removed")
        for peer, asked, reason, _ in self.leavers:
            peer.stall()
            peer.offer(pings(asked) + b"exit\n" * (reason == "exit"))
        self._go()

    def _come(self, label: str, number: int, reason: str, last: bytes) -> None:
        peer = self._t.connect(f"{label}{number}", receive_buffer=SMALL)
        self._t.enter(peer, self.room)
        self.leavers.append(_Leaver(peer, STEP * number, reason, last))

    def _go(self) -> None:
        """Let those end their sending, and be kicked, of which all that they sent is taken."""
        take_all(self._t, [one.peer for one in self.leavers])
        self._t.give_turn()
        for peer, _, reason, _ in self.leavers:
            if reason == "removed":
                self._t.kick(peer.name)
            elif reason == "lost" and not peer.unsent:
                peer.half_close()

    def watch(self) -> None:
        """Wait until the server has ended all connections, or should have ended one, as far as that can be seen."""
        end = monotonic() + 3 * (STALL + PATIENCE + self._t.deadline)
        while not self.overdue() and (now := monotonic()) < end:
            look = min(end, now + LOOK)
            while (left := look - monotonic()) > 0:
                self._t.pump(left)
            self._look()
            if len(self._lefts) == len(self.leavers) and not self._open():
                end = min(end, monotonic() + AFTER)

    def _look(self) -> None:
        """Note who has left, and how much operating systems have taken for each."""
        for name, reason in leavings(self.witness):
            self._lefts.setdefault(name, []).append(reason)
            self._when[name] = monotonic()
        looks = [kept(port) for port in self._t.server.ports]
        octets = {client: count for look in looks for client, count in look.octets.items()}
        self._not_ended = {client for look in looks for client in look.not_ended}
        for one in self.leavers:
            self._taken[one.peer.port] = max(self._taken.get(one.peer.port, 0), octets.get(one.peer.port, 0))

    def _open(self) -> list[_Leaver]:
        """Return those that are not served any more, and whose connections the server has neither ended nor broken."""
        return [one for one in self.leavers if one.peer.name in self._lefts and one.peer.port in self._not_ended]

    def overdue(self) -> list[_Leaver]:
        """Return those of them that left so long ago that every server has noticed that they take nothing."""
        latest = monotonic() - STALL - PATIENCE - self._t.deadline
        return [one for one in self._open() if self._when[one.peer.name] < latest]

    def stuck(self) -> list[_Leaver]:
        """Return those for which something surely waited when they had left, in each way the one for which most did.

        For one that sent more than they did, so much waited that the server did not process all its lines. So something
        waited for them, too, even if somebody on the way between took more than the operating systems did.
        """
        found: list[_Leaver] = []
        for reason in ("lost", "exit"):  # of one that is kicked nobody knows how many answers there are
            *smaller, largest = [one for one in self.leavers if one.reason == reason]
            own = [one for one in smaller if self.lefts(one)[:1] == [reason]]
            if own and self.lefts(largest)[:1] != [reason] and self._has_waited(own[-1]):
                found.append(own[-1])
        return found

    def _has_waited(self, one: _Leaver) -> bool:
        return 0 < self._taken[one.peer.port] < sum(len(pong) + 1 for pong in pongs(one.asked))

    def lefts(self, one: _Leaver) -> list[str]:
        """Return the reasons of all LEFTs of a client."""
        return self._lefts.get(one.peer.name, [])

    def told_twice(self) -> str:
        """Return in words of whom it is told twice that it left; nothing where that is nobody."""
        twice = [one.peer.name for one in self.leavers if len(self.lefts(one)) > 1]
        return f"LEFT {twice[0]} {' and '.join(self._lefts[twice[0]])}" if twice else ""


@check("FLOW-10", "fa7fb1bdcaa1", needs=("stall-limit",), slow=12)
def who_has_left_and_takes_nothing_is_broken_off(t: Stage) -> None:
    """A client that half-closes, exits or is kicked, and takes nothing that waits, is broken off, untold."""
    t.needs("PING-1")  # what waits is answers to pings
    t.share(stall=STALL)
    leavers = _Leavers(t)
    leavers.watch()
    if twice := leavers.told_twice():
        raise Failed("nobody is told when a connection is broken off whose client has left", f"witness <- {twice}")
    for one in leavers.stuck():
        one.peer.stall(stalled=False)
        one.peer.wait_end(cut=True)
        # Not only as the last one: of some that left before it, it was told after its answers.
        if one.last in one.peer.take():
            told = f"{one.peer.label}, which has left and takes nothing for {STALL} s, is broken off"
            raise Failed(told, f"{one.peer.label} <- everything, when it reads at last")


@check("LEFT-2", "d952468ab7bc", needs=("stall-limit",), slow=13)
def one_left_for_each_that_takes_nothing(t: Stage) -> None:
    """Of each that ends its sending, sends exit or is kicked, and takes nothing, it is told once that it left."""
    t.share(stall=STALL)
    leavers = _Leavers(t)
    leavers.watch()
    if twice := leavers.told_twice():
        raise Failed("witness <- one LEFT of each", f"witness <- {twice}")
    for one in leavers.leavers:
        if leavers.lefts(one) not in ([one.reason], ["removed"]):
            told = f"witness <- LEFT {one.peer.name} {one.reason}, or removed"
            raise Failed(told, f"witness <- {listed([reason.encode() for reason in leavers.lefts(one)])}")


@check("NET-4", "c801f388b0c9", needs=("console",), slow=1)
def no_bye_at_the_shutdown_for_who_has_ended(t: Stage) -> None:
    """A client that ended its sending before the server ends, and reads late, gets its answers and no BYE."""
    server = t.start()
    room = t.room()
    (bob,) = t.members(room, "bob")
    clients = [t.connect(f"late{number}", receive_buffer=SMALL) for number in range(LATE)]
    for client in clients:
        t.enter(client, room, bob)
    for number, client in enumerate(clients, 1):
        client.stall()
        client.offer(pings(FEW * number))
    take_all(t, clients)
    for client in clients:
        client.half_close()
    end = monotonic() + PROCESSED
    lefts = [f"LEFT {client.name} lost".encode() for client in clients]
    while not set(lefts) <= set(bob.inbox) and (left := end - monotonic()) > 0:
        t.pump(left)
    ended = [number for number, left in enumerate(lefts) if left in bob.inbox]  # the others may get BYE
    server.say("exit")
    t.wait_for(bob, lambda: b"BYE shutdown" in bob.inbox, "bob <- BYE shutdown")
    for client in clients:
        client.stall(stalled=False)
    for number in ended:
        clients[number].wait_end(cut=True)
        received = [line for line in clients[number].take() if line.startswith((b"PONG ", b"BYE "))]
        if received != pongs(FEW * (number + 1)):
            told = f"late{number} <- {FEW * (number + 1)} answers, and no BYE"
            raise Failed(told, f"late{number} <- {len(received)} lines, the last one {listed(received[-1:])}")

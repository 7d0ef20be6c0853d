"""Section 9.4: those for whom something waits and who take nothing, in each state, for as long as one may stall."""

from time import monotonic

from conformance.checks.registry import check
from conformance.checks.server.s09_long import MUCH, PATIENCE, SMALL, STALL, STEP, STEPS, pings, pongs
from conformance.checks.server.times import TOLERANCE
from conformance.stage.server import Stage
from conformance.wire.failure import Failed

BREAK = 3.0  # seconds after which one who stalls reads all that there is, and stalls again
TICK = 0.4  # seconds between the words of one, and between the questions of another whether a name is free
AFTER = 1.2  # seconds in which a server notices others who stall, too


class _Room:
    """A room in which one speaks and others do not read; and two in the lobby, one of whom does not read either."""

    def __init__(self, t: Stage) -> None:
        """Let all come in."""
        self._t = t
        room = t.room()
        self._bob, self._asker = t.members(room, "bob")[0], t.connect("asker")
        self.lobby, self.most, self.breaks, *several = (
            t.connect(label, receive_buffer=SMALL)
            for label in ("lobby", "most", "breaks", *(f"{how}{n}" for how in ("open", "ended") for n in range(STEPS)))
        )
        self.open, self.ended = several[:STEPS], several[STEPS:]  # the sending of the latter is ended
        for peer in (self.most, *several):
            peer.send(f"/cd {room}")
            peer.expect(f"ROOM {room}")
        t.enter(self.breaks, t.room("breaks"))  # where it slows down nobody when it reads
        self._bob.settled()
        self._began = 0.0
        self.left: dict[str, tuple[str, float]] = {}  # by name: the reason of LEFT, and when it came
        self._free = 0.0  # when the name of the one in the lobby was free

    def watch(self) -> None:
        """Let all ask and read nothing until those for whom much waits are removed; raise Failed where they are not."""
        self._began = tick = monotonic()
        asking = [(self.lobby, MUCH), (self.most, MUCH), (self.breaks, self.asked(STEPS))]
        asking += [(peer, self.asked(number)) for peers in (self.open, self.ended) for number, peer in enumerate(peers)]
        for peer, count in asking:
            peer.stall()
            peer.offer(pings(count))
        unended, end = list(self.ended), self._began + STALL + PATIENCE + self._t.deadline
        broke = False
        while (now := monotonic()) < end:
            self._t.pump(min(end, tick) - now)
            self._look()
            for peer in [peer for peer in unended if not peer.unsent]:
                peer.half_close()
                unended.remove(peer)
            if monotonic() > tick:
                tick += TICK
                self._bob.offer(b"tick\n")
                self._asker.offer(b"" if self._free else f"/nick {self.lobby.name}\n".encode())
            if monotonic() > self._began + BREAK and not broke:
                broke = True
                self.breaks.stall(stalled=False)
            if not self.breaks.stalled and len(self.breaks.inbox) >= self.asked(STEPS):
                self.breaks.stall()
                self.breaks.offer(pings(self.asked(STEPS)))
            if self._free and self.most.name in self.left:
                end = min(end, monotonic() + AFTER)
        self._look_back()

    def asked(self, number: int) -> int:
        """Return how many pings a client sends whose answers can fit in what operating systems keep."""
        return STEP * (number + 1)

    def _look(self) -> None:
        """Note who has left."""
        for line in self._bob.take():
            words = line.decode("utf-8", "replace").split(" ")
            if words[0] == "LEFT":
                self.left[words[1]] = words[2], monotonic()
        if f"NAME {self.lobby.name}".encode() in self._asker.take():
            self._free = self._free or monotonic()

    def _look_back(self) -> None:
        """Raise Failed where somebody was not removed who had to be, was so too soon, or left with another reason."""
        if self.most.name not in self.left:
            raise Failed(f"bob <- LEFT {self.most.name} removed, after {STALL} s", "no LEFT")
        if not self._free:
            received = f"its name, {self.lobby.name}, is never free"
            raise Failed(f"lobby, which does not read, is ended after {STALL} s", received)
        self._is_not_too_soon("lobby", self._free)
        for peer in (self.most, *self.open):
            if peer.name in self.left:
                reason, when = self.left[peer.name]
                self._is_not_too_soon(peer.label, when)
                if reason != "removed":
                    raise Failed(f"bob <- LEFT {peer.name} removed", f"bob <- LEFT {peer.name} {reason}")

    def _is_not_too_soon(self, who: str, when: float) -> None:
        if when < self._began + STALL - TOLERANCE:
            told = f"{who}, which does not read, is not ended for {STALL} s"
            raise Failed(told, f"it was ended after {when - self._began:.3f} s or less")


@check("FLOW-5", "c4ba17e53e94", needs=("stall-limit",), slow=True)
def whoever_stalls_is_removed(t: Stage) -> None:
    """In a room where others speak, in the lobby, or its sending ended: who takes nothing is ended, and not sooner."""
    t.start(stall=STALL)
    room = _Room(t)
    room.watch()
    # Behind the first of whom it is known that something waited, more waited for each.
    first = next((number for number, peer in enumerate(room.open) if peer.name in room.left), STEPS)
    for number, peer in enumerate(room.ended[first + 1 :], first + 1):
        peer.stall(stalled=False)
        peer.wait_end(cut=True)
        if peer.take()[-1:] == pongs(room.asked(number))[-1:]:
            told = f"{peer.label}, which has ended its sending and takes nothing for {STALL} s, is ended"
            raise Failed(told, f"{peer.label} <- all of {room.asked(number)} answers")
    room.breaks.stall(stalled=False)
    room.breaks.send_octets(b"/ping x\n")
    told = f"breaks, which read all that there was after {BREAK:.0f} s, is not ended"
    t.wait_for(room.breaks, lambda: b"PONG x" in room.breaks.inbox or b"BYE slow" in room.breaks.inbox, told)
    if b"PONG x" not in room.breaks.inbox:
        raise Failed(told, "it was ended")

"""Section 9.4: those for whom something waits and who take nothing, in each state, for as long as one may stall."""

from time import monotonic

from conformance.checks.registry import check
from conformance.checks.server.s09_long import PATIENCE, SMALL, STALL, STEP, STEPS, ask_on, leavings, pings
from conformance.checks.server.times import TOLERANCE
from conformance.stage.server import Stage
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer

BREAK = 3.0  # seconds after which one who stalls reads all that there is, and stalls again
TICK = 0.4  # seconds between the words of one, and between the questions of another whether a name is free
AFTER = 1.5  # seconds in which it does that for all others


class _Room:
    """A room in which one speaks and others do not read; and two in the lobby, one of whom does not read either."""

    def __init__(self, t: Stage) -> None:
        """Let all come in."""
        self._t = t
        t.needs("NAME-9")
        room = t.room()
        self._bob, self._asker = t.members(room, "bob")[0], t.connect("asker")
        self.lobby, self.most, self.few, self.breaks = (
            t.connect(label, receive_buffer=SMALL) for label in ("lobby", "most", "few", "breaks")
        )
        for peer in (self.most, self.few):
            peer.send(f"/cd {room}")
            peer.expect(f"ROOM {room}")
        t.enter(self.breaks, t.room("breaks"))  # where it slows down nobody when it reads
        self._bob.settled()
        self._began = 0.0
        self._left: dict[str, tuple[str, float]] = {}  # by name: the reason of LEFT, and when it came
        self._free = 0.0  # when the name of the one in the lobby was free

    def watch(self) -> None:
        """Let all ask and read nothing until those for whom much waits are removed; raise Failed where they are not."""
        self._began = tick = monotonic()
        for peer in (self.few, self.breaks):
            peer.stall()
            peer.offer(pings(STEP * STEPS))
        for peer in (self.lobby, self.most):
            peer.stall()
        breaks = 0
        patience = STALL + PATIENCE + self._t.deadline
        end, latest = self._began + patience, self._began + 3 * patience
        while (now := monotonic()) < end:
            self._t.pump(min(end, tick) - now)
            self._look()
            if monotonic() > tick:
                tick += TICK
                staying = [self.lobby] * (not self._free) + [self.most] * (self.most.name not in self._left)
                for peer in staying:
                    end = min(latest, monotonic() + patience) if ask_on(peer) else end
                self._bob.offer(b"tick\n")
                self._asker.offer(b"" if self._free else f"/nick {self.lobby.name}\n".encode())
            if monotonic() > self._began + (breaks + 1) * BREAK:
                breaks += 1
                self.breaks.stall(stalled=False)
            if breaks == 1 and not self.breaks.stalled and len(self.breaks.inbox) >= STEP * STEPS:
                self.breaks.stall()
                self.breaks.offer(pings(STEP * STEPS))
            if self._free and self.most.name in self._left:
                end = min(end, monotonic() + AFTER)
        self._look_back()

    def _look(self) -> None:
        """Note who has left."""
        for name, reason in leavings(self._bob):
            self._left[name] = reason, monotonic()
        if f"NAME {self.lobby.name}".encode() in self._asker.take():
            self._free = self._free or monotonic()

    def _look_back(self) -> None:
        """Raise Failed where somebody was not removed who had to be, was so too soon, or left with another reason."""
        if self.most.name not in self._left:
            raise Failed(f"bob <- LEFT {self.most.name} removed, after {STALL} s", "no LEFT")
        if not self._free:
            received = f"its name, {self.lobby.name}, is never free"
            raise Failed(f"lobby, which does not read, is ended after {STALL} s", received)
        self._is_not_too_soon("lobby", self._free)
        for peer in (self.most, self.few):
            reason, when = self._left.get(peer.name, ("removed", monotonic()))
            self._is_not_too_soon(peer.label, when)
            if reason != "removed":
                raise Failed(f"bob <- LEFT {peer.name} removed", f"bob <- LEFT {peer.name} {reason}")

    def _is_not_too_soon(self, who: str, when: float) -> None:
        if when < self._began + STALL - TOLERANCE:
            told = f"{who}, which does not read, is not ended for {STALL} s"
            raise Failed(told, f"it was ended after {when - self._began:.3f} s or less")


@check("FLOW-5", "121f602c7251", needs=("stall-limit",), slow=8)
def whoever_stalls_is_removed(t: Stage) -> None:
    """In a room where others speak, and in the lobby: who takes nothing is ended, and not sooner."""
    t.needs("PING-1")  # what waits is answers to pings
    t.share(stall=STALL)
    room = _Room(t)
    room.watch()
    breaks: Peer = room.breaks
    if breaks.stalled:
        breaks.stall(stalled=False)
    breaks.offer(b"/ping x\n")
    told = f"breaks, which read all that there was after {BREAK:.0f} s, is not ended"
    t.wait_for(breaks, lambda: b"PONG x" in breaks.inbox or b"BYE slow" in breaks.inbox, told)
    if b"PONG x" not in breaks.inbox:
        raise Failed(told, "it was ended")

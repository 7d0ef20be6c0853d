"""Section 9.3: those who talk and read are served, although others flood their room, read slowly, or not at all."""

from time import monotonic

from conformance.checks.registry import check
from conformance.checks.server.s09_flow import LOAD
from conformance.checks.server.s09_paths import FLOOD, SMALL, TEXT
from conformance.checks.server.slow import SlowReaders, until_quiet
from conformance.stage.server import Stage
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer
from conformance.wire.transcript import shown

WORDS = 80  # so many that a little for each is seen; far less than somebody who talks may send in a second
ATTEMPTS = 2
PATIENCE = 7.0  # seconds more, for somebody who has to read up first


class Room:
    """A room that one floods, that some read slowly, and one not at all; others talk in it."""

    def __init__(self, t: Stage, attempt: int) -> None:
        """Let all come in; nobody floods yet, and all read."""
        self._t = t
        room = t.room(f"talk{attempt}")
        self.flooder, self.talker = t.members(room, f"flooder{attempt}", f"talker{attempt}")
        # The first one of them reads everything one day, and the second one nothing.
        self.late, self.stalled = (
            t.connect(f"{label}{attempt}", receive_buffer=SMALL) for label in ("late", "stalled")
        )
        for peer in (self.late, self.stalled):
            t.enter(peer, room)
        self._slow = SlowReaders(t, room, label=f"slow{attempt}-")
        self.late.settled()

    def flood(self) -> None:
        """Let one flood, and the others read slowly or not at all; return when who floods is not answered any more."""
        self.late.stall()
        self.stalled.stall()
        self._slow.stall()
        self.flooder.offer(f"{TEXT}\n".encode() * (FLOOD // len(TEXT)))
        until_quiet(self._t, lambda: self.flooder.octets_received)

    def read_up(self) -> None:
        """Let the late one read everything from now on; return when a word of it has come back, or raise Failed."""
        self.late.stall(stalled=False)
        if not self._say(self.late, "read up", monotonic() + self._t.deadline + PATIENCE):
            raise Failed("late <- its word, when it has read up", f"not in {self._t.deadline + PATIENCE:.1f} s")

    def conversation(self, speaker: Peer, most: float) -> int:
        """Let somebody say words, each when the last one has come back; return how many came within `most` seconds.

        Raises Failed where the speaker is not served on.
        """
        end = monotonic() + most
        for number in range(WORDS):
            if not self._say(speaker, str(number), end):
                return number
        return WORDS

    def _say(self, speaker: Peer, word: str, end: float) -> bool:
        """Let somebody say a word; return whether it comes back until a moment."""
        said = f"SAID {speaker.name} {word}".encode()
        speaker.offer(f"{word}\n".encode())
        while said not in speaker.inbox:
            speaker.inbox.clear()
            if speaker.ended:
                raise Failed(f"{speaker.label} <- {shown(said)}", speaker.ending())
            if monotonic() > end:
                return False
            self._slow.pump(end)
        speaker.inbox.clear()
        return True

    def leave(self) -> None:
        """Let all leave, so that the next attempt has the server for itself."""
        self._slow.close()
        for peer in (self.flooder, self.talker, self.late, self.stalled):
            peer.close()


def _is_served(t: Stage, *, reads_up: bool) -> None:
    """Raise Failed unless a conversation in a flooded room takes hardly longer than before, in one of some attempts."""
    t.share_if_possible(LOAD)
    most = usual = 0.0
    came = 0
    for attempt in range(ATTEMPTS):
        room = Room(t, attempt)
        speaker = room.late if reads_up else room.talker
        began = monotonic()
        room.conversation(speaker, t.deadline * WORDS)
        usual = monotonic() - began
        most = usual + t.deadline / 2
        room.flood()
        if reads_up:
            room.read_up()
        came = max(came, room.conversation(speaker, most))
        if came == WORDS:
            return
        room.leave()
    raise Failed(
        f"{WORDS} words of one that talks within {most:.1f} s, each sent when the last has come back, in one of "
        f"{ATTEMPTS} attempts: while nobody floods, they take {usual:.3f} s",
        f"{came} of them, while others flood and read slowly",
    )


@check("FLOW-8", "193372bbd5a8", slow=2)
def who_talks_waits_for_nobody(t: Stage) -> None:
    """In a room that one floods, and that others read slowly or not at all, one talks and gets each word at once."""
    _is_served(t, reads_up=False)


@check("FLOW-8", "193372bbd5a8", slow=1)
def who_has_read_up_waits_for_nobody(t: Stage) -> None:
    """A member that read nothing and now reads everything talks like others, though some still read slowly."""
    _is_served(t, reads_up=True)

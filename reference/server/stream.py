"""A room's stream of encoded lines, and each member's place in it.

Pure.  A line said in a room is encoded once and appended once, however many members there are.  A member is a
place in the stream; what it has yet to get is a sequence of pieces: slices of streams, and lines of its own between
them.  Octets are joined once for all members that stand at the same place.
"""

from typing import Any, Generic, TypeVar

Member = TypeVar("Member", bound="Outbox")


class Stream(Generic[Member]):
    """The lines of one room that are not yet handed out to its members."""

    __slots__ = ("_joined", "_lines", "lagging", "members", "octets")

    def __init__(self) -> None:
        self.members: set[Member] = set()
        self.lagging: set[Member] = set()  # members for whom much is waiting; kept by who sends
        self.octets = 0  # that are not yet handed out
        self._lines: list[bytes] = []
        self._joined: dict[int, bytes] = {}  # by place: what stands between it and the end

    def append(self, line: bytes) -> None:
        """Add an event at the end."""
        self._lines.append(line)
        self._joined.clear()
        self.octets += len(line)

    @property
    def end(self) -> int:
        """The place after the last line."""
        return len(self._lines)

    def since(self, place: int) -> bytes:
        """Return the lines between the place and the end, joined once for all that stand there."""
        joined = self._joined.get(place)
        if joined is None:
            joined = self._joined[place] = b"".join(self._lines[place:])
        return joined

    def hand_out(self) -> tuple[list[tuple[Member, bytes]], list[Member]]:
        """Begin anew; return what each member gets now, and those for whom something waits already.

        The latter have it put after what waits. Nothing is put anywhere for the former: that is most of the work of
        a busy room, and whoever sends it keeps what is not taken with `sent`.
        """
        direct: list[tuple[Member, bytes]] = []
        behind: list[Member] = []
        whole, end = self.since(0), self.end
        for member in self.members:
            if member.waiting or member.blocked:
                member.take_in()
                behind.append(member)
            elif not member.place:
                direct.append((member, whole))
            elif member.place < end:
                direct.append((member, self.since(member.place)))
            member.place = 0
        self._lines.clear()
        self._joined.clear()
        self.octets = 0
        return direct, behind


class Outbox:
    """The lines that wait for one client, in the order in which it is to be sent."""

    __slots__ = ("_pieces", "blocked", "mid_line", "place", "stream", "waiting")

    def __init__(self) -> None:
        self.stream: Stream[Any] | None = None
        self.place = 0  # in the stream: what stands before it is not for this client, or is in the pieces
        self.waiting = 0  # octets in the pieces
        self.blocked = False  # what comes has to wait, even while what was popped is under way
        self.mid_line = False  # whether the last octet that was sent is not a line's end
        self._pieces: list[bytes] = []  # most of the time none: an empty deque takes ten times as much

    def enter(self, stream: Stream[Any]) -> None:
        """Begin to get the stream's lines, at its present end."""
        self.stream = stream
        self.place = stream.end
        stream.members.add(self)

    def leave(self) -> None:
        """Get the stream's lines up to its present end, and no more."""
        self.take_in()
        if self.stream is not None:
            self.stream.members.discard(self)
            self.stream.lagging.discard(self)
            self.stream = None

    def tell(self, lines: bytes) -> None:
        """Put lines of this client's own after all that has its place by now."""
        self.take_in()
        self._push(lines)

    def take_in(self) -> None:
        """Make a piece of what the stream has for this client."""
        if self.stream is not None and self.place < self.stream.end:
            self._push(self.stream.since(self.place))
            self.place = self.stream.end

    def pop(self, most: int) -> bytes:
        """Take out the pieces that are to be sent next, in one: at least one piece, about `most` octets."""
        count = size = 0
        while size < most and count < len(self._pieces):
            size += len(self._pieces[count])
            count += 1
        octets = self._pieces[0] if count == 1 else b"".join(self._pieces[:count])
        del self._pieces[:count]
        self.waiting -= len(octets)
        return octets

    def sent(self, octets: bytes, count: int) -> None:
        """Note that the first `count` of the `octets` popped or handed out are sent, and keep the rest in front."""
        if count:
            self.mid_line = octets[count - 1] != 0x0A
        if count < len(octets):
            self._pieces.insert(0, octets[count:])
            self.waiting += len(octets) - count

    def drop(self) -> None:
        """Drop what waits, at a line's end: a line of which a part is sent is completed [FLOW-6]."""
        rest = self._pieces[0] if self.mid_line and self._pieces else b""
        self.clear()
        if rest:
            self._push(rest[: rest.index(b"\n") + 1])

    def clear(self) -> None:
        """Drop all that waits."""
        self._pieces.clear()
        self.waiting = 0

    def _push(self, octets: bytes) -> None:
        self._pieces.append(octets)
        self.waiting += len(octets)

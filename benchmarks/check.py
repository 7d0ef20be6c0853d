"""Checks what the members of a room receive while nobody comes or goes: the same lines in the same order [ORDER-1].

A member that is ahead has its lines looked at one by one; they make the room's log. All others need only have the same
octets, which one comparison of many lines tells. So checking costs far less than delivering. A member with
other lines is looked at line by line from there on, to tell what is wrong.

All lines have the same length, so that a place in octets is a place in lines.
"""

import re
import time
from array import array
from collections import Counter, deque
from collections.abc import Callable

from benchmarks.client import Connection
from benchmarks.errors import Errors

PAD = b"a text as long as people's usual lines.."  # with room, speaker and number: 64 octets
LINE = len(b"SAID u00000 r0000 u00000 000000000 " + PAD + b"\n")
_MESSAGE = re.compile(rb"SAID (\S+) (r\d{4}) (u\d{5}) (\d{9}) (.*)")
_TRIM = 100_000  # lines between two looks for what all members have after them


def user(number: int) -> bytes:
    """Return the name of a client."""
    return b"u%05d" % number


def room_name(number: int) -> bytes:
    """Return the name of a room."""
    return b"r%04d" % number


class Speaker:
    """A client that speaks: what it said, and what came back."""

    def __init__(self, connection: Connection, index: int) -> None:
        """`index`: its number among the speakers of its room."""
        self.connection = connection
        self.index = index
        self.sent = 0
        self.acked = 0  # of which it got its own SAID
        self.heard = 0  # of which the room's log has
        self.times: deque[float] = deque()  # when it said those which the log does not have yet
        self.got_own: Callable[[Speaker], None] = lambda speaker: None
        self._start = b"SAID %s %s %s " % (connection.name, connection.room, connection.name)
        self._say = b"/say %s %s " % (connection.room, connection.name)

    def line(self, number: int) -> bytes:
        """Return what comes of its message of this number, without LF."""
        return b"%s%09d %s" % (self._start, number, PAD)

    def say(self, count: int) -> None:
        """Say so many messages in one piece."""
        numbers = range(self.sent, self.sent + count)
        self.sent += count
        self.times.extend([time.perf_counter()] * count)
        self.connection.send(b"".join([b"%s%09d %s\n" % (self._say, number, PAD) for number in numbers]))


class Room:
    """A room: the log that its members have to receive, and how far each has got."""

    def __init__(self, name: bytes, connections: list[Connection], speakers: int, stride: int) -> None:
        """The first `speakers` of the connections speak; `stride`: of so many lines one is timed."""
        self.name = name
        self.connections = connections
        self.delivered = 0
        self.latencies = array("d")  # seconds
        self.speakers = [Speaker(connection, index) for index, connection in enumerate(connections[:speakers])]
        self._by_name = {speaker.connection.name: speaker for speaker in self.speakers}
        self._stride = stride
        self._log = bytearray()
        self._trimmed = 0  # lines that were taken from the front of the log
        self._who = array("H")  # for each line of the log, its speaker
        self._said = array("d")  # and when it was said
        silent: list[Speaker | None] = [None] * (len(connections) - speakers)
        self._members = [Member(*both) for both in zip(connections, [*self.speakers, *silent], strict=True)]
        for member in self._members:
            member.connection.take = _taker(self, member)

    @property
    def expected(self) -> int:
        """How many deliveries all that was said so far makes."""
        return sum(speaker.sent for speaker in self.speakers) * len(self._members)

    def take(self, member: "Member", chunk: memoryview) -> None:
        """Check what a member received, in whole lines."""
        first = member.at
        if member.apart is None and self._log.startswith(chunk, (first - self._trimmed) * LINE):
            member.at += len(chunk) // LINE
        else:
            self._walk(member, chunk)
        if member.at == first:
            return
        self.delivered += member.at - first
        now = time.perf_counter()
        start = first + -first % self._stride
        self.latencies.extend([now - said for said in self._said[start : member.at : self._stride]])
        speaker = member.speaker
        if speaker and (own := self._who[first : member.at].count(speaker.index)):
            speaker.acked += own
            speaker.got_own(speaker)

    def finish(self, errors: Errors) -> None:
        """Tell what is missing, once everything has to be there; and what was wrong before."""
        for member in self._members:
            name = member.connection.name.decode()
            if member.apart:
                member.apart.finish(errors)
            elif missing := self.expected // len(self._members) - member.at:
                if member.at < len(self._who):
                    line = bytes(self._log[(member.at - self._trimmed) * LINE :][: LINE - 1])
                else:
                    line = next(one.line(one.heard) for one in self.speakers if one.heard < one.sent)
                errors.add("missing", f"{name} did not get {line.decode()!r}", missing)
        apart = [member.connection.name.decode() for member in self._members if member.apart]
        if apart and not errors:
            errors.add("reordered", f"{apart[0]} got what two said in another order than other members", len(apart))

    def _walk(self, member: "Member", chunk: memoryview) -> None:
        """Take line by line what is not all in the log."""
        for line in bytes(chunk).split(b"\n")[:-1]:
            if member.apart:
                self._take_apart(member, member.apart, line)
                continue
            start = (member.at - self._trimmed) * LINE
            if self._log.startswith(line + b"\n", start) or (start == len(self._log) and self._extend(line)):
                member.at += 1
            elif line.startswith(b"SAID "):
                heard = Counter(self._who[: member.at])
                numbers = {name: heard[speaker.index] for name, speaker in self._by_name.items()}
                member.apart = Apart(member.connection.name.decode(), self.name, self._by_name, numbers)
                self._take_apart(member, member.apart, line)
            elif not line.startswith((b"JOINED ", b"LEFT ", b"NICK ", b"ANNOUNCE ", b"INFO ")):
                member.connection.take_answer(line)

    def _extend(self, line: bytes) -> bool:
        """Append a line to the log if it is what its speaker said next; return whether."""
        speaker = self._by_name.get(line[5 : line.find(b" ", 5)])
        if speaker is None or speaker.heard == speaker.sent or line != speaker.line(speaker.heard):
            return False
        speaker.heard += 1
        self._who.append(speaker.index)
        self._said.append(speaker.times.popleft())
        self._log += line + b"\n"
        if len(self._who) % _TRIM == 0:
            behind = min((member.at for member in self._members if not member.apart), default=self._trimmed)
            del self._log[: (behind - self._trimmed) * LINE]
            self._trimmed = behind
        return True

    def _take_apart(self, member: "Member", apart: "Apart", line: bytes) -> None:
        if not line.startswith(b"SAID "):
            member.connection.take_answer(line)
        elif (name := apart.take(line)) is not None:
            self.delivered += 1
            if member.speaker and name == member.connection.name:
                member.speaker.acked += 1
                member.speaker.got_own(member.speaker)


class Member:
    """A member of a room, and how far in its log it is."""

    __slots__ = ("apart", "at", "connection", "speaker")

    def __init__(self, connection: Connection, speaker: Speaker | None) -> None:
        self.connection = connection
        self.speaker = speaker
        self.at = 0  # how many lines of the log it got
        self.apart: Apart | None = None  # what it got instead of the next line


class Apart:
    """A member's lines from the place where they differ from the others' lines."""

    def __init__(self, member: str, room: bytes, speakers: dict[bytes, Speaker], numbers: dict[bytes, int]) -> None:
        """`numbers`: of each speaker, the number of the next message."""
        self._member = member
        self._room = room
        self._speakers = speakers
        self._next = numbers
        self._gaps: set[tuple[bytes, int]] = set()
        self._errors: list[tuple[str, bytes]] = []

    def take(self, line: bytes) -> bytes | None:
        """Check a SAID; return its speaker if it is a delivery that was due."""
        found = _MESSAGE.fullmatch(line)
        speaker = self._speakers.get(found[3]) if found and found[2] == self._room else None
        if found and found[2] != self._room:
            self._errors.append(("misrouted", line))
        elif not found or not speaker or (number := int(found[4])) >= speaker.sent or line != speaker.line(number):
            self._errors.append(("altered", line))
        elif number >= self._next[found[3]]:
            self._gaps |= {(found[3], gap) for gap in range(self._next[found[3]], number)}
            self._next[found[3]] = number + 1
            return found[3]
        elif (found[3], number) in self._gaps:
            self._gaps.remove((found[3], number))
            self._errors.append(("reordered", line))
            return found[3]
        else:
            self._errors.append(("doubled", line))
        return None

    def finish(self, errors: Errors) -> None:
        """Tell what was wrong, and what did not come."""
        tails = ((name, n) for name, one in self._speakers.items() for n in range(self._next[name], one.sent))
        missing = sorted(self._gaps) + sorted(tails)
        for name, number in missing:
            errors.add("missing", f"{self._member} did not get {self._speakers[name].line(number).decode()!r}")
        for kind, line in self._errors:
            errors.add(kind, f"{self._member} got {line.decode('utf-8', 'replace')!r}")


def _taker(room: Room, member: Member) -> Callable[[memoryview], None]:
    return lambda chunk: room.take(member, chunk)

"""Checks what the members of rooms receive while they come and go: each event of each stay, in its place.

An observer stays in every room. The lines that it receives are the room's log; it has to have all
that was done there, once. Everybody else's stay begins with its JOINED in that log and ends with its LEFT. Between the
two it has to receive what the observer received, but its own NICK lines ([ORDER-1], [ORDER-2]).
"""

import re
from collections import Counter, defaultdict, deque

from benchmarks.errors import Errors

_SAID = re.compile(rb"SAID \S+ (\S+) (c\d+) (\d+)")  # with the room, the speaker and the number of the message
EVENTS = (b"SAID ", b"JOINED ", b"LEFT ", b"NICK ")


class Stay:
    """One client's time in one room."""

    __slots__ = ("at", "broken", "ended", "lines", "me", "own", "partial", "room")

    def __init__(self, room: "Log", me: bytes) -> None:
        """`me`: what all names of the client begin with, and no name of another."""
        self.room = room
        self.me = me
        self.own = (b"NICK " + me, b"LEFT " + me)
        self.lines: deque[bytes] = deque()  # received, and not yet found in the log
        self.at: int | None = None  # the next line of the log; None until its JOINED is there
        self.partial = False  # the client was cut off, and need not have received everything
        self.ended = False
        self.broken = False


class Log:
    """The lines that the observer of a room received, and those that are still to come."""

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.lines: list[bytes] = []
        self.trimmed = 0  # lines that were taken from the front
        self.due: Counter[bytes] = Counter()
        self.optional: set[bytes] = set()  # said right before a connection was cut: may come or not
        self.joined: defaultdict[bytes, deque[int]] = defaultdict(deque)  # places after JOINED lines, by client
        self.heard: dict[bytes, int] = {}  # by client, the number of the last message


class Ledger:
    """All rooms and stays.  Errors are told as they are found; `finish` tells what never came."""

    def __init__(self, rooms: list[bytes], errors: Errors) -> None:
        self.logs = {name: Log(name) for name in rooms}
        self.delivered = 0  # events that members received and that were right
        self.broken = False  # whether a stay does not agree with its room's log; `finish` tells how
        self._stays: list[Stay] = []
        self._errors = errors

    def expect(self, room: bytes, line: bytes) -> None:
        """Note that a line has to come in a room."""
        self.logs[room].due[line] += 1

    def excuse(self, room: bytes, line: bytes) -> None:
        """Note that a line of a client that was cut off need not come."""
        if self.logs[room].due[line]:
            self.logs[room].optional.add(line)

    def owes(self, word: bytes) -> bool:
        """Whether an event with this first word is still due."""
        return any(line.startswith(word) for log in self.logs.values() for line in log.due)

    def observed(self, room: bytes, line: bytes) -> None:
        """Take what an observer received."""
        log = self.logs[room]
        log.lines.append(line)
        found = _SAID.match(line)
        if log.due[line]:
            log.due[line] -= 1
            self.delivered += 1
            if found:
                if int(found[3]) < log.heard.get(found[2], 0):
                    self._errors.add("reordered", f"the observer of {room.decode()} got {_show(line)}")
                log.heard[found[2]] = int(found[3])
        else:
            self._errors.add(_surplus(line, room), f"the observer of {room.decode()} got {_show(line)}")
        if not log.due[line]:
            del log.due[line]
            log.optional.discard(line)
        if line.startswith(b"JOINED "):
            log.joined[_client(line[7:])].append(log.trimmed + len(log.lines))

    def enter(self, room: bytes, me: bytes) -> Stay:
        """Begin a stay, at the ROOM line."""
        stay = Stay(self.logs[room], me)
        self._stays.append(stay)
        return stay

    def settle(self) -> None:
        """Compare stays with the logs, as far as both go; forget what is done."""
        for stay in self._stays:
            self._follow(stay)
        self._stays = [stay for stay in self._stays if not stay.ended]
        for log in self.logs.values():
            places = [stay.at for stay in self._stays if stay.room is log and stay.at is not None]
            places += [place for some in log.joined.values() for place in some]
            behind = min(places, default=log.trimmed + len(log.lines))
            del log.lines[: behind - log.trimmed]
            log.trimmed = behind
            for client in [client for client, some in log.joined.items() if not some]:
                del log.joined[client]

    def finish(self) -> None:
        """Tell what was due and did not come, once everything has to be there."""
        self.settle()
        for log in self.logs.values():
            for line, count in log.due.items():
                if count and line not in log.optional:
                    self._errors.add("missing", f"the observer of {log.name.decode()} did not get {_show(line)}", count)
        for stay in self._stays:
            self._conclude(stay)

    def _follow(self, stay: Stay) -> None:
        """Compare one stay with its room's log, as far as both go."""
        log = stay.room
        if stay.at is None:
            if not log.joined.get(stay.me):
                return
            stay.at = log.joined[stay.me].popleft()
        while not stay.broken and (place := stay.at - log.trimmed) < len(log.lines):
            line = log.lines[place]
            if line.startswith(stay.own):
                stay.ended = line.startswith(stay.own[1])
                stay.broken = stay.ended and bool(stay.lines)
                if stay.ended:
                    break
            elif stay.lines:
                if stay.lines[0] != line:
                    stay.broken = True
                    break
                stay.lines.popleft()
                self.delivered += 1
            elif not stay.partial:
                break
            stay.at += 1
        if stay.broken:
            stay.ended = False  # keep it, and what it is to be compared with
            self.broken = True

    def _conclude(self, stay: Stay) -> None:
        """Tell what is wrong with a stay that does not agree with its room's log, or is not complete."""
        me, room = stay.me.decode().rstrip("-"), stay.room.name.decode()
        if stay.at is None:
            self._errors.add("missing", f"the observer of {room} did not get JOINED of {me}, which entered")
            return
        log = stay.room.lines[stay.at - stay.room.trimmed :]
        left = next((n for n, line in enumerate(log) if line.startswith(stay.own[1])), len(log))
        due = Counter(line for line in log[:left] if not line.startswith(stay.own))
        got = Counter(stay.lines)
        for line, count in () if stay.partial else (due - got).items():
            self._errors.add("missing", f"{me} did not get {_show(line)} in {room}", count)
        for line, count in (got - due).items():
            self._errors.add(_surplus(line, stay.room.name), f"{me} got {_show(line)} in {room}", count)
        if due == got and list(stay.lines) != [line for line in log[:left] if not line.startswith(stay.own)]:
            self._errors.add("reordered", f"{me} got events of {room} in another order than its observer")


def _surplus(line: bytes, room: bytes) -> str:
    """Return what is wrong with a line that is not due in a room."""
    found = _SAID.match(line)
    if found and found[1] != room:
        return "misrouted"
    return "altered" if line.startswith(b"SAID ") and not found else "doubled"


def _client(name: bytes) -> bytes:
    """Return what all names of a client begin with: `c12-3` is the third name of the client c12."""
    return name.partition(b"-")[0] + b"-"


def _show(line: bytes) -> str:
    return repr(line.decode("utf-8", "replace"))

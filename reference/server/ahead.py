"""The files beside that of `--history-file`: changes stand in them at once, and later in the database.

A file is a sequence of records.  A record is what one write brings: the length and the checksum of what follows, and
then a line for each change.  Its room and the first number that is now kept come first.  Of a kept event follow its
number, its time and the event.
"""

import contextlib
import errno
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from struct import Struct
from typing import NamedTuple
from zlib import crc32

from reference.server.history import Drop, Keep

MOST = 64 * 1024 * 1024  # octets of a file
_HEAD = Struct(">II")  # length and checksum


class Sum(NamedTuple):
    """The sum of changes: the events that are kept after all of them, and the first number of each room."""

    kept: list[Keep]
    firsts: dict[str, int]

    @property
    def changes(self) -> list[Keep | Drop]:
        """The changes that lead to it."""
        return [*self.kept, *(Drop(room, first) for room, first in self.firsts.items())]


def encode(changes: Sequence[Keep | Drop]) -> bytes:
    """Return the lines of changes."""
    lines = []
    for change in changes:
        if isinstance(change, Keep):
            room, number, time, line, first = change
            lines.append(f"{room} {first} {number} {time} ".encode() + line)
        else:
            lines.append(f"{change.room} {change.first}\n".encode())
    return b"".join(lines)


def decode(lines: Iterable[bytes]) -> Sum:
    """Return the sum of changes, whose lines are given in their order.

    The last change of a room says what still counts.  So most of what is said in a flood is not looked at.
    """
    rooms: dict[bytes, list[bytes]] = {}
    for some in lines:
        for line in some.split(b"\n")[:-1]:
            name, _, words = line.partition(b" ")
            rooms.setdefault(name, []).append(words)
    total = Sum([], {})
    for name, changes in rooms.items():
        room, newest, first = name.decode(), len(total.kept), 0
        for words in reversed(changes):
            lowest, *event = words.split(b" ", 3)
            first = max(first, int(lowest))
            if event:
                number, time, line = event
                if int(number) < first:
                    break
                total.kept.append(Keep(room, int(number), int(time), line + b"\n", first))
        total.kept[newest:] = reversed(total.kept[newest:])
        total.firsts[room] = first
    return total


def records(octets: bytes) -> Iterator[bytes]:
    """Yield the lines of each record, up to the first one that is not whole."""
    at = 0
    while at + _HEAD.size <= len(octets):
        length, checksum = _HEAD.unpack_from(octets, at)
        at += _HEAD.size
        lines = octets[at : at + length]
        if not 0 < length == len(lines) or crc32(lines) != checksum:
            return
        yield lines
        at += length


class Part:
    """One of the files, new and open."""

    def __init__(self, path: str) -> None:
        """Make it; raises OSError."""
        self.path = path
        self.octets = 0  # that were written
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o600)

    def append(self, lines: bytes) -> None:
        """Write a record, if there are lines; raises OSError, and then nothing may be written after it."""
        if not lines:
            return
        record = _HEAD.pack(len(lines), crc32(lines)) + lines
        self.octets += len(record)
        if self.octets > MOST:
            raise OSError(errno.EFBIG, "too much waits")
        if os.write(self._descriptor, record) < len(record):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def records(self) -> Iterator[bytes]:
        """Yield the lines of each record; raises OSError."""
        with open(os.dup(self._descriptor), "rb") as file:
            file.seek(0)
            yield from records(file.read())

    @property
    def in_place(self) -> bool:
        """Whether it is still the file at its path: else nobody would find what is written to it."""
        return is_at(self._descriptor, self.path)

    def remove(self) -> None:
        """Remove it, and first what stands in it; raises OSError where that is not possible."""
        os.ftruncate(self._descriptor, 0)
        if self.in_place:
            with contextlib.suppress(OSError):  # an empty file is of no importance
                os.unlink(self.path)
        self.close()

    def close(self) -> None:
        """Close it, and leave what stands in it."""
        os.close(self._descriptor)


def is_at(descriptor: int, path: str) -> bool:
    """Whether an open file is the one at a path."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except OSError:
        return False


def left(path: str) -> list[str]:
    """Return the paths of the files that an earlier server has left beside its database, the oldest first."""
    folder, name = os.path.split(os.path.abspath(path))
    matches = (re.fullmatch(re.escape(name) + "-new([0-9]+)", one) for one in os.listdir(folder))
    numbered = sorted((int(match[1]), match[0]) for match in matches if match)
    return [os.path.join(folder, one) for _, one in numbered]

"""The name and the room that the user wishes: what each connection is asked for first, and what it granted.

Pure.
"""

from collections import deque
from typing import NamedTuple

from reference.wire import ErrorCode, is_name

_FIRST, _TYPED, _AGAIN = range(3)  # a connection was asked for a name at its beginning, by the user, later by itself


class _Asked(NamedTuple):
    name: str
    how: int


class Wishes:
    """The wishes, and the requests that are not yet answered; answers come in the order of the questions.

    That another name was granted than the one wished does not change the wish: somebody may have it for a moment only.
    """

    def __init__(self, name: str, room: str) -> None:
        """`name`, `room`: empty: none yet."""
        self.name = name
        self.room = room
        self.again = False  # the user had the name, and somebody else has it: it is to be asked for now and then
        self._had = False
        self._names: deque[_Asked] = deque()
        self._rooms: deque[str] = deque()

    def begin(self, name: str) -> list[str]:
        """Return the lines that ask a connection for what is wished; `name`: the present one, empty: not yet known."""
        lines = []
        if self.name and self.name != name:
            self._names.append(_Asked(self.name, _FIRST))
            lines.append(f"/nick {self.name}")
        if self.room:
            self._rooms.append(self.room)
            lines.append(f"/cd {self.room}")
        return lines

    def ask(self) -> list[str]:
        """Return the line that asks again for the name; none where an answer is waited for."""
        if not self.again or self._names:
            return []
        self._names.append(_Asked(self.name, _AGAIN))
        return [f"/nick {self.name}"]

    def typed(self, line: str, in_room: bool) -> None:
        """Take a line of the user that is sent."""
        word, _, argument = line.partition(" ")
        if word == "/nick" and argument:
            self._names.append(_Asked(argument, _TYPED))
            self.again = False
        elif word == "/cd" and argument:
            self._rooms.append(argument)
        elif not (in_room or self._rooms or line.startswith("/")):
            self._rooms.append(line)

    def greeted(self, name: str) -> None:
        """Take the name that a connection begins with."""
        if not self.name:
            self.name = name
            self._had = True

    def named(self, name: str) -> None:
        """Take a name that was granted."""
        if self._names:
            self._names.popleft()
        self.name = name
        self._had, self.again = True, False

    def entered(self, room: str) -> None:
        """Take a room that was entered."""
        if self._rooms:
            self._rooms.popleft()
        self.room = room

    def refused(self, code: str) -> bool:
        """Take the code of an error; return whether it answers a question that the user knows nothing of."""
        if code == ErrorCode.BAD_ROOM and self._rooms:
            self._rooms.popleft()
        if code not in (ErrorCode.BAD_NAME, ErrorCode.NAME_TAKEN) or not self._names:
            return False
        asked = self._names.popleft()
        if asked.how != _TYPED:
            self.again = self._had and code == ErrorCode.NAME_TAKEN
        return asked.how == _AGAIN

    def lost(self) -> None:
        """Take that the connection is lost: what the user asked for last and got no answer to is wished."""
        names = [asked.name for asked in self._names if asked.how == _TYPED and is_name(asked.name)]
        rooms = [room for room in self._rooms if is_name(room)]
        self.name = names[-1] if names else self.name
        self.room = rooms[-1] if rooms else self.room
        self._had = self._had and not names
        self.again = False
        self._names.clear()
        self._rooms.clear()

"""The operator's console: what is typed is announced, commands begin with a slash, `exit` ends the server."""

import os
import threading
import time
from collections.abc import Callable, Sequence

from reference.server.hub import Hub
from reference.wire import MAX_CLIENT_LINE, LineSplitter, decode

COMMANDS = {
    "/who": "list the clients: name, room, address, since when",
    "/rooms": "list the rooms, and how many members each has",
    "/say ROOM TEXT": "announce a text in one room",
    "/kick NAME": "remove somebody",
    "/lock": "let no new clients in; those inside stay",
    "/unlock": "let new clients in again",
    "/forget ROOM": "drop what is kept of a room",
    "/stats": "show numbers, and since when the server runs",
    "/help": "show this help",
    "exit": "end the server",
}
HELP = "Anything without a slash is announced in all rooms. Commands:\n" + "\n".join(
    f"  {usage:14}  {meaning}" for usage, meaning in COMMANDS.items()
)
_USAGES = {usage.partition(" ")[0]: usage for usage in COMMANDS}
_DAY = 86400.0  # seconds


class Console:
    """Reads the operator's lines and carries them out."""

    def __init__(self, hub: Hub, stop: Callable[[], None], show: Callable[[str], None] = print) -> None:
        """`stop` ends the server; `show` prints a text for the operator."""
        self._hub = hub
        self._stop = stop
        self._show = show

    def start(self, descriptor: int = 0) -> None:
        """Read from a file descriptor in a thread of its own."""
        threading.Thread(target=self.run, args=(descriptor,), name="console", daemon=True).start()

    def run(self, descriptor: int) -> None:
        """Carry out lines until `exit` or the end of the input, which ends nothing but this [OPER-8].

        The descriptor is read without Python's buffer, whose lock would be in the way when the program ends.
        """
        splitter = LineSplitter(MAX_CLIENT_LINE)
        try:
            while octets := os.read(descriptor, 4096):
                for line in splitter.feed(octets):
                    if not self.carry_out(line):
                        return
        except OSError:
            return  # closed, or a terminal that hung up

    def carry_out(self, line: bytes | None) -> bool:
        """Carry out one line, None for one that is too long; return whether to go on."""
        text = None if line is None or len(line) > MAX_CLIENT_LINE else decode(line)
        if text is None:
            self._show("Not announced: the line is too long, is not UTF-8, or has control characters.")  # [OPER-10]
        elif text == "exit":
            self._stop()
            return False
        elif text.startswith("/"):
            self._command(text)
        elif text:
            people, rooms = self._hub.announce(text)
            told = f"to {count(people, 'person', 'people')} in {count(rooms, 'room')}" if rooms else "to nobody"
            self._show(f"Announced {told}{'.' if rooms else ': nobody is in a room.'}")
        return True

    @property
    def prompts(self) -> tuple[str, ...]:
        """The texts that can stand before the line being typed, the longest first; never waits."""
        clients, rooms = self._hub.counts
        locked = self._hub.locked
        return (
            f"{count(clients, 'client')}, {count(rooms, 'room')}{', locked' * locked}> ",
            f"{clients}/{rooms}{' locked' * locked}> ",
        )

    def complete(self, text: str) -> Sequence[str] | None:
        """Return what can stand in the place of the last word of a text; None outside of commands."""
        words = text.split(" ")
        if not text.startswith("/"):
            return None
        if len(words) == 1:
            choices = list(_USAGES)
        elif words[0] == "/kick" and len(words) == 2:
            choices = [user.name for user in self._hub.users()]
        elif words[0] in ("/say", "/forget") and len(words) == 2:
            choices = list(self._hub.rooms())
        else:
            choices = []
        return [choice for choice in sorted(choices) if choice.lower().startswith(words[-1].lower())]

    def _command(self, text: str) -> None:
        word, _, argument = text.partition(" ")
        if word != "/say":
            argument = argument.rstrip(" ")  # Tab adds a blank
        match word, argument:
            case "/help", "":
                self._show(HELP)
            case "/who", "":
                self._who()
            case "/rooms", "":
                rooms = self._hub.rooms()
                lines = [f"{room}  {members}" for room, members in rooms.items()]
                self._show("\n".join([*lines, count(len(rooms), "room")]))
            case "/kick", name if name:
                self._show(f"{name} is removed." if self._hub.kick(name) else f"Nobody here is called {name}.")
            case "/say", words if words.partition(" ")[2]:
                self._say(*words.split(" ", 1))
            case "/lock" | "/unlock", "":
                self._hub.locked = word == "/lock"
                self._show("Locked: no new clients; those inside stay." if self._hub.locked else "Unlocked.")
            case "/forget", room if room:
                self._forget(room)
            case "/stats", "":
                self._stats()
            case _ if word in _USAGES:
                self._show(f"Not announced: the command is {_USAGES[word]}.")
            case _:
                self._show("Not announced: no such command. /help lists the commands.")  # [OPER-3]

    def _say(self, room: str, text: str) -> None:
        people, _ = self._hub.announce(text, room)
        if people:
            self._show(f"Announced to {count(people, 'person', 'people')} in {room}.")
        else:
            self._show(f"Not announced: nobody is in a room called {room}.")

    def _forget(self, room: str) -> None:
        if not self._hub.keeps:
            self._show("Nothing is kept of any room: the server runs without --history.")
        else:
            self._show(f"Dropped what was kept of {room}." if self._hub.forget(room) else f"Nothing is kept of {room}.")

    def _who(self) -> None:
        users = self._hub.users()
        name = max((len(user.name) for user in users), default=0)
        room = max((len(user.room or "") for user in users), default=0)
        lines = [
            f"{user.name:{name}}  {user.room or '-':{room}}  {user.address}  since {moment(user.since)}"
            for user in users
        ]
        self._show("\n".join([*lines, f"{len(users)} connected"]))

    def _stats(self) -> None:
        stats = self._hub.stats()
        numbers = f"{count(stats['clients'], 'client')}, {count(stats['rooms'], 'room')}, "
        numbers += f"{count(stats['messages'], 'message')}, {count(stats['waiting'], 'octet')} waiting, "
        numbers += f"{stats['dropped']} dropped\n"
        if self._hub.keeps:
            kept = f"{count(stats['kept'], 'line')} of {count(stats['kept_rooms'], 'room')}"
            numbers += f"Kept: {kept}, {count(stats['kept_octets'], 'octet')}.\n"
        self._show(f"{numbers}Runs since {moment(self._hub.since)}.")


def count(number: int, one: str, more: str = "") -> str:
    """Return a number with what is counted."""
    return f"{number} {one if number == 1 else more or one + 's'}"


def moment(seconds: float) -> str:
    """Return a time since the epoch in words: local time, with the date where it is not within a day."""
    form = "%H:%M:%S" if time.time() - seconds < _DAY else "%Y-%m-%d %H:%M:%S"
    return time.strftime(form, time.localtime(seconds))

"""The operator's console: what is typed is announced, commands begin with a slash, `exit` ends the server."""

import os
import threading
from collections.abc import Callable

from reference.server.hub import Hub
from reference.wire import MAX_CLIENT_LINE, LineSplitter, decode

HELP = """\
Anything without a slash is announced in all rooms. Commands:
  /who         who is connected, and in which room
  /rooms       the rooms that have members
  /kick NAME   remove somebody
  /help        this help
  exit         end the server"""


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
        text = None if line is None else decode(line)
        if text is None:
            self._show(
                "Not announced: the line is too long, is not UTF-8, or has control characters in it."
            )  # [OPER-10]
        elif text == "exit":
            self._stop()
            return False
        elif text.startswith("/"):
            self._command(text)
        elif text:
            self._hub.announce(text)
        return True

    def _command(self, text: str) -> None:
        word, _, argument = text.partition(" ")
        match word, argument:
            case "/help", "":
                self._show(HELP)
            case "/who", "":
                users = self._hub.users()
                lines = [f"{user.name}  {'in ' + user.room if user.room else 'in no room yet'}" for user in users]
                self._show("\n".join([*lines, f"{len(users)} connected"]))
            case "/rooms", "":
                rooms = self._hub.rooms()
                self._show("\n".join([*(f"{room}  {number}" for room, number in rooms.items()), f"{len(rooms)} rooms"]))
            case "/kick", name if name:
                self._show(f"{name} is removed." if self._hub.kick(name) else f"Nobody here is called {name}.")
            case _:
                self._show("Not announced: no such command. /help lists the commands.")  # [OPER-3]

"""The operator's console: lines of the standard input, answers on the standard output (section 10)."""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable

from tests.asyncserver import commands
from tests.asyncserver.connection import SOFT
from tests.asyncserver.faults import fault
from tests.asyncserver.hub import Hub
from tests.asyncserver.later import later
from tests.asyncserver.lines import MAX_LINE
from tests.asyncserver.text import check_console

_HELP = ["/who lists the clients", "/rooms lists the rooms", "/kick NAME removes a client", "/help lists these words"]


def tell(text: str) -> None:
    """Print one line for the operator, at once; nobody may be there to read it."""
    with contextlib.suppress(OSError):
        os.write(1, f"{text}\n".encode())


class Console:
    """Reads the console in a thread, since not every kind of standard input can be polled."""

    def __init__(self, hub: Hub, stop: Callable[[], None]) -> None:
        self._hub = hub
        self._stop = stop
        self._octets = bytearray()
        self._overlong = False
        self._deaf = False  # these for faults only
        self._begun = False
        self._kept: list[bytes] = []  # lines that wait

    def start(self) -> None:
        """Begin to read; the thread never keeps the program from ending."""
        threading.Thread(target=self._read, args=[asyncio.get_running_loop()], daemon=True).start()

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        with contextlib.suppress(OSError, RuntimeError):  # no console; the server has ended
            while octets := os.read(0, 65536):
                loop.call_soon_threadsafe(self._feed, octets)
            if fault("console-eof-announces"):
                loop.call_soon_threadsafe(self._feed, b"\n")
            if fault("console-end-ends"):
                loop.call_soon_threadsafe(self._stop)

    def _feed(self, octets: bytes) -> None:
        if self._deaf:
            return
        if fault("console-mark-dropped") and not self._begun:
            octets = octets.removeprefix(b"\xef\xbb\xbf")
        self._begun = True
        self._octets += octets
        if fault("console-8191-split"):
            self._octets = bytearray(b"\n".join(_split(bytes(line)) for line in self._octets.split(b"\n")))
        *lines, rest = self._octets.split(b"\n")
        self._octets = rest
        for line in lines:
            if not fault("console-crlf"):
                line = line.removesuffix(b"\r")
            if self._overlong or len(line) > MAX_LINE:
                self._overlong = False
                self._too_long(bytes(line))
            else:
                self._line(bytes(line))
        if len(self._octets) > MAX_LINE + 1 and not (fault("console-long-announced") or fault("console-long-cut")):
            self._octets.clear()
            self._overlong = True

    def _too_long(self, line: bytes) -> None:
        if fault("console-long-announced"):
            return self._line(line)
        if fault("console-long-cut"):
            return self._line(line[:MAX_LINE])
        if fault("console-prompt-alone"):
            return tell("> ")
        return tell("Not announced: longer than 4096 octets.")

    def _line(self, octets: bytes) -> None:
        """Do what one line of the console asks for."""
        if self._has_to_wait(octets):
            self._kept.append(octets)
            return None
        if fault("console-prompt-alone"):
            tell("> ")
        text = check_console(octets)
        if text is None:
            if fault("console-prompt-alone"):
                return None
            return tell("Not announced: no UTF-8, or a control character in it.")
        if not text:
            return self._hub.announce("(nothing)") if fault("console-empty-announced") else None
        if text == "exit" or (fault("exit-blank-console") and text.rstrip() == "exit"):
            return self._stop()
        if self._is_deafened(text):
            self._deaf = True
            return None
        if not text.startswith("/"):
            return self._hub.announce(text.strip() if fault("announce-trimmed") else text)
        word, _, argument = text.partition(" ")
        return self._command(text, word, argument)

    def _has_to_wait(self, octets: bytes) -> bool:
        """Tell whether a line waits for those that read slowly or not at all, for faults only."""
        if self._kept:
            return True
        if not (fault("console-waits-for-readers") and self._hub.keeps_waiting(SOFT)) and not (
            fault("kick-waits-for-announcements") and octets.startswith(b"/kick ") and self._hub.keeps_waiting(0)
        ):
            return False
        later(0.05, self._take_up)
        return True

    def _take_up(self) -> None:
        """Deal with the lines that have waited, for faults only."""
        kept, self._kept = self._kept, []
        for octets in kept:
            self._line(octets)

    def _command(self, text: str, word: str, argument: str) -> None:
        if word == "/kick" and argument:
            return self._kick(argument)
        if word == "/who" and not argument:
            for client in tuple(self._hub.clients.values())[: 20 if fault("console-who-20") else None]:
                if client.room or not fault("console-who-no-lobby"):
                    tell(client.name if fault("console-who-no-room") else f"{client.name} {client.room or '(lobby)'}")
            return tell(f"{len(self._hub.clients)} clients")
        if word == "/rooms" and not argument:
            rooms = {} if fault("console-rooms-nothing") else self._hub.rooms
            for room, members in tuple(rooms.items())[: 20 if fault("console-rooms-20") else None]:
                tell(f"{room} {len(members)}")
            return tell(f"{len(self._hub.rooms)} rooms")
        if word == "/help":
            for line in _HELP[:2] if fault("console-help-short") else [*_HELP, "exit ends the server"]:
                tell(line)
            return None
        if fault("console-unknown-announced"):
            return self._hub.announce(text)
        if fault("console-slash-dies") and text == "/":
            commands.crash()
        if fault("console-unknown-silent") or fault("console-prompt-alone"):
            return None
        return tell("No such command, or a wrong argument; see /help.")

    def _is_deafened(self, text: str) -> bool:
        """Tell whether this line ends the reading of the console, since there is nobody, for faults only."""
        if fault("announce-nobody-deafens"):
            return not text.startswith("/") and not self._hub.rooms
        if fault("kick-nobody-deafens"):
            return text.startswith("/kick ") and not self._hub.clients
        return fault("console-lists-nobody-deafens") and text in {"/who", "/rooms"} and not self._hub.rooms

    def _kick(self, name: str) -> None:
        """Remove a client ([OPER-4])."""
        client = self._hub.clients.get(name.lower())
        if client and client.room is None and fault("kick-lobby-exact-only") and client.name != name:
            client = None
        if client and client.slips.old_case and fault("case-change-hides-from-kick") and client.name != name:
            client = None
        if client is None or (fault("kick-case-sensitive") and client.name != name):
            return tell("Nobody has that name.")
        self._hub.remove(client, "removed", "removed")
        return tell(f"Removed {client.name}.")


def _split(line: bytes) -> bytes:
    """Cut a line into pieces of 8191 octets, as a buffer of a fixed size does, for a fault only."""
    return b"\n".join(line[begin : begin + 8191] for begin in range(0, max(len(line), 1), 8191))

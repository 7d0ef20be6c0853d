"""The effects of a client's lines: sections 5, 6 and 11."""

import hashlib
import hmac
import socket
import time
from collections.abc import Callable

from tests.contraryserver.connection import Connection
from tests.contraryserver.hub import Hub
from tests.contraryserver.lines import fold, is_name
from tests.contraryserver.past import number_of
from tests.contraryserver.whims import MAX_LINE

_TRIES = 3  # wrong passwords [PASS-7]
_TALK = 2048  # octets of lines in a second that are no flood [FLOW-8]
_TAKE_ARGUMENT = ("/cd", "/say", "/nick", "/ping")
_TAKE_NONE = ("/who", "/rooms")
_FEATURES = {"/who": "who", "/rooms": "rooms", "/password": "password", "/moon": "x-moon"}
_FEATURES |= {"/history": "history", "/tell": "tell"}

Compose = Callable[[], list[str]]  # makes the lines of an answer


class Client(Connection):
    """One client."""

    def __init__(self, sock: socket.socket, hub: Hub) -> None:
        """Own a connected socket, and greet."""
        self.name = ""
        self.room: str | None = None
        self.served = False
        self.infos = 0  # that nobody asked for
        self.patience = hub.options.stall_timeout  # seconds in which it may take nothing
        self._hub = hub
        self._answer: Compose | None = None  # the lines that are under way
        self.admitted = "password" not in hub.options.features
        self._wrong = 0
        self._second, self._octets = 0.0, 0  # when the present second began, and what was taken up in it
        super().__init__(sock, hub.loop, hub.whims, hub.options.max_waiting, hints=not hub.options.quiet)
        hub.come(self)

    # ------------------------------------------------------------ what the connection asks

    def has_to_wait(self, line: bytes) -> bool:
        """See Connection. The effects of a line go to this room, and to the one that it names."""
        text = line.decode("ascii", "replace").removesuffix("\r")
        told = fold(text.split(" ")[1]) if text.startswith("/tell ") else ""
        crowded = self._floods() and self._hub.is_crowded(told, self.room, fold(text.removeprefix("/cd ")))
        return self._hub.is_behind(self) or crowded

    def _floods(self) -> bool:
        """Return whether more than talk was taken up in the present second [FLOW-8]."""
        if (now := time.monotonic()) > self._second + 1:
            self._second, self._octets = now, 0
        return self._octets > _TALK

    def on_line(self, code: str, text: str) -> None:
        """See Connection."""
        self._octets += len(text) + 1
        if code:
            self._refuse(code)
        elif text == "exit":
            self._exit()
        elif text and not self.admitted:
            self._act_outside(text)
        elif text.startswith("/"):
            self._command(*text.partition(" "))
        elif text and self.room:
            self._say(text)
        elif text:
            self._enter(text)

    def on_end(self) -> None:
        """See Connection."""
        self._answer = None
        self._hub.leave(self, "lost")

    def on_overfull(self) -> None:
        """See Connection. The line at hand goes to all others before LEFT does."""
        self.loop.soon(lambda: self._hub.bye(self, "slow"))

    def on_change(self) -> None:
        """See Connection."""
        self._hub.note(self)

    # ------------------------------------------------------------ answers

    def finish_answer(self) -> None:
        """Give the answer that is under way, if there is one, and go on."""
        compose, self._answer = self._answer, None
        if compose:
            self.busy = False
            self.put(*compose())
            self.go_on()

    def _give(self, compose: Compose) -> None:
        """Give an answer, now or later; its lines are made when it is given, and the next line waits for it."""
        self._answer, self.busy = compose, True
        delay = self.whims.thinking()
        if delay is None:
            self.finish_answer()
        elif delay:
            self.loop.later(delay, self.finish_answer)
        else:
            self.loop.soon(self.finish_answer)

    def _refuse(self, code: str) -> None:
        self._give(lambda: [self._error(code)])

    def _error(self, code: str) -> str:
        return f"ERROR {code} {self.whims.text(MAX_LINE - len(code) - 7)}"

    # ------------------------------------------------------------ lines

    def _exit(self) -> None:
        """Leave at once, and be told so later [ORDER-9]."""
        self._hub.leave(self, "exit")
        self.loop.later(self.whims.thinking() or 0, lambda: self.end("BYE exit"))

    def _act_outside(self, text: str) -> None:
        """Do a line of one that is not admitted [PASS-4]."""
        word, _, argument = text.partition(" ")
        if word == "/password" and argument:
            self._enter_password(argument)
        elif word == "/help" or (word == "/ping" and argument):
            self._command(word, " ", argument)
        else:
            self._refuse("no-password")

    def _enter_password(self, argument: str) -> None:
        digests = [hashlib.sha256(text.encode()).digest() for text in (argument, self._hub.options.password)]
        if hmac.compare_digest(*digests):
            self.admitted = True
            self._give(lambda: ["ADMITTED"])
        else:
            self.busy = True
            self.loop.later(self.whims.password_wait(), self._refuse_password)

    def _refuse_password(self) -> None:
        if not self.served:
            return
        self.busy = False
        self._wrong += 1
        if self._wrong == _TRIES:
            self._hub.bye(self, "denied", self._error("bad-password"))
        else:
            self._refuse("bad-password")
            self.go_on()

    def _command(self, word: str, blank: str, argument: str) -> None:
        if word in _FEATURES and _FEATURES[word] not in self._hub.options.features:
            self._refuse("unknown-command")
        elif (word in _TAKE_ARGUMENT and not argument) or (word in _TAKE_NONE and blank):
            self._refuse("bad-argument")
        elif word == "/cd":
            self._enter(argument)
        elif word == "/say":
            self._say(argument)
        elif word == "/nick":
            self._rename(argument)
        elif word == "/ping":
            self._give(lambda: [f"PONG {argument}"])
        elif word == "/help":
            self._give(lambda: [f"INFO {text}" for text in self.whims.help()])
        elif word == "/who":
            self._who()
        elif word == "/rooms":
            live = self._hub.live()
            self._give(lambda: live)
        elif word == "/history":
            self._show_past(argument)
        elif word == "/tell":
            self._tell(*argument.partition(" "))
        elif word == "/password":
            self._give(lambda: ["ADMITTED"])
        elif word == "/moon":
            self._give(lambda: [self._error("no-moon") if blank else f"MOON {self.whims.text(100)}"])
        else:
            self._refuse("unknown-command")

    def _enter(self, name: str) -> None:
        if is_name(name):
            self._hub.enter(self, name)
        else:
            self._refuse("bad-room")

    def _say(self, text: str) -> None:
        if self.room:
            self._hub.say(self.room, f"SAID {self.name} {text}")
        else:
            self._refuse("no-room")

    def _show_past(self, argument: str) -> None:
        """Answer `/history`; the answer tells what has happened when it is given."""
        count, room = number_of(argument), self.room
        if count is None:
            self._refuse("bad-argument")
        elif room is None:
            self._refuse("no-room")
        else:
            self._give(lambda: self._hub.past.answer(room, count))

    def _tell(self, name: str, _: str, text: str) -> None:
        """Tell a client something at once, and the teller of it later [TELL-1, TELL-2]."""
        told = self._hub.clients.get(fold(name))
        if not name or not text:
            self._refuse("bad-argument")
        elif told is None or not told.admitted:
            self._refuse("no-user")
        else:
            told.put(f"TELL {self.name} {text}")
            receipt = f"TOLD {told.name} {text}"
            self._give(lambda: [receipt])

    def _rename(self, name: str) -> None:
        if not is_name(name):
            self._refuse("bad-name")
        elif self._hub.rename(self, name):
            self._give(lambda: [f"NAME {name}"])
        else:
            self._refuse("name-taken")

    def _who(self) -> None:
        room = self.room
        if room:
            self._give(lambda: self._hub.members(room))
        else:
            self._refuse("no-room")

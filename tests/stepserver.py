"""A server that has only the first steps of `next`: python -m tests.stepserver STEPS PORT.

With no step it accepts connections, with one it greets, with ten it has all but lists, floods, a console, limits and
passwords. A later step is missing as it is while somebody builds a server: lines that the server does not know are
passed over, and so on.
"""

import argparse
import asyncio
import re

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_FORBIDDEN = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\udc80-\udcff]")  # what is no UTF-8, too
_HTTP = re.compile(rb"(\xef\xbb\xbf)?(GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PRI) ")
_BOM = b"\xef\xbb\xbf"
_LONGEST = 4096  # octets of a line
_START = 16  # octets, after which a connection is none of HTTP
_LINGER = 2.0  # seconds that are read on after BYE
_LATE = 0.005  # seconds, after which what a server without the tenth step has put off is sent

(HELLO, LINES, ROOM, TOGETHER, LEAVING, NAMES, ERRORS, TEXT, ROUGH, ORDER) = range(1, 11)


class Chat:
    """All clients of one server."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.clients: list[Client] = []
        self._put_off: list[tuple[Client, str]] = []
        self._numbers = 0

    def has(self, step: int) -> bool:
        """Whether the server is built as far as this step."""
        return self.steps >= step

    def new_name(self) -> str:
        """Return a name that nobody has."""
        while True:
            self._numbers += 1
            if not self.named(name := f"guest-{self._numbers}"):
                return name

    def named(self, name: str) -> "Client | None":
        """Return the client of this name, in whatever case."""
        return next((client for client in self.clients if client.name.lower() == name.lower()), None)

    def tell(self, room: str, line: str, about: "Client", *, oneself: bool = False) -> None:
        """Send a line to the members of a room, to the client that it is about only if `oneself`."""
        for client in list(self.clients) if room else []:
            if client.room == room and (client is not about or oneself):
                if client is about or self.has(ORDER):
                    client.send(line)
                else:
                    self._put_off.append((client, line))
        if self._put_off:
            asyncio.get_running_loop().call_later(_LATE, self.catch_up)

    def catch_up(self) -> None:
        """Send what was put off."""
        for client, line in self._put_off:
            client.send(line)
        self._put_off.clear()


class Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self.name = self.room = ""
        self._start = b""
        self._first_line = True
        self._started = False
        self._rest = bytearray()
        self._ended = False  # nothing that comes counts any more
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.name = self.chat.new_name()
        self.chat.clients.append(self)
        if not self.chat.has(HELLO):
            return
        self.send("HELLO flurfunk/1 who rooms")
        self.send(f"NAME {self.name}")
        if self.chat.has(LINES):
            self.send("INFO type the name of a room, for instance main")

    def send(self, line: str) -> None:
        """Send a line, unless the client is gone."""
        if self._transport and not self._transport.is_closing():
            self._transport.write(line.encode("utf-8", "surrogateescape") + b"\n")

    def data_received(self, data: bytes) -> None:
        if self._ended or not self.chat.has(LINES):
            return
        if not self._started and not self._begins(data):
            return
        for piece in re.findall(rb"[^\n]*\n|[^\n]+", data):
            self._rest += piece
            if self._rest.endswith(b"\n"):
                line, self._rest = bytes(self._rest[:-1]).removesuffix(b"\r"), bytearray()
                if not self._ended:
                    self._line(line)
            elif self.chat.has(ROUGH) and len(self._rest) > 2 * _LONGEST:
                del self._rest[_LONGEST + 2 :]  # how much longer it is means nothing

    def _begins(self, data: bytes) -> bool:
        """Look at the first octets; return whether they are those of a client."""
        self._start += data[:_START]
        self._started = len(self._start) >= _START or b"\n" in self._start
        if self.chat.has(ROUGH) and (_HTTP.match(self._start) or self._start.startswith(b"\x16")):
            self._leave("lost")
            self._close()
            return False
        return True

    def eof_received(self) -> bool:
        if self.chat.has(LEAVING) and not self._ended:
            self._leave("lost")
        self._close()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave("lost")

    # ------------------------------------------------------------ lines

    def _line(self, octets: bytes) -> None:
        has = self.chat.has
        if has(TEXT) and self._first_line:
            octets = octets.removeprefix(_BOM)
        self._first_line = False
        text = octets.decode("utf-8", "surrogateescape")
        if has(TEXT) and len(octets) > _LONGEST:
            self._refuse("too-long")
        elif has(TEXT) and _FORBIDDEN.search(text):
            self._refuse("bad-text")
        elif text == "exit" and has(LEAVING):
            self._exit()
        elif text.startswith("/"):
            self._command(*text.partition(" ")[::2])
        elif text and self.room:
            self._say(text)
        elif text and has(ROOM):
            self._enter(text)

    def _command(self, word: str, argument: str) -> None:
        commands = {"/ping": self._ping, "/cd": self._enter, "/say": self._say, "/nick": self._nick}
        if word == "/help":
            self.send("INFO /cd ROOM enters a room, exit leaves")
        elif word not in commands or (word == "/nick" and not self.chat.has(NAMES)):
            self._refuse("unknown-command")
        elif not argument:
            self._refuse("bad-argument")
        elif word == "/ping" or self.chat.has(ROOM):
            commands[word](argument)

    def _ping(self, token: str) -> None:
        self.chat.catch_up()
        self.send(f"PONG {token}")

    def _enter(self, name: str) -> None:
        if _NAME.fullmatch(name):
            self.chat.catch_up()
            self._move(name.lower())
            self.send(f"ROOM {self.room}")
        else:
            self._refuse("bad-room")

    def _move(self, room: str) -> None:
        if room != self.room:
            if self.chat.has(LEAVING):
                self.chat.tell(self.room, f"LEFT {self.name} moved", self)
            self.room = room
            if self.chat.has(TOGETHER):
                self.chat.tell(room, f"JOINED {self.name}", self)

    def _say(self, text: str) -> None:
        line = f"SAID {self.name} {text}"
        if not self.room:
            self._refuse("no-room")
        elif self.chat.has(TOGETHER):
            self.chat.tell(self.room, line, self, oneself=True)
        else:
            self.send(line)

    def _nick(self, name: str) -> None:
        if not _NAME.fullmatch(name):
            self._refuse("bad-name")
        elif name.lower() in ("operator", "server") or self.chat.named(name) not in (None, self):
            self._refuse("name-taken")
        else:
            old, self.name = self.name, name
            self.send(f"NAME {name}")
            if name != old:
                self.chat.tell(self.room, f"NICK {old} {name}", self)

    def _refuse(self, code: str) -> None:
        if self.chat.has(ERRORS):
            self.send(f"ERROR {code} no")

    # ------------------------------------------------------------ the end

    def _exit(self) -> None:
        self._leave("exit")
        self.chat.catch_up()
        self.send("BYE exit")
        if self.chat.has(ROUGH) and self._transport:
            self._transport.write_eof()
            asyncio.get_running_loop().call_later(_LINGER, self._close)
        else:
            self._close()

    def _leave(self, reason: str) -> None:
        """Be no client any more: nothing that comes counts from here on."""
        self._ended = True
        if self in self.chat.clients:
            self.chat.clients.remove(self)
            if self.chat.has(LEAVING):
                self.chat.tell(self.room, f"LEFT {self.name} {reason}", self)

    def _close(self) -> None:
        if self._transport:
            self._transport.close()


async def _serve(steps: int, port: int) -> None:
    chat = Chat(steps)
    server = await asyncio.get_running_loop().create_server(lambda: Client(chat), "127.0.0.1", port)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("steps", type=int)
    parser.add_argument("port", type=int)
    arguments = parser.parse_args()
    asyncio.run(_serve(arguments.steps, arguments.port))


if __name__ == "__main__":
    main()

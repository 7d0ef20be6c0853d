"""The command line of the server: options, the listener, signals, and the end."""

import argparse
import ipaddress
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable

from tests.contraryserver.client import Client
from tests.contraryserver.console import Console
from tests.contraryserver.hub import Hub, Options
from tests.contraryserver.loop import Loop
from tests.contraryserver.whims import Whims

_FEATURES = ("who", "rooms", "history", "tell", "x-moon")
_SHUTDOWN = 9.0  # seconds from `exit` to the end [OPER-2]
_FULL_PAUSE = 0.2  # seconds for which nobody is accepted when the system lets no further connection be opened


def _between(low: float, high: float) -> Callable[[str], int]:
    """Return a parser of whole numbers within bounds, for argparse."""

    def number(text: str) -> int:
        if not low <= (value := int(text)) <= high:
            raise argparse.ArgumentTypeError(f"{value} is not between {low} and {high}")
        return value

    return number


def _password(path: str) -> str:
    """Return the password that stands in the first line of a file, for argparse."""
    try:
        with open(path, encoding="utf-8", newline="\n") as file:
            password = file.readline().removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise argparse.ArgumentTypeError(f"{path} cannot be read") from error
    if not 0 < len(password.encode()) <= 128:
        raise argparse.ArgumentTypeError(f"in {path} stands no password")
    return password


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="contraryserver", description="A Flurfunk/1 server for tests.")
    parser.add_argument("--host", default="127.0.0.1", help="IPv4 address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=_between(0, 65535), default=8080, help="0 for a free one, which is printed")
    # So many that the longest list fits in the least that may wait.
    parser.add_argument("--max-clients", type=_between(1, 4000), default=500, metavar="N")
    parser.add_argument("--choose-timeout", type=float, default=300, metavar="SECONDS", help="0 for no limit")
    parser.add_argument("--max-waiting", type=_between(262144, 16777216), default=262144, metavar="OCTETS")
    parser.add_argument("--stall-timeout", type=_between(5, 300), default=5, metavar="SECONDS")
    parser.add_argument("--password-file", type=_password, dest="password", metavar="FILE")
    parser.add_argument("--without", action="append", choices=_FEATURES, default=[], help="a feature")
    parser.add_argument("--no-console", action="store_true", help="neither read nor print anything")
    parser.add_argument("--quiet", action="store_true", help="send no INFO lines but for /help: no server has to")
    parser.add_argument("--names", choices=("mixed", "smallest", "random"), default="mixed", help="that are made up")
    parser.add_argument("--seed", type=int, help="of all that chance decides (default: the port)")
    return parser.parse_args()


class Server:
    """The listener, and the end."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        """Listen; raises OSError."""
        self._listener = socket.create_server((arguments.host, arguments.port), backlog=128)
        self._listener.setblocking(False)
        host, port = self._listener.getsockname()[:2]
        self._whims = Whims(port if arguments.seed is None else arguments.seed, names=arguments.names)
        self._loop = Loop(self._whims)
        features = [feature for feature in _FEATURES if feature not in arguments.without]
        if arguments.password:
            features.append("password")
        options = Options(
            arguments.max_clients,
            arguments.choose_timeout,
            arguments.max_waiting,
            arguments.stall_timeout,
            tuple(features),
            arguments.password or "",
            arguments.quiet,
        )
        self._hub = Hub(self._loop, self._whims, options)
        self._signals, self._wakeup = socket.socketpair()  # where the interpreter writes the numbers of signals
        self._deadline: float | None = None  # for the end of the program, once it is to end
        self._listen()
        console = None if arguments.no_console else Console(self._hub, self._stop)
        if console and not arguments.port:
            console.print(f"listening on {host}:{port}")
        if not ipaddress.ip_address(host).is_loopback:
            print(f"contraryserver: {host} is in reach of others, without TLS", file=sys.stderr)  # [SEC-4]

    def run(self) -> None:
        """Serve until the operator or a signal ends it."""
        self._wakeup.setblocking(False)
        signal.set_wakeup_fd(self._wakeup.fileno())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        self._loop.watch(self._signals, selectors.EVENT_READ, self._on_signal)
        while self._deadline is None or (self._hub.connections and time.monotonic() < self._deadline):
            self._loop.turn()

    def _on_signal(self, _: int) -> None:
        self._loop.watch(self._signals, 0, self._on_signal)
        self._stop()

    def _listen(self) -> None:
        if self._deadline is None:
            self._loop.watch(self._listener, selectors.EVENT_READ, self._accept)

    def _accept(self, _: int) -> None:
        if self._deadline is not None or self._whims.happens(0.3):
            return  # not yet, or no more
        try:
            sock, _ = self._listener.accept()
        except OSError:
            self._loop.watch(self._listener, 0, self._accept)
            self._loop.later(_FULL_PAUSE, self._listen)
        else:
            Client(sock, self._hub)

    def _stop(self) -> None:
        if self._deadline is None:
            self._deadline = time.monotonic() + _SHUTDOWN
            self._loop.watch(self._listener, 0, self._accept)
            self._listener.close()
            self._loop.later(_SHUTDOWN, lambda: None)  # a turn in which the time is over
            self._hub.shut_down()


def main() -> int:
    """Run the server; return the exit status."""
    arguments = _arguments()
    try:
        server = Server(arguments)
    except OSError as error:
        print(f"contraryserver: cannot listen: {error.strerror}", file=sys.stderr)
        return 1
    server.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The command line of the server: options, signals, and the end."""

import argparse
import asyncio
import contextlib
import ipaddress
import resource
import signal
import sys
import time
from collections.abc import Callable

from tests.asyncserver.connection import Connection
from tests.asyncserver.console import Console, tell
from tests.asyncserver.faults import FAULTS, choose, fault
from tests.asyncserver.faults_missed import MISSED
from tests.asyncserver.hub import Hub, Options

_SHUTDOWN = 5.0  # seconds from exit to the end ([OPER-2])
MEMORY = 2 * 1024**3  # octets of address space
_TICK = 0.5  # seconds between two looks for clients that do not read


def _between(low: float, high: float) -> Callable[[str], int]:
    """Return a parser of whole numbers within bounds, for argparse."""

    def parse(text: str) -> int:
        number = int(text)
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(f"{number} is not between {low} and {high}")
        return number

    parse.__name__ = "number"
    return parse


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no time in seconds")
    return number


def _password(path: str) -> str:
    """Return the password that stands in the first line of a file, for argparse."""
    try:
        with open(path, encoding="utf-8", newline="\n") as file:
            password = file.readline().removesuffix("\n")
    except (OSError, UnicodeDecodeError):
        password = ""
    if not 0 < len(password.encode()) <= 128:
        raise argparse.ArgumentTypeError(f"in {path} stands no password")
    return password


def _options(arguments: list[str]) -> Options:
    """Read the command line; switch the chosen faults on."""
    parser = argparse.ArgumentParser(prog="asyncserver", description="A Flurfunk/1 server for tests.")
    parser.add_argument("--host", default="127.0.0.1", help="IPv4 address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=_between(0, 65535), default=8080, help="0 for a free one (default: %(default)s)")
    parser.add_argument("--max-clients", type=_between(0, 10**9), default=500, metavar="N", help="0 for no limit")
    parser.add_argument("--choose-timeout", type=_seconds, default=120, metavar="SECONDS", help="0 for no limit")
    parser.add_argument("--max-waiting", type=_between(262144, 16777216), default=1048576, metavar="OCTETS")
    parser.add_argument("--stall-timeout", type=_between(5, 300), default=30, metavar="SECONDS")
    parser.add_argument("--password-file", type=_password, dest="password", metavar="FILE")
    parser.add_argument("--fault", action="append", choices=sorted([*FAULTS, *MISSED]), default=[], metavar="NAME")
    parser.add_argument("--list-faults", action="store_true", help="print the faults and end")
    chosen = parser.parse_args(arguments)
    if chosen.list_faults:
        for known in (*FAULTS.values(), *MISSED.values()):
            print(f"{known.name}\t{' '.join(known.breaks)}\t{known.text}")
        sys.exit()
    choose(chosen.fault)
    return Options(
        chosen.host,
        chosen.port,
        chosen.max_clients,
        chosen.choose_timeout,
        chosen.max_waiting,
        chosen.stall_timeout,
        chosen.password or "",
    )


async def _serve(options: Options) -> int:
    """Serve until the operator or a signal ends it; return the exit status."""
    hub = Hub(options)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number, name in ((signal.SIGINT, "sigint-dies"), (signal.SIGTERM, "sigterm-dies")):
        if fault(name):
            signal.signal(number, signal.SIG_DFL)
        else:
            loop.add_signal_handler(number, stop.set)
    try:
        server = await loop.create_server(lambda: Connection(hub), options.host, options.port, backlog=512)
    except OSError as error:
        print(f"asyncserver: cannot listen on {options.host}:{options.port}: {error.strerror}", file=sys.stderr)
        return 1
    host, port = server.sockets[0].getsockname()[:2]
    if not ipaddress.ip_address(host).is_loopback:
        print(f"asyncserver: {host} is in reach of others, and nothing is encrypted", file=sys.stderr)
    tell(f"listening on {host}:{port}")
    Console(hub, stop.set).start()
    watch = asyncio.create_task(_watch(hub))
    await stop.wait()
    watch.cancel()
    server.close()
    nobody = not hub.clients
    await _end(hub)
    return int(fault("shutdown-status-1") or (nobody and fault("shutdown-nobody-status-1")))


async def _watch(hub: Hub) -> None:
    """Look again and again for clients that do not read ([FLOW-5])."""
    while True:
        await asyncio.sleep(_TICK)
        now = time.monotonic()
        for client in tuple(hub.connections):
            client.check_stall(now)


async def _end(hub: Hub) -> None:
    """Say BYE to all, and wait until they have it or the time is over ([OPER-2])."""
    hub.shut_down()
    deadline = time.monotonic() + _SHUTDOWN
    while hub.connections and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    if fault("shutdown-late"):
        await asyncio.sleep(12)
    for client in tuple(hub.connections):
        client.abort()


def main() -> int:
    """Run the server; return the exit status."""
    options = _options(sys.argv[1:])
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))  # a fault must not take the machine's memory
    with contextlib.suppress(KeyboardInterrupt):
        return asyncio.run(_serve(options))
    return 130


if __name__ == "__main__":
    sys.exit(main())

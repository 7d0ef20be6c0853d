"""The server's command line: arguments, log, signals."""

import argparse
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from ipaddress import ip_address
from typing import NoReturn, TextIO

from reference.address import with_port
from reference.password import PasswordFileError, is_exposed, matcher, read_password
from reference.server.chat import Record
from reference.server.console import Console
from reference.server.hub import Hub, Limits
from reference.server.journal import Journal, write
from reference.server.listener import Listener, allow_descriptors
from reference.server.terminal import Terminal

DEFAULT = Limits()
MOST_WAITING = 16 * 1024 * 1024  # octets [FLOW-4]
LISTED = 64  # octets: more than a client takes in the answer to /who or /rooms
INTERRUPTED = 130
# What is installed has another name than the file of a checkout.
_PROGRAM = "flurfunk-server" if os.path.splitext(os.path.basename(sys.argv[0]))[0] == "flurfunk-server" else "server.py"


def within(least: float, most: float, kind: type[int] | type[float] = int) -> Callable[[str], float]:
    """Return a reader for argparse of numbers from `least` to `most`."""

    def read(text: str) -> float:
        with contextlib.suppress(ValueError):
            if least <= (value := kind(text)) <= most:
                return value
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least} to {most}")

    return read


def host(text: str) -> str:
    """Return the name of a host; a reader for argparse."""
    try:
        text.encode("idna")
    except UnicodeError:
        raise argparse.ArgumentTypeError(f"{text!r} cannot be the name of a host") from None
    return text


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """End with status 2."""
        self.exit(2, f"{self.prog}: {message}; --help tells more\n")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    result = Parser(
        prog=_PROGRAM,
        description="Reference server of Flurfunk/1. What you type is announced in all rooms; exit ends it.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = result.add_argument
    add("--host", type=host, default="127.0.0.1", help="address to listen on; :: for all, of IPv6 and IPv4")
    add("--port", type=within(0, 65535), default=8080, help="port to listen on; 0 takes a free one")
    add(
        "--max-clients",
        type=within(0, 1_000_000),
        default=DEFAULT.max_clients,
        metavar="N",
        help="clients served at once; 0: no limit",
    )
    add(
        "--choose-timeout",
        type=within(0, 86400, float),
        default=DEFAULT.choose_timeout,
        metavar="SECONDS",
        help="time to choose a room; 0: no limit",
    )
    add(
        "--max-waiting",
        type=within(262144, MOST_WAITING),
        default=DEFAULT.max_waiting,
        metavar="OCTETS",
        help="what may wait for a client that reads slowly; more where a list of --max-clients needs it",
    )
    add(
        "--stall-timeout",
        type=within(5, 300, float),
        default=DEFAULT.stall_timeout,
        metavar="SECONDS",
        help="how long a client may read nothing while something waits for it",
    )
    add(
        "--max-per-address",
        type=within(0, 1_000_000),
        default=100,
        metavar="N",
        help="connections from one address; 0: no limit, as for this machine's own",
    )
    add("--password-file", metavar="FILE", help="let in only who knows the password, the first line of this file")
    add("--tls-cert", metavar="FILE", help="speak TLS and nothing else, with this certificate in PEM")
    add("--tls-key", metavar="FILE", help="its private key in PEM; goes with --tls-cert")
    add("--log-messages", action="store_true", help="log what is said, too")
    add("--log-format", choices=("text", "json"), default="text", help="how a line of the log looks: text or json")
    add(
        "--stats",
        type=within(0, 86400, float),
        default=0.0,
        metavar="SECONDS",
        help="log numbers every so many seconds; 0: at SIGUSR1 only",
    )
    return result


def main(arguments: list[str] | None = None) -> int:
    """Run the server until the operator or a signal ends it; return the exit status.

    0: ended as wished; 1: the address, the password, or the certificate, cannot be had, or the server could not go on;
    130: interrupted before it listened.  Wrong arguments exit with 2.
    """
    options = parser().parse_args(arguments)
    if (options.tls_cert is None) != (options.tls_key is None):
        parser().error("--tls-cert and --tls-key go together")
    if 0 < options.stats < 0.1:
        parser().error("--stats takes 0, or 0.1 at least")
    try:
        return run(options)
    except KeyboardInterrupt:  # before it listened: what comes later is the listener's
        return INTERRUPTED


def run(options: argparse.Namespace) -> int:
    """Run the server with these options; return the exit status."""
    try:
        is_password = matcher(read_password(options.password_file)) if options.password_file is not None else None
    except PasswordFileError as error:
        print(f"{_PROGRAM}: {error}", file=sys.stderr)
        return 1
    terminal, journals = open_journals(options.log_format)
    logging.basicConfig(format="%(message)s", level=logging.INFO, handlers=journals)
    logging.logThreads = False  # the clients' threads are not threading's: it would begin to keep a list of them
    limits = Limits(options.max_clients, options.choose_timeout, bound(options), options.stall_timeout)
    hub = Hub(limits, partial(note, journals), log_messages=options.log_messages, is_password=is_password)
    try:
        tls = None
        if options.tls_cert is not None:
            from reference.server.tls import Tls  # not every Python has it

            tls = Tls(options.tls_cert, options.tls_key)
        listener = Listener(hub, options.host, options.port, options.max_per_address, tls)
    except ImportError:
        print(f"{_PROGRAM}: this Python was built without TLS", file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"{_PROGRAM}: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        address = with_port(options.host, options.port)
        print(f"{_PROGRAM}: cannot listen on {address}: {error.strerror}", file=sys.stderr)
        return 1
    heed_signals(listener)
    show = terminal.journal.show if terminal else print_line
    allow_descriptors(limits.max_clients, tls is not None)
    show(f"listening on {with_port(*listener.address)}")
    warn(listener.address[0], options, tls is not None)
    if options.stats:
        hub.note_stats(options.stats)
    console = Console(hub, listener.stop, show)
    try:
        if terminal:
            terminal.open(console, listener.stop)
        else:
            console.start()
        listener.run()
    finally:
        if terminal:
            terminal.close()
        for journal in journals:
            journal.close()
    return int(hub.failed)


def bound(options: argparse.Namespace) -> int:
    """Return how many octets may wait for a client: a list of all clients fits in, whatever was asked for [FLOW-7]."""
    return int(min(max(options.max_waiting, LISTED * options.max_clients), MOST_WAITING))


def warn(address: str, options: argparse.Namespace, tls: bool) -> None:
    """Log what others can read [SEC-4]."""
    log = logging.getLogger("flurfunk")
    if not tls and not ip_address(address).is_loopback:
        log.warning("everybody who reaches %s can read and write here, without TLS", address)
    if options.password_file is not None and is_exposed(options.password_file):
        log.warning("others can read %s, and the password in it", options.password_file)


def heed_signals(listener: Listener) -> None:
    """Let SIGINT and SIGTERM end the server [OPER-9], and SIGUSR1 ask it for numbers.

    Handlers run once the main thread is awake; it sleeps in the listener, and writing to the descriptor ends that.
    """
    signal.set_wakeup_fd(listener.waking, warn_on_full_buffer=False)
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(name, lambda *_: None)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the console's terminal has gone, and no more [OPER-8]


def open_journals(form: str) -> tuple[Terminal | None, list[Journal]]:
    """Return the operator's terminal, where standard input and output are one and the same, and all journals.

    The log goes to standard error; where that is the same terminal too, it goes through its screen and not beside it.
    """
    if not same_terminal(sys.stdin, sys.stdout):
        terminal = None
    elif same_terminal(sys.stdin, sys.stderr):
        terminal = Terminal(sys.stdin.fileno(), f"{form} on a console")
        return terminal, [terminal.journal]
    else:
        terminal = Terminal(sys.stdin.fileno(), "text on a console")
    log = sys.stderr.fileno() if sys.stderr else os.open(os.devnull, os.O_WRONLY)
    return terminal, [Journal(partial(write, log), form), *([terminal.journal] if terminal else [])]


def same_terminal(first: TextIO | None, second: TextIO | None) -> bool:
    """Whether both are the same terminal; None: it was closed when the program started."""
    if not (first and second and first.isatty() and second.isatty()):
        return False
    return os.fstat(first.fileno()).st_rdev == os.fstat(second.fileno()).st_rdev


def note(journals: list[Journal], event: Record) -> None:
    """Leave an event to all journals; never waits."""
    for journal in journals:
        journal.note(event)


def print_line(text: str) -> None:
    """Print a text for the operator, in UTF-8; where nobody reads it any more, go on without.

    Python's buffer is passed by: its lock, and what could not be written, would be in the way when the program ends.
    """
    if sys.stdout:  # None where whoever started the server closed it
        with contextlib.suppress(OSError):
            os.write(sys.stdout.fileno(), f"{text}\n".encode())

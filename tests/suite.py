"""Tools that the tests of the suite share: the suite as a process, and servers that are no Flurfunk servers."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DEADLINE = 240.0  # seconds: a whole run on a machine that is very busy
FAULTY = "{python} -m tests.asyncserver --port {port}"


def faulty(*faults: str) -> str:
    """Return the command of the second server with these faults."""
    return FAULTY + "".join(f" --fault {fault}" for fault in faults)


def suite(
    *arguments: str | Path, stdout: int = subprocess.PIPE, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the suite with these arguments from the top of the checkout; `stdout`: a descriptor that gets its output."""
    return subprocess.run(
        [sys.executable, "-m", "conformance", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=DEADLINE,
        check=False,
    )


@contextlib.contextmanager
def unread() -> Iterator[int]:
    """Yield a descriptor for output that nobody reads, as after `| head`."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        yield writing
    finally:
        os.close(writing)


@contextlib.contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve each connection with a function, in a thread of its own; yield HOST:PORT."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)

        def accept() -> None:
            while not ended.is_set():
                with contextlib.suppress(TimeoutError):
                    threading.Thread(target=handle, args=[server.accept()[0]], daemon=True).start()

        def handle(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                connection.settimeout(DEADLINE)
                serve(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        host, port = server.getsockname()
        try:
            yield f"{host}:{port}"
        finally:
            ended.set()
            thread.join(DEADLINE)

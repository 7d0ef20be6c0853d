"""Proxies of others, as processes."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import DEADLINE, wait_until

_COMMANDS = {"haproxy": ("haproxy", "-db", "-f"), "nginx": ("nginx", "-c"), "stunnel": ("stunnel",)}


@contextmanager
def running(program: str, file: Path, port: int) -> Iterator[None]:
    """Run a proxy with this configuration; enters when it listens at the port."""
    with subprocess.Popen([*_COMMANDS[program], str(file)], stderr=subprocess.DEVNULL) as process:
        try:

            def listens() -> bool:
                assert process.poll() is None, f"{program} has ended"
                with socket.socket() as trial:
                    return trial.connect_ex(("127.0.0.1", port)) == 0

            wait_until(listens, f"{program} to listen")
            yield
        finally:
            process.terminate()
            process.wait(DEADLINE)

"""What was typed, kept in a file from one run to the next, for its owner alone.

That it cannot be read or written is no reason to disturb anybody.
"""

import contextlib
import os
from pathlib import Path

_MOST = 1000  # lines
_MODE = 0o600


class History:
    """The file; several clients may add to it at the same time."""

    def __init__(self, path: Path | None) -> None:
        """`path`: None: there is no file."""
        self._path = path

    def lines(self) -> list[str]:
        """Return the lines, the newest last; what is more than enough is removed from the file."""
        # Not Path.is_file: before Python 3.14 that raises where a folder may not be searched.
        if self._path is None or not os.path.isfile(self._path):
            return []
        try:
            lines = self._path.read_bytes().split(b"\n")[:-1]
        except OSError:
            return []
        if len(lines) > 2 * _MOST:
            lines = lines[-_MOST:]
            self._replace(self._path, lines)
        return [line.decode("utf-8", "surrogateescape") for line in lines[-_MOST:]]

    def add(self, text: str) -> None:
        """Append a line."""
        if self._path is None:
            return
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(self._path, os.O_APPEND, text.encode("utf-8", "surrogateescape") + b"\n")

    def _replace(self, path: Path, lines: list[bytes]) -> None:
        new = path.with_name(f"{path.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            _write(new, os.O_TRUNC, b"".join(line + b"\n" for line in lines))
            os.replace(new, path)


def _write(path: Path, how: int, octets: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | how, _MODE), "wb") as file:
        file.write(octets)

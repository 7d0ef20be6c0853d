"""The typed lines, kept in a file from one run to the next, for its owner alone.

That it cannot be read or written is told once, and disturbs nothing else.
"""

import os
from pathlib import Path

from reference.client.files import append, opened, why

_MOST = 1000  # lines


class History:
    """The file; several clients may add to it at the same time."""

    def __init__(self, path: Path | None) -> None:
        """`path`: None: there is no file."""
        self.path = path
        self._trouble = ""
        self._told = False

    def trouble(self) -> str:
        """Return why the file cannot be read or written, once; mostly nothing."""
        trouble, self._trouble = self._trouble, ""
        return trouble

    def lines(self) -> list[str]:
        """Return the lines, the newest last; what is more than enough is removed from the file."""
        if self.path is None:
            return []
        try:
            with open(opened(self.path, os.O_RDONLY), "rb") as file:
                lines = file.read().split(b"\n")[:-1]
            if len(lines) > 2 * _MOST:
                lines = lines[-_MOST:]
                self._replace(self.path, lines)
        except FileNotFoundError:
            return []
        except OSError as error:
            self._failed(error)
            return []
        return [line.decode("utf-8", "surrogateescape") for line in lines[-_MOST:]]

    def add(self, text: str) -> None:
        """Append a line."""
        if self.path is None:
            return
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(self.path, os.O_APPEND, text.encode("utf-8", "surrogateescape") + b"\n")
        except OSError as error:
            self._failed(error)

    def _failed(self, error: OSError) -> None:
        if not self._told:
            self._told, self._trouble = True, why(error)

    def _replace(self, path: Path, lines: list[bytes]) -> None:
        new = path.with_name(f"{path.name}.{os.getpid()}")
        new.unlink(missing_ok=True)  # of an earlier process with the same number
        try:
            _write(new, os.O_EXCL, b"".join(line + b"\n" for line in lines))
            os.replace(new, path)
        except OSError as error:
            self._failed(error)
            new.unlink(missing_ok=True)


def _write(path: Path, how: int, octets: bytes) -> None:
    descriptor = opened(path, os.O_WRONLY | os.O_CREAT | how)
    try:
        append(descriptor, octets)
    finally:
        os.close(descriptor)

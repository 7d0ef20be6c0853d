"""The log: written by a thread of its own, so that nobody waits for a stopped terminal or a full disk."""

import contextlib
import logging
import os
import threading
from queue import SimpleQueue

MOST = 10_000  # records that wait to be written; further ones are dropped, and counted
LAST_WRITE = 1.0  # seconds that the end of the program waits for what is not written yet


class Journal(logging.Handler):
    """Writes records to a file descriptor."""

    def __init__(self, descriptor: int) -> None:
        """Begin to write to `descriptor`, which may block or fail as it likes."""
        super().__init__()
        self._descriptor = descriptor
        self._records: SimpleQueue[logging.LogRecord | None] = SimpleQueue()
        self._dropped = 0
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Leave a record to the thread; never waits."""
        if self._records.qsize() < MOST:
            self._records.put(record)
        else:
            self._dropped += 1

    def close(self) -> None:
        """Wait, for a short time, until all is written."""
        self._records.put(None)
        self._thread.join(LAST_WRITE)
        super().close()

    def _write(self) -> None:
        while (record := self._records.get()) is not None:
            lines = self.format(record) + "\n"
            if self._dropped:
                lines += f"{self._dropped} lines of the log are lost: they could not be written fast enough\n"
                self._dropped = 0
            with contextlib.suppress(OSError):
                os.write(self._descriptor, lines.encode("utf-8", "backslashreplace"))

"""The file of `--history-file`: the kept words of rooms in SQLite, so that they survive the program.

`write` is called before the words are sent to anybody.  It hands them to the operating system and does not wait for
the disk: what is written survives the program, however it ends.  A thread brings them to the disk, now and then, so
that nearly all survives the machine, too.  Nothing here raises later on: what goes wrong is noted once, and the chat
goes on.
"""

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence

from reference.server.history import Drop, Keep

VERSION = 1  # of the tables
CHECKPOINT = 1.0  # seconds between two times at which what is written is brought to the disk
RETRY = 1.0  # seconds after which a write that failed is tried again
BACKLOG = 10_000  # changes that wait for a file that cannot be written
MOST_PAGES = 2048  # of 4096 octets in the file `-wal`, before writing waits until it is emptied
_OPEN = "cannot use the history file"


class StoreError(OSError):
    """The file cannot be opened; the message is for people."""


class BrokenStoreError(StoreError):
    """The file is there and is no history, or a broken one."""


class Store:
    """An open file."""

    def __init__(self, path: str, note: Callable[[str], None]) -> None:
        """Open or create the file; `note` is told in one line what goes wrong later, and when it is well again.

        Raises StoreError where it cannot be opened or is another server's, BrokenStoreError where it is no history.
        """
        self._path = path
        self._note = note
        self._backlog: list[Keep | Drop] = []
        self._failed = 0.0  # when it last went wrong; 0: it goes well
        self._ended = threading.Event()
        self._using = threading.Lock()  # the connection that writes
        self._lock = self._claim(path)
        try:
            self._writer = self._connect("OFF")
            self.kept = self._read()
        except sqlite3.Error as error:
            os.close(self._lock)
            if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")):
                raise StoreError(f"{_OPEN} {path}: its folder cannot be written to") from None
            raise BrokenStoreError(f"{_OPEN} {path}: {error}") from None
        self._thread = threading.Thread(target=self._keep_checkpointing, name="history", daemon=True)
        self._thread.start()

    def _connect(self, synchronous: str) -> sqlite3.Connection:
        path = os.path.abspath(self._path)  # `:memory:` means a file, too
        connection = sqlite3.connect(path, timeout=0.1, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("PRAGMA secure_delete = ON")  # what is dropped is overwritten
        return connection

    def _claim(self, path: str) -> int:
        """Return a descriptor of the file, whose lock says that it is used.

        It is closed after the connections, because SQLite's own locks would go with it.
        """
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"{_OPEN} {path}: {error.strerror}") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise StoreError(f"{_OPEN} {path}: another server uses it") from None
        return descriptor

    def _read(self) -> list[tuple[str, int, int, bytes]]:
        """Make the table if need be, and return all that is in it."""
        (version,) = self._writer.execute("PRAGMA user_version").fetchone()
        if version not in (0, VERSION):
            raise sqlite3.DatabaseError("it is of a later version, or no history")
        self._writer.execute(
            "CREATE TABLE IF NOT EXISTS event (room TEXT, number INTEGER, time INTEGER, line BLOB,"
            " PRIMARY KEY (room, number)) WITHOUT ROWID"
        )
        self._writer.execute(f"PRAGMA user_version = {VERSION}")
        events = self._writer.execute("SELECT room, number, time, line FROM event ORDER BY room, number")
        return list(events)

    def write(self, changes: Sequence[Keep | Drop]) -> None:
        """Hand changes to the operating system; where that fails, try again later."""
        with self._using:
            self._write(changes)

    def _write(self, changes: Sequence[Keep | Drop]) -> None:
        if self._failed:
            self._backlog = [*self._backlog, *changes][-BACKLOG:]
            if time.monotonic() - self._failed < RETRY:
                return
            changes = self._backlog
        try:
            self._transact(changes)
        except sqlite3.Error as error:
            self._recover()
            if not self._failed:
                self._backlog = list(changes)[-BACKLOG:]
                self._note(f"history is not kept in {self._path} at present, and the chat goes on without: {error}")
            self._failed = time.monotonic()
        else:
            if self._failed:
                self._failed, self._backlog = 0.0, []
                self._note(f"history is kept in {self._path} again")

    def _transact(self, changes: Sequence[Keep | Drop]) -> None:
        if not self._in_place():
            raise sqlite3.OperationalError("it was moved or deleted")
        firsts = {change.room: change.first for change in changes}
        kept = [change[:4] for change in changes if isinstance(change, Keep)]
        self._writer.execute("BEGIN IMMEDIATE")
        self._writer.executemany("INSERT OR REPLACE INTO event VALUES (?, ?, ?, ?)", kept)
        self._writer.executemany("DELETE FROM event WHERE room = ? AND number < ?", firsts.items())
        self._writer.execute("COMMIT")

    def _in_place(self) -> bool:
        """Whether the open file is still the one at the path: else nobody would find what is written to it."""
        try:
            return os.path.samestat(os.fstat(self._lock), os.stat(self._path))
        except OSError:
            return False

    def _recover(self) -> None:
        """End a transaction that failed."""
        try:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
        except sqlite3.Error:
            pass  # the next one fails, too

    def _keep_checkpointing(self) -> None:
        """Bring what is written to the disk, beside the chat, until the end."""
        try:
            connection = self._connect("FULL")
            connection.execute("PRAGMA busy_timeout = 0")  # there is a next time
        except sqlite3.Error:
            return  # whoever writes tells
        while not self._ended.wait(CHECKPOINT):
            try:
                if self._failed:
                    self.write([])
                self._checkpoint(connection)
            except sqlite3.Error:
                continue
        connection.close()

    def _checkpoint(self, connection: sqlite3.Connection) -> None:
        """Bring to the disk what is written, and empty the file `-wal`: it holds words that were dropped since.

        While much is written, the first part never gets to the end of that file, which would grow for ever.
        """
        _, pages, copied = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if pages > 0 and (copied == pages or pages > MOST_PAGES):
            with self._using:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def close(self) -> None:
        """Bring all to the disk, and close the file."""
        self._ended.set()
        self._thread.join()
        if self._failed:
            self._failed = 0.001  # long ago: try once more
            self.write([])
        try:
            self._writer.execute("PRAGMA synchronous = FULL")
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error as error:
            if not self._failed:
                self._note(f"history may be incomplete in {self._path}: {error}")
        self._writer.close()
        os.close(self._lock)

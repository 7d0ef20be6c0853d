"""The file of `--history-file`: the kept words of rooms in SQLite, so that they survive the program.

`write` is called before the words are sent to anybody.  It hands them to the operating system, in one write to a file
beside the database, and waits neither for SQLite nor for the disk: all that is written survives the program, however it
ends.  A thread brings them to the database and to the disk every second, so that nearly all survives the machine, too.
After a sudden end, the next start brings into the database whatever stands beside it.

Nothing here raises later on: what goes wrong is noted once, and the chat goes on.
"""

import contextlib
import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from itertools import chain, count

from reference.server.ahead import MOST, Part, Sum, decode, encode, is_at, left, records
from reference.server.history import Drop, Keep

VERSION = 1  # of the tables
PACE = 1.0  # seconds between two times at which what is written is brought to the database, and to the disk
MUCH = 8 * 1024 * 1024  # octets that are brought to the database at once
PARTS = 8  # files that wait for a database that cannot be written; then one is made of them
BACKLOG = 10_000  # changes that wait in memory where no file beside the database can be written
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
        self._using = threading.Lock()  # the next three
        self._part: Part | None = None  # to which changes are written; None: they wait in memory
        self._backlog = bytearray()  # lines of changes that stand in no file
        self._error: OSError | None = None  # of the last write that failed
        self._parts: list[Part] = []  # that are written, and not yet brought to the database; the oldest first
        self._numbers = count(1)  # of the files beside it
        self._to_checkpoint = True
        self._failed = False  # and it was told
        self._woken = threading.Event()
        self._ending = False
        self._lock = self._claim(path)
        try:
            self._database = self._connect()
            self._make()
            self._take_over()
            self.kept = self._read()
            self._turn()
        except (sqlite3.Error, OSError) as error:
            os.close(self._lock)
            if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")):
                raise StoreError(f"{_OPEN} {path}: its folder cannot be written to") from None
            if isinstance(error, PermissionError):
                raise StoreError(f"{_OPEN} {path}: {_words(error)}") from None
            raise BrokenStoreError(f"{_OPEN} {path}: {_words(error)}") from None
        self._thread = threading.Thread(target=self._keep_bringing, name="history", daemon=True)
        self._thread.start()

    def _connect(self) -> sqlite3.Connection:
        path = os.path.abspath(self._path)  # `:memory:` means a file, too
        connection = sqlite3.connect(path, timeout=0.1, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")  # nothing but a checkpoint waits for the disk
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("PRAGMA secure_delete = ON")  # what is dropped is overwritten
        return connection

    def _claim(self, path: str) -> int:
        """Return a descriptor of the file, whose lock says that it is used.

        It is closed after the connection, because SQLite's own locks would go with it.
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

    def _make(self) -> None:
        """Make the table if need be."""
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        if version not in (0, VERSION):
            raise sqlite3.DatabaseError("it is of a later version, or no history")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS event (room TEXT, number INTEGER, time INTEGER, line BLOB,"
            " PRIMARY KEY (room, number)) WITHOUT ROWID"
        )
        self._database.execute(f"PRAGMA user_version = {VERSION}")

    def _take_over(self) -> None:
        """Bring to the database, and to the disk, what stands beside it since a sudden end."""
        paths = left(self._path)
        if not paths:
            return
        lines: list[bytes] = []
        for path in paths:
            with open(path, "rb") as file:
                lines += records(file.read())
        self._transact(decode(lines))
        self._checkpoint()
        for path in paths:  # the oldest first: what is dropped in a later one must not come again
            os.unlink(path)

    def _read(self) -> list[tuple[str, int, int, bytes]]:
        """Return all that is in the table."""
        return list(self._database.execute("SELECT room, number, time, line FROM event ORDER BY room, number"))

    # ------------------------------------------------------------ before words are sent

    def write(self, changes: Sequence[Keep | Drop]) -> None:
        """Hand changes to the operating system; where that fails, they wait in memory."""
        lines = encode(changes)
        with self._using:
            part = self._part
            if part is None:
                self._keep_in_memory(lines)
                return
            try:
                part.append(lines)
            except OSError as error:
                self._error = error
                self._parts.append(part)
                self._part = None
                self._keep_in_memory(lines)
            if part.octets > MUCH and not self._failed:
                self._woken.set()

    def _keep_in_memory(self, lines: bytes) -> None:
        self._backlog += lines
        if len(self._backlog) > MOST:
            total = decode([bytes(self._backlog)])
            newest = sorted(total.kept, key=lambda event: event.time)[-BACKLOG:]
            drops = [Drop(room, first) for room, first in total.firsts.items()][-BACKLOG:]
            self._backlog = bytearray(encode([*newest, *drops]))

    # ------------------------------------------------------------ the thread

    def _keep_bringing(self) -> None:
        """Bring what is written to the database and to the disk, beside the chat, until the end."""
        while not self._ending:
            self._woken.wait(PACE)
            self._woken.clear()
            self._bring_and_tell()

    def _bring_and_tell(self) -> None:
        """Bring all to the database and to the disk; tell what goes wrong, and when it is well again."""
        with self._using:
            error: Exception | None = self._error
            self._error = None
        try:
            if self._is_to_turn():
                self._turn()
        except OSError as unwritten:
            error = unwritten
        try:
            self._bring()
            self._checkpoint()
        except (OSError, sqlite3.Error) as unbrought:
            error = unbrought
        if error is not None and not self._failed:
            self._note(f"history is not kept in {self._path} at present, and the chat goes on without: {_words(error)}")
        elif error is None and self._failed:
            self._note(f"history is kept in {self._path} again")
        self._failed = error is not None

    def _is_to_turn(self) -> bool:
        """Whether changes are to be written to another file from now on."""
        part = self._part
        return not self._crowded and (part is None or part.octets > 0 or not part.in_place)

    @property
    def _crowded(self) -> bool:
        """Whether so much waits for the database that no more may."""
        return len(self._parts) >= PARTS or sum(part.octets for part in self._parts) >= MOST

    def _turn(self) -> None:
        """Have changes written to a new file from now on, and first those that wait in memory; raises OSError."""
        self._merged = self._next_path()  # its place is after those that are written, and before the new one
        fresh = Part(self._next_path())
        with self._using:
            backlog = self._take_backlog()
        try:
            fresh.append(backlog)  # most of it while nobody waits
            with self._using:
                fresh.append(bytes(self._backlog))
                self._backlog.clear()
                if self._part is not None:
                    self._parts.append(self._part)
                self._part = fresh
        except OSError:
            self._put_back(backlog)
            fresh.remove()
            raise

    def _next_path(self) -> str:
        return f"{self._path}-new{next(self._numbers)}"

    def _take_backlog(self) -> bytes:
        backlog, self._backlog = bytes(self._backlog), bytearray()
        return backlog

    def _put_back(self, backlog: bytes) -> None:
        with self._using:
            self._backlog[:0] = backlog

    def _bring(self) -> None:
        """Bring what is written to the database; raises OSError, sqlite3.Error."""
        with self._using:
            backlog = self._take_backlog()
            parts = list(self._parts)
        try:
            total = decode([*chain.from_iterable(part.records() for part in parts), backlog])
            try:
                self._transact(total)
            except sqlite3.Error:
                if self._crowded:
                    self._merge(parts, total)
                    backlog = b""
                raise
        except (OSError, sqlite3.Error):
            self._put_back(backlog)
            raise
        self._remove(parts)

    def _merge(self, parts: list[Part], total: Sum) -> None:
        """Make one file of those that wait: most of what stands in them was dropped since; raises OSError."""
        merged = Part(self._merged)
        try:
            merged.append(encode(total.changes))
        except OSError:
            merged.remove()
            raise
        self._parts.insert(len(parts), merged)
        self._remove(parts)

    def _remove(self, parts: list[Part]) -> None:
        """Remove the oldest files, the oldest first: what is dropped in a later one must not come again."""
        for part in parts:
            part.remove()
            self._parts.remove(part)

    def _transact(self, total: Sum) -> None:
        if not total.firsts:
            return
        if not is_at(self._lock, self._path):  # nobody would find what is written to it
            raise sqlite3.OperationalError("it was moved or deleted")
        self._to_checkpoint = True
        try:
            self._database.execute("BEGIN IMMEDIATE")
            kept = (event[:4] for event in total.kept)
            self._database.executemany("INSERT OR REPLACE INTO event VALUES (?, ?, ?, ?)", kept)
            self._database.executemany("DELETE FROM event WHERE room = ? AND number < ?", total.firsts.items())
            self._database.execute("COMMIT")
        except sqlite3.Error:
            with contextlib.suppress(sqlite3.Error):  # the next one fails, too
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
            raise

    def _checkpoint(self) -> None:
        """Bring the database to the disk, and empty the file `-wal`: it holds words that were dropped since.

        While another program reads, that is not possible; there is a next time.
        """
        if self._to_checkpoint:
            (busy, _, _) = self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self._to_checkpoint = bool(busy)

    def close(self) -> None:
        """Bring all to the disk, and close the file; it comes at the next start where that is not possible now."""
        self._ending = True
        self._woken.set()
        self._thread.join()
        with self._using:
            if self._part is not None:
                self._parts.append(self._part)
                self._part = None
        try:
            self._bring()
            self._checkpoint()
        except (OSError, sqlite3.Error) as error:
            if not self._failed:
                self._note(f"history may be incomplete in {self._path}: {_words(error)}")
            with contextlib.suppress(OSError):
                if self._backlog:
                    self._turn()
        for part in [*self._parts, *([self._part] if self._part else [])]:
            part.close()
        self._database.close()
        os.close(self._lock)


def _words(error: Exception) -> str:
    """Return what is wrong, for people."""
    if not isinstance(error, OSError):
        return str(error)
    return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)

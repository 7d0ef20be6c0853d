"""How the server under test is reached: one that runs already, or a command that starts it."""

import contextlib
import secrets
import shlex
import socket
import tempfile
import threading
from abc import ABC, abstractmethod
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from math import inf
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, NoReturn

from conformance.wire.address import Address, answering, endpoint, written
from conformance.wire.failure import Failed, NotReached, Skipped
from conformance.wire.process import START_SECONDS, Begin, Running, UnreachableError, begun, launch, named, part
from conformance.wire.several import Several
from conformance.wire.tls import Trust

_NONE: Mapping[str, float] = MappingProxyType({})
CROWDED = 50  # clients of the suite on one server; with those of the largest check, fewer than the 100 it should serve
ROOMY = CROWDED // 2  # with fewer, a check that has none yet gets one: so those that have begun mostly need not wait
IN_TURN = 2  # servers of one kind that checks use one after the other: more would only be started
_KEPT = 32  # programs that were started last, whose consoles can still be read
MAX_DEATHS = 5  # a server that ends by itself this often is not started again


class Kind(NamedTuple):
    """Which server several checks play on at the same time: the one that most use, or one of a few others.

    `password`: that it wants; `limits`: that it has; `purpose`: what else sets it apart; `terminal`: whether its
    console is one, or a pair of pipes; `number`: which of several of its kind that checks use one after the other.
    """

    password: str = ""
    limits: tuple[tuple[str, float], ...] = ()
    purpose: str = ""
    terminal: bool = True
    number: int = 0


COMMON = Kind()
COMMONS = (COMMON, Kind(purpose="more"), Kind(purpose="still more"))  # on which most checks play


class Crowd:
    """The clients of all checks on a server that most checks use: a server need not serve any number of them.

    Where there are many, only the check that has had some for longest gets more: so no two wait for each other.
    """

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._counts: dict[object, int] = {}  # clients of each check that has had some, the first first

    @property
    def size(self) -> int:
        """How many clients there are."""
        with self._change:
            return sum(self._counts.values())

    def admit(self, check: object, present: int, seconds: float) -> bool:
        """Wait until a check that has `present` clients there may have one more; return whether it may."""
        with self._change:
            self._counts[check] = present
            if admitted := self._change.wait_for(lambda: self._may(check), seconds):
                self._counts[check] += 1
            return admitted

    def leave(self, check: object) -> None:
        """Note that a check has no clients any more."""
        with self._change:
            if self._counts.pop(check, 0):
                self._change.notify_all()

    def _may(self, check: object) -> bool:
        most = CROWDED if self._counts[check] else ROOMY
        return sum(self._counts.values()) < most or next(iter(self._counts)) is check


class Subject(ABC):
    """The server under test."""

    def __init__(self) -> None:
        self.crowds = {kind: Crowd() for kind in COMMONS}

    can_start = False  # whether a check can have a process for itself
    console = "out of reach"  # or "yes", or "none"
    has_limits = False
    has_stall_limit = False
    has_password = False  # whether a server that wants a password can be started
    tls: Trust | None = None  # what is trusted where all connections are inside TLS

    def common(self) -> Kind:
        """Return on which server a check begins that says nothing else: the first on which there is room."""
        kinds = COMMONS if self.can_start else COMMONS[:1]
        sizes = {kind: self.crowds[kind].size for kind in kinds}
        return next((kind for kind, size in sizes.items() if size < ROOMY), min(kinds, key=sizes.__getitem__))

    @abstractmethod
    def address(self, kind: Kind = COMMON) -> Address:
        """Return where the next client of a server that several checks use connects.

        Raises UnreachableError, or Skipped as `start`.
        """

    @property
    def host(self) -> str:
        """The host that the server's certificate is to name."""
        return "127.0.0.1"

    @abstractmethod
    def shared(self, kind: Kind = COMMON) -> Running:
        """Return a server that several checks use, for its console; raises as `address`, and Skipped where none is."""

    @abstractmethod
    def borrow(self, kind: Kind, seconds: float) -> Kind | None:
        """Return the numbered kind of a server that only the caller uses until `give_back`; raises Skipped as `start`.

        None where none is free within so many seconds.
        """

    def give_back(self, kind: Kind, *, clean: bool) -> None:  # noqa: B027 - nobody borrows where no server can be started
        """Let others use it; unless it is `clean`, as if nobody had been there, it is ended, and they get a new one."""

    @abstractmethod
    def start(self, *, terminal: bool, limits: Mapping[str, float], password: str = "") -> Running:
        """Start a server of its own for a check; raises Skipped where that cannot be.

        `password`: that the server wants, if any; then it has no `limits`.
        """

    def programs(self) -> Sequence[Running]:
        """Return the programs that this subject and those made by `another` started last; some may have ended."""
        return ()

    def another(self) -> "Subject":
        """Return a subject of the same kind, with a server of its own where it can start one."""
        return self

    @abstractmethod
    def arguments(self) -> list[str]:
        """Return the arguments of the command line that name this subject."""

    def _common_arguments(self) -> list[str]:
        tls = ["--tls-ca", str(self.tls.path)] if self.tls else []
        return [*tls, *(["--no-console"] if self.console == "none" else [])]

    def deaths(self) -> tuple[str, ...]:
        """Return in words how often, and each time how, a server that several checks use ended by itself."""
        return ()

    @abstractmethod
    def look_again(self, seconds: float) -> None:
        """Look whether the servers that several checks use still serve, within `seconds`, and note it if not."""

    def close(self) -> None:  # noqa: B027 - nothing to do for a server that is not ours
        """End what was started."""


class AddressSubject(Subject):
    """A server that runs already, and that others may use at the same time."""

    def __init__(self, addresses: Sequence[Address], *, console: bool = True, tls: Trust | None = None) -> None:
        """`addresses`: clients connect to one after the other; with several, these are one server.

        `console`: false where it is said to have none; `tls`: what is trusted where it speaks TLS.
        """
        super().__init__()
        self._named = tuple(addresses)
        self._numbers: dict[Address, Address] = {}  # of each, the same for all that connect
        self._turns = count()
        self._lock = threading.Lock()
        self.tls = tls
        self._deaths: tuple[str, ...] = ()
        if not console:
            self.console = "none"

    def address(self, kind: Kind = COMMON) -> Address:
        if kind != COMMON:
            self.start()
        if self._deaths:
            raise UnreachableError(self._deaths[0])
        with self._lock:
            for place in self._named if not self._numbers else ():
                try:
                    self._numbers[place] = answering(place, START_SECONDS)
                except OSError as error:
                    told = f"nobody accepts connections at {written(place)}: {error.strerror or error}"
                    raise UnreachableError(told) from error
            return self._numbers[self._named[next(self._turns) % len(self._named)]]

    @property
    def host(self) -> str:
        return self._named[0][0]

    def shared(self, kind: Kind = COMMON) -> Running:
        self.start()

    def borrow(self, kind: Kind, seconds: float) -> NoReturn:
        self.start()

    def deaths(self) -> tuple[str, ...]:
        return self._deaths

    def look_again(self, seconds: float) -> None:
        if not self._deaths:
            self.address()  # so that the numbers are known
        for place in () if self._deaths else self._named:
            if not _serves(self._numbers[place], seconds, self.tls, self.host):
                self._deaths = (f"the server at {written(place)} serves nobody any more",)

    def start(self, *, terminal: bool = True, limits: Mapping[str, float] = _NONE, password: str = "") -> NoReturn:
        raise Skipped("needs a server process of its own, and --server gives none", missing=True)

    def arguments(self) -> list[str]:
        servers = [word for named in self._named for word in ("--server", written(named))]
        return [*servers, *self._common_arguments()]


class CommandSubject(Subject):
    """A server that a command starts, as often as it is needed."""

    can_start = True

    def __init__(
        self,
        command: str,
        *,
        limited_command: str | None = None,
        password_command: str | None = None,
        console: bool = True,
        tls: Trust | None = None,
        start_seconds: float = START_SECONDS,
        greet_seconds: float = inf,
        idle_seconds: float = inf,
        nodes: int = 1,
        begin: Begin = begun,
    ) -> None:
        """`command` has `{port}` in it, and can have `{python}`; `limited_command` `{clients}` and `{seconds}` too.

        `password_command` has `{password_file}` in it.  `tls`: what is trusted where all of them speak TLS;
        `start_seconds`, `greet_seconds`, `idle_seconds`: what each may take until it serves; see `launch`.
        `nodes`: how many programs are one server, for which `{cluster}` in the commands is a word of its own.
        `begin`: what starts a program.
        """
        super().__init__()
        self._command = command
        self._nodes = nodes
        self._begin = begin
        self.tls = tls
        self._limited = limited_command
        self._password = password_command
        self._start_seconds = start_seconds
        self._greet_seconds = greet_seconds
        self._idle_seconds = idle_seconds
        self._programs: deque[Running] = deque(maxlen=_KEPT)
        self._lock = threading.Lock()
        self._started: list[Running] = []  # those that may still run
        self._closed = False
        self._running: dict[Kind, Running] = {}
        self._starting: defaultdict[Kind, threading.Lock] = defaultdict(threading.Lock)
        self._given_back = threading.Condition(self._lock)
        self._borrowed: set[Kind] = set()
        self._deaths: list[str] = []
        self.console = "yes" if console else "none"
        self.has_limits = limited_command is not None
        self.has_stall_limit = "{stall}" in (limited_command or "")
        self.has_password = password_command is not None

    def another(self) -> "CommandSubject":
        other = CommandSubject(
            self._command,
            limited_command=self._limited,
            password_command=self._password,
            console=self.console == "yes",
            tls=self.tls,
            start_seconds=self._start_seconds,
            greet_seconds=self._greet_seconds,
            idle_seconds=self._idle_seconds,
            nodes=self._nodes,
            begin=self._begin,
        )
        other._programs = self._programs
        return other

    def programs(self) -> Sequence[Running]:
        return tuple(self._programs)

    def address(self, kind: Kind = COMMON) -> Address:
        return self.shared(kind).entrance()

    def borrow(self, kind: Kind, seconds: float) -> Kind | None:
        with self._given_back:
            return self._given_back.wait_for(lambda: self._lent(kind), seconds)

    def _lent(self, kind: Kind) -> Kind | None:
        """Note that a server that nobody has is borrowed, if there is one: rather one that runs."""
        numbered = [kind._replace(number=number) for number in range(1, IN_TURN + 1)]
        free = sorted((one for one in numbered if one not in self._borrowed), key=lambda one: one not in self._running)
        self._borrowed.update(free[:1])
        return next(iter(free), None)

    def give_back(self, kind: Kind, *, clean: bool) -> None:
        with self._given_back:
            running = None if clean else self._running.pop(kind, None)
        if running is not None:
            running.stop()
        with self._given_back:
            self._borrowed.discard(kind)
            self._given_back.notify_all()

    def shared(self, kind: Kind = COMMON) -> Running:
        with self._lock:
            starting = self._starting[kind]
        with starting:  # only those wait that are to use it
            with self._lock:
                self._note_death(kind)
                running, deaths = self._running.get(kind), len(self._deaths)
            if running is None:
                if deaths >= MAX_DEATHS:
                    raise NotReached("SEC-1")  # which is told at the end of the run
                running = self.start(terminal=kind.terminal, limits=dict(kind.limits), password=kind.password)
                with self._lock:
                    self._running[kind] = running
            return running

    def start(self, *, terminal: bool, limits: Mapping[str, float], password: str = "") -> Running:
        if password:
            return self._start_with_password(password, terminal=terminal)
        if limits and self._limited is None:
            raise Skipped("needs a limit, and --limited-server-cmd is not given", missing=False)
        return self._launch(self._limited or "" if limits else self._command, terminal=terminal, limits=limits)

    def _launch(self, command: str, *, terminal: bool, limits: Mapping[str, float | str]) -> Running:
        start = partial(
            launch,
            command,
            terminal=terminal,
            start_seconds=self._start_seconds,
            greet_seconds=self._greet_seconds,
            idle_seconds=self._idle_seconds,
            tls=self.tls,
            on_start=self._keep_track,
            begin=self._begin,
        )
        if self._nodes == 1:
            return start(limits=limits)
        cluster = f"c{secrets.token_hex(8)}"
        with ThreadPoolExecutor(self._nodes) as pool:
            starting = [
                pool.submit(start, limits={**limits, "cluster": cluster, "node": node}) for node in range(self._nodes)
            ]
        programs = [one.result() for one in starting if not one.exception()]
        for one in starting:
            if error := one.exception():
                for program in programs:
                    program.stop()
                raise error
        return Several(programs)

    def _keep_track(self, running: Running) -> None:
        """Note that a program runs; raise UnreachableError where the run has ended meanwhile, and nothing may start."""
        self._programs.append(running)
        with self._lock:
            self._started = [*(one for one in self._started if not one.stopped), running]
            closed = self._closed
        if closed:
            running.stop()
            raise UnreachableError("the run has ended")

    def _start_with_password(self, password: str, *, terminal: bool) -> Running:
        if self._password is None:
            raise Skipped("needs a server that wants a password, and --password-server-cmd is not given", missing=False)
        with tempfile.TemporaryDirectory(prefix="flurfunk-") as folder:
            file = Path(folder, "password")
            file.touch(0o600)
            file.write_text(f"{password}\n", encoding="utf-8")
            return self._launch(self._password, terminal=terminal, limits={"password_file": shlex.quote(str(file))})

    def arguments(self) -> list[str]:
        limited = ["--limited-server-cmd", self._limited] if self._limited else []
        password = ["--password-server-cmd", self._password] if self._password else []
        return [
            "--server-cmd",
            self._command,
            *limited,
            *password,
            *(["--nodes", str(self._nodes)] if self._nodes > 1 else []),
            *self._common_arguments(),
        ]

    def deaths(self) -> tuple[str, ...]:
        with self._lock:
            for kind in tuple(self._running):
                self._note_death(kind)
            return tuple(self._deaths)

    def look_again(self, seconds: float) -> None:
        with self._lock:
            for kind, running in tuple(self._running.items()):
                if kind.number or _serves(running.entrance(), seconds, self.tls, self.host):
                    continue
                with contextlib.suppress(Failed):
                    running.wait(1)
                self._note_death(kind)
                if kind in self._running:
                    self._running.pop(kind).stop()
                    self._deaths.append("the server program ran and served nobody any more")

    def _note_death(self, kind: Kind) -> None:
        """Note how the running server of this kind ended, if it did; the lock is held."""
        running = self._running.get(kind)
        if running is not None and (status := running.status()) is not None:
            if not kind.number:  # that of one that checks use one after the other is told by the check that saw it
                told = running.last_words()
                self._deaths.append(f"the server program ended by itself, with {named(status)}{told}")
            running.stop()  # ends what it started, and gives its port back
            del self._running[kind]

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._running.clear()
            left = [one for one in self._started if not one.stopped]
        for running in left:
            running.ask_to_end()
        for running in left:
            running.stop()


def _serves(address: Address, seconds: float, tls: Trust | None, host: str) -> bool:
    """Whether anything comes from the server within so many seconds; what it is, the checks look at."""
    family, place = endpoint(address)
    probe = socket.socket(family)
    try:
        probe.settimeout(seconds)
        probe.connect(place)
    except OSError:
        probe.close()
        return False
    try:
        probe = tls.enter(probe, host) if tls else probe
        probe.sendall(b"/ping still-there\n")
        return bool(probe.recv(1))
    except OSError:
        return False
    finally:
        part(probe)

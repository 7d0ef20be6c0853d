"""A server of several programs, which is one to a check: its clients connect to one program after the other."""

import contextlib
import signal
from collections.abc import Sequence
from itertools import count
from queue import SimpleQueue

from conformance.wire.address import Address
from conformance.wire.failure import Failed
from conformance.wire.process import Running

_turns = count()


class Several(Running):
    """Programs that are one server.  The console of one of them is used, in turn from server to server."""

    def __init__(self, programs: Sequence[Running]) -> None:
        """`programs`: all of them accept connections."""
        self._programs = programs
        self._console = programs[next(_turns) % len(programs)]
        self._doors = count()
        self._all_shown: SimpleQueue[bytes] = SimpleQueue()
        self._silent = 0  # programs that show nothing more
        super().__init__(self._console.port)
        for program in programs:
            program.pass_on(self._all_shown)
        self._reader.start()

    several = True

    @property
    def pid(self) -> int:
        return self._console.pid

    @property
    def ports(self) -> list[int]:
        return [port for program in self._programs for port in program.ports]

    def entrance(self, *, together: bool = False) -> Address:
        return self.address if together else self._programs[next(self._doors) % len(self._programs)].address

    def _write(self, octets: bytes) -> None:
        self._console._write(octets)

    def _end_input(self) -> None:
        self._console._end_input()

    def status(self) -> int | None:
        """Return the exit status: the first that is not 0; None while one runs, unless one has ended untold."""
        statuses = [program.status() for program in self._programs]
        if self.told_to_end and None in statuses:
            return None
        return next((status for status in statuses if status), 0 if 0 in statuses else None)

    def signal(self, number: signal.Signals, *, group: bool = False) -> None:
        """Send a signal to each of them; raises Failed where the one with the console has ended."""
        self.transcript.signalled(number.name)
        self.told_to_end = True
        self._console.signal(number, group=group)
        for program in self._programs:
            if program is not self._console:
                with contextlib.suppress(Failed):
                    program.signal(number, group=group)

    def ask_to_end(self) -> None:
        if not self._stopped:
            self._ended, self._stopped = self.ended_by_itself, True
            for program in self._programs:
                program.ask_to_end()

    def stop(self) -> None:
        self.ask_to_end()  # all at the same time
        for program in self._programs:
            program.stop()
        self._reader.join(1)

    def _rests(self) -> bool:
        return all(program._rests() for program in self._programs)

    def _output(self) -> int:
        return self._console._output()

    def memory(self) -> int | None:
        return sum(program.memory() or 0 for program in self._programs) or None

    def busy(self) -> float | None:
        times = [busy for program in self._programs if (busy := program.busy()) is not None]
        return sum(times) if times else None

    def _reap(self) -> None:
        """Nothing of its own is to be waited for."""

    def _read(self) -> bytes:
        while not (octets := self._all_shown.get()):
            self._silent += 1
            if self._silent == len(self._programs):
                break
        return octets

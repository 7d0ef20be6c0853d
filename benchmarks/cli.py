"""The command line: which servers, which workloads, how large; and the exit status."""

import argparse
import contextlib
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from benchmarks import report
from benchmarks.catalogue import USUAL, WORKLOADS
from benchmarks.run import Measurement, Size, heed_signals, raise_limit, run
from benchmarks.server import Command, StartError

RIGHT, WRONG, USAGE, NOT_STARTED, INTERRUPTED = 0, 1, 2, 3, 130
REFERENCE = Command("reference", "{python} reference/server/server.py --port {port} --max-clients 0")
_EPILOG = """\
Exit status: 0 all deliveries were right; 1 a server lost, doubled, misrouted, reordered or altered something, refused a
client, grew, or died; 2 wrong usage, or too few descriptors (ulimit -Hn); 3 a server did not start; 130 interrupted."""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """End with status 2."""
        self.exit(USAGE, f"{self.prog}: {message}; --help tells more\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; return the exit status."""
    arguments = _parse(argv)
    size = Size(arguments.seconds, arguments.reps, arguments.clients, arguments.quick)
    heed_signals()
    if wrong := raise_limit(max(map(size.clients_of, arguments.work))):
        return _complain(wrong, USAGE)
    try:
        if arguments.output:
            arguments.output.mkdir(parents=True, exist_ok=True)
        return _measure(arguments.server_cmd or [REFERENCE], size, arguments)
    except KeyboardInterrupt:
        return _complain("interrupted", INTERRUPTED)
    except BrokenPipeError:  # `| head`, for instance: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INTERRUPTED
    except OSError as error:
        return _complain(f"{error.filename or 'benchmarks'}: {error.strerror}", USAGE)


def _measure(commands: list[Command], size: Size, arguments: argparse.Namespace) -> int:
    """Measure, and show what came out, as far as it came."""
    measurements: list[Measurement] = []
    status = RIGHT
    try:
        for measurement in run(commands, arguments.work, size, sys.stderr):
            measurements.append(measurement)
    except StartError as error:
        status = _complain(error, NOT_STARTED)
    result = report.Result(commands, measurements)
    if measurements:
        print(report.as_text(result))
        if arguments.output:
            report.write(result, arguments.output)
    return status or (WRONG if any(measurement.errors for measurement in measurements) else RIGHT)


def _complain(what: object, status: int) -> int:
    print(f"benchmarks: {what}", file=sys.stderr)
    return status


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; ends with status 2 where it is wrong."""
    works = "\n".join(f"  {name:<9}{one.text.format(clients=one.clients)}" for name, one in WORKLOADS.items())
    parser = _Parser(
        prog="benchmarks",
        description="Measure servers that speak Flurfunk/1, side by side, and check every delivery.",
        epilog=f"Workloads:\n{works}\n\n{_EPILOG}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--server-cmd",
        action="append",
        type=_command,
        metavar="[NAME=]CMD",
        help="a server, with {port} in its command and {python} for this interpreter; several times for several, the "
        "first of which the others are compared with (default: the reference server)",
    )
    add("--work", type=_works, default=USUAL, metavar="LIST", help="workloads, with commas (default: all but soak)")
    add("--seconds", type=_from(0.1, float), metavar="S", help="of each measurement (default: 3; soak 900)")
    add("--reps", type=_from(1, int), metavar="N", help="how often each is done (default: 3); soak is done once")
    add("--clients", type=_from(2, int), metavar="N", help="connections of each workload (default: as told below)")
    add("--quick", action="store_true", help="small, short and once: whether all works")
    add("--output", type=Path, metavar="DIR", help="write results.json, table.md and chart.svg there")
    arguments = parser.parse_args(argv)
    named = arguments.server_cmd or []
    arguments.server_cmd = [
        Command(command.name or f"server-{number}", command.line) for number, command in enumerate(named, 1)
    ]
    if len({command.name for command in arguments.server_cmd}) < len(named):
        parser.error("two servers have the same name")
    return arguments


def _command(text: str) -> Command:
    """Read NAME=CMD, or CMD alone, which gets its name later."""
    found = re.fullmatch(r"(?:([\w.+-]+)=)?(.*)", text, re.DOTALL)
    assert found
    command = Command(found[1] or "", found[2])
    try:
        command.words(1)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return command


def _works(text: str) -> list[str]:
    chosen = text.split(",")
    for name in chosen:
        if name not in WORKLOADS:
            raise argparse.ArgumentTypeError(f"{name!r} is no workload; there are {', '.join(WORKLOADS)}")
    return list(dict.fromkeys(chosen))


def _from(least: float, kind: type[int] | type[float]) -> Callable[[str], float]:
    """Return a reader of numbers from `least` to a million."""

    def read(text: str) -> float:
        with contextlib.suppress(ValueError):
            if least <= (number := kind(text)) <= 1_000_000:
                return number
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least} to 1000000")

    return read

"""The command line: which server, which checks, and the exit status."""

import argparse
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from conformance import matrix, smoke
from conformance.document import Run
from conformance.expected import Expectations
from conformance.grammar import Grammar
from conformance.outcome import CONFORMANT, INTERRUPTED, NOT_PROVEN, SUITE_FAULT
from conformance.registry import Check, all_checks
from conformance.run import Part, perform
from conformance.runner import CheckRunner, Runner, Settings
from conformance.session import session_checks
from conformance.spec import GRAMMAR, Requirement, SpecNotFoundError, find_spec, read_requirements
from conformance.subject import AddressSubject, CommandSubject, Subject
from conformance.subjectfile import SubjectFile, SubjectFileError, read_subject_file

REFERENCE = "{python} reference/server/server.py --port {port}"
REFERENCE_LIMITED = REFERENCE + " --max-clients {clients} --choose-timeout {seconds} --stall-timeout {stall}"
_LEVELS = ("must", "should", "may")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the suite; return 0 conformant, 1 not, 2 not proven, 3 server not reachable, 4 fault of the suite."""
    words = sys.argv[1:] if argv is None else argv
    if words[:1] == ["matrix"]:
        return matrix.main(words[1:])
    arguments = _parser().parse_args(words)
    try:
        directory = find_spec(arguments.spec)
        requirements = read_requirements(directory)
        checks = all_checks() + session_checks(directory)
        file = read_subject_file(arguments.subject) if arguments.subject else SubjectFile()
        _fill(arguments, file, {check.id for check in checks})
    except SubjectFileError as error:
        return _complain(error, NOT_PROVEN)
    except (SpecNotFoundError, ValueError, OSError) as error:
        return _complain(error, SUITE_FAULT)
    if arguments.digests:
        print("\n".join(f"{requirement.id} {requirement.digest}" for requirement in requirements.values()))
        return CONFORMANT
    try:
        return _perform(checks, requirements, directory, file, arguments)
    except KeyboardInterrupt:
        return INTERRUPTED


def _fill(arguments: argparse.Namespace, file: SubjectFile, checks: set[str]) -> None:
    """Let what stands in the file count where the command line says nothing; raises SubjectFileError."""
    try:
        if not (arguments.server or arguments.server_cmd):
            arguments.server_cmd = file.server_command and _command(file.server_command)
            arguments.server = file.address and _address(file.address)
        if not arguments.limited_server_cmd:
            arguments.limited_server_cmd = file.limited_server_command and _command(file.limited_server_command)
    except argparse.ArgumentTypeError as error:
        raise SubjectFileError(f"{arguments.subject}: [server] {error}") from error
    arguments.console = arguments.console and file.console
    if unknown := file.unknown(checks):
        raise SubjectFileError(f"{arguments.subject}: {unknown[0]} is expected to fail, and does not exist")


def _perform(
    checks: list[Check],
    requirements: dict[str, Requirement],
    directory: Path,
    file: SubjectFile,
    arguments: argparse.Namespace,
) -> int:
    """Run the selected checks; return the exit status."""
    selected = _selected(checks, requirements, arguments)
    if not selected:
        return _complain(f"no check is selected by {', '.join(arguments.select)}", NOT_PROVEN)
    if arguments.list:
        print(
            "\n".join(f"{check.id:<44} {requirements[check.requirement].level:<6} {check.title}" for check in selected)
        )
        return CONFORMANT
    subject = _subject(arguments)
    options = {key: getattr(arguments, key) for key in ("select", "level", "jobs", "seed", "examples", "time_factor")}
    named = ["--subject", str(arguments.subject)] if arguments.subject else []
    if not arguments.subject or arguments.server or arguments.server_cmd:
        named += subject.arguments()
    run = Run(requirements, directory, named, options, name=file.name, version=file.version)
    grammar = Grammar(directory / GRAMMAR)

    def open_server() -> tuple[CheckRunner, frozenset[str]]:
        first = smoke.look(subject.address())
        deadline = first.deadline * arguments.time_factor
        settings = Settings(
            first.features, deadline, arguments.jobs, arguments.seed, frozenset(file.features), arguments.examples
        )
        return Runner(subject, requirements, grammar, settings), first.features

    expectations = Expectations(file.expected_failures, datetime.now(UTC).date())
    known = {check.id for check in checks}
    return perform(run, [Part(selected, open_server, subject.close)], expectations, known, arguments.report)


def _complain(error: object, status: int) -> int:
    print(f"flurfunk-conformance: {error}", file=sys.stderr)
    return status


def _selected(checks: list[Check], requirements: dict[str, Requirement], arguments: argparse.Namespace) -> list[Check]:
    """Return the checks whose identifier, requirement, section or level is asked for, in the order of the sections."""
    order = {identifier: number for number, identifier in enumerate(requirements)}
    unknown = [check.id for check in checks if check.requirement not in requirements]
    if unknown:
        raise SystemExit(_complain(f"checks cite what does not exist: {', '.join(unknown)}", SUITE_FAULT))
    return sorted(
        (
            check
            for check in checks
            if (not arguments.select or any(_is_meant(check, requirements, word) for word in arguments.select))
            and (not arguments.level or requirements[check.requirement].level.lower() in arguments.level)
        ),
        key=lambda check: order[check.requirement],
    )


def _is_meant(check: Check, requirements: dict[str, Requirement], word: str) -> bool:
    section = requirements[check.requirement].section
    return word in (check.id, check.requirement, check.requirement.partition("-")[0], section) or section.startswith(
        f"{word}."
    )


def _subject(arguments: argparse.Namespace) -> Subject:
    if arguments.server:
        host, port = arguments.server
        return AddressSubject(host, port, console=arguments.console)
    if arguments.server_cmd:
        return CommandSubject(
            arguments.server_cmd, limited_command=arguments.limited_server_cmd, console=arguments.console
        )
    if not Path("reference/server/server.py").is_file():
        raise SystemExit(_complain("which server? Say it with --server-cmd, --server or --subject", NOT_PROVEN))
    return CommandSubject(REFERENCE, limited_command=REFERENCE_LIMITED, console=arguments.console)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="flurfunk-conformance",
        description="Checks whether a server conforms to Flurfunk/1; the reference server where none is named.",
        usage="%(prog)s [option ...]\n       %(prog)s matrix DIR ... [--output FILE.html]",
        epilog="Exit status: 0 conformant, 1 not, 2 inconclusive or required checks not run (or wrong usage), "
        "3 server not reachable, 4 fault of the suite.",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--server-cmd", type=_command, metavar="CMD", help="starts the server; {port} is replaced by a free port"
    )
    which.add_argument("--server", type=_address, metavar="HOST:PORT", help="a server that runs already")
    parser.add_argument(
        "--limited-server-cmd",
        type=_command,
        metavar="CMD",
        help="starts it with limits; also replaced: {clients}, {seconds} to choose a room (0: no limit), "
        "and, optional, {stall} seconds that a reader may stall",
    )
    parser.add_argument(
        "--subject",
        type=Path,
        metavar="FILE",
        help="a subject.toml that says all of this, and which failures are expected",
    )
    parser.add_argument("--no-console", dest="console", action="store_false", help="the server has no console")
    parser.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="WHAT",
        help="LINE-4, LINE-4/long-lines, LINE, or a section: 3.1",
    )
    parser.add_argument("--level", action="append", choices=_LEVELS, help="only requirements of this level")
    parser.add_argument(
        "--report", type=Path, metavar="DIR", help="write report.json, junit.xml, report.html and badge.svg there"
    )
    parser.add_argument("--list", action="store_true", help="list the checks and run nothing")
    parser.add_argument("--digests", action="store_true", help="list the digest of each sentence and run nothing")
    parser.add_argument("--jobs", type=_positive_int, default=4, metavar="N", help="checks at a time (default 4)")
    parser.add_argument(
        "--time-factor", type=_positive, default=1.0, metavar="F", help="all deadlines are F times as long"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the conversations by chance (default 1)")
    parser.add_argument(
        "--examples", type=_positive_int, default=100, metavar="N", help="conversations by chance (default 100)"
    )
    parser.add_argument("--spec", type=Path, metavar="DIR", help="where the specification is")
    return parser


def _command(value: str) -> str:
    if "{port}" not in value:
        raise argparse.ArgumentTypeError("{port} does not stand in the command")
    try:
        value.format(python="", port=0, clients=0, seconds=0, stall=0)
    except (KeyError, IndexError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"a brace that means nothing ({error}); double it to keep it") from error
    return value


def _address(value: str) -> tuple[str, int]:
    match = re.fullmatch(r"(.+):(\d{1,5})", value)
    if not match or not 0 < int(match[2]) < 65536:
        raise argparse.ArgumentTypeError(f"{value!r} is not HOST:PORT")
    return match[1], int(match[2])


def _positive(value: str) -> float:
    number = float(value)
    if not 0 < number < 1e6:
        raise argparse.ArgumentTypeError("has to be more than 0")
    return number


def _positive_int(value: str) -> int:
    number = int(value)
    if number < 1:
        raise argparse.ArgumentTypeError("has to be at least 1")
    return number

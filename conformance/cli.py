"""The command line: which server, which checks, and the exit status."""

import argparse
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from conformance import report, smoke
from conformance.grammar import Grammar
from conformance.registry import Check, all_checks
from conformance.runner import Result, Runner, Settings
from conformance.session import session_checks
from conformance.spec import GRAMMAR, Requirement, SpecNotFoundError, find_spec, read_requirements
from conformance.subject import AddressSubject, CommandSubject, Subject, UnreachableError
from conformance.verdict import Verdict

CONFORMANT, NOT_CONFORMANT, NOT_PROVEN, UNREACHABLE, SUITE_FAULT, INTERRUPTED = 0, 1, 2, 3, 4, 130

REFERENCE = "{python} reference/server/server.py --port {port}"
REFERENCE_LIMITED = REFERENCE + " --max-clients {clients} --choose-timeout {seconds} --stall-timeout {stall}"
_LEVELS = ("must", "should", "may")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the suite; return 0 conformant, 1 not, 2 not proven, 3 server not reachable, 4 fault of the suite."""
    arguments = _parser().parse_args(argv)
    try:
        directory = find_spec(arguments.spec)
        requirements = read_requirements(directory)
        grammar = Grammar(directory / GRAMMAR)
    except (SpecNotFoundError, ValueError, OSError) as error:
        return _complain(error, SUITE_FAULT)
    if arguments.digests:
        print("\n".join(f"{requirement.id} {requirement.digest}" for requirement in requirements.values()))
        return CONFORMANT
    checks = _selected(all_checks() + session_checks(directory), requirements, arguments)
    if not checks:
        return _complain(f"no check is selected by {', '.join(arguments.select)}", NOT_PROVEN)
    if arguments.list:
        print("\n".join(f"{check.id:<44} {requirements[check.requirement].level:<6} {check.title}" for check in checks))
        return CONFORMANT
    subject = _subject(arguments)
    try:
        return _run(subject, checks, requirements, grammar, arguments)
    except UnreachableError as error:
        return _complain(error, UNREACHABLE)
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        subject.close()


def exit_status(results: Sequence[Result]) -> int:
    """Return the exit status that some results come to."""
    if any(result.verdict is Verdict.ERROR for result in results):
        return SUITE_FAULT
    if any(result.verdict is Verdict.FAIL for result in results):
        return NOT_CONFORMANT
    required = [result for result in results if result.requirement.level == "MUST"]
    if any(result.missing or result.verdict is Verdict.INCONCLUSIVE for result in required):
        return NOT_PROVEN
    return CONFORMANT


def _run(
    subject: Subject,
    checks: list[Check],
    requirements: dict[str, Requirement],
    grammar: Grammar,
    arguments: argparse.Namespace,
) -> int:
    began = time.monotonic()
    first = smoke.look(subject.address())
    settings = Settings(first.features, first.deadline * arguments.time_factor, arguments.jobs, arguments.seed)

    def on_result(result: Result) -> None:
        if result.verdict not in (Verdict.PASS, Verdict.SKIP):
            print(report.explained(result, subject.arguments()), end="\n\n", flush=True)

    results = Runner(subject, requirements, grammar, settings).run(checks, on_result)
    shown = [r for r in requirements.values() if not arguments.select or any(x.requirement == r for x in results)]
    print(report.table(shown, results))
    status = exit_status(results)
    counts = {verdict: sum(result.verdict is verdict for result in results) for verdict in Verdict}
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    print(f"\n{len(results)} checks in {time.monotonic() - began:.1f} s, seed {arguments.seed}: {told}")
    print(_conclusion(status, partial=bool(arguments.select or arguments.level)))
    return status


def _conclusion(status: int, *, partial: bool) -> str:
    if status == CONFORMANT and partial:
        return "What was selected holds. Only a run of all checks tells whether the server conforms."
    return {
        CONFORMANT: "The server conforms to Flurfunk/1.",
        NOT_CONFORMANT: "The server does not conform to Flurfunk/1.",
        NOT_PROVEN: "Whether the server conforms is not known: required checks were not run, or are inconclusive.",
    }.get(status, "The suite has a fault; nothing is known about the server.")


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
    return CommandSubject(REFERENCE, limited_command=REFERENCE_LIMITED, console=arguments.console)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="flurfunk-conformance",
        description="Checks whether a server conforms to Flurfunk/1; the reference server where none is named.",
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
    parser.add_argument("--no-console", dest="console", action="store_false", help="the server has no console")
    parser.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="WHAT",
        help="LINE-4, LINE-4/long-lines, LINE, or a section: 3.1",
    )
    parser.add_argument("--level", action="append", choices=_LEVELS, help="only requirements of this level")
    parser.add_argument("--list", action="store_true", help="list the checks and run nothing")
    parser.add_argument("--digests", action="store_true", help="list the digest of each sentence and run nothing")
    parser.add_argument("--jobs", type=_positive_int, default=4, metavar="N", help="checks at a time (default 4)")
    parser.add_argument(
        "--time-factor", type=_positive, default=1.0, metavar="F", help="all deadlines are F times as long"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the random walk (default 1)")
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

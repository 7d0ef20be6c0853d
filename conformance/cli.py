"""The command line: which server and client, which checks, and the exit status."""

import argparse
import functools
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import inf
from pathlib import Path

from conformance.checks.registry import all_checks, client_checks
from conformance.conversations.session import SessionSyntaxError, read_session, session_check, session_checks
from conformance.judging.check import Check
from conformance.judging.client_runner import ClientRunner
from conformance.judging.expected import Expectations
from conformance.judging.outcome import CONFORMANT, INTERRUPTED, NOT_PROVEN, SUITE_FAULT
from conformance.judging.result import Settings
from conformance.judging.runner import CheckRunner
from conformance.judging.server_runner import Runner
from conformance.next import HURRY, Course, Stop, Watch, tell, walk
from conformance.reports import matrix
from conformance.reports.document import Run
from conformance.reports.progress import print_into_nothing
from conformance.reports.reached import STEPS
from conformance.run import Part, perform
from conformance.slips import slip
from conformance.stage import first_look as smoke
from conformance.stage.client_subject import ClientSubject, look
from conformance.stage.server_subject import AddressSubject, CommandSubject, Subject
from conformance.stage.terminal import COLUMNS
from conformance.subjectfile import SubjectFile, SubjectFileError, read_subject_file
from conformance.text.grammar import Grammar
from conformance.text.requirements import GRAMMAR, Requirement, SpecNotFoundError, find_spec, read_requirements
from conformance.wire.process import START_SECONDS
from conformance.wire.tls import Identity, Trust

REFERENCE = "{python} reference/server/server.py --port {port}"
REFERENCE_LIMITED = REFERENCE + " --max-clients {clients} --choose-timeout {seconds} --stall-timeout {stall}"
REFERENCE_PASSWORD = REFERENCE + " --password-file {password_file}"
REFERENCE_CLIENT = "{python} reference/client/client.py {host}:{port} --no-reconnect"
SERVER_JOBS, CLIENT_JOBS = 32, 12  # checks at a time: those of servers wait most of their time
SMALL_LOOK = 1.0  # seconds for the greeting of a server that is being built
IDLE_SECONDS = 3.0  # in which such a one may do nothing before it listens
_LEVELS = ("must", "should", "may")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the suite; return 0 conformant, 1 not, 2 not proven, 3 subject not reachable, 4 fault of the suite."""
    try:
        return _main(sys.argv[1:] if argv is None else argv)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # of `--list | head`, for instance
        print_into_nothing()
        return INTERRUPTED


def _main(words: Sequence[str]) -> int:
    if words[:1] == ["matrix"]:
        return matrix.main(words[1:])
    leads = words[:1] == ["next"]
    arguments = _parser(leads=leads).parse_args(words[1:] if leads else words)
    try:
        directory = find_spec(arguments.spec)
        requirements = read_requirements(directory)
        checks = {"server": all_checks() + session_checks(directory), "client": client_checks()}
        file = read_subject_file(arguments.subject) if arguments.subject else SubjectFile()
        _fill(arguments, file, {check.id for some in checks.values() for check in some})
        if arguments.replay:
            checks = {"server": [session_check(read_session(path)) for path in arguments.replay], "client": []}
            arguments.select = [check.id for check in checks["server"]]
    except (SubjectFileError, SessionSyntaxError) as error:
        return _complain(error, NOT_PROVEN)
    except (SpecNotFoundError, ValueError, OSError) as error:
        return _complain(error, SUITE_FAULT)
    if arguments.digests:
        print("\n".join(f"{requirement.id} {requirement.digest}" for requirement in requirements.values()))
        return CONFORMANT
    return (_lead if leads else _perform)(checks, requirements, directory, file, arguments)


def _fill(arguments: argparse.Namespace, file: SubjectFile, checks: set[str]) -> None:
    """Let what stands in the file count where the command line says nothing; raises SubjectFileError."""
    words = {"server": arguments.server or arguments.server_cmd, "client": arguments.client_cmd}
    arguments.named = {kind for kind, word in words.items() if word}  # beside the file, or without it
    try:
        if not (arguments.server or arguments.server_cmd):
            arguments.server_cmd = file.server_command and _command(file.server_command)
            arguments.server = file.address and _address(file.address)
        if not arguments.limited_server_cmd:
            arguments.limited_server_cmd = file.limited_server_command and _command(file.limited_server_command)
        if not arguments.password_server_cmd:
            command = file.password_server_command
            arguments.password_server_cmd = command and _password_command(command)
        if not arguments.client_cmd:
            arguments.client_cmd = file.client_command and _command(file.client_command)
        if not arguments.tls_ca:
            arguments.tls_ca = file.tls_ca and _trust(file.tls_ca)
    except argparse.ArgumentTypeError as error:
        raise SubjectFileError(f"{arguments.subject}: {error}") from error
    arguments.identity = _identity(arguments.tls_cert or file.tls_cert, arguments.tls_key or file.tls_key)
    if arguments.identity and not arguments.client_cmd:
        raise SubjectFileError("--tls-cert and --tls-key are for a client: say --client-cmd")
    arguments.console = arguments.console and file.console
    if unknown := file.unknown(checks):
        raise SubjectFileError(f"{arguments.subject}: {unknown[0]} is expected to fail, and does not exist")


def _perform(
    checks: dict[str, list[Check]],
    requirements: dict[str, Requirement],
    directory: Path,
    file: SubjectFile,
    arguments: argparse.Namespace,
) -> int:
    """Run the selected checks of what is named; return the exit status."""
    subjects = {"server": _server(arguments), "client": _client(arguments)}
    kinds = [kind for kind, subject in subjects.items() if subject]
    selected = {kind: chosen for kind in kinds if (chosen := _selected(checks[kind], requirements, arguments))}
    if not selected:
        return _complain(f"no check is selected by {', '.join(arguments.select)}", NOT_PROVEN)
    if arguments.list:
        for check in (check for chosen in selected.values() for check in chosen):
            print(f"{check.id:<44} {requirements[check.requirement].level:<6} {check.title}")
        return CONFORMANT
    options = {key: getattr(arguments, key) for key in ("select", "level", "jobs", "seed", "examples", "time_factor")}
    named = _naming(subjects, arguments)
    run = Run(requirements, directory, named, options, " and ".join(selected), file.name, file.version)
    grammar = Grammar(directory / GRAMMAR)
    parts = []
    for kind, chosen in selected.items():
        match subjects[kind]:
            case Subject() as server:
                parts.append(_server_part(server, chosen, requirements, grammar, file, arguments))
            case ClientSubject() as client:
                parts.append(_client_part(client, chosen, requirements, grammar, arguments))
    expectations = Expectations(file.expected_failures, datetime.now(UTC).date())
    known = {check.id for kind in selected for check in checks[kind]}
    return perform(run, parts, expectations, known, arguments.report, verbose=arguments.verbose)


def _lead(
    checks: dict[str, list[Check]],
    requirements: dict[str, Requirement],
    directory: Path,
    file: SubjectFile,
    arguments: argparse.Namespace,
) -> int:
    """Lead through the steps, once or whenever a file changes; return the exit status."""
    if arguments.client_cmd and (arguments.server or arguments.server_cmd):
        return _complain("next leads to a server or to a client: name one of them", NOT_PROVEN)
    kind = "client" if arguments.client_cmd else "server"
    last = len(STEPS[kind])
    if arguments.first > last:
        return _complain(f"--from {arguments.first}: there are {last} steps", NOT_PROVEN)
    grammar = Grammar(directory / GRAMMAR)
    before, watch = 0, Watch() if arguments.watch else None
    while True:
        subject = _client(arguments) if kind == "client" else _server(arguments, IDLE_SECONDS * arguments.time_factor)
        assert subject
        course = _course(kind, subject, checks[kind], requirements, grammar, file, arguments)
        try:
            stop, seen = walk(course, arguments.first)
            named = _naming({kind: subject}, arguments)
            status = tell(course, arguments.first, stop, seen, named, before)
        finally:
            subject.close()
        if watch is None:
            return status
        before = stop.number if stop else last + 1
        watch.await_change()


def _course(
    kind: str,
    subject: Subject | ClientSubject,
    checks: list[Check],
    requirements: dict[str, Requirement],
    grammar: Grammar,
    file: SubjectFile,
    arguments: argparse.Namespace,
) -> Course:
    """Return the way to a conforming implementation; the first look at it is taken once."""

    @functools.cache
    def settings() -> Settings:
        if isinstance(subject, ClientSubject):
            return _client_settings(subject, grammar, arguments)
        return _server_settings(subject, file, arguments, SMALL_LOOK)

    def begin(some: list[Check], together: bool) -> CheckRunner:
        ground = [check for check in some if check.ground]
        if isinstance(subject, ClientSubject):
            return ClientRunner(subject, requirements, grammar, settings(), ground)
        hurry = 1 if together else HURRY
        chosen = replace(settings(), deadline=settings().deadline / hurry, patient=together)
        return Runner(subject, requirements, grammar, chosen, ground)

    def advise(stop: Stop) -> str:
        return "" if isinstance(subject, ClientSubject) else slip(subject, stop.failure, stop.reason)

    return Course(kind, STEPS[kind], {check.id: check for check in checks}, begin, advise)


def _naming(subjects: Mapping[str, Subject | ClientSubject | None], arguments: argparse.Namespace) -> list[str]:
    """Return the words of the command line that name what is checked, and on which an outcome can depend."""
    named = ["--subject", str(arguments.subject)] if arguments.subject else []
    for kind, subject in subjects.items():
        named += subject.arguments() if subject and (kind in arguments.named or not arguments.subject) else []
    return named + _chosen(arguments)


def _chosen(arguments: argparse.Namespace) -> list[str]:
    """Return the options on which an outcome can depend, where they are not what they are by default."""
    usual = _parser().get_default
    values = {name: getattr(arguments, name) for name in ("spec", "time_factor", "seed", "examples")}
    chosen = {f"--{name.replace('_', '-')}": str(value) for name, value in values.items() if value != usual(name)}
    return [word for option in chosen.items() for word in option]


def _server_part(
    subject: Subject,
    checks: list[Check],
    requirements: dict[str, Requirement],
    grammar: Grammar,
    file: SubjectFile,
    arguments: argparse.Namespace,
) -> Part:
    def begin() -> tuple[CheckRunner, frozenset[str]]:
        settings = _server_settings(subject, file, arguments)
        # What is played again is looked at as it is.
        ground = [] if arguments.replay else [check for check in all_checks() if check.ground]
        return Runner(subject, requirements, grammar, settings, ground), settings.features

    return Part("server", checks, begin, subject.close)


def _server_settings(
    subject: Subject, file: SubjectFile, arguments: argparse.Namespace, seconds: float = smoke.SMOKE_SECONDS
) -> Settings:
    """Take a first look at a server, for so many seconds, and return how it is checked; raises UnreachableError."""
    first = smoke.look(subject.address(), subject.tls, seconds * arguments.time_factor)
    return Settings(
        first.features,
        first.deadline * arguments.time_factor,
        arguments.jobs or SERVER_JOBS,
        arguments.seed,
        frozenset(file.features),
        arguments.examples,
        patient=arguments.patient or bool(arguments.select),
    )


def _client_part(
    subject: ClientSubject,
    checks: list[Check],
    requirements: dict[str, Requirement],
    grammar: Grammar,
    arguments: argparse.Namespace,
) -> Part:
    def begin() -> tuple[CheckRunner, None]:
        settings = _client_settings(subject, grammar, arguments)
        ground = [check for check in client_checks() if check.ground]
        return ClientRunner(subject, requirements, grammar, settings, ground), None

    return Part("client", checks, begin, subject.close)


def _client_settings(subject: ClientSubject, grammar: Grammar, arguments: argparse.Namespace) -> Settings:
    """Take a first look at a client, and return how it is checked; raises UnreachableError."""
    deadline = look(subject, grammar, time_factor=arguments.time_factor)
    return Settings(frozenset(), deadline, arguments.jobs or CLIENT_JOBS, arguments.seed)


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


def _server(arguments: argparse.Namespace, idle_seconds: float = inf) -> Subject | None:
    """Return the server that is named, or the reference where nothing is; None where only a client is.

    `idle_seconds`: for how long it may do nothing before it listens.
    """
    if arguments.server:
        host, port = arguments.server
        return AddressSubject(host, port, console=arguments.console, tls=arguments.tls_ca)
    commands = (arguments.server_cmd, arguments.limited_server_cmd, arguments.password_server_cmd)
    if not arguments.server_cmd:
        if arguments.client_cmd:
            return None
        if not arguments.list and not Path("reference/server/server.py").is_file():
            raise SystemExit(
                _complain("what is to be checked? Say --server-cmd, --server, --client-cmd or --subject", NOT_PROVEN)
            )
        commands = (REFERENCE, REFERENCE_LIMITED, REFERENCE_PASSWORD)
    command, limited, password = commands
    return CommandSubject(
        command,
        limited_command=limited,
        password_command=password,
        console=arguments.console,
        tls=arguments.tls_ca,
        start_seconds=START_SECONDS * arguments.time_factor,
        idle_seconds=idle_seconds,
    )


def _client(arguments: argparse.Namespace) -> ClientSubject | None:
    """Return the client that is named, or the reference where nothing is; None where only a server is."""
    if arguments.client_cmd:
        return ClientSubject(arguments.client_cmd, arguments.identity, arguments.columns)
    if arguments.server or arguments.server_cmd:
        return None
    return ClientSubject(REFERENCE_CLIENT, columns=arguments.columns)


def _parser(*, leads: bool = False) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="flurfunk-conformance next" if leads else "flurfunk-conformance",
        description="Leads to a conforming server or client: finds the first step that does not hold, and explains it."
        if leads
        else "Checks whether a server or a client conforms to Flurfunk/1; where none is named, the reference's.",
        usage="%(prog)s [option ...]"
        if leads
        else "%(prog)s [option ...]\n       %(prog)s next [option ...]\n       "
        "%(prog)s matrix DIR ... [--output FILE.html]",
        epilog="Exit status: 0 conformant, 1 not, 2 inconclusive, required checks not run, or nothing checked "
        "(or wrong usage), 3 server or client not reachable, 4 fault of the suite.",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--server-cmd",
        type=_command,
        metavar="CMD",
        help="starts the server; {port} is replaced by a free port. Alone, it skips the checks that need "
        "--limited-server-cmd (BYE-4 to BYE-8, some of others) or --password-server-cmd (section 11.3, some of others)",
    )
    which.add_argument("--server", type=_address, metavar="HOST:PORT", help="a server that runs already")
    parser.add_argument(
        "--limited-server-cmd",
        type=_command,
        metavar="CMD",
        help="starts it with limits; also replaced: {clients} that it serves at once (1, 2, or 1000 for enough), "
        "{seconds} to choose a room (1, or 0 for no limit), and, optional, {stall} seconds that a reader may stall "
        "(5 or 30)",
    )
    parser.add_argument(
        "--password-server-cmd",
        type=_password_command,
        metavar="CMD",
        help="starts it so that it wants a password: {password_file} is replaced by a file with that in its first "
        "line, as UTF-8, which ends in LF",
    )
    parser.add_argument(
        "--tls-ca",
        type=_trust,
        metavar="FILE",
        help="the server speaks TLS, and the certificates in this file (in PEM) vouch for its own",
    )
    client = parser.add_mutually_exclusive_group()
    client.add_argument(
        "--client-cmd", type=_command, metavar="CMD", help="starts the client; {host} and {port} are replaced"
    )
    client.add_argument(
        "--client", dest="client_cmd", action="store_const", const=REFERENCE_CLIENT, help="the reference client"
    )
    parser.add_argument(
        "--columns",
        type=_positive_int,
        default=COLUMNS,
        metavar="N",
        help=f"how wide the client's terminal is (default {COLUMNS})",
    )
    parser.add_argument(
        "--tls-cert",
        metavar="FILE",
        help="the client speaks TLS, and the suite's server shows it this certificate (PEM)",
    )
    parser.add_argument("--tls-key", metavar="FILE", help="its private key (PEM); goes with --tls-cert")
    parser.add_argument(
        "--subject",
        type=Path,
        metavar="FILE",
        help="a subject.toml that says all of this, and which failures are expected",
    )
    parser.add_argument("--no-console", dest="console", action="store_false", help="the server has no console")
    if leads:
        _add_leading(parser)
    else:
        _add_selecting(parser)
    parser.add_argument(
        "--jobs",
        type=_positive_int,
        metavar="N",
        help=f"checks at a time (default {SERVER_JOBS} of a server, {CLIENT_JOBS} of a client)",
    )
    parser.add_argument(
        "--time-factor", type=_positive, default=1.0, metavar="F", help="all deadlines are F times as long"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the conversations by chance (default 1)")
    parser.add_argument(
        "--examples", type=_positive_int, default=100, metavar="N", help="conversations by chance (default 100)"
    )
    parser.add_argument("--spec", type=Path, metavar="DIR", help="where the specification is")
    return parser


def _add_selecting(parser: argparse.ArgumentParser) -> None:
    """Add the options of a run that say what is looked at, and what is told."""
    parser.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="WHAT",
        help="LINE-4, LINE-4/long-lines, LINE, or a section: 3.1",
    )
    parser.add_argument(
        "--replay",
        action="append",
        default=[],
        type=_file,
        metavar="FILE",
        help="play this conversation and nothing else, for instance one that a failure left in DIR/replay",
    )
    parser.add_argument("--level", action="append", choices=_LEVELS, help="only requirements of this level")
    parser.add_argument(
        "--report", type=Path, metavar="DIR", help="write report.json, junit.xml, report.html and badge.svg there"
    )
    parser.add_argument("--verbose", action="store_true", help="explain each result, and list all requirements")
    parser.add_argument("--list", action="store_true", help="list the checks and run nothing")
    parser.add_argument("--digests", action="store_true", help="list the digest of each sentence and run nothing")
    parser.add_argument(
        "--patient", action="store_true", help="run also the checks that take about 10 s each; --select runs them, too"
    )


def _add_leading(parser: argparse.ArgumentParser) -> None:
    """Add the options of `next`."""
    parser.set_defaults(select=[], replay=[], level=[], list=False, digests=False, patient=False)
    parser.add_argument(
        "--from",
        dest="first",
        type=_positive_int,
        default=1,
        metavar="N",
        help="begin at this step; those before it are not looked at",
    )
    parser.add_argument("--watch", action="store_true", help="look again whenever a file in this folder changes")


def _command(value: str) -> str:
    if "{port}" not in value:
        raise argparse.ArgumentTypeError("{port} does not stand in the command")
    try:
        value.format(python="", host="", port=0, clients=0, seconds=0, stall=0, password_file="")
    except (KeyError, IndexError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"a brace that means nothing ({error}); double it to keep it") from error
    return value


def _password_command(value: str) -> str:
    if "{password_file}" not in value:
        raise argparse.ArgumentTypeError("{password_file} does not stand in the command")
    return _command(value)


def _identity(certificate: str | None, key: str | None) -> Identity | None:
    """Return what two files hold; raises SubjectFileError."""
    if not certificate and not key:
        return None
    if not certificate or not key:
        raise SubjectFileError("--tls-cert and --tls-key go together")
    try:
        return Identity(Path(certificate), Path(key))
    except ValueError as error:
        raise SubjectFileError(str(error)) from error


def _trust(value: str) -> Trust:
    try:
        return Trust(Path(value))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _file(value: str) -> Path:
    if not Path(value).is_file():
        raise argparse.ArgumentTypeError(f"there is no file {value}")
    return Path(value)


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

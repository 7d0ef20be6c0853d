"""The command line: which server and client, which checks, and the exit status."""

import argparse
import functools
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from conformance.checks.registry import all_checks, client_checks
from conformance.conversations.session import SessionSyntaxError, read_session, session_check, session_checks
from conformance.ends import interruptible, print_anything, status_of
from conformance.judging.check import Check
from conformance.judging.client_runner import ClientRunner
from conformance.judging.expected import Expectations
from conformance.judging.outcome import CONFORMANT, INTERRUPTED, NOT_PROVEN, SUITE_FAULT
from conformance.judging.result import Settings
from conformance.judging.runner import CheckRunner
from conformance.judging.server_runner import Runner
from conformance.next import HURRY, Course, Pace, Stop, Watch, machine_is_busy, tell, walk
from conformance.reports import matrix
from conformance.reports.document import Run
from conformance.reports.progress import complain, say
from conformance.reports.reached import STEPS
from conformance.run import Part, perform
from conformance.slips import slip
from conformance.stage import first_look as smoke
from conformance.stage.client_subject import ClientSubject, look
from conformance.stage.server_subject import AddressSubject, CommandSubject, Subject
from conformance.stage.terminal import COLUMNS
from conformance.subjectfile import SubjectFile, SubjectFileError, read_subject_file
from conformance.text.grammar import Grammar
from conformance.text.requirements import GRAMMAR, TEXT, Requirement, SpecNotFoundError, find_spec, read_requirements
from conformance.wire.address import Address, parsed
from conformance.wire.process import START_SECONDS
from conformance.wire.tls import Identity, Trust

REFERENCE = "{python} reference/server/server.py --port {port} --history 100"
REFERENCE_LIMITED = REFERENCE + " --max-clients {clients} --choose-timeout {seconds} --stall-timeout {stall}"
REFERENCE_PASSWORD = REFERENCE + " --password-file {password_file}"
REFERENCE_CLIENT = "{python} reference/client/client.py {host}:{port} --no-reconnect"
SERVER_JOBS, CLIENT_JOBS = 32, 12  # checks at a time: those of servers wait most of their time
SMALL_GREETING = 0.3  # seconds in which a server that is being built may close what it accepts, or be silent
SMALL_LOOK = 1.0  # seconds for the greeting of a server that is being built
SMALL_ANSWER = 0.3  # seconds for its answer to a ping: many have none yet
IDLE_SECONDS = 3.0  # in which such a one may do nothing before it listens
_LEVELS = ("must", "should", "may")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the suite; return 0 conformant, 1 not, 2 not proven, 3 subject not reachable, 4 fault of the suite."""
    print_anything()
    with interruptible():
        try:
            try:
                return _main(sys.argv[1:] if argv is None else argv)
            finally:
                sys.stdout.flush()
        except KeyboardInterrupt:
            return INTERRUPTED
        except OSError as error:
            return status_of(error)


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
        return complain(error, NOT_PROVEN)
    except (SpecNotFoundError, ValueError, OSError) as error:
        return complain(error, SUITE_FAULT)
    if arguments.digests:
        say("\n".join(f"{requirement.id} {requirement.digest}" for requirement in requirements.values()))
        return CONFORMANT
    return (_lead if leads else _perform)(checks, requirements, directory, file, arguments)


def _fill(arguments: argparse.Namespace, file: SubjectFile, checks: set[str]) -> None:
    """Let what stands in the file count where the command line says nothing; raises SubjectFileError."""
    words = {"server": arguments.server or arguments.server_cmd, "client": arguments.client_cmd}
    arguments.named = {kind for kind, word in words.items() if word}  # beside the file, or without it
    try:
        if not (arguments.server or arguments.server_cmd):
            arguments.server_cmd = file.server_command and _command(file.server_command)
            arguments.server = [_address(file.address)] if file.address else []
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
    commands = (arguments.server_cmd, arguments.limited_server_cmd, arguments.password_server_cmd)
    if arguments.nodes > 1 and not (commands[0] and all("{cluster}" in command for command in commands if command)):
        raise SubjectFileError(
            "--nodes needs --server-cmd, and {cluster} in each command: several servers run at a time"
        )
    arguments.identity = _identity(arguments.tls_cert or file.tls_cert, arguments.tls_key or file.tls_key)
    if arguments.identity and not arguments.client_cmd:
        raise SubjectFileError("--tls-cert and --tls-key are for a client: give --client-cmd, too")
    arguments.console = arguments.console and file.console
    if unknown := file.unknown(checks):
        raise SubjectFileError(f"{arguments.subject}: {unknown[0]} is expected to fail, but does not exist")


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
    known = {word for kind in kinds for check in checks[kind] for word in _words(check, requirements)}
    if unknown := [word for word in arguments.select if word not in known]:
        return complain(f"--select {', '.join(unknown)} selects no check", NOT_PROVEN)
    if not selected:
        return complain("--select and --level select no check together", NOT_PROVEN)
    if arguments.list:
        for check in (check for chosen in selected.values() for check in chosen):
            say(f"{check.id:<44} {requirements[check.requirement].level:<6} {check.title}")
        return CONFORMANT
    options = {key: getattr(arguments, key) for key in ("select", "level", "jobs", "seed", "examples", "time_factor")}
    named = _naming(subjects, arguments)
    run = Run(
        requirements, directory, named, options, " and ".join(selected), file.name, file.version, arguments.spec_url
    )
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
        return complain("next leads to a server or to a client: name one of them", NOT_PROVEN)
    kind = "client" if arguments.client_cmd else "server"
    last = len(STEPS[kind])
    if arguments.first > last:
        return complain(f"--from {arguments.first}: there are {last} steps", NOT_PROVEN)
    grammar = Grammar(directory / GRAMMAR)
    before, watch = 0, Watch() if arguments.watch else None
    while True:
        subject = _client(arguments) if kind == "client" else _server(arguments, small=True)
        assert subject
        course = _course(kind, subject, checks[kind], requirements, grammar, file, arguments, directory)
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
    directory: Path,
) -> Course:
    """Return the way to a conforming implementation; the first look at it is taken once."""

    @functools.cache
    def settings() -> Settings:
        if isinstance(subject, ClientSubject):
            return _client_settings(subject, grammar, arguments)
        return _server_settings(subject, file, arguments, SMALL_LOOK, SMALL_ANSWER)

    def begin(some: list[Check], pace: Pace) -> CheckRunner:
        if isinstance(subject, ClientSubject):
            ground = [check for check in some if check.ground]
            return ClientRunner(subject, requirements, grammar, settings(), ground)
        if pace is Pace.TOGETHER:
            ground = [check for check in some if check.ground]
            return Runner(subject, requirements, grammar, replace(settings(), patient=True), ground)
        # One after the other: the first failure is the one that is told, and no other check is to blame for it.
        hurry = HURRY if pace is Pace.HURRIED else 1
        chosen = replace(settings(), deadline=settings().deadline / hurry, jobs=1)
        return Runner(subject, requirements, grammar, chosen)

    def is_busy() -> bool:
        return isinstance(subject, Subject) and machine_is_busy()  # a client has the whole time at once

    def advise(stop: Stop) -> str:
        return "" if isinstance(subject, ClientSubject) else slip(subject, stop.failure, stop.reason)

    return Course(
        kind, STEPS[kind], {check.id: check for check in checks}, begin, _near(directory / TEXT), advise, is_busy
    )


def _near(path: Path) -> str:
    """Return the path of a file as one types it in the working directory, where it is in there."""
    whole, here = Path.cwd() / path, Path.cwd()
    return str(whole.relative_to(here) if whole.is_relative_to(here) else whole)


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
        # A session that is played again is looked at as it is.
        ground = [] if arguments.replay else [check for check in all_checks() if check.ground]
        return Runner(subject, requirements, grammar, settings, ground), settings.features

    return Part("server", checks, begin, subject.close)


def _server_settings(
    subject: Subject,
    file: SubjectFile,
    arguments: argparse.Namespace,
    seconds: float = smoke.SMOKE_SECONDS,
    to_answer: float = smoke.SMOKE_SECONDS,
) -> Settings:
    """Take a first look at a server, and return how it is checked; raises UnreachableError.

    `seconds` for its greeting, and `to_answer` for each ping.
    """
    factor = arguments.time_factor
    start_seconds = 0 if subject.can_start else START_SECONDS * factor
    first = smoke.look(
        subject.address(),
        subject.tls,
        seconds * factor,
        to_answer * factor,
        host=subject.host,
        start_seconds=start_seconds,
    )
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


def _selected(checks: list[Check], requirements: dict[str, Requirement], arguments: argparse.Namespace) -> list[Check]:
    """Return the checks whose identifier, requirement, section or level is asked for, in the order of the sections."""
    order = {identifier: number for number, identifier in enumerate(requirements)}
    unknown = [check.id for check in checks if check.requirement not in requirements]
    if unknown:
        raise SystemExit(complain(f"checks cite what does not exist: {', '.join(unknown)}", SUITE_FAULT))
    return sorted(
        (
            check
            for check in checks
            if (not arguments.select or not _words(check, requirements).isdisjoint(arguments.select))
            and (not arguments.level or requirements[check.requirement].level.lower() in arguments.level)
        ),
        key=lambda check: order[check.requirement],
    )


def _words(check: Check, requirements: dict[str, Requirement]) -> set[str]:
    """Return all that `--select` can call a check: its identifier, requirement, family, and sections, 9 for 9.4 too."""
    family, section = check.requirement.partition("-")[0], requirements[check.requirement].section.split(".")
    sections = (".".join(section[:depth]) for depth in range(1, len(section) + 1))
    return {check.id, check.requirement, family, *sections}


def _server(arguments: argparse.Namespace, *, small: bool = False) -> Subject | None:
    """Return the server that is named, or the reference where nothing is; None where only a client is.

    `small`: it is being built, and may lack anything; then it is not waited for so long.
    """
    if arguments.server:
        return AddressSubject(arguments.server, console=arguments.console, tls=arguments.tls_ca)
    commands = (arguments.server_cmd, arguments.limited_server_cmd, arguments.password_server_cmd)
    if not arguments.server_cmd:
        if arguments.client_cmd:
            return None
        if not arguments.list and not Path("reference/server/server.py").is_file():
            raise SystemExit(
                complain(
                    "there is nothing to check: give --server-cmd, --server, --client-cmd or --subject", NOT_PROVEN
                )
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
        greet_seconds=SMALL_GREETING * arguments.time_factor if small else inf,
        idle_seconds=IDLE_SECONDS * arguments.time_factor if small else inf,
        nodes=arguments.nodes,
    )


def _client(arguments: argparse.Namespace) -> ClientSubject | None:
    """Return the client that is named, or the reference where nothing is; None where only a server is."""
    if arguments.client_cmd:
        return ClientSubject(arguments.client_cmd, arguments.identity, arguments.columns)
    if arguments.server or arguments.server_cmd:
        return None
    return ClientSubject(REFERENCE_CLIENT, columns=arguments.columns)


class _Parser(argparse.ArgumentParser):
    """A parser that tells where its help cannot be printed."""

    def _print_message(self, message: str, file: Any = None) -> None:
        print(message, end="", file=file or sys.stderr, flush=True)


def _parser(*, leads: bool = False) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="flurfunk-conformance next" if leads else "flurfunk-conformance",
        description="Lead to a conforming server or client: find the first step that does not hold, and explain it."
        if leads
        else "Check whether a server or a client conforms to Flurfunk/1: yours, or the reference if you name none.",
        usage="%(prog)s [option ...]"
        if leads
        else "%(prog)s [option ...]\n       %(prog)s next [option ...]\n       "
        "%(prog)s matrix DIR ... [--output FILE.html]",
        epilog="Exit status: 0 conformant; 1 not conformant; 2 inconclusive, required checks not run, nothing "
        "checked, or wrong usage; 3 server or client not reachable; 4 fault of the suite; 130 interrupted.",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--server-cmd",
        type=_command,
        metavar="CMD",
        help="the command that starts the server; {port} stands for a free port. Alone, it skips the checks that need "
        "--limited-server-cmd (BYE-4 to BYE-8, FLOW-10, and some others) or --password-server-cmd (section 11.3, and "
        "some others)",
    )
    which.add_argument(
        "--server",
        type=_address,
        action="append",
        default=[],
        metavar="HOST:PORT",
        help="a server that runs already; an address of IPv6 in brackets: [::1]:8080. Repeat it for a server of "
        "several programs: clients are spread over them",
    )
    parser.add_argument(
        "--limited-server-cmd",
        type=_command,
        metavar="CMD",
        help="the command that starts it with limits: {clients} it serves at once (1, 2, or 1000 for enough), "
        "{seconds} to choose a room (1, or 0 for no limit), and, optional, {stall} seconds that a reader may stall "
        "(5 or 30)",
    )
    parser.add_argument(
        "--password-server-cmd",
        type=_password_command,
        metavar="CMD",
        help="the command that starts it so that it wants a password: {password_file} is a file with the password "
        "in its first line, as UTF-8 and ending in LF",
    )
    parser.add_argument(
        "--nodes",
        type=_positive_int,
        default=1,
        metavar="N",
        help="start each command N times: these programs are one server, and clients are spread over them; {cluster} "
        "stands for a word that they alone have, and {node} for a number from 0 on",
    )
    parser.add_argument(
        "--tls-ca",
        type=_trust,
        metavar="FILE",
        help="the server speaks TLS, and the certificates in this file (PEM) vouch for its own",
    )
    client = parser.add_mutually_exclusive_group()
    client.add_argument(
        "--client-cmd",
        type=_command,
        metavar="CMD",
        help="the command that starts the client; {host} and {port} stand for its server",
    )
    client.add_argument(
        "--client", dest="client_cmd", action="store_const", const=REFERENCE_CLIENT, help="check the reference client"
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
        help="the client speaks TLS, and its server shows this certificate (PEM)",
    )
    parser.add_argument("--tls-key", metavar="FILE", help="the private key of --tls-cert (PEM)")
    parser.add_argument(
        "--subject",
        type=Path,
        metavar="FILE",
        help="a file subject.toml with all of this, and the expected failures",
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
        help=f"most checks at a time (default {SERVER_JOBS} for a server, {CLIENT_JOBS} for a client)",
    )
    parser.add_argument(
        "--time-factor", type=_positive, default=1.0, metavar="F", help="make all deadlines F times as long"
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of the random conversations (default 1)")
    parser.add_argument(
        "--examples", type=_positive_int, default=100, metavar="N", help="number of random conversations (default 100)"
    )
    parser.add_argument("--spec", type=Path, metavar="DIR", help="the folder of the specification")
    return parser


def _add_selecting(parser: argparse.ArgumentParser) -> None:
    """Add the options of a run that say what is looked at, and what is told."""
    parser.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="WHAT",
        help="run these checks alone: LINE-4, LINE-4/long-lines, LINE, or a section: 3.1",
    )
    parser.add_argument(
        "--replay",
        action="append",
        default=[],
        type=_file,
        metavar="FILE",
        help="play this conversation and nothing else, for instance one that a failure left in DIR/replay",
    )
    parser.add_argument(
        "--level", action="append", choices=_LEVELS, help="run only checks of requirements of this level"
    )
    parser.add_argument(
        "--report", type=Path, metavar="DIR", help="write report.json, junit.xml, report.html and badge.svg there"
    )
    parser.add_argument(
        "--spec-url",
        type=_page,
        default="",
        metavar="URL",
        help="where the specification stands as a page: the reports link each requirement to it, as URL#NET-1",
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="explain each result, and list all requirements")
    parser.add_argument("--list", action="store_true", help="list the checks and run nothing")
    parser.add_argument("--digests", action="store_true", help="list the digest of each sentence and run nothing")
    parser.add_argument(
        "--patient", action="store_true", help="also run the checks that take about 10 s each; --select runs them, too"
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
        help="begin at this step, and look at those before it only when all others hold",
    )
    parser.add_argument("--watch", action="store_true", help="look again whenever a file in this folder changes")


def _command(value: str) -> str:
    if "{port}" not in value:
        raise argparse.ArgumentTypeError("{port} is missing in the command")
    try:
        value.format(python="", host="", port=0, clients=0, seconds=0, stall=0, password_file="", cluster="", node=0)
    except (KeyError, IndexError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"unknown word in braces ({error}); double a brace to keep it") from error
    return value


def _password_command(value: str) -> str:
    if "{password_file}" not in value:
        raise argparse.ArgumentTypeError("{password_file} is missing in the command")
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


def _page(value: str) -> str:
    """Return the address of a page: of http, https or a file, a path, or nothing for none."""
    if not value.isprintable() or " " in value or "#" in value:
        raise argparse.ArgumentTypeError("an address without a blank and without a #")
    try:
        scheme = urlsplit(value).scheme
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{value} is no address: {error}") from error
    if scheme not in ("", "http", "https", "file"):
        raise argparse.ArgumentTypeError(f"{value}: neither http, https nor file")
    return value


def _file(value: str) -> Path:
    if not Path(value).is_file():
        raise argparse.ArgumentTypeError(f"there is no file {value}")
    return Path(value)


def _address(value: str) -> Address:
    try:
        return parsed(value)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _positive(value: str) -> float:
    number = float(value)
    if not 0 < number < 1e6:
        raise argparse.ArgumentTypeError("it has to be more than 0")
    return number


def _positive_int(value: str) -> int:
    number = int(value)
    if number < 1:
        raise argparse.ArgumentTypeError("it has to be at least 1")
    return number

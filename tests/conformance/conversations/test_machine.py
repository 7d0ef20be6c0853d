"""The conversations by chance: they find faults, shrink them, repeat themselves, and blame no correct server."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from conformance.conversations.draw import volume
from conformance.conversations.machine import Budget, Machine, shrink
from conformance.conversations.steps import Rendering, Step, commands
from conformance.conversations.walk import Walk
from conformance.stage.server import Stage
from conformance.stage.server_subject import AddressSubject, CommandSubject
from conformance.text.grammar import Grammar
from conformance.text.requirements import GRAMMAR, find_spec
from tests.faulty import ATTEMPTS
from tests.support import Server

ASYNCSERVER = "{python} -m tests.asyncserver --port {port}"
CORRECT = [
    ASYNCSERVER,
    "{python} reference/server/server.py --port {port}",
    "node tests/nodeserver/server.mjs --port {port}",
]
FEW = Budget(examples=15, seconds=60)
GRAMMAR_OF_SPEC = Grammar(find_spec(None) / GRAMMAR)
Steps = tuple[Step, ...]
ANN, BOB, HI = Step("connects", "ann", line="main"), Step("connects", "bob", line="main"), Step("sends", "ann", b"hi\n")


def _sends(who: str, *lines: str) -> Step:
    return Step("sends", who, "".join(f"{line}\n" for line in lines).encode())


@contextmanager
def stage(command: str, seed: int = 1, deadline: float = 15) -> Iterator[Stage]:
    """Provide a stage whose server a command starts."""
    subject = CommandSubject(command)
    surroundings = Stage(subject, GRAMMAR_OF_SPEC, deadline=deadline, seed=seed)
    try:
        yield surroundings
    finally:
        surroundings.close()
        subject.close()


@pytest.mark.parametrize("command", CORRECT, ids=["asyncserver", "reference", "nodeserver"])
def test_correct_servers_are_not_blamed(command: str) -> None:
    with stage(command) as surroundings:
        machine = Machine(surroundings, FEW)
        assert machine.look() is None
        assert machine.steps_played > 15 * 20


def test_a_server_that_runs_already_is_not_blamed() -> None:
    owner = CommandSubject(ASYNCSERVER)
    surroundings = Stage(AddressSubject([owner.address()]), GRAMMAR_OF_SPEC, deadline=15)
    try:
        assert Machine(surroundings, FEW).look() is None
    finally:
        surroundings.close()
        owner.close()


def test_rooms_and_names_of_others_are_left_alone() -> None:
    """On a server that others use: whatever ends the line, and one of their rooms is not taken for one's own."""
    steps = [
        Step("sends", "ann", line) for line in (b"/cd operator\n", b"/cd operator\r\n", b"/nick {ann}\r\n", b"/rooms\n")
    ]
    with (
        Server(command=(sys.executable, "-m", "tests.asyncserver")) as server,
        closing(Stage(AddressSubject([server.address]), GRAMMAR_OF_SPEC, deadline=15)) as surroundings,
        closing(server.connect("operator")),
    ):
        Walk(surroundings).play((ANN, *steps))
        assert "LIVE operator 1" in str(surroundings.transcript)
        assert "/nick guest" not in str(surroundings.transcript)


@pytest.mark.parametrize(
    ("fault", "cites", "most"),
    [
        ("leak", "SAY-3", 3),
        ("said-doubled", "SAY-2", 2),
        ("joined-missing", "ROOM-2", 3),
        ("text-html", "TEXT-5", 2),
        ("names-case-sensitive", "NAME-3", 4),
        ("bad-text-silent", "TEXT-1", 2),
        ("acts-behind-exit", "", 4),
        ("order-differs", "", 24),
        ("said-lost-rare", "SAY-2", 110),
    ],
)
def test_faults_are_found_and_shrunk(fault: str, cites: str, most: int) -> None:
    with stage(f"{ASYNCSERVER} --fault {fault}") as surroundings:
        surroundings.deadline = 5
        found = Machine(surroundings, Budget(examples=500, seconds=60)).look()
    assert found is not None
    assert found.recurs
    assert commands(found.steps) <= most
    assert found.failed.cites.startswith(cites)


def test_each_loss_of_a_client_is_waited_for() -> None:
    """Ann has not looked yet at the line that told of Dan's first loss when his second one is due."""
    bob_goes, dan, dan_goes = Step("closes", "bob"), Step("connects", "dan", line="main"), Step("closes", "dan")
    called = [_sends(who, f"/nick {who}") for who in ("bob", "dan")]
    steps = [BOB, called[0], dan, called[1], dan_goes, dan, called[1], bob_goes, dan_goes] * 20
    with stage("{python} -m tests.contraryserver --port {port}") as surroundings:
        surroundings.start(terminal=False)
        Walk(surroundings).play((ANN, *steps))


IN_LOBBY = Step("connects", "ann")
CROWD, LATE = volume()[-2:]


@pytest.mark.parametrize(
    ("fault", "cites", "steps"),
    [
        ("case-change-frees-name", "NAME-3", (ANN, BOB, _sends("ann", "/nick ANN"), _sends("bob", "/nick ann"))),
        ("case-change-kept-when-gone", "NAME-9", (ANN, BOB, _sends("ann", "/nick ANN", "exit"))),
        ("made-up-name-kept", "NAME-8", (ANN, BOB, _sends("bob", "/nick {ann}"))),
        ("name-octets-latin1", "NAME-2", (ANN, _sends("ann", "/nick \u00fa"))),
        ("names-as-numbers", "NAME-1", (ANN, BOB, _sends("ann", "/nick 01"), _sends("bob", "/nick 1"))),
        ("rooms-as-numbers", "NAME-11", (ANN, _sends("ann", "/cd 01", "/cd 1"))),
        ("lobby-end-keeps-name", "NAME-1", (IN_LOBBY, Step("closes", "ann"))),
        ("lobby-end-keeps-name", "NAME-1", (IN_LOBBY, Step("half-closes", "ann"))),
        ("lobby-exit-keeps-name", "NAME-9", (IN_LOBBY, _sends("ann", "exit"))),
        ("removed-keeps-name", "NAME-9", (ANN, BOB, Step("types", octets=b"/kick Ann\n"))),
        ("kick-lobby-exact-only", "OPER-4", (Step("types", octets=b"nobody hears this\n"),)),
        ("empty-room-listed-reset", "LIST-3", (ANN, Step("resets", "ann"))),
        ("rooms-none-silent", "LIST-1", (ANN, _sends("ann", "exit"))),
        ("rooms-none-stale", "LIST-3", (ANN, _sends("ann", "/rooms", "exit"))),
        ("announce-nobody-kept", "ORDER-2", (Step("types", octets=b"nobody hears this\n"), ANN)),
        ("shutdown-nobody-status-1", "OPER-2", (ANN, _sends("ann", "exit"), Step("ends"))),
        ("who-sliced", "WHO-2", CROWD),
        ("rooms-sliced", "LIST-2", CROWD),
        ("announce-16-rooms", "OPER-1", CROWD),
        ("moves-dropped", "FLOW-1", (ANN, _sends("ann", *["/cd lounge", "/cd main"] * 75))),
        ("renames-dropped", "FLOW-1", (ANN, _sends("ann", *["/nick Ann", "/nick ANN"] * 75))),
        ("half-close-drops-waiting", "NET-4", LATE),
        ("nick-same-told", "NICK-3", (ANN, BOB, _sends("ann", "/nick Ann"))),
        ("cd-same-events", "ROOM-5", (ANN, BOB, _sends("ann", "/cd main"))),
        ("own-case-refused", "NAME-5", (ANN, _sends("ann", "/nick ANN"))),
    ],
)
def test_each_kind_of_conversation_shows_its_fault_and_blames_it(fault: str, cites: str, steps: Steps) -> None:
    for server, wanted in ((f"{ASYNCSERVER} --fault {fault}", cites), (ASYNCSERVER, None)):
        with stage(server, deadline=4) as surroundings, closing(Machine(surroundings, FEW)) as machine:
            # Whether a fault shows can depend on what the operating system does when; what it is blamed on does not.
            attempts = (machine.fails(steps) for _ in range(ATTEMPTS if wanted else 1))
            failed = next(filter(None, attempts), None)
            assert (failed and failed.cites) == wanted


def test_a_server_that_ends_is_blamed_for_that() -> None:
    with (
        stage(f"{ASYNCSERVER} --fault crash-on-bad-text") as surroundings,
        closing(Machine(surroundings, FEW)) as machine,
    ):
        failed = machine.fails((ANN, Step("sends", "ann", b"\xff\n")))
        assert failed is not None
        assert failed.cites == "SEC-1"
        assert machine.fails((ANN, HI)) is None  # on a new server


def test_what_is_typed_or_hung_up_where_nobody_sees_it_is_waited_for() -> None:
    """Nothing tells when the server has noticed it, and what it brings later would be taken for a fault."""
    typed = (Step("connects", "ann"), Step("types", octets=b"Back at noon.\n"), Step("sends", "ann", b"main\n"), HI)
    hung_up = (Step("connects", "ann"), BOB, Step("closes", "ann"), Step("connects", "ann"), HI)
    with stage(ASYNCSERVER) as surroundings, closing(Machine(surroundings, FEW)) as machine:
        assert not any(machine.fails(typed) or machine.fails(hung_up) for _ in range(40))


def test_what_looks_like_http_is_a_line_unless_it_comes_first() -> None:
    with stage(ASYNCSERVER) as surroundings, closing(Machine(surroundings, FEW)) as machine:
        assert machine.fails((Step("connects", "ann"), Step("sends", "ann", b"GET x\n"))) is None
        assert machine.fails((Step("connects", "gus", b"GET x\n"), ANN)) is None


def test_one_seed_is_one_search() -> None:
    counts = []
    for _ in range(2):
        with stage(ASYNCSERVER, seed=7) as surroundings:
            machine = Machine(surroundings, Budget(examples=5, seconds=60))
            assert machine.look() is None
            counts.append(machine.steps_played)
    assert counts[0] == counts[1] > 0


def test_shrinking_leaves_the_steps_and_lines_that_are_needed() -> None:
    noise = Step("sends", "bob", b"/who\n/rooms\n")
    long = Step("sends", "ann", b"one\ntwo\nthree\n", cuts=(1, 2, 3))
    shrunk = shrink((noise, ANN, noise, BOB, long, noise), lambda steps: ANN in steps and "two" in str(steps), 1e12)
    assert shrunk == (ANN, Step("sends", "ann", b"two\n"))


def test_shrinking_never_leaves_a_line_without_its_end() -> None:
    """A bare CR ends no line: what was cut there would be glued to what the client sends next."""
    several = Step("sends", "ann", b"cr\r\r\none\rtwo\nlast\r\n")
    tried: list[bytes] = []

    def fails(steps: tuple[Step, ...]) -> bool:
        streams = [step.octets for step in steps for step in (step, *step.parts) if step.octets]
        tried.extend(streams)
        return any(b"cr\r" in stream for stream in streams)

    shrunk = shrink((ANN, several, Step("together", parts=(several, HI))), fails, 1e12)
    assert [step.octets for step in shrunk] in ([b"cr\r\r\n"], [b"cr\r\n"])
    assert len(tried) > 5
    assert [stream for stream in tried if not stream.endswith(b"\n")] == []


def test_shrinking_ends_in_time() -> None:
    assert shrink((ANN, BOB, HI), lambda steps: True, 0) == (ANN, BOB, HI)


def test_words_are_made_unique_and_names_get_their_length() -> None:
    rendering = Rendering("s1")
    rendering.made_up["ann"] = "guest-1"
    assert rendering.octets(b"/cd Main {ann} Annabel {32}") == b"/cd Main-s1 guest-1 Annabel Ls1" + b"x" * 29


def test_steps_are_counted_by_lines() -> None:
    assert commands((ANN, Step("together", parts=(HI, Step("sends", "bob", b"1\n2\n"))))) == 4

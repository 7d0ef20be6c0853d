"""Users, rooms and membership: single effects, and random walks against a simple oracle.

The oracle knows of no effects, places or streams: it holds, for each client, the list of lines that sections 5 to 9
of the spec promise it.  The effects of the chat are carried out on real streams and outboxes.
"""

from collections import Counter, defaultdict
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.server.chat import Append, Chat, Close, Effect, Enter, Hold, Leave, Record, Tell
from reference.server.stream import Outbox, Stream
from reference.wire import ByeReason, ErrorCode, LeftReason, parse


class Carrier:
    """Carries out effects on streams and outboxes, as the hub does, without sockets."""

    def __init__(self) -> None:
        self.outboxes: defaultdict[int, Outbox] = defaultdict(Outbox)
        self.streams: defaultdict[str, Stream[Outbox]] = defaultdict(Stream)
        self.closed: set[int] = set()

    def carry_out(self, effects: list[Effect]) -> None:
        """Do what the effects say, one after the other."""
        for effect in effects:
            match effect:
                case Append(room, line):
                    self.streams[room].append(line)
                case Tell(user, lines):
                    assert user not in self.closed
                    self.outboxes[user].tell(lines)
                case Enter(user, room):
                    assert self.outboxes[user].stream is None
                    self.outboxes[user].enter(self.streams[room])
                case Leave(user, room):
                    assert self.outboxes[user].stream is self.streams[room]
                    self.outboxes[user].leave()
                case Close(user, reason):
                    self.outboxes[user].leave()
                    self.outboxes[user].tell(f"BYE {reason}\n".encode())
                    self.closed.add(user)
                case Record() | Hold():
                    pass

    def hand_out(self) -> None:
        """Give all members what is due to them, which nobody reads yet."""
        for stream in self.streams.values():
            for member, octets in stream.hand_out()[0]:
                member.sent(octets, 0)

    def lines(self, user: int) -> list[str]:
        """Return what a client was sent since the last call; the texts of INFO and ERROR are left out."""
        outbox = self.outboxes[user]
        octets = b""
        while outbox.waiting:
            octets += outbox.pop(1 << 20)
        lines = octets.decode().split("\n")[:-1]
        return [shortened(line) for line in lines]


def shortened(line: str) -> str:
    """Return a line without the text that is for people."""
    word, _, rest = line.partition(" ")
    return {"INFO": word, "ERROR": f"{word} {rest.partition(' ')[0]}"}.get(word, line)


class World:
    """A chat and the lines that its clients got."""

    def __init__(self, *names: str, room: str = "main", is_password: Callable[[str], bool] | None = None) -> None:
        """Connect clients of these names, numbered from 1, all in one room."""
        self.chat = Chat(is_password)
        self.carrier = Carrier()
        for user, name in enumerate(names, 1):
            self.carrier.carry_out(self.chat.connect(user))
            self.say(user, f"/nick {name}")
            self.say(user, room)
        self.got(*range(1, len(names) + 1))

    def say(self, user: int, line: str) -> list[Effect]:
        """Let a client send a line; return its effects."""
        message = parse(line.encode())
        assert message is not None
        effects = self.chat.handle(user, message)
        self.carrier.carry_out(effects)
        return effects

    def got(self, *users: int) -> list[list[str]]:
        """Return for each of these clients the lines that it got since the last call."""
        self.carrier.hand_out()
        return [self.carrier.lines(user) for user in users]


# ---------------------------------------------------------------- examples


def test_greeting() -> None:
    """[STATE-1] [STATE-2] [STATE-3] [OUT-2]."""
    world = World()
    world.carrier.carry_out(world.chat.connect(1))
    ((hello, name, *infos),) = world.got(1)
    assert sorted(hello.split()) == ["HELLO", "flurfunk/1", "rooms", "tell", "who"]
    assert name == "NAME guest-1"
    assert infos == ["INFO"]


def test_made_up_name_is_free() -> None:
    """[NAME-7]."""
    world = World("Guest-2", "GUEST-3")
    world.carrier.carry_out(world.chat.connect(9))
    assert world.got(9)[0][1] == "NAME guest-4"


def test_event_is_appended_once_whoever_listens() -> None:
    world = World("Ann", "Bob", "Cyd")
    assert world.say(1, "hello") == [Append("main", b"SAID Ann hello\n")]
    assert world.got(1, 2, 3) == [["SAID Ann hello"]] * 3


def test_move() -> None:
    """[ROOM-1] [ROOM-2] [ROOM-3] [NAME-10]."""
    world = World("Ann", "Bob", "Cyd")
    world.say(3, "/cd lounge")
    assert world.got(1, 2, 3) == [["LEFT Cyd moved"], ["LEFT Cyd moved"], ["ROOM lounge"]]
    world.say(1, "/cd LOUNGE")
    assert world.got(1, 2, 3) == [["ROOM lounge"], ["LEFT Ann moved"], ["JOINED Ann"]]
    assert world.chat.rooms() == {"main": 1, "lounge": 2}


def test_renaming() -> None:
    """[NICK-1] [NICK-2] [NICK-3] [NAME-5] [NAME-8]."""
    world = World("Ann", "Bob")
    world.say(1, "one")
    world.say(1, "/nick Anna")
    world.say(1, "two")
    world.say(1, "/nick Anna")
    world.say(2, "/nick ANN")
    world.say(2, "/nick ann")
    assert world.got(1, 2) == [
        ["SAID Ann one", "NAME Anna", "SAID Anna two", "NAME Anna", "NICK Bob ANN", "NICK ANN ann"],
        ["SAID Ann one", "NICK Ann Anna", "SAID Anna two", "NAME ANN", "NAME ann"],
    ]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("/nick bOB", ErrorCode.NAME_TAKEN),
        ("/nick Operator", ErrorCode.NAME_TAKEN),
        ("/nick SERVER", ErrorCode.NAME_TAKEN),
        ("/nick B.B.", ErrorCode.BAD_NAME),
        ("/nick Ann ", ErrorCode.BAD_NAME),
        ("/nick " + "x" * 33, ErrorCode.BAD_NAME),
        ("/cd a b", ErrorCode.BAD_ROOM),
        ("/cd -", ErrorCode.BAD_ROOM),
        ("/cd " + "x" * 33, ErrorCode.BAD_ROOM),
        ("/nope", ErrorCode.UNKNOWN_COMMAND),
        ("/who ", ErrorCode.BAD_ARGUMENT),
    ],
)
def test_refused_line_has_no_other_effect(line: str, code: ErrorCode) -> None:
    """[CMD-5] [ROOM-6] [NICK-4]."""
    world = World("Ann", "Bob")
    world.say(1, line)
    assert world.got(1, 2) == [[f"ERROR {code}"], []]
    world.say(1, "still here")
    assert world.got(1, 2) == [["SAID Ann still here"]] * 2


def test_lobby() -> None:
    """[STATE-4] [STATE-5] [STATE-6] [STATE-7] [WHO-3] [ORDER-6]."""
    world = World("Ann")
    world.carrier.carry_out(world.chat.connect(2))
    world.say(2, "/nick Bob")
    world.got(1, 2)
    for line in ("/say hi", "no room", "/who", "/rooms", "/ping x", "/help"):
        world.say(2, line)
    world.carrier.carry_out(world.chat.announce("noon"))
    world.carrier.carry_out(world.chat.disconnect(2, LeftReason.LOST))
    ann, bob = world.got(1, 2)
    assert ann == ["ANNOUNCE noon"]
    assert bob[:6] == ["ERROR no-room", "ERROR bad-room", "ERROR no-room", "LIVE main 1", "ROOMS 1", "PONG x"]
    assert set(bob[6:]) == {"INFO"}


def test_who_and_rooms() -> None:
    """[WHO-1] [LIST-1] [LIST-3]."""
    world = World("Ann", "Bob")
    world.say(2, "/cd b")
    world.say(2, "/cd main")
    world.say(1, "/who")
    world.say(1, "/rooms")
    ((*_, ann, bob, members, live, rooms),) = world.got(1)
    assert {ann, bob} == {"MEMBER Ann", "MEMBER Bob"}
    assert [members, live, rooms] == ["MEMBERS main 2", "LIVE main 2", "ROOMS 1"]


def test_exit_and_what_comes_behind() -> None:
    """[EXIT-1] [EXIT-2] [EXIT-3] [LEFT-2]: whatever else ends it at the same time."""
    world = World("Ann", "Bob")
    world.say(1, "exit")
    assert world.say(1, "ghost") == []
    assert world.chat.dismiss(1, ByeReason.REMOVED) == []
    assert world.chat.disconnect(1, LeftReason.LOST) == []
    assert world.got(1, 2) == [["BYE exit"], ["LEFT Ann exit"]]


@pytest.mark.parametrize("bye", [ByeReason.REMOVED, ByeReason.SLOW, ByeReason.IDLE])
def test_removed(bye: ByeReason) -> None:
    """[OPER-4] [FLOW-5]."""
    world = World("Ann", "Bob")
    world.carrier.carry_out(world.chat.dismiss(1, bye))
    assert world.got(1, 2) == [[f"BYE {bye}"], ["LEFT Ann removed"]]
    world.say(2, "/nick ANN")  # [NAME-9]
    assert world.got(2) == [["NAME ANN"]]


def test_shut_down_is_told_by_bye_alone() -> None:
    """[LEFT-2] [OPER-2]."""
    world = World("Ann", "Bob")
    world.carrier.carry_out(world.chat.connect(3))
    world.got(3)
    world.carrier.carry_out(world.chat.shut_down())
    assert world.got(1, 2, 3) == [["BYE shutdown"]] * 3
    assert world.chat.users() == []
    assert world.chat.rooms() == {}


def test_find() -> None:
    world = World("Ann")
    assert world.chat.find("aNN") == 1
    assert world.chat.find("Bob") is None
    assert world.chat.find("\u00e4 nn") is None


# ---------------------------------------------------------------- random walks


class Oracle:
    """The promises of the specification to each client, line by line."""

    def __init__(self) -> None:
        self.names: dict[int, str] = {}
        self.rooms: dict[int, str | None] = {}
        self.due: defaultdict[int, list[str]] = defaultdict(list)

    def connect(self, user: int, name: str) -> None:
        self.names[user] = name
        self.rooms[user] = None
        self.due[user] = ["HELLO flurfunk/1 who rooms tell", f"NAME {name}", "INFO"]

    def members(self, room: str | None) -> list[int]:
        return [user for user, where in self.rooms.items() if room is not None and where == room]

    def event(self, room: str | None, line: str, but: int = 0) -> None:
        for user in self.members(room):
            if user != but:
                self.due[user].append(line)

    def gone(self, user: int, reason: str, bye: str | None = None) -> None:
        if user not in self.names:
            return
        room, name = self.rooms.pop(user), self.names.pop(user)
        self.event(room, f"LEFT {name} {reason}")
        if bye:
            self.due[user].append(f"BYE {bye}")

    def line(self, user: int, line: str) -> None:
        if user not in self.names:
            return
        word, _, argument = line.partition(" ")
        mine = self.due[user]
        if line == "exit":
            self.gone(user, "exit", "exit")
        elif word == "/nick":
            self.rename(user, argument)
        elif word == "/ping":
            mine.append(f"PONG {argument}")
        elif word == "/who":
            names = [f"MEMBER {self.names[member]}" for member in self.members(self.rooms[user])]
            mine += [*names, f"MEMBERS {self.rooms[user]} {len(names)}"] if names else ["ERROR no-room"]
        elif word == "/rooms":
            numbers = Counter(room for room in self.rooms.values() if room)
            mine += [*(f"LIVE {room} {number}" for room, number in numbers.items()), f"ROOMS {len(numbers)}"]
        elif word == "/cd" or not self.rooms[user]:
            self.move(user, argument if word == "/cd" else line)
        else:
            self.event(self.rooms[user], f"SAID {self.names[user]} {line}")

    def rename(self, user: int, name: str) -> None:
        taken = {other.lower() for holder, other in self.names.items() if holder != user}
        if name.lower() in taken | {"server"}:
            self.due[user].append("ERROR name-taken")
            return
        old, self.names[user] = self.names[user], name
        self.due[user].append(f"NAME {name}")
        if name != old:
            self.event(self.rooms[user], f"NICK {old} {name}", but=user)

    def move(self, user: int, wanted: str) -> None:
        if " " in wanted:
            self.due[user].append("ERROR bad-room")
            return
        room, old = wanted.lower(), self.rooms[user]
        self.due[user].append(f"ROOM {room}")
        if room != old:
            self.rooms[user] = room
            self.event(old, f"LEFT {self.names[user]} moved")
            self.event(room, f"JOINED {self.names[user]}", but=user)


USERS = st.integers(1, 5)
LINES = st.sampled_from(
    [
        "main",
        "one two",
        "hello",
        *("/cd a", "/cd B", "/cd b", "/cd c c"),
        *("/nick Ann", "/nick ann", "/nick Bob", "/nick BOB", "/nick Server", "/nick guest-3"),
        *("/who", "/rooms", "/ping x y", "exit"),
    ]
)
STEPS = st.one_of(
    st.tuples(st.just("line"), USERS, LINES),
    st.tuples(st.just("line"), USERS, LINES),
    st.tuples(st.just("line"), USERS, LINES),
    st.tuples(st.sampled_from(["connect", "lost", "removed", "hand out", "announce"]), USERS, st.just("")),
)


def take(kind: str, user: int, line: str, world: World, oracle: Oracle) -> None:
    """Take one step in both."""
    chat, carrier = world.chat, world.carrier
    match kind:
        case "line":
            world.say(user, line)
            oracle.line(user, line)
        case "connect" if user not in oracle.names and user not in carrier.outboxes:
            carrier.carry_out(chat.connect(user))
            name = next(one.name for one in chat.users()[::-1])
            assert name.lower() not in {other.lower() for other in oracle.names.values()}
            oracle.connect(user, name)
        case "lost":
            carrier.carry_out(chat.disconnect(user, LeftReason.LOST))
            oracle.gone(user, "lost")
        case "removed":
            carrier.carry_out(chat.dismiss(user, ByeReason.REMOVED))
            oracle.gone(user, "removed", "removed")
        case "hand out":
            carrier.hand_out()
        case "announce":
            carrier.carry_out(chat.announce("noon"))
            for room in {room for room in oracle.rooms.values() if room}:
                oracle.event(room, "ANNOUNCE noon")


def sections(lines: list[str]) -> list[str]:
    """Return lines with contiguous answers to /who and /rooms sorted: their order has no meaning."""
    result: list[str] = []
    block: list[str] = []
    for line in lines:
        if line.startswith(("MEMBER ", "LIVE ")):
            block.append(line)
        else:
            result += [*sorted(block), line]
            block = []
    return result + block


@given(st.lists(STEPS, max_size=60))
def test_every_client_gets_what_the_oracle_says(steps: list[tuple[str, int, str]]) -> None:
    """[ORDER-1] [ORDER-2] [ORDER-4] [ORDER-5] [LEFT-2] [CMD-6], whatever happens in whatever order."""
    world, oracle = World(), Oracle()
    for user in (1, 2, 3):
        take("connect", user, "", world, oracle)
        take("line", user, "main", world, oracle)
    for step in steps:
        take(*step, world, oracle)
        names = [user.name.lower() for user in world.chat.users()]
        assert len(names) == len(set(names)) == len(oracle.names)
        assert world.chat.rooms() == Counter(room for room in oracle.rooms.values() if room)
    got = {user: sections(lines) for user, lines in zip(oracle.due, world.got(*oracle.due), strict=True)}
    assert got == {user: sections(lines) for user, lines in oracle.due.items()}


@given(st.lists(STEPS, max_size=60))
def test_one_left_for_each_joined(steps: list[tuple[str, int, str]]) -> None:
    """[LEFT-2]: seen by a member that stays, who knows the room from the events alone."""
    world, oracle = World(), Oracle()
    witness = 99
    take("connect", witness, "", world, oracle)
    world.say(witness, "/nick Witness")
    world.say(witness, "a")
    for user in (1, 2, 3):
        take("connect", user, "", world, oracle)
    for step in steps:
        take(*step, world, oracle)
    world.say(witness, "/who")
    present = {"Witness"}
    listed: set[str] = set()
    for line in world.got(witness)[0]:
        word, *words = line.split(" ")
        match word:
            case "JOINED":
                assert words[0] not in present
                present.add(words[0])
            case "LEFT":
                present.remove(words[0])
            case "NICK":
                present.remove(words[0])
                present.add(words[1])
            case "SAID":
                assert words[0] in present
            case "MEMBER":
                listed.add(words[0])
    assert listed == present


# ---------------------------------------------------------------- the feature password


def closed_world() -> World:
    """Return a chat that wants the password `Open sesame`, and one client outside."""
    world = World(is_password="Open sesame".__eq__)
    world.carrier.carry_out(world.chat.connect(1))
    assert world.got(1) == [["HELLO flurfunk/1 who rooms tell password", "NAME guest-1", "INFO"]]
    return world


def test_before_admission_there_is_one_answer() -> None:
    """[PASS-4]: and what is refused has no effect."""
    world = closed_world()
    refused = ["main", "/cd main", "/cd", "/nick Ann", "/nick B.B.", "/say x", "/say", "/who", "/rooms x", "/shrug"]
    refused += ["/ping", "/password", "/password ", "/PASSWORD Open sesame", "exit now"]
    for line in refused:
        world.say(1, line)
    assert world.got(1) == [["ERROR no-password"] * len(refused)]
    assert [(user.name, user.room, user.admitted) for user in world.chat.users()] == [("guest-1", None, False)]
    world.say(1, "/ping x")
    too_long = parse(None)
    assert too_long
    world.carrier.carry_out(world.chat.handle(1, too_long))
    world.say(1, "\x00")
    assert world.got(1) == [["PONG x", "ERROR too-long", "ERROR bad-text"]]
    world.say(1, "/help")
    assert set(world.got(1)[0]) == {"INFO"}
    world.say(1, "exit")
    assert world.got(1) == [["BYE exit"]]


def test_admission() -> None:
    """[PASS-2] [PASS-8] [PASS-9]."""
    world = closed_world()
    world.say(1, "/password Open sesame")
    assert world.got(1) == [["ADMITTED", "INFO"]]
    for line in ("main", "hi", "/password", "/password wrong", "/shrug", "/ping"):
        world.say(1, line)
    wanted = ["ROOM main", "SAID guest-1 hi", "ADMITTED", "ADMITTED", "ERROR unknown-command", "ERROR bad-argument"]
    assert world.got(1) == [wanted]


def test_wrong_passwords_are_answered_when_the_wait_is_over() -> None:
    """[PASS-3] [PASS-5] [PASS-7]."""
    world = closed_world()
    assert world.chat.introduce(1) != []
    for number in (1, 2, 3):
        assert world.say(1, "/password open Sesame") == [Hold(1)]
        assert world.got(1) == [[]]
        world.carrier.carry_out(world.chat.refuse_password(1))
        assert world.got(1) == [["ERROR bad-password", *(["BYE denied"] if number == 3 else [])]]
    assert world.chat.users() == []
    assert world.chat.refuse_password(1) == []


def test_without_a_password_there_is_no_such_command() -> None:
    """[FEAT-1]."""
    world = World("Ann")
    for line in ("/password", "/password ", "/password x"):
        world.say(1, line)
    assert world.got(1) == [["ERROR unknown-command"] * 3]

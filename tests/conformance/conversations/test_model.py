"""The model of the protocol, and the search for an order that explains what was received: no sockets."""

import pytest

from conformance.conversations.orders import Search, Unexplained
from conformance.conversations.world import Expected, World, is_foreign, lines_of, refusal, take, without_foreign_rooms

FEATURES = frozenset({"who", "rooms"})


def world(*lines: tuple[str, bytes]) -> World:
    """Return a world of ann and bob, after some lines."""
    result = World(features=FEATURES).connect("ann", "guest-1").connect("bob", "guest-2")
    for label, line in lines:
        result, _ = result.act(label, line)
    return result


def news(before: World, label: str, line: bytes) -> list[tuple[str, bytes]]:
    """Return who receives which line."""
    return [(to, expected.line) for to, expected in before.act(label, line)[1]]


BOTH_IN_MAIN = (("ann", b"/nick Ann"), ("bob", b"/nick Bob"), ("ann", b"main"), ("bob", b"/cd MAIN"))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"", []),
        (b"hi", [("ann", b"SAID Ann hi"), ("bob", b"SAID Ann hi")]),
        (b"/say exit", [("ann", b"SAID Ann exit"), ("bob", b"SAID Ann exit")]),
        (b"/say  x", [("ann", b"SAID Ann  x"), ("bob", b"SAID Ann  x")]),
        (b"exit ", [("ann", b"SAID Ann exit "), ("bob", b"SAID Ann exit ")]),
        (b"exit", [("bob", b"LEFT Ann exit"), ("ann", b"BYE exit")]),
        (b"/cd Main", [("ann", b"ROOM main")]),
        (b"/cd tea", [("bob", b"LEFT Ann moved"), ("ann", b"ROOM tea")]),
        (b"/cd a b", [("ann", b"ERROR bad-room")]),
        (b"/nick ANN", [("ann", b"NAME ANN"), ("bob", b"NICK Ann ANN")]),
        (b"/nick Ann", [("ann", b"NAME Ann")]),
        (b"/nick bOB", [("ann", b"ERROR name-taken")]),
        (b"/nick Server", [("ann", b"ERROR name-taken")]),
        (b"/nick B.B.", [("ann", b"ERROR bad-name")]),
        (b"/who", [("ann", b"MEMBERS main 2")]),
        (b"/who ", [("ann", b"ERROR bad-argument")]),
        (b"/rooms", [("ann", b"ROOMS 1")]),
        (b"/ping  a ", [("ann", b"PONG  a ")]),
        (b"/ping ", [("ann", b"ERROR bad-argument")]),
        (b"/help me", [("ann", b"INFO")]),
        (b"/HELP", [("ann", b"ERROR unknown-command")]),
        (b"/cd\ttea", [("ann", b"ERROR unknown-command")]),
        (b"/nick \xff", [("ann", b"ERROR bad-text")]),
        (b"\x00" * 4097, [("ann", b"ERROR too-long")]),
    ],
)
def test_a_line_in_a_room(line: bytes, expected: list[tuple[str, bytes]]) -> None:
    assert news(world(*BOTH_IN_MAIN), "ann", line) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"/say", b"ERROR bad-argument"),
        (b"/say x", b"ERROR no-room"),
        (b"/who", b"ERROR no-room"),
        (b"/who x", b"ERROR bad-argument"),
        (b"two words", b"ERROR bad-room"),
        (b"Main", b"ROOM main"),
        (b"exit", b"BYE exit"),
    ],
)
def test_a_line_in_the_lobby(line: bytes, expected: bytes) -> None:
    assert news(world(), "ann", line) == [("ann", expected)]


def test_commands_of_features_that_are_not_advertised_are_unknown() -> None:
    before = World().connect("ann", "guest-1")
    assert news(before, "ann", b"/who") == [("ann", b"ERROR unknown-command")]


def test_members_stand_before_their_number() -> None:
    (_, expected), *_ = world(*BOTH_IN_MAIN).act("ann", b"/who")[1]
    assert expected.before == (b"MEMBER Ann", b"MEMBER Bob")


def test_the_console_removes_and_announces() -> None:
    before = world(*BOTH_IN_MAIN)
    after, effects, kicked = before.command(b"/kick ANN")
    assert (kicked, after.get("ann")) == ("ann", None)
    assert [(to, line.line) for to, line in effects] == [("ann", b"BYE removed"), ("bob", b"LEFT Ann removed")]
    assert [to for to, _ in before.command(b"hello")[1]] == ["ann", "bob"]
    for line in (b"/shrug", b"", b"a\x1bb", b"\xff", b"x" * 4097):
        assert before.command(line) == (before, [], "")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"x" * 4096, ""),
        (b"x" * 4097, "too-long"),
        (b"\xff" * 4097, "too-long"),
        (b"\ttab", ""),
        (b"a\rb", "bad-text"),
        ("\u2028".encode(), "bad-text"),
        ("\u2027".encode(), ""),
        (b"\xed\xa0\x80", "bad-text"),
    ],
)
def test_which_lines_are_no_text(line: bytes, code: str) -> None:
    assert refusal(line)[0] == code


def test_lines_end_with_one_cr_at_most() -> None:
    assert lines_of(b"one\r\ntwo\r\r\n\nrest") == [b"one", b"two\r", b""]


@pytest.mark.parametrize(
    ("octets", "foreign"),
    [(b"GET ", True), (b"\xef\xbb\xbfPOST /", True), (b"\x16", True), (b"get x", False), (b"GET\n", False)],
)
def test_which_openings_are_foreign(octets: bytes, foreign: bool) -> None:
    assert is_foreign(octets) is foreign


def test_info_lines_are_passed_over_but_not_among_members() -> None:
    wanted = Expected(b"MEMBERS main 1", "WHO-1", (b"MEMBER Ann",))
    assert take([b"INFO x", b"MEMBER Ann", b"MEMBERS main 1"], 0, wanted) == 3
    assert take([b"MEMBER Ann", b"INFO x", b"MEMBERS main 1"], 0, wanted) is None
    assert take([b"PONG x"], 0, Expected(b"INFO", "HELP-1", open=True)) is None


def test_rooms_of_others_are_left_out_and_not_counted() -> None:
    received = [b"LIVE other 2", b"LIVE main 1", b"ROOMS 2", b"LIVE main 1", b"ROOMS 2"]
    assert without_foreign_rooms(received, {b"main"}) == [b"LIVE main 1", b"ROOMS 1", b"LIVE main 1", b"ROOMS 2"]


# ------------------------------------------------------------ history and tell


def remembering(*lines: tuple[str, bytes], fresh: str = "main") -> World:
    """Return a world of ann and bob, both in main, on a server with both features, after some lines."""
    result = World(features=FEATURES | {"history", "tell"}, fresh=fresh).connect("ann", "guest-1")
    for label, line in (*BOTH_IN_MAIN[:1], ("ann", b"main"), *lines):
        result, _ = result.act(label, line)
    return result


def answered(before: World, count: int, *received: bytes) -> bool:
    """Whether this is an answer to ann's question, whole."""
    ((_, expected),) = before.act("ann", b"/history %d" % count)[1]
    return take(received, 0, expected) == len(received)


SAID = tuple(("ann", b"%d" % number) for number in range(3))
PAST = [b"PAST 17 SAID Ann %d" % number for number in range(3)]


def test_what_was_said_comes_back() -> None:
    before = remembering(*SAID, ("ann", b"/nick Bea"), ("ann", b"/no-such"))
    assert answered(before, 20, *PAST, b"HISTORY main 3 44")
    assert answered(before, 2, *PAST[1:], b"HISTORY main 2 44")
    assert answered(remembering(), 2, b"INFO x", b"HISTORY main 0 0")


@pytest.mark.parametrize(
    "received",
    [
        [*PAST, b"HISTORY main 4 44"],
        [*PAST, b"HISTORY main 3"],
        [*PAST, b"HISTORY lounge 3 44"],
        [*PAST[1:], b"HISTORY main 2 44"],
        [PAST[1], PAST[0], PAST[2], b"HISTORY main 3 44"],
        [PAST[0], b"INFO x", *PAST[1:], b"HISTORY main 3 44"],
        [b"PAST 16 SAID Bob old", *PAST, b"HISTORY main 4 44"],
        [*PAST],
    ],
)
def test_other_answers_are_wrong(received: list[bytes]) -> None:
    assert not answered(remembering(*SAID), 20, *received)


def test_what_is_not_known_can_come_before_in_a_room_that_others_used() -> None:
    old = [b"PAST 16 SAID Bob old", *PAST, b"HISTORY main 4 44"]
    assert answered(remembering(*SAID, fresh=""), 20, *old)
    assert not answered(remembering(*SAID, fresh=""), 3, *old)
    assert not answered(remembering(*SAID, fresh=""), 20, PAST[0], old[0], *PAST[1:], b"HISTORY main 4 44")


def test_of_a_room_that_was_empty_nothing_has_to_be_kept() -> None:
    before = remembering(*SAID, ("ann", b"/cd tea"), ("ann", b"/cd main"), ("ann", b"new"))
    new = b"PAST 18 SAID Ann new"
    assert answered(before, 20, new, b"HISTORY main 1 44")
    assert answered(before, 20, *PAST, new, b"HISTORY main 4 44")
    assert not answered(before, 20, b"HISTORY main 0 44")
    assert not answered(before, 20, PAST[0], new, b"HISTORY main 2 44")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"/tell guest-1 hi", [("ann", b"ERROR no-user")]),
        (b"/tell ANN  hi", [("ann", b"TELL Ann  hi"), ("ann", b"TOLD Ann  hi")]),
        (b"/tell Ann", [("ann", b"ERROR bad-argument")]),
        (b"/tell  Ann", [("ann", b"ERROR bad-argument")]),
        (b"/history 0", [("ann", b"ERROR bad-argument")]),
        (b"/history 9999", [("ann", b"HISTORY main")]),
        (b"/history 10000", [("ann", b"ERROR bad-argument")]),
    ],
)
def test_lines_of_both_features(line: bytes, expected: list[tuple[str, bytes]]) -> None:
    assert news(remembering(), "ann", line) == expected


# ------------------------------------------------------------ orders

TWO = {"ann": [b"a1", b"a2"], "bob": [b"b1"]}
A1, A2, B1 = b"SAID Ann a1", b"SAID Ann a2", b"SAID Bob b1"


@pytest.mark.parametrize("order", [[A1, A2, B1], [A1, B1, A2], [B1, A1, A2]])
def test_each_order_that_keeps_the_lines_of_a_client_in_order_is_right(order: list[bytes]) -> None:
    found = Search(world(*BOTH_IN_MAIN), TWO, {"ann": order, "bob": order}).run()
    assert isinstance(found, World)


@pytest.mark.parametrize(
    ("ann", "bob"),
    [
        ([A2, A1, B1], [A2, A1, B1]),  # not the order in which they were sent
        ([A1, A2, B1], [A1, B1, A2]),  # not the same order for both
        ([A1, B1], [A1, B1]),  # lost
        ([A1, A2, B1, B1], [A1, A2, B1]),  # doubled
        ([A1, A2, B1], [A1, A2]),
    ],
)
def test_other_orders_are_wrong(ann: list[bytes], bob: list[bytes]) -> None:
    assert isinstance(Search(world(*BOTH_IN_MAIN), TWO, {"ann": ann, "bob": bob}).run(), Unexplained)


def test_two_who_want_one_name_at_the_same_time() -> None:
    batches = {"ann": [b"/nick Cyd"], "bob": [b"/nick Cyd"]}
    before = world(*BOTH_IN_MAIN)
    received = {"ann": [b"ERROR name-taken x", b"NICK Bob Cyd"], "bob": [b"NAME Cyd"]}
    found = Search(before, batches, received).run()
    assert isinstance(found, World)
    assert [client.name for client in found.clients] == ["Ann", "Cyd"]
    both = {"ann": [b"NAME Cyd", b"NICK Bob Cyd"], "bob": [b"NAME Cyd", b"NICK Ann Cyd"]}
    assert isinstance(Search(before, batches, both).run(), Unexplained)


def test_an_answer_can_come_later_than_its_effect_on_others() -> None:
    batches = {"ann": [b"/nick Cyd"], "bob": [b"b1"]}
    received = {"ann": [b"SAID Bob b1", b"NAME Cyd"], "bob": [b"NICK Ann Cyd", b"SAID Bob b1"]}
    assert isinstance(Search(world(*BOTH_IN_MAIN), batches, received).run(), World)


def test_a_search_without_an_order_ends() -> None:
    batches = {label: [b"/ping x"] * 30 for label in ("ann", "bob")}
    received = {"ann": [b"PONG x"] * 30, "bob": [b"PONG x"] * 29}
    assert isinstance(Search(world(), batches, received).run(), Unexplained)

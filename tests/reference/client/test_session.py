"""reference/client/session.py: what comes in -> effects."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference import wire
from reference.client import completion
from reference.client.session import Effect, Quit, Record, Send, Session, Show, Style
from reference.client.texts_en import ENGLISH as TEXTS


def greeted(name: str = "guest-1", room: str | None = None) -> Session:
    """A session after HELLO and NAME, and ROOM if one is given."""
    session = Session(TEXTS)
    session.received(b"HELLO flurfunk/1 who rooms")
    session.received(f"NAME {name}".encode())
    if room:
        session.received(f"ROOM {room}".encode())
    return session


def received(session: Session, *lines: str) -> list[Effect]:
    return [effect for line in lines for effect in session.received(line.encode())]


# ---------------------------------------------------------------- the greeting


@pytest.mark.parametrize(
    "line",
    [
        b"HELLO flurfunk/2",
        b"HELLO flurfunk/10",
        b"HELLO Flurfunk/1",
        b"HELLO",
        b"hello flurfunk/1",
        b"HTTP/1.1 400 Bad Request",
        b"SSH-2.0-OpenSSH_9.6",
        b"NAME guest-1",
        b"",
        b"\xff",
        None,
    ],
)
def test_another_first_line_ends_it(line: bytes | None) -> None:
    """[CLIENT-2]."""
    session = Session(TEXTS, "Ann", "main")
    assert session.received(line) == [Quit(1, TEXTS.not_flurfunk)]
    assert not session.ready


@pytest.mark.parametrize("line", [b"HELLO flurfunk/1", b"HELLO flurfunk/1 who x-later rooms"])
def test_hello_with_whatever_features(line: bytes) -> None:
    """[CLIENT-1]."""
    session = Session(TEXTS)
    assert session.received(line) == []
    assert session.ready


def test_name_and_room_are_asked_for_first() -> None:
    assert Session(TEXTS, "Ann", "main").received(b"HELLO flurfunk/1") == [Send("/nick Ann"), Send("/cd main")]
    assert Session(TEXTS, room="main").received(b"HELLO flurfunk/1") == [Send("/cd main")]


def test_prompt_asks_for_what_is_needed() -> None:
    session = Session(TEXTS)
    assert session.prompt == ""
    received(session, "HELLO flurfunk/1", "NAME guest-1")
    assert session.prompt == "Room to enter: "
    received(session, "ERROR bad-room no")
    assert session.prompt == "Room to enter: "
    received(session, "ROOM main")
    assert session.prompt == "guest-1@main> "
    received(session, "NAME Ann", "ROOM lounge")
    assert session.prompt == "Ann@lounge> "
    session.input_ended()
    assert session.prompt == ""


# ---------------------------------------------------------------- what is shown


@pytest.mark.parametrize(
    ("line", "style", "text"),
    [
        ("NAME Ann", Style.EVENT, "You are now called Ann."),
        ("ROOM main", Style.EVENT, "You are in main."),
        ("INFO a b  c", Style.INFO, "a b  c"),
        ("JOINED Bob", Style.EVENT, "Bob entered."),
        ("LEFT Bob moved", Style.EVENT, "Bob left for another room."),
        ("LEFT Bob exit", Style.EVENT, "Bob left."),
        ("LEFT Bob lost", Style.EVENT, "Bob is gone: the connection was lost."),
        ("LEFT Bob removed", Style.EVENT, "Bob was removed."),
        ("LEFT Bob later-reason", Style.EVENT, "Bob left (later-reason)."),
        ("NICK Bob Rob", Style.EVENT, "Bob is now called Rob."),
        ("ANNOUNCE at {noon}", Style.ANNOUNCE, "ANNOUNCEMENT: at {noon} ***"),
        ("PONG a  b", Style.EVENT, "The server answers: a  b"),
        ("ERROR later-code x", Style.ERROR, "The server refused that (later-code). (The server says: x)"),
    ],
)
def test_what_is_shown(line: str, style: Style, text: str) -> None:
    """[CLIENT-12]."""
    assert received(greeted(), line) == [Show(style, text)]


@pytest.mark.parametrize("code", list(wire.ErrorCode))
def test_each_error_has_words_of_its_own(code: wire.ErrorCode) -> None:
    shown = received(greeted(), f"ERROR {code} theirs")[0]
    assert shown == Show(Style.ERROR, f"{TEXTS.errors[code]} (The server says: theirs)")


@pytest.mark.parametrize("code", ["bad-name", "name-taken"])
def test_a_refused_name_tells_the_present_one(code: str) -> None:
    assert received(greeted("Ann"), f"ERROR {code} no")[1:] == [Show(Style.EVENT, "You are still called Ann.")]


def test_who_said_what() -> None:
    """[CLIENT-10] [CLIENT-11]: one's own words are shown when they come back, and under the present name."""
    session = greeted("Ann", "main")
    assert received(session, "SAID Bob  two  blanks") == [Show(Style.SAID, " two  blanks", "Bob")]
    assert session.typed(b"mine") == [Send("mine")]
    assert received(session, "SAID Ann mine") == [Show(Style.OWN, "mine", "Ann")]
    received(session, "NAME Anna")
    assert received(session, "SAID Anna mine", "SAID Ann not mine") == [
        Show(Style.OWN, "mine", "Anna"),
        Show(Style.SAID, "not mine", "Ann"),
    ]


def test_lists_are_shown_as_one_line() -> None:
    session = greeted("Ann", "main")
    assert received(session, "MEMBER Ann", "MEMBER Bob") == []
    assert received(session, "MEMBERS main 2") == [Show(Style.EVENT, "In main (2): Ann, Bob")]
    assert received(session, "LIVE main 2", "LIVE lounge 1", "ROOMS 2") == [
        Show(Style.EVENT, "Rooms with somebody in them (2): main (2), lounge (1)")
    ]
    assert received(session, "ROOMS 0") == [Show(Style.EVENT, "Rooms with somebody in them (0): ")]


@pytest.mark.parametrize(
    "line",
    [b"", b"LATER x y", b"said Bob x", b"SAID", b"SAID Bob", b"LEFT Bob", b"NAME", b"NAME ", None, b"HELLO flurfunk/2"],
)
def test_what_is_passed_over(line: bytes | None) -> None:
    """[CLIENT-1]."""
    assert greeted("Ann", "main").received(line) == []


@given(st.sampled_from(["SAID Bob ", "ANNOUNCE ", "INFO ", "ERROR bad-room "]), st.text(min_size=1))
def test_nothing_is_sent_because_of_a_text(start: str, text: str) -> None:
    """[CLIENT-3] [CLIENT-4]: nor does a text change what is asked for or end the client."""
    session = greeted("Ann", "main")
    effects = session.received(f"{start}{text}".encode())
    assert effects
    assert all(isinstance(effect, Show) for effect in effects)
    assert session.prompt == "Ann@main> "


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        ("Ann?", True),
        ("hello ANN", True),
        ("\u00fcAnn\u00fc", True),
        ("Anna", False),
        ("Ann-Marie and _Ann", False),
        ("an n", False),
        ("(ann), @ann: 'Ann' Ann... Anna/Ann", True),
        ("Ann:", True),
        ("https://example.org/ann Ann", True),
        ("https://example.org/ann/notes", False),
        ("see <ftp://ann@example.org:21/(ann)>", False),
        ("example.org/ann", False),
        ("ann@example.org", False),
        ("@ann@example.org", False),
        ("eve@ann", False),
        ("x.ann.y", False),
        ("ann.txt", False),
        ("/home/ann/x or ~ann or ./ann or src/ann/x or c:\\ann", False),
        ("ann:8080", False),
        ("ann@\u00f6sterreich.example and \u00f6.ann.example", False),
        ("\u212aann and \u017fann", True),
    ],
)
def test_being_mentioned(text: str, mentions: bool) -> None:
    style = Style.MENTION if mentions else Style.SAID
    assert received(greeted("Ann", "main"), f"SAID Bob {text}") == [Show(style, text, "Bob")]
    assert received(greeted("Ann", "main"), f"SAID Ann {text}") == [Show(Style.OWN, text, "Ann")]


def together(session: Session, *lines: str) -> list[str]:
    effects = session.received_together([line.encode() for line in lines])
    shows = [effect for effect in effects if isinstance(effect, Show)]
    assert shows == effects
    return [show.text for show in shows]


def test_a_crowd_is_one_line_where_nothing_lies_between() -> None:
    session = greeted("Ann", "main")
    assert together(session, "JOINED Bob") == ["Bob entered."]
    assert together(session, "JOINED Bob", "JOINED Cyd") == ["Bob and Cyd entered."]
    assert together(session, *(f"JOINED {name}" for name in "BCD")) == ["B, C and D entered."]
    assert together(session, *(f"JOINED {name}" for name in "BCDEF")) == ["B, C and 3 others entered."]
    lines = ["JOINED B", "JOINED C", "SAID B x", "LEFT B lost", "LEFT C lost", "LEFT D exit", "JOINED B", "LEFT B odd"]
    assert together(session, *lines) == [
        "B and C entered.",
        "x",
        "B and C are gone: their connections were lost.",
        "D left.",
        "B entered.",
        "B left (odd).",
    ]
    assert together(session, "LEFT B odd", "LEFT C odd") == ["B and C left (odd)."]


def test_no_crowd_before_the_greeting() -> None:
    assert Session(TEXTS).received_together([b"JOINED A", b"JOINED B"])[0] == Quit(1, TEXTS.not_flurfunk)


# ---------------------------------------------------------------- what is typed


@pytest.mark.parametrize("line", ["hello", "  hello ", "/cd lounge", "/nick Ann", "/foo", "Exit", "exit ", "a\tb", "ü"])
def test_lines_are_sent_as_typed(line: str) -> None:
    """[CLIENT-13]."""
    assert greeted().typed(line.encode()) == [Send(line)]


def test_an_empty_line_is_not_sent() -> None:
    assert greeted().typed(b"") == []


def test_help_is_the_client_s_and_the_server_s() -> None:
    local = [Show(Style.INFO, line) for line in TEXTS.help]
    assert greeted().typed(b"/help") == [*local, Send("/help")]
    assert greeted().typed(b"/help me") == [*local, Send("/help me")]
    assert greeted().typed(b"/helpless") == [Send("/helpless")]


@pytest.mark.parametrize("line", [b"x" * 4096, "ü".encode() * 2048])
def test_the_longest_line_is_sent(line: bytes) -> None:
    assert greeted().typed(line) == [Send(line.decode())]


@pytest.mark.parametrize("line", [None, b"x" * 4097, "ü".encode() * 2048 + b"x"])
def test_a_longer_line_is_told_and_not_sent(line: bytes | None) -> None:
    """[LINE-11] [CLIENT-13]."""
    assert greeted().typed(line) == [Show(Style.ERROR, TEXTS.too_long.format(limit=4096))]


@pytest.mark.parametrize("line", [b"\xff", b"a\x07", b"a\rb", "\u2028".encode(), "\x85".encode(), b"\x7f", b"\x00"])
def test_a_forbidden_character_is_told_and_not_sent(line: bytes) -> None:
    """[TEXT-7] [CLIENT-13]."""
    assert greeted().typed(line) == [Show(Style.ERROR, TEXTS.bad_text)]


@given(st.binary(max_size=30))
def test_what_is_sent_keeps_the_rules(line: bytes) -> None:
    """[LINE-11] [TEXT-7]."""
    for effect in greeted().typed(line):
        if isinstance(effect, Send):
            assert effect.line.encode() == line
            assert wire.decode(line) == effect.line


# ---------------------------------------------------------------- how it ends


def test_exit_and_the_end_of_input_leave_once() -> None:
    """[CLIENT-15] [CLIENT-16]."""
    for leave in (lambda session: session.typed(b"exit"), Session.input_ended, Session.interrupted):
        session = greeted()
        assert leave(session) == [Send("exit")]
        assert session.leaving
        assert session.typed(b"more") == session.input_ended() == []
        assert received(session, "SAID Bob x") == [Show(Style.SAID, "x", "Bob")]
        assert received(session, "BYE exit") == [Quit(0)]


@pytest.mark.parametrize("reason", list(wire.ByeReason))
def test_a_bye_not_asked_for_is_told(reason: wire.ByeReason) -> None:
    """[CLIENT-18]."""
    lost = reason in ("shutdown", "slow")
    assert received(greeted(), f"BYE {reason}") == [Quit(1, TEXTS.bye[reason], lost)]


def test_other_byes() -> None:
    """[CLIENT-18]: one of a later version; and one that crosses an exit, since what was said may not have arrived."""
    assert received(greeted(), "BYE later") == [Quit(1, "The server closed the connection (later).")]
    session = greeted()
    session.input_ended()
    assert received(session, "BYE shutdown") == [Quit(1, TEXTS.bye["shutdown"])]


def test_a_lost_connection_is_told() -> None:
    """[CLIENT-6]."""
    assert Session(TEXTS).connection_ended() == [Quit(1, TEXTS.not_greeted)]
    session = greeted()
    assert session.connection_ended() == [Quit(1, TEXTS.lost, lost=True)]
    session.input_ended()
    assert session.connection_ended() == [Quit(1, TEXTS.lost)]


def test_patience_ends() -> None:
    assert Session(TEXTS).patience_ended() == [Quit(1, TEXTS.no_greeting)]
    session = greeted()
    session.input_ended()
    assert session.patience_ended() == [Quit(1, TEXTS.no_goodbye)]


def test_an_interrupt_ends_as_wished_whatever_comes() -> None:
    """[CLIENT-15]."""
    assert Session(TEXTS).interrupted() == [Quit(0)]
    session = greeted()
    session.input_ended()
    assert session.interrupted() == []
    assert session.patience_ended() == received(session, "BYE slow") == [Quit(0)]
    assert session.connection_ended() == [Quit(0, TEXTS.lost)]


# ---------------------------------------------------------------- a server that wants a password


def asked(name: str | None = None) -> Session:
    """A session whose user is asked for the password."""
    session = Session(TEXTS, name, "main")
    session.on_terminal = True
    assert session.received(b"HELLO flurfunk/1 who password rooms") == [Show(Style.EVENT, TEXTS.password_asked)]
    assert session.asking
    return session


def test_the_user_is_asked_for_the_password() -> None:
    """[PASS-12]: name and room wait until it was right."""
    session = asked("Ann")
    assert session.prompt == TEXTS.prompt_password
    assert session.typed(b"/help me") == [Send("/password /help me")]
    assert session.typed(b"/password me") == [Send("/password me")]  # [PASS-16]
    (shown,) = received(session, "ERROR bad-password no")
    assert isinstance(shown, Show)
    assert shown.text.startswith(TEXTS.errors["bad-password"])
    assert session.asking
    assert session.typed(b"Open sesame") == [Send("/password Open sesame")]
    assert received(session, "ADMITTED") == [Show(Style.EVENT, TEXTS.admitted), Send("/nick Ann"), Send("/cd main")]
    assert session.prompt == TEXTS.prompt_lobby
    assert session.typed(b"hello") == [Send("hello")]
    assert received(session, "ADMITTED") == [Show(Style.EVENT, TEXTS.admitted)]


def test_exit_leaves_where_the_password_is_asked_for() -> None:
    """[CLIENT-15]."""
    assert asked().typed(b"exit") == [Send("exit")]


def test_a_password_that_cannot_be_sent_is_told() -> None:
    """[LINE-11] [TEXT-7]."""
    session = asked()
    assert session.typed(b"x" * 4086) == [Send("/password " + "x" * 4086)]
    for line in (b"x" * 4087, b"\xff", b"a\x1bb"):
        (shown,) = session.typed(line)
        assert isinstance(shown, Show)
        assert shown.style is Style.ERROR


def test_three_wrong_passwords_end_it() -> None:
    """[CLIENT-18]."""
    assert received(asked(), "BYE denied") == [Quit(1, TEXTS.bye["denied"])]


def test_a_password_from_a_file_is_sent_first() -> None:
    """[PASS-17]: all else follows its answer."""
    session = Session(TEXTS, "Ann", "main", "Open sesame")
    assert session.received(b"HELLO flurfunk/1 password") == [Send("/password Open sesame")]
    assert not session.asking
    assert (session.waiting, session.prompt, session.ask()) == (True, "", [])
    assert received(session, "NAME guest-1", "ADMITTED")[1:] == [
        Show(Style.EVENT, TEXTS.admitted),
        Send("/nick Ann"),
        Send("/cd main"),
    ]
    assert (session.waiting, session.prompt) == (False, TEXTS.prompt_lobby)
    assert received(session, "ADMITTED") == [Show(Style.EVENT, TEXTS.admitted)]


def test_a_wrong_password_from_a_file_ends_it() -> None:
    session = Session(TEXTS, password="wrong")
    session.received(b"HELLO flurfunk/1 password")
    assert received(session, "ERROR bad-password no") == [Quit(1, TEXTS.password_wrong)]


def test_a_password_is_not_sent_unasked() -> None:
    """[PASS-14]."""
    assert Session(TEXTS, password="secret").received(b"HELLO flurfunk/1 who passwords x-password") == []


def test_where_nothing_can_be_hidden_nothing_is_asked() -> None:
    session = Session(TEXTS)
    assert session.received(b"HELLO flurfunk/1 password") == [Quit(1, TEXTS.password_wanted)]


# ---------------------------------------------------------------- a lost connection, and the one after it


def lost(name: str = "Ann", room: str | None = "main") -> Session:
    """A session that has lost its connection, and waits for another."""
    session = greeted(name, room)
    session.on_terminal = True
    (end,) = session.connection_ended()
    assert isinstance(end, Quit)
    assert session.lose(end.message) == [Show(Style.ERROR, TEXTS.trying.format(why=TEXTS.lost))]
    return session


def test_it_comes_back_into_its_room_under_its_name() -> None:
    session = lost()
    assert session.prompt == TEXTS.prompt_away
    assert session.typed(b"hello") == [Show(Style.EVENT, "Kept until you are back: hello")]
    assert session.typed(b"/cd lounge") == [Show(Style.EVENT, "Kept until you are back: /cd lounge")]
    assert received(session, "HELLO flurfunk/1") == [Send("/nick Ann"), Send("/cd main")]
    assert received(session, "NAME guest-2", "NAME Ann") == []
    assert session.typed(b"too soon") == [Show(Style.EVENT, "Kept until you are back: too soon")]
    assert session.prompt == TEXTS.prompt_away
    assert received(session, "ROOM main") == [
        Show(Style.EVENT, "You are back in main as Ann."),
        Send("hello"),
        Send("/cd lounge"),
        Send("too soon"),
    ]
    assert session.prompt == "Ann@main> "
    assert session.typed(b"now") == [Send("now")]


def test_a_name_that_is_taken_meanwhile_is_told() -> None:
    session = lost()
    received(session, "HELLO flurfunk/1", "NAME guest-2")
    shows = received(session, "ERROR name-taken no")
    assert shows[1] == Show(Style.EVENT, "You are called guest-2 until Ann is free again.")
    assert received(session, "ROOM main") == [Show(Style.EVENT, "You are back in main as guest-2.")]


def test_the_name_and_the_room_of_before_are_wanted_after_several_losses() -> None:
    session = lost()
    received(session, "HELLO flurfunk/1", "NAME guest-2")
    assert session.connection_ended() == [Quit(1, TEXTS.lost, lost=True)]
    assert session.lose(TEXTS.lost) == [Show(Style.ERROR, TEXTS.lost)]
    assert session.connection_ended() == [Quit(1, TEXTS.not_greeted, lost=True)]
    assert session.lose(TEXTS.not_greeted) == [Show(Style.ERROR, TEXTS.not_greeted)]
    assert session.lose(TEXTS.not_greeted) == []  # of each try that ends as the one before
    assert session.patience_ended() == [Quit(1, TEXTS.no_greeting, lost=True)]
    assert received(session, "HELLO flurfunk/1", "BYE full")[-1] == Quit(1, TEXTS.bye["full"], lost=True)
    session.lose(TEXTS.lost)
    assert received(session, "HELLO flurfunk/1") == [Send("/nick Ann"), Send("/cd main")]


def test_it_comes_back_into_the_lobby() -> None:
    session = lost(room=None)
    session.typed(b"main")
    assert received(session, "HELLO flurfunk/1") == [
        Send("/nick Ann"),
        Show(Style.EVENT, "You are back in the lobby as Ann."),
        Send("main"),
    ]


@pytest.mark.parametrize("came", [(), ("NAME guest-7",), ("NAME guest-7", "ERROR name-taken no")])
def test_what_was_wished_is_wished_again_until_it_was_granted(came: tuple[str, ...]) -> None:
    session = Session(TEXTS, "Ann", "main")
    received(session, "HELLO flurfunk/1", *came)
    session.lose(TEXTS.lost)
    assert received(session, "HELLO flurfunk/1") == [Send("/nick Ann"), Send("/cd main")]
    assert received(session, "NAME guest-8", "NAME Ann", "ROOM main") == [
        Show(Style.EVENT, "You are back in main as Ann.")
    ]


def test_a_name_is_wanted_again_once_it_was_granted() -> None:
    session = Session(TEXTS, "Ann", "main")
    received(session, "HELLO flurfunk/1", "NAME guest-7", "NAME Bob")
    session.lose(TEXTS.lost)
    assert received(session, "HELLO flurfunk/1") == [Send("/nick Bob"), Send("/cd main")]


def test_the_wish_for_a_name_outlives_that_it_is_taken() -> None:
    """The connection that was lost can still have the name: it is asked for now and then, and at the next loss."""
    session = Session(TEXTS, "Ann", "main")
    received(session, "HELLO flurfunk/1", "NAME guest-1", "NAME Ann", "ROOM main")
    session.lose(TEXTS.lost)
    received(session, "HELLO flurfunk/1", "NAME guest-2")
    assert not session.wishing()
    refusal = received(session, "ERROR name-taken no")
    assert refusal[1] == Show(Style.EVENT, TEXTS.name_for_now.format(name="guest-2", wish="Ann"))
    received(session, "ROOM main")
    assert session.wishing()
    for _ in range(2):
        assert session.wish() == [Send("/nick Ann")]
        assert session.wish() == []
        assert received(session, "ERROR name-taken no") == []
    session.lose(TEXTS.lost)
    assert not session.wishing()
    assert received(session, "HELLO flurfunk/1") == [Send("/nick Ann"), Send("/cd main")]
    received(session, "NAME guest-3", "ERROR name-taken no", "ROOM main")
    assert session.wish() == [Send("/nick Ann")]
    assert received(session, "NAME Ann") == [Show(Style.EVENT, TEXTS.new_name.format(name="Ann"))]
    assert (session.wishing(), session.wish()) == (False, [])


def test_a_name_that_the_user_never_had_is_not_asked_for_now_and_then() -> None:
    session = Session(TEXTS, "Ann", "main")
    received(session, "HELLO flurfunk/1", "NAME guest-1", "ERROR name-taken no", "ROOM main")
    assert not session.wishing()
    session.lose(TEXTS.lost)
    assert received(session, "HELLO flurfunk/1") == [Send("/nick Ann"), Send("/cd main")]
    received(session, "NAME guest-2", "ERROR name-taken no", "ROOM main")
    assert not session.wishing()


def test_who_takes_another_name_no_longer_wishes_the_one_of_before() -> None:
    session = lost()
    received(session, "HELLO flurfunk/1", "NAME guest-2", "ERROR name-taken no", "ROOM main")
    assert session.wish() == [Send("/nick Ann")]
    assert session.typed(b"/nick Bob") == [Send("/nick Bob")]
    assert not session.wishing()
    assert received(session, "ERROR name-taken theirs") == []
    assert len(received(session, "ERROR name-taken no")) == 2
    session.typed(b"/nick Eve")
    received(session, "NAME Eve")
    session.lose(TEXTS.lost)
    assert received(session, "HELLO flurfunk/1") == [Send("/nick Eve"), Send("/cd main")]


def test_what_was_asked_for_last_is_wished_where_the_answer_did_not_come() -> None:
    session = greeted("Ann", "main")
    for line in (b"/nick Bob", b"/nick B.B.", b"/cd attic", b"/cd a b"):
        session.typed(line)
    session.lose(TEXTS.lost)
    assert received(session, "HELLO flurfunk/1") == [Send("/nick Bob"), Send("/cd attic")]
    session = greeted("Ann")
    for line in (b"attic", b"hello"):  # the second one is said in the room
        session.typed(line)
    session.lose(TEXTS.lost)
    assert received(session, "HELLO flurfunk/1") == [Send("/nick Ann"), Send("/cd attic")]


def test_who_found_another_name_and_room_comes_back_to_them() -> None:
    session = Session(TEXTS, "Ann", "main")
    received(session, "HELLO flurfunk/1", "NAME guest-7", "ERROR name-taken no", "ROOM main", "NAME Bob", "ROOM attic")
    session.lose(TEXTS.lost)
    assert received(session, "HELLO flurfunk/1") == [Send("/nick Bob"), Send("/cd attic")]


def test_the_password_is_asked_for_again() -> None:
    """[PASS-12] [PASS-13]: and what was kept is not taken for one."""
    session = lost()
    session.typed(b"hello")
    assert received(session, "HELLO flurfunk/1 password") == [Show(Style.EVENT, TEXTS.password_asked)]
    assert session.prompt == TEXTS.prompt_password
    assert session.typed(b"Open sesame") == [Send("/password Open sesame")]
    assert received(session, "ADMITTED")[1:] == [Send("/nick Ann"), Send("/cd main")]
    assert received(session, "ROOM main")[1:] == [Send("hello")]


@pytest.mark.parametrize("reason", ["removed", "denied", "idle", "exit", "later"])
def test_who_is_sent_away_stays_away(reason: str) -> None:
    for session in (greeted("Ann", "main"), lost()):
        received(session, "HELLO flurfunk/1")
        (end,) = received(session, f"BYE {reason}")
        assert isinstance(end, Quit)
        assert not end.lost


def test_leaving_while_there_is_no_connection_is_at_once() -> None:
    """[CLIENT-15]."""
    for leave in (lambda session: session.typed(b"exit"), Session.input_ended, Session.interrupted):
        assert leave(lost()) == [Quit(0)]


def test_what_was_kept_is_given_back_at_the_end() -> None:
    session = lost()
    session.typed(b"hello")
    assert session.leftover() == [Show(Style.ERROR, "Not sent: hello")]


def test_what_was_said_and_did_not_come_back_is_told() -> None:
    session = greeted("Ann", "main")
    session.on_terminal = True
    for line in (b"one", b"two", b"/say three", b"/who", b"four"):
        session.typed(line)
    received(session, "SAID Ann two", "SAID Bob four", "SAID Ann from elsewhere")
    told = [Show(Style.ERROR, f"This may not have arrived: {text}") for text in ("three", "four")]
    assert session.lose(TEXTS.lost)[1:] == told
    assert session.leftover() == []


def test_a_goodbye_stands_behind_whatever_was_said() -> None:
    session = greeted("Ann", "main")
    session.on_terminal = True
    session.typed(b"one")
    session.input_ended()
    assert received(session, "BYE exit") == [Quit(0)]
    assert session.leftover() == []


def test_the_answer_to_its_own_question_is_not_shown() -> None:
    session = greeted("Ann", "main")
    (question,) = session.ask()
    assert isinstance(question, Send)
    assert received(session, f"PONG {question.line.removeprefix('/ping ')}") == []
    session.input_ended()
    assert session.ask() == []


# ---------------------------------------------------------------- what the client does by itself


@pytest.mark.parametrize(
    "line", ["/quit", "/q", "/bye", "/join main", "/msg Bob hi", "/me waves", "/list", "/name Ann"]
)
def test_habits_meet_a_word_of_help_and_are_not_sent(line: str) -> None:
    for session in (greeted("Ann", "main"), lost()):
        (shown,) = session.typed(line.encode())
        assert isinstance(shown, Show)
        assert shown.text == TEXTS.habits[line.partition(" ")[0]]
        assert shown.text.startswith("Not sent: ")
    assert greeted().typed(f"/say {line}".encode()) == [Send(f"/say {line}")]
    assert asked().typed(line.encode()) == [Send(f"/password {line}")]


def test_help_names_whatever_is_completed() -> None:
    for command in completion.COMMANDS:
        if command != "/help":
            assert any(f"  {command} " in line for line in TEXTS.help), command


def test_one_s_own_name_of_before_is_not_completed() -> None:
    session = greeted("Ann", "main")
    received(session, "SAID Ann x", "SAID Bob x", "NAME Anna")
    assert session.complete("oh a") == (3, [])


def test_nobody_ignores_oneself() -> None:
    """[CLIENT-11]: not even who takes the name of somebody who was ignored."""
    session = greeted("Ann", "main")
    session.typed(b"/ignore bob")
    received(session, "NAME Bob")
    assert received(session, "SAID Bob x") == [Show(Style.OWN, "x", "Bob")]


def test_ignoring() -> None:
    session = greeted("Ann", "main")
    assert session.typed(b"/ignore") == [Show(Style.EVENT, TEXTS.nobody_ignored)]
    assert session.typed(b"/ignore Bob") == [Show(Style.EVENT, TEXTS.ignoring.format(name="Bob"))]
    assert received(session, "SAID bob x", "SAID Bob Ann!") == []
    assert received(session, "LEFT Bob exit", "SAID Cyd x")[0] == Show(Style.EVENT, "Bob left.")
    assert session.typed(b"/ignore") == [Show(Style.EVENT, TEXTS.ignored.format(names="Bob"))]
    received(session, "NICK Bob Rob")
    assert received(session, "SAID Rob x") == []
    assert received(session, "SAID Bob x") == [Show(Style.SAID, "x", "Bob")]
    assert session.typed(b"/ignore ROB") == [Show(Style.EVENT, TEXTS.heard_again.format(name="ROB"))]
    assert received(session, "SAID Rob x") == [Show(Style.SAID, "x", "Rob")]
    (shown,) = session.typed(b"/ignore B.B.")
    assert isinstance(shown, Show)
    assert shown.style is Style.ERROR


def test_logging() -> None:
    session = greeted("Ann", "main")
    assert session.typed(b"/log some file ") == [Record("some file")]
    assert session.typed(b"/log") == [Record("")]


def test_who_is_in_a_room_is_asked_quietly() -> None:
    """Else nobody who was there before could be completed; the user's own /who is answered as ever."""
    session = greeted("Ann")
    session.on_terminal = True
    assert received(session, "ROOM main") == [Send("/who"), Show(Style.EVENT, "You are in main.")]
    assert session.typed(b"/who") == [Send("/who")]
    assert received(session, "SAID Bert x", "MEMBER Bert", "MEMBER Bea", "MEMBER Bob", "MEMBERS main 3")[1:] == []
    assert session.complete("b") == (0, ["Bert, ", "Bea, ", "Bob, "])
    assert received(session, "MEMBER Bob", "MEMBERS main 1") == [Show(Style.EVENT, "In main (1): Bob")]
    assert received(session, "ROOM attic")[0] == Send("/who")
    assert session.complete("b") == (0, [])
    session.lose(TEXTS.lost)
    received(session, "HELLO flurfunk/1 who", "NAME guest-1")
    assert received(session, "ROOM attic")[0] == Send("/who")
    session.lose(TEXTS.lost)
    received(session, "HELLO flurfunk/1 rooms", "NAME guest-1")
    assert len(received(session, "ROOM attic")) == 1


def test_a_refused_who_is_not_waited_for() -> None:
    session = greeted("Ann")
    session.on_terminal = True
    session.typed(b"/who")
    received(session, "ERROR no-room no", "ROOM main", "MEMBERS main 0")
    session.typed(b"/who")
    assert received(session, "MEMBERS main 0") == [Show(Style.EVENT, "In main (0): ")]


def test_names_and_rooms_are_learnt() -> None:
    session = greeted("Ann")
    assert session.complete("l") == (0, ["lounge"])
    received(session, "LIVE library 2", "ROOMS 1", "ROOM attic", "MEMBER Bob", "MEMBER Ann", "MEMBERS attic 2")
    received(session, "JOINED Bert", "SAID Bea x", "NICK Bert Bernd", "SAID Bob x")
    assert session.complete("b") == (0, ["Bob, ", "Bernd, ", "Bea, "])
    assert session.complete("oh b") == (3, ["Bob ", "Bernd ", "Bea "])
    assert session.complete("a") == (0, [])
    assert session.complete("/cd l") == (4, ["lounge", "library"])
    received(session, "LEFT Bob exit")
    assert session.complete("bo") == (0, [])
    received(session, "ROOM lounge")
    assert session.complete("b") == (0, [])
    assert session.complete("/cd ") == (4, ["main", "lounge", "coffee-break", "library", "attic"])
    assert session.complete("/r") == (0, ["/rooms "])

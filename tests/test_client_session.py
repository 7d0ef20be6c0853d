"""reference/client/session.py: what comes in -> effects."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference import wire
from reference.client import texts
from reference.client.session import Effect, Quit, Send, Session, Show, Style


def greeted(name: str = "guest-1", room: str | None = None) -> Session:
    """A session behind HELLO and NAME, and ROOM if one is given."""
    session = Session()
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
    session = Session("Ann", "main")
    assert session.received(line) == [Quit(1, texts.NOT_FLURFUNK)]
    assert not session.ready


@pytest.mark.parametrize("line", [b"HELLO flurfunk/1", b"HELLO flurfunk/1 who x-later rooms"])
def test_hello_with_whatever_features(line: bytes) -> None:
    """[CLIENT-1]."""
    session = Session()
    assert session.received(line) == []
    assert session.ready


def test_name_and_room_are_asked_for_first() -> None:
    assert Session("Ann", "main").received(b"HELLO flurfunk/1") == [Send("/nick Ann"), Send("/cd main")]
    assert Session(room="main").received(b"HELLO flurfunk/1") == [Send("/cd main")]


def test_prompt_asks_for_what_is_needed() -> None:
    session = Session()
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
    assert shown == Show(Style.ERROR, f"{texts.ERRORS[code]} (The server says: theirs)")


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


# ---------------------------------------------------------------- what is typed


@pytest.mark.parametrize("line", ["hello", "  hello ", "/cd lounge", "/nick Ann", "/foo", "Exit", "exit ", "a\tb", "ü"])
def test_lines_are_sent_as_typed(line: str) -> None:
    """[CLIENT-13]."""
    assert greeted().typed(line.encode()) == [Send(line)]


def test_an_empty_line_is_not_sent() -> None:
    assert greeted().typed(b"") == []


def test_help_is_the_client_s_and_the_server_s() -> None:
    local = [Show(Style.INFO, line) for line in texts.HELP]
    assert greeted().typed(b"/help") == [*local, Send("/help")]
    assert greeted().typed(b"/help me") == [*local, Send("/help me")]
    assert greeted().typed(b"/helpless") == [Send("/helpless")]


@pytest.mark.parametrize("line", [b"x" * 4096, "ü".encode() * 2048])
def test_the_longest_line_is_sent(line: bytes) -> None:
    assert greeted().typed(line) == [Send(line.decode())]


@pytest.mark.parametrize("line", [None, b"x" * 4097, "ü".encode() * 2048 + b"x"])
def test_a_longer_line_is_told_and_not_sent(line: bytes | None) -> None:
    """[LINE-11] [CLIENT-13]."""
    assert greeted().typed(line) == [Show(Style.ERROR, texts.TOO_LONG.format(limit=4096))]


@pytest.mark.parametrize("line", [b"\xff", b"a\x07", b"a\rb", "\u2028".encode(), "\x85".encode(), b"\x7f", b"\x00"])
def test_a_forbidden_character_is_told_and_not_sent(line: bytes) -> None:
    """[TEXT-7] [CLIENT-13]."""
    assert greeted().typed(line) == [Show(Style.ERROR, texts.BAD_TEXT)]


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
    assert received(greeted(), f"BYE {reason}") == [Quit(1, texts.BYE[reason])]


def test_other_byes() -> None:
    """[CLIENT-18]: one of a later version; and one that crosses an exit, since what was said may not have arrived."""
    assert received(greeted(), "BYE later") == [Quit(1, "The server closed the connection (later).")]
    session = greeted()
    session.input_ended()
    assert received(session, "BYE shutdown") == [Quit(1, texts.BYE["shutdown"])]


def test_a_lost_connection_is_told() -> None:
    """[CLIENT-6]."""
    assert Session().connection_ended() == [Quit(1, texts.NOT_FLURFUNK)]
    session = greeted()
    assert session.connection_ended() == [Quit(1, texts.LOST)]
    session.input_ended()
    assert session.connection_ended() == [Quit(1, texts.LOST)]


def test_patience_ends() -> None:
    assert Session().patience_ended() == [Quit(1, texts.NO_GREETING)]
    session = greeted()
    session.input_ended()
    assert session.patience_ended() == [Quit(1, texts.NO_GOODBYE)]


def test_an_interrupt_ends_as_wished_whatever_comes() -> None:
    """[CLIENT-15]."""
    assert Session().interrupted() == [Quit(0)]
    session = greeted()
    session.input_ended()
    assert session.interrupted() == []
    assert session.patience_ended() == received(session, "BYE slow") == [Quit(0)]
    assert session.connection_ended() == [Quit(0, texts.LOST)]


# ---------------------------------------------------------------- a server that wants a password


def asked(name: str | None = None) -> Session:
    """A session whose user is asked for the password."""
    session = Session(name, "main")
    session.can_ask = True
    assert session.received(b"HELLO flurfunk/1 who password rooms") == [Show(Style.EVENT, texts.PASSWORD_ASKED)]
    assert session.asking
    return session


def test_the_user_is_asked_for_the_password() -> None:
    """[PASS-12]: name and room wait until it was right."""
    session = asked("Ann")
    assert session.prompt == texts.PROMPT_PASSWORD
    assert session.typed(b"/help me") == [Send("/password /help me")]
    (shown,) = received(session, "ERROR bad-password no")
    assert isinstance(shown, Show)
    assert shown.text.startswith(texts.ERRORS["bad-password"])
    assert session.asking
    assert session.typed(b"Open sesame") == [Send("/password Open sesame")]
    assert received(session, "ADMITTED") == [Show(Style.EVENT, texts.ADMITTED), Send("/nick Ann"), Send("/cd main")]
    assert session.prompt == texts.PROMPT_LOBBY
    assert session.typed(b"hello") == [Send("hello")]
    assert received(session, "ADMITTED") == [Show(Style.EVENT, texts.ADMITTED)]


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
    assert received(asked(), "BYE denied") == [Quit(1, texts.BYE["denied"])]


def test_a_password_from_a_file_is_sent_first() -> None:
    session = Session("Ann", "main", "Open sesame")
    sent = session.received(b"HELLO flurfunk/1 password")
    assert sent == [Send("/password Open sesame"), Send("/nick Ann"), Send("/cd main")]
    assert not session.asking
    assert received(session, "ADMITTED") == [Show(Style.EVENT, texts.ADMITTED)]


def test_a_wrong_password_from_a_file_ends_it() -> None:
    session = Session(password="wrong")
    session.received(b"HELLO flurfunk/1 password")
    assert received(session, "ERROR bad-password no") == [Quit(1, texts.PASSWORD_WRONG)]


def test_a_password_is_not_sent_unasked() -> None:
    """[PASS-14]."""
    assert Session(password="secret").received(b"HELLO flurfunk/1 who passwords x-password") == []


def test_where_nothing_can_be_hidden_nothing_is_asked() -> None:
    session = Session()
    assert session.received(b"HELLO flurfunk/1 password") == [Quit(1, texts.PASSWORD_WANTED)]

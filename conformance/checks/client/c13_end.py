"""Section 13.2, Clients on a terminal, when it ends."""

from collections.abc import Callable

from conformance.checks.client.plays import (
    CTRL_C,
    CTRL_D,
    WAYS,
    dismiss_before,
    dismiss_in_a_room,
    end_if_need_be,
    leave,
    leave_a_room,
    leave_the_lobby,
    lose,
    speak_no_protocol,
    tell_apart_in_the_greeting,
    tell_apart_in_the_lobby,
)
from conformance.checks.registry import client_check
from conformance.stage.client import ClientScene
from conformance.wire import client_standing as standing
from conformance.wire.failure import Failed
from conformance.wire.peer import listed

_MUTE_FACTOR = 6  # how many deadlines are certainly more than a short time to wait for a BYE [CLIENT-16]


@client_check("CLIENT-15", "ae10d48a04b5", plays=(leave_the_lobby,))
def leaving_the_lobby_ends_the_client(t: ClientScene) -> None:
    """Before a room is chosen, exit, end of input and Ctrl-C end the client."""
    for keys in ("exit\r", CTRL_D, CTRL_C):
        t.lobby()
        leave(t, keys)
        t.until_ended()


@client_check("CLIENT-15", "ae10d48a04b5", slow=1)
def exit_ends_the_client_without_a_bye(t: ClientScene) -> None:
    """exit ends the client even if no BYE comes."""
    t.in_room()
    t.type("exit")
    t.until_ended(within=_MUTE_FACTOR * t.deadline)


@client_check("CLIENT-15", "ae10d48a04b5", slow=1)
def end_of_input_ends_the_client_without_a_bye(t: ClientScene) -> None:
    """End of input ends the client even if no BYE comes."""
    t.in_room()
    t.press(CTRL_D)
    t.until_ended(within=_MUTE_FACTOR * t.deadline)


@client_check("CLIENT-15", "ae10d48a04b5", slow=1)
def interrupt_ends_the_client_without_a_bye(t: ClientScene) -> None:
    """Ctrl-C ends the client even if no BYE comes, or no greeting has."""
    t.in_room()
    t.press(CTRL_C)
    t.until_ended(within=_MUTE_FACTOR * t.deadline)
    t.start()
    t.press(CTRL_C)
    t.until_ended(within=_MUTE_FACTOR * t.deadline)


@client_check("CLIENT-15", "ae10d48a04b5")
def leaving_while_lines_come_ends_the_client(t: ClientScene) -> None:
    """Leaving works while many lines come."""
    for keys in ("exit\r", CTRL_C):
        t.in_room()
        t.wire.offer("".join(f"SAID Bob {number}\n" for number in range(2000)).encode())
        leave(t, keys)
        t.until_ended()


@client_check("CLIENT-16", "0c7a891606fb", plays=(leave_a_room,))
def leaving_sends_exit(t: ClientScene) -> None:
    """However the user leaves, the client sends exit."""
    for way, keys in WAYS.items():
        t.in_room()
        sent = leave(t, keys)
        if sent != [b"exit"]:
            raise Failed('server <- "exit"', f"server <- {listed(sent)}", way)


@client_check("CLIENT-16", "0c7a891606fb", plays=(leave_a_room,))
def bye_is_waited_for(t: ClientScene) -> None:
    """The client is still there when the answer to its exit comes, and shows what comes before it."""
    for keys in ("exit\r", CTRL_D, CTRL_C):
        t.needs(standing.WAYS_OUT[keys])
        t.in_room()
        t.press(keys)
        t.expect("exit")
        word = t.word()
        t.send(f"SAID Bob {word}")
        t.until_shown(word)
        t.send("BYE exit")
        t.until_closed()


@client_check("CLIENT-17", "75e985dfcc00", plays=(leave_a_room, leave_the_lobby))
def leaving_restores_the_terminal(t: ClientScene) -> None:
    """When the user leaves, the mode of the terminal is as it was: in a room, and in the lobby."""
    for begin in (t.in_room, t.lobby):
        for way, keys in WAYS.items():
            begin()
            t.transcript.event("user", f"leaves by {way}")
            leave(t, keys)
            t.until_ended()
            t.mode_is_restored()


def _dismiss(t: ClientScene) -> None:
    t.in_room()
    t.press("half a line")
    t.until_shown("half a line")
    t.send("BYE shutdown")
    t.until_closed()


def _lose(t: ClientScene) -> None:
    t.in_room()
    t.press("half a line")
    t.until_shown("half a line")
    t.wire.close()


def _break(t: ClientScene) -> None:
    t.in_room()
    t.wire.reset()


def _refuse(t: ClientScene) -> None:
    t.needs(*standing.REFUSING)
    t.start()
    t.send("HELLO flurfunk/2")
    t.until_closed()


def _lose_early(t: ClientScene) -> None:
    t.lobby()
    t.wire.close()


@client_check("CLIENT-17", "75e985dfcc00", plays=(dismiss_in_a_room, speak_no_protocol, lose))
def every_end_restores_the_terminal(t: ClientScene) -> None:
    """When the server ends, or is lost, or is none, the mode of the terminal is as it was."""
    ways: tuple[Callable[[ClientScene], None], ...] = (_dismiss, _lose, _break, _refuse, _lose_early)
    for way in ways:
        way(t)
        end_if_need_be(t)


@client_check("CLIENT-18", "b4646fed8c1a", plays=(dismiss_before,))
def the_reason_of_a_bye_in_the_lobby(t: ClientScene) -> None:
    """BYE idle, denied, removed and shutdown are told before a room is chosen, each in another way."""
    tell_apart_in_the_lobby(t)


@client_check("CLIENT-18", "b4646fed8c1a", plays=(dismiss_before,))
def the_reason_of_a_bye_in_the_greeting(t: ClientScene) -> None:
    """BYE full and shutdown right after HELLO are told, each in another way."""
    tell_apart_in_the_greeting(t)


@client_check("CLIENT-19", "1414f081dec4")
def unknown_codes_and_reasons_are_shown(t: ClientScene) -> None:
    """An ERROR, a LEFT and a BYE with a code or a reason that no version has yet are shown with it, and BYE ends."""
    code, leaving, end = t.word(), t.word(), t.word()
    t.in_room()
    t.send(f"ERROR {code} no", f"LEFT Bob {leaving}")
    t.until_shown(code, leaving)
    t.send(f"BYE {end}")
    t.until_closed()
    t.until_shown(end)

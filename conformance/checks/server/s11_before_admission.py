"""Section 11.3: each way in which a client can end before it is admitted; and that afterwards all is right again."""

from collections.abc import Sequence

from conformance.checks.registry import check
from conformance.checks.server.looks import asks
from conformance.checks.server.s02_ends import WAYS, become_free, in_states
from conformance.stage.scene import preparing
from conformance.stage.server import Stage
from conformance.wire.peer import Peer

PASSWORD = "open Sesame"


@check("NAME-1", "b74ada0bbafe", needs=("password",), slow=2)
def names_are_free_after_each_end_before_admission(t: Stage) -> None:
    """A client that ends before admission, while a wrong password waits too, leaves its name to others."""
    t.take_turn(password=PASSWORD)
    heir = t.connect("heir")
    heir.send(f"/password {PASSWORD}")
    heir.expect("ADMITTED")
    wrong = b"/password wrong\n"
    states = {"outside": b"", "in a password": wrong[:-1], "waiting": wrong, "waiting, and has sent more": wrong * 2}
    clients = in_states(t, states, WAYS, "", settled=False)  # a PONG would come after the answer
    for client in clients:
        WAYS[client.end](client.peer)
    t.deadline += 2  # for those that half-closed, and two answers
    become_free(t, heir, (client.name for client in clients))


@check("NAME-9", "8eec46f742bc", needs=("password",), slow=3)
def names_are_free_behind_bye_denied(t: Stage) -> None:
    """The names of those who gave three wrong passwords, or sent exit before admission, are free after their BYE."""
    t.share(password=PASSWORD)
    heir, *clients = t.clients("heir", "open", "half-closed", "leaves")
    heir.send(f"/password {PASSWORD}")
    for client in clients:
        client.send(*["/password wrong"] * (1 if client.label == "leaves" else 3), "exit")
    clients[1].half_close()
    t.deadline += 3  # seconds for three answers, which a server may owe
    _end(clients)
    heir.expect("ADMITTED")
    asks(t, heir, ((f"/nick {client.name}", f"NAME {client.name}") for client in clients))


@preparing
def _end(clients: Sequence[Peer]) -> None:
    for client in clients:
        client.expect_last("BYE exit" if client.label == "leaves" else "BYE denied")
        client.close()


@check("NET-4", "c801f388b0c9", needs=("password",), slow=1)
def half_close_while_a_wrong_password_waits(t: Stage) -> None:
    """A client that half-closes while its wrong password waits gets the answers to all its lines, and the end."""
    t.share(password=PASSWORD)
    behind: list[tuple[bytes, list[str]]] = [
        (b"", []),
        (b"half", []),
        (b"/ping x\n", ["PONG x"]),
        (f"/password {PASSWORD}\n/ping x\nhalf".encode(), ["ADMITTED", "PONG x"]),
        (b"exit\n", ["BYE exit"]),
    ]
    clients = t.clients(*(f"ann{number}" for number in range(1, len(behind) + 1)))
    for client, (sent, _) in zip(clients, behind, strict=True):
        client.send_octets(b"/password wrong\n" + sent)
        client.half_close()
    for client, (_, answers) in zip(clients, behind, strict=True):
        client.expect("ERROR bad-password ...", *answers)
        client.expect_end()

"""The ground that needs a server of its own for each check."""

from conformance.checks.registry import check
from conformance.checks.server import ground
from conformance.stage.server import Stage
from conformance.wire.failure import Failed
from conformance.wire.peer import listed
from conformance.wire.process import STOP_SECONDS

_PASSWORD = "open Sesame"


@check("OPER-1", "297da2fc6825", ground=4)
def announced(t: Stage) -> None:
    """All that is typed on the console comes to a member, and not to a client in the lobby."""
    server = t.take_turn()
    (ann,) = ground.together(t, "ann")
    cyd = t.connect("cyd")
    server.say("lunch is ready")
    ann.expect("ANNOUNCE lunch is ready")
    if told := ground.of(cyd.settled(), b"ANNOUNCE"):
        raise Failed("cyd <- no ANNOUNCE", f"cyd <- {listed(told)}", cites="STATE-4")


@check("OPER-2", "4942691d9e55", ground=4)
def ended_by_exit(t: Stage) -> None:
    """`exit` on the console sends BYE shutdown, and ends the program with status 0."""
    server = t.start()
    ann = t.connect("ann")
    server.say("exit")
    ann.expect("BYE shutdown")
    ann.close()
    if (status := server.wait(STOP_SECONDS + t.deadline / 3)) != 0:
        raise Failed("the program ends with exit status 0", f"exit status {status}")


@check("OPER-4", "7321f6062feb", ground=4)
def kicked(t: Stage) -> None:
    """`/kick NAME` sends BYE removed, ends the connection, and is told with LEFT removed."""
    server = t.take_turn()
    ann, bob = ground.together(t, "ann", "bob")
    server.say(f"/kick {bob.name}")
    bob.expect("BYE removed")
    bob.wait_end()
    ann.expect(f"LEFT {bob.name} removed")


@check("BYE-4", "992d5ec8bb1c", ground=4)
def full(t: Stage) -> None:
    """A second client of a server that serves one gets HELLO, BYE full, and the end."""
    t.take_turn(clients=1)
    t.connect("ann")
    late = t.dial("late")
    late.receive(info=True, what="late <- HELLO")
    late.expect("BYE full")
    late.wait_end()


@check("BYE-5", "9b613546255d", ground=4)
def a_place_again(t: Stage) -> None:
    """When the one client of a server that serves one has left, another is served."""
    t.take_turn(clients=1)
    ann = t.connect("ann")
    ann.send("exit")
    ann.wait_end()
    ann.close()
    t.connect("bob")


@check("BYE-7", "182ed106ca61", ground=4)
def idle(t: Stage) -> None:
    """A client that does not choose a room in its second gets BYE idle."""
    t.share(seconds=1)
    t.deadline += 1
    t.connect("ann").expect("BYE idle")


@check("PASS-2", "ae9c5a16d2bf", ground=4)
def admitted(t: Stage) -> None:
    """The password is answered with ADMITTED."""
    t.share(password=_PASSWORD)
    ground.brings(t.connect("ann"), f"/password {_PASSWORD}", "ADMITTED")


@check("PASS-4", "df528edce6c6", ground=4)
def not_admitted(t: Stage) -> None:
    """The name of a room, of a client that is not admitted, is answered with ERROR no-password."""
    t.share(password=_PASSWORD)
    ground.refused(t, t.connect("ann"), t.room(), "no-password")


@check("PASS-3", "ac7e1c9a532d", ground=4)
def a_wrong_password(t: Stage) -> None:
    """Other words than the password are answered with ERROR bad-password."""
    t.share(password=_PASSWORD)
    t.deadline += 1  # [PASS-5] asks the server to wait that long
    ann = t.connect("ann")
    ann.send("/password sesame")
    ann.expect_error("bad-password")  # no ping tells: its PONG has to wait for this, which is another's matter

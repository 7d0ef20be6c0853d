"""Section 9 and all that it orders: conversations by chance, held against the model of the whole protocol."""

from conformance.checks.registry import check
from conformance.conversations.machine import Budget, Machine
from conformance.conversations.steps import commands
from conformance.conversations.walk import Walk
from conformance.stage.server import Stage
from conformance.wire.failure import Failed, NotReached


@check("ORDER-1", "acb918aece02", slow=12)
def walk(t: Stage) -> None:
    """In conversations by chance, everybody receives what the model says, in one of the orders that are allowed."""
    if t.broken:  # whatever is drawn uses it, sooner or later
        raise NotReached(next(iter(t.broken.values())))
    budget = Budget(examples=t.examples, seconds=max(12.0, t.examples / 10))
    found = Machine(t, budget).look()
    if found is None:
        return
    shrunk = f"{commands(found.steps)} commands, shrunk" if found.recurs else f"{commands(found.steps)} commands"
    told = f"seed {t.seed}, {shrunk}:\n" + "\n".join(
        f"  {number}. {step}" for number, step in enumerate(found.steps, 1)
    )
    t.start_if_possible(terminal=False)
    try:
        Walk(t).play(found.steps)
    except Failed as failed:
        raise Failed(failed.expected, failed.received, f"{failed.note}\n{told}", cites=failed.cites) from failed
    first = found.failed
    note = f"{first.note}; not each time, so the transcript shows a repetition in which it did not happen\n{told}"
    raise Failed(first.expected, first.received, note, cites=first.cites)

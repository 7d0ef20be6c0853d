"""The operator's console: what is typed, and what it shows for that."""

import re

from conformance.stage.server import Stage
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer
from conformance.wire.process import Running
from conformance.wire.transcript import shown


def console_shows(t: Stage, server: Running, typed: str, *wanted: str) -> str:
    """Type a line; the console then shows all that is wanted. Return what it showed."""
    since = server.mark()
    server.say(typed)
    shows = server.shows(lambda text: all(word in text for word in wanted), since, t.deadline)
    if missing := [word for word in wanted if word not in shows]:
        still_runs(server)
        raise Failed(f"the console shows {', '.join(missing)} after {typed!r}", repr(shows[:500]))
    return shows


def usual_words(t: Stage, server: Running, *clients: Peer) -> set[str]:
    """Return the words that the console shows anyway, such as a prompt: those for an empty line, and those of `/who`.

    Its output for the empty line, if any, stands before the names of these clients, which `/who` prints.
    """
    since = server.mark()
    server.write(b"\n/who\n")
    shows = server.shows(lambda text: all(client.name in text for client in clients), since, t.deadline)
    still_runs(server)
    return set(_unnumbered(shows).split())


def console_answers(t: Stage, server: Running, octets: bytes, usual: set[str]) -> None:
    """Type a line; the console then shows words that are neither the line's own nor those that it shows anyway."""
    since, typed = server.mark(), _unnumbered(octets.decode("utf-8", "replace")).strip()

    def answer(text: str) -> bool:
        words = _unnumbered(text).replace(typed, " ").split()
        return any(word not in typed and word not in usual for word in words)

    server.write(octets + b"\n")
    shows = server.shows(answer, since, t.deadline)
    if not answer(shows):
        still_runs(server)
        raise Failed(f"an answer on the console to {shown(octets)}, and no prompt alone", repr(shows))


def still_runs(server: Running) -> None:
    """The program has not ended."""
    if (status := server.status()) is not None:
        raise Failed("the server runs on", f"it ended with status {status}{server.last_words()}")


def _unnumbered(text: str) -> str:
    """Return a text with 0 for each number: of clients, or the time of day, which change without an answer."""
    return re.sub(r"\d+", "0", text)

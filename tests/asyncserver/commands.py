"""The meaning of each line of a client: section 6 and the features of section 11."""

import hmac
import os
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.asyncserver.faults import fault
from tests.asyncserver.later import later
from tests.asyncserver.past import number_of
from tests.asyncserver.text import RefusalError

if TYPE_CHECKING:
    from tests.asyncserver.connection import Connection
    from tests.asyncserver.hub import Hub

SLICE = 16  # lines of an answer that are sent at once, for faults only
_Command = Callable[["Hub", "Connection", str], None]


def perform(hub: "Hub", client: "Connection", text: str) -> None:
    """Do what one line asks for; raise RefusalError when it is refused."""
    if not text:
        return _empty(hub, client)
    if not client.admitted and not _is_open(text):
        raise RefusalError("no-password")
    if _is_exit(text, client):
        if fault("exit-half-closed") and client.has_ended():
            return client.leave()
        hub.forget(client, "exit")
        return client.say_bye("exit")
    if text.startswith("/") and not (fault("slash-said") and text == "/"):
        return _command(hub, client, text)
    if client.room is None:
        return _choose(hub, client, text)
    if fault("help-word") and text == "help":
        return _help(hub, client, "")
    if fault("http-always") and text.startswith(("GET ", "POST ")):
        return hub.remove(client, "removed", "removed")
    return hub.say(client, text)


def _is_open(text: str) -> bool:
    """Tell whether a line is one of those of which a client is not asked for the password first ([PASS-4])."""
    word, _, argument = text.partition(" ")
    if fault("password-not-needed") or (fault("password-nick-free") and word == "/nick"):
        return True
    if fault("password-rooms-free") and not text.startswith("/"):
        return True
    if fault("password-unknown-first") and text.startswith("/") and word not in _COMMANDS:
        return True
    return text == "exit" or word == "/help" or (word in {"/ping", "/password"} and bool(argument))


def _is_exit(text: str, client: "Connection") -> bool:
    """Tell whether a line is `exit`, the whole of it ([EXIT-4])."""
    if fault("exit-any-case"):
        text = text.lower()
    if fault("exit-trimmed"):
        text = text.strip()
    if fault("exit-first-word"):
        text = text.split(" ")[0]
    if fault("exit-lobby-refused") and client.room is None:
        return False
    return text == "exit"


def _empty(hub: "Hub", client: "Connection") -> None:
    """Do nothing for an empty line ([LINE-5])."""
    if fault("empty-answered"):
        raise RefusalError("bad-argument" if client.room else "bad-room")
    if fault("empty-said") and client.room:
        hub.say(client, "")


def _choose(hub: "Hub", client: "Connection", text: str) -> None:
    """Take a line in the lobby for a room's name ([STATE-6])."""
    if fault("lobby-line-refused"):
        raise RefusalError("no-room")
    client.slips.chose_bare = True
    hub.enter(client, text)


def _command(hub: "Hub", client: "Connection", text: str) -> None:
    """Find the command and check whether it has an argument when it needs one ([CMD-1], [CMD-3], [CMD-4])."""
    word, blank, argument = text.partition(" ")
    if fault("commands-split-at-tab"):
        word, blank, argument = text.replace("\t", " ", 1).partition(" ")
    if fault("commands-any-case"):
        word = word.lower()
    if fault("commands-abbreviated"):
        word = next((known for known in _COMMANDS if known.startswith(word)), word)
    if fault("features-unknown") and word in {"/who", "/rooms", "/history", "/tell"}:
        raise RefusalError("unknown-command")
    command = _COMMANDS.get(word)
    if word == "/password" and not hub.options.password and not fault("password-always-known"):
        command = None
    if command is None:
        if fault("unknown-said") and client.room:
            return hub.say(client, text)
        if fault("unknown-silent"):
            return None
        raise RefusalError("unknown-command")
    if argument == "0" and _is_taken_for_none(word):
        raise RefusalError("bad-argument")
    if word in _NEED_ARGUMENT and not argument:
        _check_missing(client, word)
    if (
        word in _TAKE_NONE
        and blank
        and not fault("extra-argument-taken")
        and not (fault("extra-blank-taken") and not argument)
    ):
        raise RefusalError("no-room" if fault("lobby-error-first") and client.room is None else "bad-argument")
    return command(hub, client, argument)


def _is_taken_for_none(word: str) -> bool:
    """Tell whether the argument `0` is taken for a missing one, for faults only."""
    return (
        (word == "/ping" and fault("token-zero-missing"))
        or (word == "/say" and fault("say-zero-missing"))
        or (word == "/nick" and fault("name-zero-missing"))
    )


def _check_missing(client: "Connection", word: str) -> None:
    """Refuse a command without its argument ([CMD-3])."""
    if fault("ping-empty") and word == "/ping":
        return
    if fault("say-empty") and word == "/say":
        return
    if fault("missing-as-bad-name") and word == "/nick":
        raise RefusalError("bad-name")
    if fault("missing-as-bad-room") and word == "/cd":
        raise RefusalError("bad-room")
    if fault("lobby-error-first") and word == "/say" and client.room is None:
        raise RefusalError("no-room")
    raise RefusalError("bad-argument")


def _cd(hub: "Hub", client: "Connection", argument: str) -> None:
    if fault("cd-not-first") and client.room is None:
        raise RefusalError("no-room")
    client.slips.chose_bare = client.slips.chose_bare and client.room is not None
    hub.enter(client, argument)


def _say(hub: "Hub", client: "Connection", argument: str) -> None:
    if client.room is None and fault("lobby-say-enters"):
        return hub.enter(client, argument)
    if client.room is None and fault("lobby-say-silent"):
        return None
    if fault("say-trimmed"):
        argument = argument.lstrip(" ") or argument
    if client.room is None:
        raise RefusalError("no-room")
    if fault("say-performs") and (argument == "exit" or argument.startswith("/")):
        return perform(hub, client, argument)
    return hub.say(client, argument)


def _nick(hub: "Hub", client: "Connection", argument: str) -> None:
    if fault("nick-lobby-refused") and client.room is None:
        raise RefusalError("no-room")
    hub.rename(client, argument)


def _ping(_hub: "Hub", client: "Connection", argument: str) -> None:
    """Answer with the whole argument ([PING-2])."""
    if fault("ping-lobby-refused") and client.room is None:
        raise RefusalError("no-room")
    if fault("pong-missing"):
        return
    if fault("token-trimmed"):
        argument = argument.strip(" ") or argument
    if fault("token-lowered"):
        argument = argument.lower()
    if fault("token-first-word"):
        argument = argument.split(" ")[0] or argument
    if fault("token-cut"):
        argument = argument[:64]
    client.send(f"PONG {argument}")


def _help(_hub: "Hub", client: "Connection", argument: str) -> None:
    if fault("help-missing"):
        return
    if fault("help-long-silent") and len(argument) > 1024:
        return
    if fault("help-argument-refused") and argument:
        raise RefusalError("bad-argument")
    if fault("help-lobby-refused") and client.room is None:
        raise RefusalError("no-room")
    if fault("long-line-sent"):
        client.send("INFO " + "help " * 2000)
    client.send(
        "INFO /cd ROOM enters a room; in a room, what you type is said there.",
        "INFO /say TEXT, /nick NAME, /who, /rooms, /ping TOKEN, /help; exit ends.",
    )


def _who(hub: "Hub", client: "Connection", _argument: str) -> None:
    """List the members of the asker's room, contiguous ([WHO-1], [WHO-2])."""
    client.used_feature = True
    if client.room is None:
        if fault("who-lobby-answered"):
            return client.send("MEMBERS main 0")
        raise RefusalError("no-room")
    members = hub.rooms.get(client.room, [])
    lines = [f"MEMBER {member.old_name if fault('old-name-listed') else member.name}" for member in members]
    if fault("member-nameless"):
        lines = ["MEMBER"] * len(lines)
    if fault("who-without-asker"):
        lines.remove(f"MEMBER {client.name}")
    if fault("who-stale"):
        lines = client.members_seen = client.members_seen or lines
    count = len(hub.clients) if fault("who-counts-all") else len(lines)
    if fault("who-count-octet"):
        count %= 256
    if fault("who-interrupted"):
        lines.insert(1, "INFO These are the members:")
    lines.append(f"MEMBERS {client.room} {count - fault('who-count-without-asker')}")
    if fault("who-sliced") and len(lines) > SLICE:
        later(0.0, client.send, *lines[SLICE:])
        lines = lines[:SLICE]
    return client.send(*lines)


def _rooms(hub: "Hub", client: "Connection", _argument: str) -> None:
    """List the rooms that have members, contiguous ([LIST-1], [LIST-2], [LIST-3])."""
    client.used_feature = True
    if fault("rooms-lobby-refused") and client.room is None:
        raise RefusalError("no-room")
    lines = [f"LIVE {room} {len(members)}" for room, members in hub.rooms.items()]
    if fault("rooms-own-missing"):
        lines = [line for line in lines if line.split()[1] != client.room]
    if fault("rooms-numbers-wrong"):
        lines = [f"LIVE {room} {len(members) + 1}" for room, members in hub.rooms.items()]
    if fault("live-uncounted"):
        lines = [line.rpartition(" ")[0] for line in lines]
    if fault("live-members"):
        lines = [f"{line} members" for line in lines]
    if not lines and fault("rooms-none-refused"):
        raise RefusalError("no-room")
    if not lines and fault("rooms-none-silent"):
        return
    if fault("rooms-none-stale"):
        hub.slips.rooms_seen = lines or hub.slips.rooms_seen
        lines = [*hub.slips.rooms_seen]
    count = sum(map(len, hub.rooms.values())) if fault("rooms-counts-people") else len(lines)
    if fault("rooms-interrupted"):
        lines.insert(1, "INFO These are the rooms:")
    lines.append(f"ROOMS {count}")
    if fault("rooms-sliced") and len(lines) > 2 * SLICE:
        later(0.0, client.send, *lines[2 * SLICE :])
        lines = lines[: 2 * SLICE]
    client.send(*lines)


def _history(hub: "Hub", client: "Connection", argument: str) -> None:
    """Show the last events of the asker's room, contiguous ([HIST-1] to [HIST-7])."""
    client.used_feature = True
    if client.room is None and fault("history-room-first"):
        raise RefusalError("no-room")
    count = number_of(argument)
    if client.room is None:
        if fault("history-lobby"):
            return client.send("HISTORY main 0 0")
        raise RefusalError("no-room")
    return client.send(*hub.past.answer(client.room, count))


def _tell(hub: "Hub", client: "Connection", argument: str) -> None:
    """Tell one client something ([TELL-1] to [TELL-6])."""
    name, _, text = argument.partition(" ")
    if not name or not (text or fault("tell-empty")):
        raise RefusalError("no-user" if fault("tell-empty-nobody") else "bad-argument")
    hub.tell(client, name, text or " ")


def _password(hub: "Hub", client: "Connection", argument: str) -> None:
    """Let in who knows the password ([PASS-2], [PASS-3], [PASS-9])."""
    if fault("password-logged"):
        write_raw(argument.encode())
    if fault("password-long-refused") and len(argument.encode()) > 3072:
        raise RefusalError("too-long")
    if client.admitted and fault("password-again-refused") and argument != hub.options.password:
        raise RefusalError("bad-password")
    if client.admitted or _is_right(argument, hub.options.password):
        client.admitted = True
        return client.send("ADMITTED")
    return client.refuse_password(argument)


def _is_right(words: str, password: str) -> bool:
    """Compare octets, in a time that tells nothing ([PASS-11])."""
    if fault("password-any-case"):
        words, password = words.lower(), password.lower()
    if fault("password-trimmed"):
        words = words.strip(" ")
    if fault("password-normalised"):
        words, password = unicodedata.normalize("NFC", words), unicodedata.normalize("NFC", password)
    if fault("password-first-word"):
        words = words.split(" ")[0]
    if fault("password-prefix"):
        password = password[: len(words)]
    if fault("password-72-octets"):
        return hmac.compare_digest(words.encode()[:72], password.encode()[:72])
    return fault("password-any") or hmac.compare_digest(words.encode(), password.encode())


def write_raw(octets: bytes) -> None:
    """Log octets as they came, for a fault only."""
    os.write(2, octets + b"\n")


def crash() -> None:
    """End the server, for a fault only."""
    os._exit(1)


_COMMANDS: dict[str, _Command] = {
    "/cd": _cd,
    "/say": _say,
    "/nick": _nick,
    "/ping": _ping,
    "/help": _help,
    "/who": _who,
    "/rooms": _rooms,
    "/history": _history,
    "/tell": _tell,
    "/password": _password,
}
_NEED_ARGUMENT = frozenset({"/cd", "/say", "/nick", "/ping"})
_TAKE_NONE = frozenset({"/who", "/rooms"})

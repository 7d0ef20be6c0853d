"""The parts taken out of conforming servers, the requirements that this breaks, and how each server is edited for it.

The requirements stand here as the sentences of the specification have it, not as the suite finds them: all those that
the edited server breaks in some conversation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Thing:
    """A part that is taken out: the server's behaviour without it, and the requirements that it breaks then."""

    text: str
    breaks: str
    unrecognized: bool = False  # whether nobody takes it for a Flurfunk server any more


@dataclass(frozen=True)
class Edit:
    """A text in a file, which stands there exactly once, and what takes its place."""

    file: str
    old: str
    new: str = ""


@dataclass(frozen=True)
class Server:
    """A conforming server: what belongs to it, how a copy is started, and how each thing is taken out."""

    files: str  # a pattern
    command: str  # {folder}: where the copy is; the arguments alone where there is a module
    limits: str
    edits: Mapping[str, tuple[Edit, ...]]
    password: str = ""  # the option, where it can want one
    written: Mapping[str, str] = field(default_factory=dict)  # files that the copy needs besides
    module: str = ""  # of a server in Python, which is forked
    further: Mapping[str, str] = field(default_factory=dict)  # requirements that it breaks besides those of the thing


THINGS = {
    # what somebody is told of others
    "no-joined": Thing("never sends JOINED", "ROOM-2 WHO-2 CONF-1"),
    "no-left": Thing("never sends LEFT", "ROOM-3 EXIT-2 LEFT-1 LEFT-2 OPER-4 FLOW-5 WHO-2 CONF-1"),
    "no-nick": Thing("never sends NICK", "NICK-2 WHO-2 CONF-1"),
    "no-left-moved": Thing("does not tell who moves", "ROOM-3 LEFT-2 WHO-2 CONF-1"),
    "no-left-exit": Thing("does not tell who sends exit", "EXIT-2 LEFT-2 WHO-2 CONF-1"),
    "no-left-lost": Thing("does not tell whose connection ends", "LEFT-1 LEFT-2 WHO-2 CONF-1"),
    "no-left-removed": Thing("does not tell who is removed", "OPER-4 FLOW-5 LEFT-2 WHO-2 CONF-1"),
    "no-nick-for-case": Thing("does not tell that the case of a name changed", "NICK-2 WHO-2"),
    "joined-late": Thing(
        "sends JOINED one turn of its loop later",
        "ROOM-2 ORDER-1 ORDER-2 ORDER-3 ORDER-5 ORDER-8 ORDER-9 NICK-5 WHO-2 CONF-1",
    ),
    "joined-self": Thing("sends JOINED to the client itself, too", "ROOM-2 CONF-1"),
    "left-self": Thing("sends LEFT moved to the client itself, too", "ROOM-3 CONF-1"),
    "no-said": Thing("never sends SAID", "SAY-1 SAY-2 SAY-4 CMD-6 CONF-1"),
    "no-said-self": Thing("does not send SAID to the speaker", "SAY-2 ORDER-1 CMD-6 CONF-1"),
    "no-said-others": Thing("sends SAID to the speaker alone", "SAY-2 ORDER-1 CONF-1"),
    "said-everywhere": Thing("sends SAID to all rooms", "SAY-3 OUT-3 ORDER-2 CONF-1"),
    # the greeting
    "no-hello": Thing("never sends HELLO", "STATE-1 OUT-2 BYE-4 CONF-1", unrecognized=True),
    "no-name": Thing("sends no NAME in the greeting", "STATE-2 CONF-1"),
    "info-for-name": Thing("sends INFO where NAME belongs in the greeting", "STATE-2 CONF-1"),
    "no-features": Thing("has the commands of features, and names no feature", "OUT-2 FEAT-1"),
    # answers
    "no-pong": Thing("does not answer /ping", "PING-1 ORDER-6 CMD-6 CONF-1"),
    "no-ping": Thing("does not know /ping", "PING-1 ORDER-6 CMD-3 CONF-1"),
    "pong-lowered": Thing("writes a token in small letters", "PING-2"),
    "no-token-0": Thing("takes the token 0 for none", "PING-1 PING-2 ORDER-6 ERR-1"),
    "pong-first": Thing("sends PONG before what waits", "ORDER-4 ORDER-7 ORDER-8 CONF-1"),
    "error-first": Thing("sends ERROR before what waits", "ORDER-4 ORDER-7"),
    "no-room": Thing("never sends ROOM", "ROOM-1 ROOM-5 CMD-6 CONF-1"),
    "no-room-again": Thing("does not answer /cd into the same room", "ROOM-5 CMD-6 CONF-1"),
    "no-name-answer": Thing("does not answer /nick", "NICK-1 NICK-3 CMD-6 CONF-1"),
    "no-error": Thing(
        "never sends ERROR",
        "LINE-4 TEXT-1 TEXT-2 NAME-2 NAME-3 NAME-6 NAME-12 STATE-6 STATE-7 CMD-1 CMD-3 CMD-4 CMD-6 "
        "WHO-3 WHO-4 LIST-4 FEAT-1 PASS-3 PASS-4 PASS-7 HIST-6 HIST-7 TELL-3 TELL-4 CONF-1",
    ),
    "error-without-text": Thing("sends ERROR and a code, and no text", "OUT-1 CONF-1"),
    "all-twice": Thing(
        "acts twice on each line",
        "PING-1 CMD-5 CMD-6 SAY-1 SAY-2 STATE-6 ROOM-1 ROOM-4 NICK-1 WHO-1 LIST-1 LINE-4 TEXT-1 TEXT-2 CONF-1",
    ),
    "no-help": Thing("does not answer /help", "HELP-1 CMD-6 CONF-1"),
    "no-help-argument": Thing("refuses /help with an argument", "HELP-1"),
    # commands
    "no-who": Thing("does not know /who, and names it in HELLO", "OUT-2 WHO-1 WHO-3 WHO-4 CONF-1"),
    "no-rooms": Thing("does not know /rooms, and names it in HELLO", "OUT-2 LIST-1 LIST-4 CONF-1"),
    "no-say": Thing("does not know /say", "SAY-4 STATE-7 CMD-3 CONF-1"),
    "no-cd": Thing("does not know /cd", "ROOM-4 ROOM-5 NAME-11 NAME-12 CMD-3 CONF-1"),
    "no-nick-command": Thing("does not know /nick", "NICK-1 NICK-3 NAME-1 NAME-2 NAME-3 NAME-5 NAME-6 CMD-3 CONF-1"),
    "no-nick-in-the-lobby": Thing(
        "refuses /nick in the lobby", "NICK-1 NICK-3 NAME-1 NAME-2 NAME-3 NAME-5 NAME-6 ERR-1 CONF-1"
    ),
    "no-members": Thing("sends no MEMBERS after the MEMBER lines", "WHO-1 CONF-1"),
    "no-rooms-line": Thing("sends no ROOMS after the LIVE lines", "LIST-1 CONF-1"),
    "no-member-self": Thing("leaves the asker out of /who", "WHO-1 WHO-2 CONF-1"),
    # history, and a word to one
    "no-history": Thing(
        "does not know /history, and names it in HELLO", "OUT-2 HIST-1 HIST-2 HIST-4 HIST-5 HIST-6 HIST-7 CONF-1"
    ),
    "no-past": Thing("sends no PAST line", "HIST-1 HIST-2 HIST-4 HIST-5 CONF-1"),
    "past-newest-first": Thing("sends the newest PAST line first", "HIST-2 HIST-10 CONF-1"),
    "past-ten": Thing("keeps ten lines of a room", "HIST-2 HIST-4 HIST-5 CONF-1"),
    "past-all": Thing("sends all that it keeps, whatever number is asked for", "HIST-4 CONF-1"),
    "no-tell": Thing("does not know /tell, and names it in HELLO", "OUT-2 TELL-1 TELL-2 TELL-3 TELL-4 TELL-6 CONF-1"),
    "no-told": Thing("does not answer /tell", "TELL-2 TELL-6 CMD-6 CONF-1"),
    "told-alone": Thing("tells nobody, and says that it has", "TELL-1 TELL-5 TELL-6 CONF-1"),
    # names
    "rooms-unfolded": Thing("does not fold room names", "NAME-10 ROOM-5 OUT-1 CONF-1"),
    "names-unfolded": Thing("does not fold user names", "NAME-3 OPER-4 OPER-5 CONF-1"),
    "names-unchecked": Thing("takes anything for a user name", "NAME-2 OUT-1 GROW-2 CONF-1"),
    "rooms-unchecked": Thing("takes anything for a room name", "NAME-12 STATE-6 ROOM-6 OUT-1 GROW-2 CONF-1"),
    "names-lowered": Thing("writes user names in small letters", "NAME-4 NAME-5 NICK-1 CONF-1"),
    "no-reserved-names": Thing("lets a client take a reserved name", "NAME-6 CONF-1"),
    "name-kept": Thing("never frees the name of who leaves", "NAME-9 NAME-1 BYE-4 BYE-5 OPER-5 CONF-1"),
    "old-name-kept": Thing("never frees the name before a renaming", "NAME-8 NAME-9 NAME-1 BYE-4 BYE-5 OPER-5 CONF-1"),
    # lines
    "cr-kept": Thing("leaves the CR of CR LF in the line", "LINE-2 LINE-3 LINE-5 CONF-1"),
    "empty-answered": Thing("answers an empty line", "LINE-5 CONF-1"),
    "bom-kept": Thing("takes a U+FEFF at the start for part of the first line", "LINE-6 CONF-1"),
    "no-longest-line": Thing("has no limit to the length of a line", "LINE-4 CMD-4 CONF-1"),
    "utf8-unchecked": Thing("replaces what is no UTF-8", "TEXT-1 TEXT-5 CMD-4 CONF-1"),
    "controls-unchecked": Thing("relays forbidden characters", "TEXT-2 TEXT-3 TEXT-4 LINE-1 OUT-1 CMD-4 CONF-1"),
    "http-unnoticed": Thing("does not notice HTTP", "NET-7 NET-9"),
    "tls-unnoticed": Thing("does not notice TLS", "NET-8 NET-9"),
    # ends
    "no-bye": Thing("never sends BYE", "EXIT-1 BYE-1 BYE-4 BYE-7 OPER-2 OPER-4 OPER-9 FLOW-6 PASS-7 CMD-6 CONF-1"),
    "bye-without-reason": Thing(
        "sends BYE without a reason",
        "OUT-1 EXIT-1 BYE-1 BYE-4 BYE-7 OPER-2 OPER-4 OPER-9 FLOW-6 PASS-7 CMD-6 CONF-1",
    ),
    "no-bye-full": Thing("sends no BYE where it is full", "BYE-1 BYE-4"),
    "no-bye-idle": Thing("lets a client stay in the lobby", "BYE-6 BYE-7"),
    "not-closed": Thing("closes no connection after BYE", "EXIT-1 OPER-4 BYE-4 NET-6 FLOW-5 CONF-1"),
    "exit-ignored": Thing("does nothing because of exit", "EXIT-1 EXIT-2 EXIT-3 CMD-6 CONF-1"),
    "no-exit": Thing("takes exit for a room, or a text", "EXIT-1 EXIT-2 EXIT-3 CMD-6 STATE-6 SAY-1 CONF-1"),
    "half-close-unnoticed": Thing(
        "does not notice that a client has ended its sending",
        "NET-4 LEFT-1 LEFT-2 NAME-9 BYE-5 WHO-1 LIST-1 LIST-3 OPER-5 OPER-6 CONF-1",
    ),
    "crash": Thing("ends at a line that is no UTF-8", "SEC-1 TEXT-1 TEXT-6 ERR-2 BYE-1 CONF-1"),
    "one-at-a-time": Thing("serves one client after the other", "NET-1 STATE-1 STATE-2 SEC-1 BYE-4 CONF-1"),
    # the operator
    "no-announce": Thing("never sends ANNOUNCE", "OPER-1 CONF-1"),
    "announce-in-the-lobby": Thing("announces in the lobby, too", "STATE-4 OUT-3 CONF-1"),
    "no-kick": Thing("does not know /kick on the console", "OPER-4 CONF-1"),
    "no-exit-on-the-console": Thing("does nothing because of exit on the console", "OPER-2 CONF-1"),
    "no-sigterm": Thing("dies of SIGTERM", "OPER-9 BYE-1"),
    # the password
    "no-bad-password": Thing("does not answer a wrong password", "PASS-3 CMD-6 CONF-1"),
    "no-bye-denied": Thing("ends nobody for wrong passwords", "PASS-7 CONF-1"),
}

_CONNECTION, _HUB, _COMMANDS, _LINES, _TEXT, _CONSOLE = (
    f"tests/asyncserver/{name}.py" for name in ("connection", "hub", "commands", "lines", "text", "console")
)


def _in_hub(old: str, new: str = "") -> Edit:
    return Edit(_HUB, old, new)


def _in_connection(old: str, new: str = "") -> Edit:
    return Edit(_CONNECTION, old, new)


def _in_past(old: str, new: str = "") -> Edit:
    return Edit("tests/asyncserver/past.py", old, new)


def _in_commands(old: str, new: str = "") -> Edit:
    return Edit(_COMMANDS, old, new)


_CAST_SAID = '        self.cast(room, line)\n        if fault("said-doubled-rare", 100) or'
_AND_SO_ON = '        if fault("said-doubled-rare", 100) or'
_WITHDRAW = '        if fault(_LEFT_MISSING.get(reason, "")) or fault("left-missing-rare", 10):\n'
_SEND_BYE = '        self._queue.append(self._encode(f"BYE {reason}"))\n'
_HELLO = "        client.send(self._hello())\n"
_NICK = '        if client.room is not None and not fault("nick-missing"):\n'
_TAKEN = '        if fault("password-lost-at-nick") and self.options.password:\n'

_ASYNCIO = {
    "no-history": (_in_commands('    "/history": _history,\n'),),
    "no-past": (_in_past("        events = list(self._events.get(room, ()))\n", "        events = []\n"),),
    "past-newest-first": (_in_past('        if fault("history-newest-first"):\n', "        if True:\n"),),
    "past-ten": (_in_past('10 if fault("history-ten") else KEPT', "10"),),
    "past-all": (_in_past("        events = events[-count:]\n"),),
    "no-tell": (_in_commands('    "/tell": _tell,\n'),),
    "no-told": (_in_hub('        if not fault("told-missing"):\n', "        if False:\n"),),
    "told-alone": (_in_hub("            told.send(line)\n", "            pass\n"),),
    "no-joined": (_in_hub('        elif not fault("joined-missing"):\n            self.cast(room, line)\n'),),
    "no-left": (
        _in_hub(
            "        self.cast(room, f\"LEFT {client.old_name if fault('old-name-left') else client.name} {reason}\", "
            "client)\n"
        ),
    ),
    "no-nick": (_in_hub(_NICK, "        if False:\n"),),
    "no-left-moved": (_in_hub(_WITHDRAW, '        if reason == "moved":\n'),),
    "no-left-exit": (_in_hub(_WITHDRAW, '        if reason == "exit":\n'),),
    "no-left-lost": (_in_hub(_WITHDRAW, '        if reason == "lost":\n'),),
    "no-left-removed": (_in_hub(_WITHDRAW, '        if reason == "removed":\n'),),
    "no-nick-for-case": (_in_hub('fault("nick-case-silent") and name', "name"),),
    "joined-late": (
        _in_hub(
            '        elif not fault("joined-missing"):\n            self.cast(room, line)\n',
            "        else:\n            later(0.0, self.cast, room, line, client)\n",
        ),
    ),
    "joined-self": (_in_hub('        if fault("joined-told-self"):\n', "        if True:\n"),),
    "left-self": (_in_hub('            if fault("moved-told-self"):\n', "            if True:\n"),),
    "no-said": (_in_hub(_CAST_SAID, _AND_SO_ON),),
    "no-said-self": (_in_hub(_CAST_SAID, "        self.cast(room, line, client)\n" + _AND_SO_ON),),
    "no-said-others": (_in_hub(_CAST_SAID, "        client.send(line)\n" + _AND_SO_ON),),
    "said-everywhere": (_in_hub('        if fault("leak") or fault("leak-rare", 100):\n', "        if True:\n"),),
    "no-hello": (
        _in_hub(_HELLO + '        if fault("name-after-info"):', '        if fault("name-after-info"):'),
        _in_hub(_HELLO + '        if fault("full-greeted"):', '        if fault("full-greeted"):'),
    ),
    "no-name": (_in_hub('            client.send(f"NAME {client.name}")\n', "            pass\n"),),
    "info-for-name": (_in_hub('client.send(f"NAME {client.name}")', 'client.send(f"INFO You are {client.name}.")'),),
    "no-features": (_in_hub('        features = ["who", "rooms", "history", "tell"]\n', "        features = []\n"),),
    "no-pong": (_in_commands('    client.send(f"PONG {argument}")\n'),),
    "no-ping": (_in_commands('    "/ping": _ping,\n'),),
    "pong-lowered": (_in_commands('    if fault("token-lowered"):\n', "    if True:\n"),),
    "no-token-0": (
        _in_commands(
            "if word in _NEED_ARGUMENT and not argument:",
            'if word in _NEED_ARGUMENT and (not argument or text == "/ping 0"):',
        ),
    ),
    "pong-first": (_in_connection('(pong_first and octets.startswith(b"PONG"))', 'octets.startswith(b"PONG")'),),
    "error-first": (_in_connection('fault("errors-first") and octets', "octets"),),
    "no-room": (
        _in_hub('            if not fault("cd-same-silent"):\n                client.send(f"ROOM {room}")\n'),
        _in_hub('        if not fault("room-missing"):\n', "        if False:\n"),
    ),
    "no-room-again": (
        _in_hub('            if not fault("cd-same-silent"):\n                client.send(f"ROOM {room}")\n'),
    ),
    "no-name-answer": (_in_hub('        if not fault("nick-unanswered"):\n', "        if False:\n"),),
    "no-error": (_in_hub('        client.send(f"ERROR {code} {text}".rstrip())\n'),),
    "error-without-text": (_in_hub('f"ERROR {code} {text}".rstrip()', 'f"ERROR {code}"'),),
    "all-twice": (
        _in_hub(
            "            commands.perform(self, client, decode(octets))\n",
            "            commands.perform(self, client, decode(octets))\n" * 2,
        ),
    ),
    "no-help": (_in_commands('    if fault("help-missing"):\n', "    if True:\n"),),
    "no-help-argument": (_in_commands('    if fault("help-argument-refused") and argument:\n', "    if argument:\n"),),
    "no-who": (_in_commands('    "/who": _who,\n'),),
    "no-rooms": (_in_commands('    "/rooms": _rooms,\n'),),
    "no-say": (_in_commands('    "/say": _say,\n'),),
    "no-cd": (_in_commands('    "/cd": _cd,\n'),),
    "no-nick-command": (_in_commands('    "/nick": _nick,\n'),),
    "no-nick-in-the-lobby": (_in_commands('fault("nick-lobby-refused") and client', "client"),),
    "no-members": (
        _in_commands(
            "    lines.append(f\"MEMBERS {client.room} {count - fault('who-count-without-asker')}\")\n",
        ),
    ),
    "no-rooms-line": (_in_commands('    lines.append(f"ROOMS {count}")\n'),),
    "no-member-self": (_in_commands('    if fault("who-without-asker"):\n', "    if True:\n"),),
    "rooms-unfolded": (Edit(_TEXT, 'name if fault("room-case-sensitive") else name.lower()', "name"),),
    "names-unfolded": (_in_hub('fault("names-case-sensitive") and owner', "owner"),),
    "names-unchecked": (Edit(_TEXT, '    if not _is_user_name(name):\n        raise RefusalError("bad-name")\n'),),
    "rooms-unchecked": (
        Edit(_TEXT, '    if not _NAME.fullmatch(name) or (fault("room-31") and len(name) > 31):\n', "    if False:\n"),
    ),
    "names-lowered": (Edit(_TEXT, 'name.lower() if fault("name-lowered") else name', "name.lower()"),),
    "no-reserved-names": (Edit(_TEXT, '_RESERVED and not fault("reserved-free")', "()"),),
    "name-kept": (_in_hub('        elif not fault("name-kept"):\n            self._free(client)\n'),),
    "old-name-kept": (_in_hub('if not fault("old-name-kept") and not client.slips', "if False and not client.slips"),),
    "cr-kept": (Edit(_LINES, '        elif not fault("cr-kept"):\n            line = line.removesuffix(b"\\r")\n'),),
    "empty-answered": (_in_commands('    if fault("empty-answered"):\n', "    if True:\n"),),
    "bom-kept": (Edit(_LINES, 'while octets.startswith(_BOM) and not fault("bom-kept"):', "while False:"),),
    "no-longest-line": (
        Edit(_LINES, "        if len(self._octets) > MAX_LINE + 1:\n", "        if False:\n"),
        Edit(_LINES, "        if overlong or length > limit:\n", "        if False:\n"),
    ),
    "utf8-unchecked": (
        Edit(
            _TEXT,
            '            return ""\n        raise RefusalError("bad-text") from None\n',
            '            return ""\n        return octets.decode(errors="replace")\n',
        ),
    ),
    "controls-unchecked": (Edit(_TEXT, "    if _forbidden().search(text):\n", "    if False:\n"),),
    "http-unnoticed": (Edit(_LINES, "    return _HTTP.match(octets) is not None\n", "    return False\n"),),
    "tls-unnoticed": (Edit(_LINES, '        if begin.startswith(b"\\x16") and not', "        if False and not"),),
    "no-bye": (_in_connection(_SEND_BYE),),
    "bye-without-reason": (_in_connection('self._encode(f"BYE {reason}")', 'self._encode("BYE")'),),
    "no-bye-full": (
        _in_hub(
            '        client.say_bye("removed" if fault("full-wrong-reason") else "full")\n', "        client.leave()\n"
        ),
    ),
    "no-bye-idle": (_in_connection("            self._choose = self._loop.call_later(seconds, self._idle)\n"),),
    "not-closed": (
        _in_connection('        elif not self._fin_sent and not fault("bye-no-end"):\n', "        elif False:\n"),
    ),
    "exit-ignored": (
        _in_commands(
            '        hub.forget(client, "exit")\n        return client.say_bye("exit")\n', "        return None\n"
        ),
    ),
    "no-exit": (_in_commands("    if _is_exit(text, client):\n", "    if False:\n"),),
    "half-close-unnoticed": (_in_connection("        self.leave()\n        return True\n", "        return True\n"),),
    "crash": (
        Edit(
            _TEXT,
            '            return ""\n        raise RefusalError("bad-text") from None\n',
            '            return ""\n        __import__("os")._exit(1)\n',
        ),
    ),
    "one-at-a-time": (
        _in_connection(
            "        self._transport = cast(asyncio.Transport, transport)\n",
            "        if self.hub.connections:\n"
            "            transport.pause_reading()\n"
            "            asyncio.get_running_loop().call_later(0.01, self.connection_made, transport)\n"
            "            return\n"
            "        transport.resume_reading()\n"
            "        self._transport = cast(asyncio.Transport, transport)\n",
        ),
    ),
    "no-announce": (_in_hub("        for room in rooms:\n", "        for room in ():\n"),),
    "announce-in-the-lobby": (_in_hub('        if fault("announce-to-lobby"):\n', "        if True:\n"),),
    "no-kick": (Edit(_CONSOLE, '        if word == "/kick" and argument:\n            return self._kick(argument)\n'),),
    "no-exit-on-the-console": (Edit(_CONSOLE, "            return self._stop()\n", "            return None\n"),),
    "no-sigterm": (
        Edit(
            "tests/asyncserver/__main__.py",
            '((signal.SIGINT, "sigint-dies"), (signal.SIGTERM, "sigterm-dies"))',
            '((signal.SIGINT, "sigint-dies"),)',
        ),
    ),
    "no-bad-password": (
        _in_connection('        if not (last and fault("password-denied-unrefused")):\n', "        if False:\n"),
    ),
    "no-bye-denied": (_in_connection("        last = self._wrong == TRIES and not", "        last = False and not"),),
}

_NODE_FILE = "tests/nodeserver/server.mjs"


def _js(old: str, new: str = "") -> Edit:
    return Edit(_NODE_FILE, old, new)


_NEED_ARGUMENT, _NEED_ROOM, _TAKE_NONE = "/^\\/(cd|say|nick|ping)$/", "/^\\/(say|who)$/", "/^\\/(who|rooms)$/"
_TELL_LEFT = "    if (reason) tell("
_NODE = {
    "no-joined": (_js("    tell(room, `JOINED ${this.name}`, this);\n"),),
    "no-left": (_js("    if (reason) tell(this.room, `LEFT ${this.name} ${reason}`);\n"),),
    "no-nick": (_js("    if (name !== old) tell(this.room, `NICK ${old} ${name}`, this);\n"),),
    "no-left-moved": (_js(_TELL_LEFT, '    if (reason && reason !== "moved") tell('),),
    "no-left-exit": (_js(_TELL_LEFT, '    if (reason && reason !== "exit") tell('),),
    "no-left-lost": (_js(_TELL_LEFT, '    if (reason && reason !== "lost") tell('),),
    "no-left-removed": (_js(_TELL_LEFT, '    if (reason && reason !== "removed") tell('),),
    "no-nick-for-case": (_js("if (name !== old) tell(", "if (folded !== fold(old)) tell("),),
    "joined-late": (
        _js("tell(room, `JOINED ${this.name}`, this);", "setImmediate(() => tell(room, `JOINED ${this.name}`, this));"),
    ),
    "joined-self": (_js("tell(room, `JOINED ${this.name}`, this);", "tell(room, `JOINED ${this.name}`);"),),
    "left-self": (
        _js(
            '    this.leaveRoom(this.room && "moved");\n',
            '    if (this.room) this.send(`LEFT ${this.name} moved`);\n    this.leaveRoom(this.room && "moved");\n',
        ),
    ),
    "no-said": (_js("say(text) { tell(this.room, `SAID ${this.name} ${text}`); }", "say(text) {}"),),
    "no-said-self": (_js("`SAID ${this.name} ${text}`);", "`SAID ${this.name} ${text}`, this);"),),
    "no-said-others": (_js("tell(this.room, `SAID ${this.name} ${text}`)", "this.send(`SAID ${this.name} ${text}`)"),),
    "said-everywhere": (
        _js(
            "tell(this.room, `SAID ${this.name} ${text}`)",
            "for (const room of rooms.keys()) tell(room, `SAID ${this.name} ${text}`)",
        ),
    ),
    "no-hello": (_js('    this.send("HELLO flurfunk/1 who rooms");\n'),),
    "no-name": (_js("this.send(`NAME ${this.name}`, ...HELP);", "this.send(...HELP);"),),
    "info-for-name": (
        _js("this.send(`NAME ${this.name}`, ...HELP);", "this.send(`INFO You are ${this.name}.`, ...HELP);"),
    ),
    "no-features": (_js('"HELLO flurfunk/1 who rooms"', '"HELLO flurfunk/1"'),),
    "no-pong": (_js("this.send(`PONG ${rest}`);", ";"),),
    "no-ping": (
        _js(_NEED_ARGUMENT, "/^\\/(cd|say|nick)$/"),
        _js('    else if (word === "/ping") this.send(`PONG ${rest}`);\n'),
    ),
    "pong-lowered": (_js("`PONG ${rest}`", "`PONG ${rest.toLowerCase()}`"),),
    "no-token-0": (_js(".test(word) ? !rest :", '.test(word) ? !rest || text === "/ping 0" :'),),
    "pong-first": (
        _js(
            "    this.queue.push(octets);\n",
            '    octets.subarray(0, 4).toString() === "PONG" ? this.queue.unshift(octets) : this.queue.push(octets);\n',
        ),
    ),
    "error-first": (
        _js(
            "    this.queue.push(octets);\n",
            '    octets.subarray(0, 5).toString() === "ERROR" '
            "? this.queue.unshift(octets) : this.queue.push(octets);\n",
        ),
    ),
    "no-room": (
        _js("if (room === this.room) return this.send(`ROOM ${room}`);", "if (room === this.room) return;"),
        _js("\n    this.send(`ROOM ${room}`);"),
    ),
    "no-room-again": (
        _js("if (room === this.room) return this.send(`ROOM ${room}`);", "if (room === this.room) return;"),
    ),
    "no-name-answer": (_js("    this.send(`NAME ${name}`);\n"),),
    "no-error": (
        _js(
            "refuse(code) { this.send(`ERROR ${code} nothing was done; /help tells what can be typed`); }",
            "refuse() {}",
        ),
    ),
    "error-without-text": (_js("`ERROR ${code} nothing was done; /help tells what can be typed`", "`ERROR ${code}`"),),
    "all-twice": (_js("text && this.act(text);", "text && (this.act(text), this.act(text));"),),
    "no-help": (_js('else if (word === "/help") this.send(...HELP);', 'else if (word === "/help") ;'),),
    "no-help-argument": (_js('else if (word === "/help") this', 'else if (text === "/help") this'),),
    "no-who": (
        _js(_TAKE_NONE, "/^\\/rooms$/"),
        _js(_NEED_ROOM, "/^\\/say$/"),
        _js('    else if (word === "/who") this.who([...rooms.get(this.room)]);\n'),
    ),
    "no-rooms": (
        _js(_TAKE_NONE, "/^\\/who$/"),
        _js('else if (word === "/rooms") this', 'else if (word === "/no-rooms") this'),
    ),
    "no-say": (
        _js(_NEED_ARGUMENT, "/^\\/(cd|nick|ping)$/"),
        _js(_NEED_ROOM, "/^\\/who$/"),
        _js('    else if (word === "/say") this.say(rest);\n'),
    ),
    "no-cd": (_js(_NEED_ARGUMENT, "/^\\/(say|nick|ping)$/"), _js('    else if (word === "/cd") this.enter(rest);\n')),
    "no-nick-command": (
        _js(_NEED_ARGUMENT, "/^\\/(cd|say|ping)$/"),
        _js('    else if (word === "/nick") this.rename(rest);\n'),
    ),
    "no-nick-in-the-lobby": (_js(_NEED_ROOM, "/^\\/(say|who|nick)$/"),),
    "no-members": (_js("`MEMBER ${name}`), `MEMBERS ${this.room} ${members.length}`)", "`MEMBER ${name}`))"),),
    "no-rooms-line": (_js(", `ROOMS ${rooms.size}`)", ")"),),
    "no-member-self": (_js("who(members) {", "who(members) { members = members.filter((one) => one !== this);"),),
    "rooms-unfolded": (_js("const room = fold(name);", "const room = name;"),),
    "names-unfolded": (
        _js("[this.name, fold(name)]", "[this.name, name]"),
        _js("clients.delete(fold(old))", "clients.delete(old)"),
        _js("clients.delete(fold(this.name))", "clients.delete(this.name)"),
    ),
    "names-unchecked": (_js('    if (!NAME.test(name)) return this.refuse("bad-name");\n'),),
    "rooms-unchecked": (_js('    if (!NAME.test(name)) return this.refuse("bad-room");\n'),),
    "names-lowered": (_js("  rename(name) {\n", "  rename(name) {\n    name = fold(name);\n"),),
    "no-reserved-names": (_js("/^(operator|server)$/.test(folded) || "),),
    "name-kept": (_js("    if (this.name) clients.delete(fold(this.name));\n"),),
    "old-name-kept": (_js("    clients.delete(fold(old)), clients", "    clients"),),
    "cr-kept": (
        _js("this.size <= MAX_LINE + 1 && this.kept[this.size - 1] === 13 ? this.size - 1 : this.size", "this.size"),
    ),
    "empty-answered": (_js("this.refuse(error) : text && this", "this.refuse(error) : this"),),
    "bom-kept": (
        _js(
            '    this.start = null;\n    return Buffer.from(text, "latin1");',
            '    const all = this.start;\n    this.start = null;\n    return Buffer.from(all, "latin1");',
        ),
    ),
    "no-longest-line": (_js('    if (length > MAX_LINE) return ["too-long"];\n'),),
    "utf8-unchecked": (_js("{ fatal: true, ignoreBOM: true }", "{ ignoreBOM: true }"),),
    "controls-unchecked": (_js('return FORBIDDEN.test(text) ? ["bad-text"] : [null, text];', "return [null, text];"),),
    "http-unnoticed": (_js(" || HTTP.some((word) => text.startsWith(word));", ";"),),
    "tls-unnoticed": (_js('this.start[0] === "\\x16" || '),),
    "no-bye": (_js("LEFT_REASON[reason], `BYE ${reason}`)", "LEFT_REASON[reason])"),),
    "bye-without-reason": (_js("`BYE ${reason}`", '"BYE"'),),
    "no-bye-full": (_js('return this.bye("full");', "return this.leave();"),),
    "no-bye-idle": (_js('if (option["choose-timeout"]) this', "if (false) this"),),
    "not-closed": (
        _js(
            "endSending() { this.socket.end(() => setTimeout(() => this.socket.destroy(), 2000)); }", "endSending() {}"
        ),
    ),
    "exit-ignored": (_js('if (text === "exit") this.bye("exit");', 'if (text === "exit") ;'),),
    "no-exit": (_js('    if (text === "exit") this.bye("exit");\n    else if', "    if"),),
    "half-close-unnoticed": (_js('.on("end", () => this.end());', ";"),),
    "crash": (_js('catch { return ["bad-text"]; }', "catch { process.exit(1); }"),),
    "one-at-a-time": (
        _js(
            "(socket) => new Client(socket));",
            "function serve(socket) { connections.size ? setTimeout(serve, 10, socket) : new Client(socket); });",
        ),
    ),
    "no-announce": (_js("for (const room of rooms.keys()) tell(room, `ANNOUNCE ${text}`);", ";"),),
    "announce-in-the-lobby": (
        _js(
            "for (const room of rooms.keys()) tell(room, `ANNOUNCE ${text}`);",
            "for (const client of clients.values()) client.send(`ANNOUNCE ${text}`);",
        ),
    ),
    "no-kick": (_js('else if (word === "/kick") clients', 'else if (word === "/no-kick") clients'),),
    "no-exit-on-the-console": (_js('if (text === "exit") shutDown();', 'if (text === "exit") ;'),),
    "no-sigterm": (_js('["SIGINT", "SIGTERM"]', '["SIGINT"]'),),
}


def _in_contrary(file: str, old: str, new: str = "") -> Edit:
    return Edit(f"tests/contraryserver/{file}.py", old, new)


def _in_chat(old: str, new: str) -> tuple[Edit, ...]:
    return (_in_contrary("hub", old, new),)


_CONTRARY = {
    "no-history": (_in_contrary("client", 'elif word == "/history":', 'elif word == "/no-history":'),),
    "no-past": (
        _in_contrary("past", "self._events.get(room, [])[-min(count, most) :]", "self._events.get(room, [])[:0]"),
    ),
    "past-newest-first": (_in_contrary("past", "[-min(count, most) :]", "[-1 : -min(count, most) - 1 : -1]"),),
    "past-ten": (_in_contrary("past", "[-min(count, most) :]", "[-min(count, 10) :]"),),
    "past-all": (_in_contrary("past", "[-min(count, most) :]", ""),),
    "no-tell": (_in_contrary("client", 'elif word == "/tell":', 'elif word == "/no-tell":'),),
    "no-told": (_in_contrary("client", "self._give(lambda: [receipt])", "self._give(lambda: [])"),),
    "told-alone": (_in_contrary("client", '            told.put(f"TELL {self.name} {text}")\n'),),
    "no-joined": _in_chat('            self.tell(room, f"JOINED {client.name}", client)\n', ""),
    "no-left": _in_chat("            if reason:\n", "            if False:\n"),
    "no-nick": _in_chat('            self.tell(client.room, f"NICK {old} {name}", client)\n', "            pass\n"),
    "no-pong": (_in_contrary("client", '[f"PONG {argument}"]', "[]"),),
    "no-room": _in_chat('        client.put(f"ROOM {room}")\n', ""),
    "no-said-self": (
        _in_contrary("client", 'f"SAID {self.name} {text}")', 'f"SAID {self.name} {text}", self)'),
        _in_contrary(
            "hub",
            "def say(self, room: str, event: str)",
            'def say(self, room: str, event: str, but: "Client | None" = None)',
        ),
        _in_contrary(
            "hub",
            "        self.past.add(room, event)\n        self.tell(room, event)\n",
            "        self.past.add(room, event)\n        self.tell(room, event, but)\n",
        ),
    ),
    "no-error": (_in_contrary("client", "self._give(lambda: [self._error(code)])", "self._give(lambda: [])"),),
    "no-bye": (
        _in_contrary("hub", 'client.end(*before, f"BYE {reason}")', "client.end(*before)"),
        _in_contrary("hub", 'client.end(hello, "BYE full")', "client.end(hello)"),
        _in_contrary("client", 'self.end("BYE exit")', "self.end()"),
    ),
    "rooms-unfolded": _in_chat("        room = fold(name)\n        if room", "        room = name\n        if room"),
    "no-who": (_in_contrary("client", 'elif word == "/who":', 'elif word == "/no-who":'),),
    "no-announce": _in_chat('            self.say(room, f"ANNOUNCE {text}")\n', "            pass\n"),
    "no-name-answer": (_in_contrary("client", 'self._give(lambda: [f"NAME {name}"])', "self._give(lambda: [])"),),
    "no-help": (_in_contrary("client", '[f"INFO {text}" for text in self.whims.help()]', "list[str]()"),),
    "no-say": (_in_contrary("client", 'elif word == "/say":', 'elif word == "/no-say":'),),
    "no-cd": (_in_contrary("client", 'elif word == "/cd":', 'elif word == "/no-cd":'),),
    "no-nick-command": (_in_contrary("client", 'elif word == "/nick":', 'elif word == "/no-nick":'),),
    "no-ping": (_in_contrary("client", 'elif word == "/ping":', 'elif word == "/no-ping":'),),
    "no-rooms": (_in_contrary("client", 'elif word == "/rooms":', 'elif word == "/no-rooms":'),),
    "pong-lowered": (_in_contrary("client", '[f"PONG {argument}"]', '[f"PONG {argument.lower()}"]'),),
    "no-kick": (_in_contrary("console", 'elif word == "/kick" and client:', 'elif word == "/no-kick" and client:'),),
}

SERVERS = {
    "asyncio": Server(
        files="tests/asyncserver/*.py",
        written={"tests/__init__.py": ""},
        module="tests.asyncserver.__main__",
        command="--port {port} --max-clients 1000",  # those too that it never forgets
        limits=" --max-clients {clients} --choose-timeout {seconds} --stall-timeout {stall}",
        password=" --password-file {password_file}",
        edits=_ASYNCIO,
        further={"no-longest-line": "LINE-8 LINE-9", "empty-answered": "ERR-1", "name-kept": "LEFT-2"},
    ),
    "contrary": Server(
        files="tests/contraryserver/*.py",
        written={"tests/__init__.py": ""},
        module="tests.contraryserver.__main__",
        command="--port {port} --quiet",
        limits=" --max-clients {clients} --choose-timeout {seconds} --stall-timeout {stall}",
        password=" --password-file {password_file}",
        edits=_CONTRARY,
        # With --quiet it has no words for people, which would pass for help.
        further=dict.fromkeys(_CONTRARY, "STATE-3 LINE-10"),
    ),
    "node": Server(
        files=_NODE_FILE,
        command="node {folder}/" + _NODE_FILE + " --port {port}",
        limits=" --max-clients {clients} --choose-timeout {seconds} --stall-timeout {stall}",
        edits=_NODE,
        further={
            "cr-kept": "OPER-12",  # its console reads lines in the same way
            "empty-answered": "OUT-1 SAY-1",  # in a room, it is said
            "names-unfolded": "NAME-6",
            "no-longest-line": "TEXT-5 PING-2 OPER-10",  # it keeps the beginning, and no more
            "utf8-unchecked": "OPER-10",
            "controls-unchecked": "OPER-10 OPER-12",
            "not-closed": "NET-4",
            "crash": "OPER-10",
        },
    ),
}

"""The client: one thread reads the server, the other the keyboard."""

import contextlib
import os
import re
import select
import signal
import socket
import sys
import threading
import time
from datetime import UTC, datetime

from tests.plainclient.faults import fault
from tests.plainclient.keys import Keyboard, Left
from tests.plainclient.screen import Screen, harmless

_GOODBYE = 2.0  # seconds that an answer to exit is waited for
_LONGEST = 4096
_FORBIDDEN = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_KNOWN = ("/cd", "/say", "/nick", "/ping", "/help", "/who", "/rooms")
_CODES = {"too-long", "bad-text", "no-password", "bad-password", "unknown-command", "bad-argument"}
_CODES |= {"no-room", "bad-room", "bad-name", "name-taken"}
_REASONS = {"moved", "exit", "lost", "removed", "shutdown", "slow", "full", "idle", "denied"}
_EVENTS = {"JOINED": "joined-hidden", "NICK": "nick-hidden"}


class Client:
    """One connection and its user."""

    def __init__(self, connection: socket.socket, late: float, most: int, screen: Screen) -> None:
        """`late`: seconds that it does not look at what it has received, while keys are dealt with.

        `most`: after how many lines of the server it ends; 0: never.
        """
        self._connection = connection
        self._late = late
        self._left = most or -1
        self._screen = screen
        self._keyboard = Keyboard()
        self._lock = threading.Lock()  # held while keys are dealt with
        self._sending = threading.Lock()
        self._rest = b""
        self._last = ""  # what is told when all is over
        self._greeted = False
        self._over = False
        self._asking = False  # what is typed is a password
        self._leaving = False
        self._failed = False
        self._stuck = False  # it does not end with the connection
        self._unclosed = False  # a BYE came, on which it does not close
        self._name, self._room = "", "no room"

    def run(self) -> int:
        """Talk until the end; return the exit status: 0 where the user wished it."""
        reader = threading.Thread(target=self._read, daemon=True)
        with self._keyboard:
            signal.signal(signal.SIGWINCH, self._resized)
            reader.start()
            self._type()
            if not (self._failed and fault("failure-first")):
                reader.join(None if self._over or self._failed or fault("bye-awaited-forever") else _GOODBYE)
            self._screen.leave()
        if self._last:
            self._screen.write_last(harmless(self._last) if not fault("bye-raw") else self._last)
        begun = self._keyboard.line.decode("utf-8", "replace")
        if self._screen.wrapping and begun and not (self._leaving or self._asking):
            self._screen.write_last(harmless(f"You had begun to type: {begun}"))
        return 0 if self._leaving else 1

    # ------------------------------------------------------------ the keyboard

    def _type(self) -> None:
        """Send what is typed, until the user leaves or the connection has ended."""
        try:
            for lines in self._keyboard.lines(self._lock):
                for line in lines:
                    self._typed(line)
                if self._leaving or self._failed:
                    return
                hidden = self._asking and not fault("password-shown")
                self._screen.draw("" if hidden else self._keyboard.line.decode("utf-8", "replace"))
        except Left as left:
            if fault("raw-left") or (left.key == 3 and fault("raw-left-at-interrupt")):
                self._keyboard.restores = False
            self._leave()

    def _typed(self, line: bytes) -> None:
        if line == b"exit" and fault("no-end"):
            self._stuck = True
        elif line == b"exit" and not fault("exit-said"):
            if fault("raw-left"):
                self._keyboard.restores = False
            self._leave()
        if self._leaving or not line or (line.startswith(b"/nick") and fault("no-nick")):
            return None
        if self._asking:
            if fault("password-shown-when-sent"):
                self._screen.show(f"Sending {line.decode('utf-8', 'replace')}")
            if not line.startswith(b"/password ") or fault("password-command-doubled"):  # [PASS-16]
                line = b"/password " + line
        line = _mistyped(line)
        length = len(line.decode("utf-8", "replace")) if fault("too-long-in-characters") else len(line)
        if length > _LONGEST and fault("too-long-cut"):
            line = line[:_LONGEST]
        elif length > _LONGEST and not fault("too-long-sent"):
            return self._refuse(f"Not sent: {len(line)} octets are too many.")
        try:
            text = line.decode()
        except UnicodeDecodeError:
            text = ""
            if not fault("ill-formed-sent"):
                return self._refuse("Not sent: that is no UTF-8.")
        if _FORBIDDEN.search(text) and not fault("forbidden-sent"):
            return self._refuse("Not sent: there are control characters in it.")
        if fault("commands-checked") and text.startswith("/") and text.split(" ")[0] not in _KNOWN:
            return self._refuse("There is no such command.")
        if fault("own-twice"):
            self._screen.show(harmless(text))
        return self._send(line + (b"\r\n" if fault("crlf-sent") else b"\n"))

    def _refuse(self, why: str) -> None:
        if not fault("not-sent-untold"):
            self._screen.show(why, marked=True)

    def _send(self, octets: bytes) -> None:
        if fault("no-sending"):
            return
        try:
            with self._sending:
                self._connection.sendall(octets.removesuffix(b"\n") if fault("no-lf") else octets)
        except OSError:  # what came before is still to be read [CLIENT-7]
            self._failed = True
            if fault("failure-first"):
                self._last = "Sending failed."

    def _leave(self) -> None:
        self._leaving = True
        if not fault("exit-unsent"):
            self._send(b"exit" if fault("exit-without-lf") else b"exit\n")
        if fault("exit-unsent") or fault("bye-unawaited"):
            self._connection.shutdown(socket.SHUT_RDWR)

    def _resized(self, *_: object) -> None:
        if fault("half-lost-at-resize"):
            self._keyboard.line.clear()

    # ------------------------------------------------------------ the server

    def _read(self) -> None:
        """Show what comes until the end."""
        try:
            while not self._over and (octets := self._connection.recv(65536)):
                time.sleep(self._late)
                if fault("failure-first") and self._fails_first():
                    return
                with self._turn():
                    self._received(octets)
            if not self._over and not self._leaving and not fault("loss-untold"):
                self._last = "The connection was lost."
        except OSError:
            if not self._leaving and not fault("loss-untold") and not fault("reset-untold"):
                self._last = "The connection was lost: it broke."
        if fault("raw-left-at-loss") and not self._leaving:
            self._keyboard.restores = False
        if not self._unclosed:
            with contextlib.suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)
            if not self._stuck:
                self._keyboard.wake()

    def _turn(self) -> contextlib.AbstractContextManager[object]:
        """Return what a faulty client waits for before it looks at what has come."""
        if fault("deaf-while-typing"):
            return self._lock
        return self._sending if fault("deaf-while-sending") else contextlib.nullcontext()

    def _fails_first(self) -> bool:
        """Let what was typed be sent before what came is looked at; whether that failed."""
        while select.select([0], [], [], 0)[0]:
            pass
        with self._lock:
            return self._failed

    def _received(self, octets: bytes) -> None:
        lines = self._lines(octets)
        if fault("newest-first"):
            lines.reverse()
        if fault("flood-dropped"):
            del lines[50:-1]
        if fault("bye-drops-segment"):
            lines = [line for line in lines if line.split(" ")[0] == "BYE"] or lines
        for line in lines:
            if fault("half-lost") or (fault("half-character-lost") and self._is_half_a_character()):
                self._keyboard.line.clear()
            self._line(line)
            self._left -= 1
            if self._over or self._left == 0:
                self._over = True
                return

    def _is_half_a_character(self) -> bool:
        try:
            self._keyboard.line.decode()
        except UnicodeDecodeError:
            return True
        return False

    def _lines(self, octets: bytes) -> list[str]:
        """Return the lines that some octets end."""
        if fault("segment-is-character"):
            octets = octets.decode("utf-8", "replace").encode()
        if fault("cr-ends-line"):
            octets = octets.replace(b"\r", b"\n")
        *lines, self._rest = (self._rest + octets).split(b"\n")
        if fault("segment-is-line") and self._rest:
            lines, self._rest = [*lines, self._rest], b""
        if fault("line-per-segment"):
            lines, self._rest = lines[:1], b"\n".join([*lines[1:], self._rest])
        if fault("long-refused"):
            lines = [line for line in lines if len(line) <= _LONGEST]
        if fault("long-cut"):
            lines = [line[:1000] for line in lines]
        texts = [(line if fault("cr-kept") else line.removesuffix(b"\r")).decode("utf-8", "replace") for line in lines]
        return [part for text in texts for part in text.splitlines()] if fault("splitlines") else texts

    def _line(self, line: str) -> None:
        kind, _, rest = line.partition(" ")
        if not self._greeted:
            self._hello(line.split(" "))
        elif (kind == "INFO" and fault("no-info")) or (kind == "BYE" and fault("no-bye")):
            return
        elif kind == "BYE":
            self._bye(rest)
        elif kind == "JOINED" and fault("no-joined"):
            self._over = True
        elif kind == "ADMITTED":
            if not (fault("half-password-kept") or fault("half-password-shown")):
                self._keyboard.line.clear()  # it may be a password, too
            self._asking = False
            self._screen.draw(self._keyboard.line.decode("utf-8", "replace") if fault("half-password-shown") else "")
            self._screen.prompt(harmless(f"{self._name} in {self._room}: "))
        elif kind in ("NAME", "ROOM"):
            self._name, self._room = (rest, self._room) if kind == "NAME" else (self._name, rest)
            prompt = f"{self._name} in {self._room}: "
            if fault("name-untold") or fault("room-untold"):
                prompt = f"{'I' if fault('name-untold') else self._name} in {self._room}: "
                prompt = "> " if fault("room-untold") else prompt
            if kind == "NAME" and fault("room-not-asked"):
                return
            if not self._asking:
                self._screen.prompt(prompt if fault("prompt-raw") else harmless(prompt))
        elif kind == "SAID" or (kind == "TELL" and fault("tell-like-words")):
            self._said(*rest.partition(" ")[::2])
        elif kind == "PAST":
            self._past(*rest.partition(" ")[::2])
        elif kind in (
            "INFO",
            "ERROR",
            "ANNOUNCE",
            "JOINED",
            "LEFT",
            "NICK",
            "MEMBER",
            "MEMBERS",
            "LIVE",
            "ROOMS",
            "PONG",
            "TELL",
        ):
            self._news(kind, rest)
        elif fault("unknown-line-ends"):
            self._over = True

    def _hello(self, words: list[str]) -> None:
        version = words[1] if len(words) > 1 else ""
        fits = words[0] == "HELLO" and (
            version.startswith("flurfunk/1") if fault("hello-prefix") else version == "flurfunk/1"
        )
        self._greeted = True
        if fault("no-features") and words[2:]:
            self._over = True
        if fault("unknown-feature-ends") and set(words[2:]) - {"who", "rooms"}:
            self._over = True
        if ("password" in words[2:] and not fault("password-not-asked")) or fault("password-asked-always"):
            self._asking = True
            self._screen.prompt("Password: ")
        if not fits and not fault("hello-ignored"):
            self._over = True
            self._last = "" if fault("hello-untold") else f"That is no Flurfunk/1: {' '.join(words)}"

    def _bye(self, reason: str) -> None:
        if fault("bye-known-alone") and reason not in _REASONS:
            return
        self._over, self._unclosed = True, fault("bye-ignored")
        if not self._leaving and not fault("bye-untold"):
            self._last = "The server says goodbye." + ("" if fault("bye-without-reason") else f" Reason: {reason}.")

    def _past(self, time: str, event: str) -> None:
        """Show what was said before."""
        moment = datetime.fromtimestamp(int(time) / 1000, UTC)
        kind, _, rest = event.partition(" ")
        if fault("past-like-words") and kind == "SAID":
            self._said(*rest.partition(" ")[::2], moment)
            return
        when = "" if fault("past-untimed") else f" {moment:%Y-%m-%d %H:%M}"
        self._screen.show(f"* past:{when} {harmless(event)}", marked=True)

    def _said(self, name: str, text: str, moment: datetime | None = None) -> None:
        if fault("no-said") or (name == self._name and fault("own-hidden")):
            return
        if fault("text-stripped"):
            text = " ".join(text.split())
        speaker = "" if fault("speaker-hidden") else f"{name if fault('names-raw') else harmless(name)}: "
        when = f"{moment or datetime.now(UTC):%H:%M} " if fault("past-like-words") else ""
        self._screen.show(when + speaker + harmless(text))
        if fault("auto-reply") and self._name in text and name != self._name:
            self._send(f"{name}: I am not here.\n".encode())

    def _news(self, kind: str, text: str) -> None:
        """Show an event, an answer, or words of the server."""
        if fault("no-events") and kind in ("JOINED", "LEFT", "NICK", "ANNOUNCE"):
            return
        if (kind == "MEMBER" and fault("members-untold")) or (kind == "LIVE" and fault("rooms-untold")):
            return
        if (kind == "ERROR" and fault("errors-hidden")) or (kind in _EVENTS and fault(_EVENTS[kind])):
            return
        if fault("codes-known-alone") and (
            (kind == "ERROR" and text.partition(" ")[0] not in _CODES)
            or (kind == "LEFT" and text.partition(" ")[2] not in _REASONS)
        ):
            return
        if kind == "TELL" and fault("teller-hidden"):
            text = text.partition(" ")[2]
        if kind == "LEFT" and fault("left-without-reason"):
            text = text.partition(" ")[0]
        if kind == "ANNOUNCE" and fault("announce-answered"):
            self._send(b"Thank you.\n")
        if (kind == "INFO" and fault("info-read")) or (kind == "ERROR" and fault("error-read")):
            self._over = "closing connection" in text
        like_text = kind == "ANNOUNCE" and fault("announce-like-text")
        shown = text if fault("errors-raw") and kind in ("ERROR", "INFO") else harmless(text)
        named = shown if not (fault("names-raw") and kind in _EVENTS) else text
        label = "operator" if like_text else f"* {kind.lower()}"
        self._screen.show(f"{label}: {named}", marked=not like_text and not fault("events-like-rows"))


def _mistyped(line: bytes) -> bytes:
    """Return what a faulty client makes of a line that was typed."""
    if fault("typed-stripped"):
        line = line.strip()
    if fault("typed-ascii"):
        line = line.decode("utf-8", "replace").encode("ascii", "replace")
    if fault("say-removed"):
        line = line.removeprefix(b"/say ")
    return line[:1024] if fault("typed-cut") else line


def run(host: str, port: int, late: float, most: int, screen: Screen) -> int:
    """Connect and run, for `late` and `most` see `Client`; return the exit status."""
    if fault("no-connection"):
        return 1
    try:
        connection = socket.create_connection((host, port))
    except OSError as error:
        print(f"plainclient: {error}", file=sys.stderr)
        return 1
    status = Client(connection, late, most, screen).run()
    if fault("bye-ignored"):
        os.close(connection.detach())
    return status

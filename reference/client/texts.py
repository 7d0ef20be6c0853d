"""All words that the client itself says to its user, in one place.

Braces are filled by `str.format`; what fills them may be anybody's text, since screen.py makes every line harmless.
"""

# ---------------------------------------------------------------- prompts

PROMPT_LOBBY = "Room to enter: "
PROMPT_PASSWORD = "Password (hidden): "
PROMPT_ROOM = "{name}@{room}> "
PROMPT_NARROW = "> "

# ---------------------------------------------------------------- what happens

FIRST_NAME = "You are {name}."
NEW_NAME = "You are now called {name}."
SAME_NAME = "You are still called {name}."
PASSWORD_ASKED = "This server wants a password."
ADMITTED = "The password is right."
IN_ROOM = "You are in {room}."
JOINED = "{name} entered."
LEFT = {
    "moved": "{name} left for another room.",
    "exit": "{name} left.",
    "lost": "{name} is gone: the connection was lost.",
    "removed": "{name} was removed.",
}
LEFT_OTHERWISE = "{name} left ({reason})."
NICK = "{old} is now called {new}."
ANNOUNCE = "ANNOUNCEMENT: {text} ***"
MEMBERS = "In {room} ({count}): {names}"
ROOMS = "Rooms with somebody in them ({count}): {rooms}"
ROOM_OF_LIST = "{room} ({count})"
PONG = "The server answers: {token}"

HELP = (
    "What you type is said in the room. In this client:",
    "  /cd ROOM     enter another room          /nick NAME  take another name",
    "  /who         who is in the room          /rooms      rooms with somebody in them",
    "  /say TEXT    say what looks like a command",
    "  exit         leave (so do Ctrl-D on an empty line, and Ctrl-C)",
    "What the server says about it:",
)

# ---------------------------------------------------------------- what was wrong

ERRORS = {
    "too-long": "That line is too long.",
    "bad-text": "That line has characters in it that are not allowed.",
    "no-password": "The server wants a password first.",
    "bad-password": "That is not the password.",
    "unknown-command": "There is no such command. /help lists them.",
    "bad-argument": "That command was given too much or too little.",
    "no-room": "Enter a room first.",
    "bad-room": "No room can be called that: letters, digits, - and _, at most 32.",
    "bad-name": "Nobody can be called that: letters, digits, - and _, at most 32.",
    "name-taken": "That name is taken.",
}
ERROR_OTHERWISE = "The server refused that ({code})."
SERVER_SAYS = "{ours} (The server says: {theirs})"
TOO_LONG = "Not sent: that line has more than {limit} octets. Nothing of it was sent."
BAD_TEXT = "Not sent: that line is not UTF-8, or has control characters in it. Nothing of it was sent."

# ---------------------------------------------------------------- how it ends

LOST = "The connection to the server was lost."
NO_GOODBYE = "The server did not say goodbye; what was sent last may not have arrived."
NO_GREETING = "Whoever answers there says nothing: it is not a Flurfunk server."
NOT_FLURFUNK = "Whoever answers there does not speak flurfunk/1: it is not a Flurfunk server, or of another version."
BYE = {
    "exit": "The server says that you left.",
    "shutdown": "The server is shutting down.",
    "removed": "The operator removed you.",
    "slow": "The server closed the connection: what it had to send was not read fast enough.",
    "full": "The server is full. Try again later.",
    "idle": "The server closed the connection: no room was chosen in time.",
    "denied": "The server closed the connection: too many passwords were wrong.",
}
BYE_OTHERWISE = "The server closed the connection ({reason})."
PASSWORD_WANTED = (
    "The server wants a password, and here it cannot be asked for without being seen: use --password-file FILE."
)
PASSWORD_WRONG = "The password in the file is not the server's."
REFUSED = "Nothing listens at {address}: connection refused."
NOT_RESOLVED = "The host {host} was not found."
TIMED_OUT = "No answer from {address}."
NOT_REACHED = "Cannot connect to {address}: {why}."

# ---------------------------------------------------------------- the command line

DESCRIPTION = "Chat over the Flurfunk protocol."
EPILOG = "Exit status: 0 left as wished, 1 not connected or ended by the server, 2 wrong usage."
ADDRESS_HELP = "the server, HOST or HOST:PORT (127.0.0.1:8080)"
NAME_HELP = "the name to take"
ROOM_HELP = "the room to enter (asked for otherwise)"
PASSWORD_HELP = "the server's password is the first line of this file (asked for otherwise)"
TLS_HELP = "inside TLS; the server has to prove who it is"
TLS_CA_HELP = "inside TLS, and trust the certificates in this file (in PEM) instead of the system's"
BAD_PORT = "a port is a number from 1 to 65535, not {port!r}"
BAD_HOST = "an address is HOST or HOST:PORT, not {address!r}"
BAD_NAME = "not a possible name: {name!r} (letters, digits, - and _, at most 32, first a letter or a digit)"

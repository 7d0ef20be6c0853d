"""The ground of checks of clients: facts, as in `conformance.wire.standing`, each shown by a check of the ground."""

GREETED = ("CLIENT-2 for flurfunk/1",)
REFUSING = ("CLIENT-2 for another version",)
FEATURES = ("CLIENT-1 for usual features",)
UNKNOWN_FEATURES = ("CLIENT-1 for unknown features",)
TYPED = ("LINE-1", "PASS-14", "CLIENT-13 for plain lines")
ALL_CHARACTERS = ("CLIENT-13 for all characters",)
WHILE_TYPING = ("CLIENT-14 for plain words",)
SHOWN = ("CLIENT-10 for plain words",)
SEVERAL = ("NET-3 for whole lines", "CLIENT-10 for several lines")  # that are sent at once
MANY_LINES = ("CLIENT-10 for many lines",)
HALVES = ("NET-3 for halves of lines",)
CR_LF = ("LINE-2 for whole lines",)
ANNOUNCING = ("CLIENT-3 for announcements",)
ENTERING = ("CLIENT-12 for JOINED",)
CLOSING = ("CLIENT-8 in a room",)
REASONS = ("CLIENT-18 in a room",)
WAYS_OUT = {  # by what the user presses
    "exit\r": "CLIENT-15 for exit",
    "\x04": "CLIENT-15 for end of input",
    "\x03": "CLIENT-15 for interrupt",
    "half\x03": "CLIENT-15 for interrupt",
}

MANY = 20  # lines that are sent at once: more are many
LARGE = 4096  # octets that are sent at once: more can come in several segments

"""Which texts there are that the client itself says to its user; each language has them in a module of its own.

Braces are filled by `str.format`; what fills them may be anybody's text, since screen.py makes every line harmless.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from reference.terminal.paste import Words


@dataclass(frozen=True, kw_only=True)
class Texts:
    """All texts, in one language."""

    # prompts
    prompt_lobby: str
    prompt_password: str
    prompt_room: str
    prompt_away: str
    prompt_search: str
    prompt_paste: str
    yes: str  # the keys that mean it
    no: str
    more_lines: str
    lobby: str

    # what happens
    first_name: str
    new_name: str
    same_name: str
    name_for_now: str
    password_asked: str
    admitted: str
    in_room: str
    joined: str
    left: Mapping[str, str]  # by the reason of LEFT
    left_otherwise: str
    joined_many: str
    left_many: Mapping[str, str]
    left_many_otherwise: str
    names_all: str
    names_some: str
    nick: str
    announce: str
    whispered: str  # a label: who tells the user something
    told: str  # a label: whom the user told something
    past_begins: str
    past_gap: str
    past_ends: str
    past_none: str
    members: str
    rooms: str
    room_of_list: str
    pong: str
    help: tuple[str, ...]

    # what the client does by itself
    habits: Mapping[str, str]  # by commands of other programs, which are not sent
    ignoring: str
    heard_again: str
    ignored: str
    nobody_ignored: str
    log_begun: str
    log_ended: str
    log_none: str
    log_failed: str
    log_moved: str
    history_failed: str

    # what was wrong
    errors: Mapping[str, str]  # by the code of ERROR
    error_otherwise: str
    server_says: str
    too_long: str
    bad_text: str

    # how it ends
    lost: str
    no_goodbye: str
    no_greeting: str
    not_flurfunk: str
    not_greeted: str
    bye: Mapping[str, str]  # by the reason of BYE
    bye_otherwise: str
    not_shown: str
    password_wanted: str
    password_wrong: str
    refused: str
    not_resolved: str
    timed_out: str
    not_reached: str
    untrusted: str
    no_tls: str
    tls_missing: str
    no_authorities: str
    not_pem: str

    # from one connection to another
    trying: str
    next_try: str
    kept: str
    back: str
    not_sent: str
    doubtful: str

    # the command line
    usage: str
    arguments: str
    options: str
    description: str
    epilog: str
    help_help: str
    address_help: str
    name_help: str
    room_help: str
    password_help: str
    tls_help: str
    tls_ca_help: str
    language_help: str
    editor_help: str
    times_help: str
    bell_help: str
    reconnect_help: str
    ping_help: str
    bad_seconds: str
    history_help: str
    bad_lines: str
    version_help: str
    no_library: str
    bad_config: str
    no_utf8: str
    too_deep: str
    unknown_key: str
    bad_value: str
    colours_help: str
    bad_port: str
    bad_host: str
    bad_name: str
    # Complaints of other programs in English: a pattern, and the text said instead with its groups.
    complaints: Mapping[str, str]

    @property
    def paste(self) -> Words:
        """The texts about a paste."""
        return Words(self.prompt_paste, self.yes, self.no, self.more_lines)

    def instead(self, complaint: str) -> str:
        """Return what is said instead of a complaint in English: the same where nothing is known for it."""
        for pattern, ours in self.complaints.items():
            if found := re.fullmatch(pattern, complaint, re.DOTALL):
                return ours.format(*found.groups())
        return complaint

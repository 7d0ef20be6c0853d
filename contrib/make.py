"""Writes the client's manual page and its completion for shells, from the parser of its command line.

python3 contrib/make.py           writes them
python3 contrib/make.py --check   names those that are not what would be written, and ends with status 1
"""

import argparse
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

from reference.client.arguments import parser  # noqa: E402
from reference.client.config import KEYS  # noqa: E402
from reference.client.texts_en import ENGLISH  # noqa: E402
from reference.version import VERSION  # noqa: E402

PROGRAM = "flurfunk"  # as it is installed
COMMANDS = f"{PROGRAM} client.py"  # what is completed: as it is in a clone, too
FILES = (
    ("$XDG_CONFIG_HOME/flurfunk/client.toml", "~/.config", f"what is wanted always: {', '.join(KEYS)}"),
    ("$XDG_STATE_HOME/flurfunk/history", "~/.local/state", "what was typed, without passwords"),
)


def actions() -> list[argparse.Action]:
    """Return the options in the order of the help."""
    return [action for action in parser(ENGLISH)._actions if action.option_strings]


def value(action: argparse.Action) -> str:
    """Return what stands after an option, empty if nothing does."""
    if action.nargs == 0:
        return ""
    if action.choices:
        return "|".join(map(str, action.choices))
    return str(action.metavar or action.dest.upper())


def manual() -> str:
    """Return the manual page."""
    lines = [f'.TH FLURFUNK 1 "" "flurfunk {VERSION}"', ".SH NAME"]
    lines += [f"{roff(PROGRAM)} \\- {roff(ENGLISH.description.rstrip('.'))}", ".SH SYNOPSIS"]
    lines += [f".B {roff(PROGRAM)}", "[options] [HOST[:PORT]]", ".SH OPTIONS"]
    lines += [".TP", ".I HOST[:PORT]", roff(ENGLISH.address_help)]
    for action in actions():
        words = ", ".join(f"\\fB{roff(word)}\\fR" for word in action.option_strings)
        lines += [".TP", f"{words} \\fI{roff(value(action))}\\fR" if value(action) else words, roff(action.help or "")]
    lines += [".SH COMMANDS", ".nf", *map(roff, ENGLISH.help[:-1]), ".fi", ".SH FILES"]
    for path, folder, what in FILES:
        variable = path.partition("/")[0]
        lines += [".TP", f".I {roff(path)}", roff(f"{what}; {variable} is {folder} where it is not set")]
    return "\n".join([*lines, ".SH EXIT STATUS", roff(ENGLISH.epilog.removeprefix("Exit status: "))]) + "\n"


def roff(text: str) -> str:
    """Return text as it is written in a manual page."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text.startswith((".", "'")) else text


def bash() -> str:
    """Return the completion for bash."""
    cases = [f"        {'|'.join(a.option_strings)}) {bash_value(a)} ;;" for a in actions() if value(a)]
    words = " ".join(word for action in actions() for word in action.option_strings)
    return "\n".join(
        [
            "# Completion of the Flurfunk client for bash: source this file.",
            "_flurfunk() {",
            "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}",
            "    COMPREPLY=()",
            '    case "$before" in',
            *cases,
            f'        *) COMPREPLY=($(compgen -W "{words}" -A hostname -- "$word")) ;;',
            "    esac",
            "}",
            f"complete -F _flurfunk {COMMANDS}",
            "",
        ]
    )


def bash_value(action: argparse.Action) -> str:
    """Return what completes the value of an option."""
    if action.choices:
        return f'COMPREPLY=($(compgen -W "{" ".join(map(str, action.choices))}" -- "$word"))'
    return 'COMPREPLY=($(compgen -f -- "$word"))' if value(action) == "FILE" else ":"


def zsh() -> str:
    """Return the completion for zsh."""
    lines = [
        f"#compdef {COMMANDS}",
        "# Completion of the Flurfunk client for zsh: into a folder of $fpath.",
        "_arguments \\",
    ]
    for action in actions():
        told = (action.help or "").translate({ord(char): f"\\{char}" for char in "[]:"}).replace("'", "'\\''")
        behind = {"": "", "FILE": ":file:_files"}.get(value(action), f":{value(action)}:")
        if action.choices:
            behind = f":{action.dest}:({' '.join(map(str, action.choices))})"
        lines += [f"    '{word}[{told}]{behind}' \\" for word in action.option_strings]
    return "\n".join([*lines, "    ':server:_hosts'", ""])


def main() -> int:
    """Write the files, or say which are not what they should be."""
    checking = sys.argv[1:] == ["--check"]
    wrong = []
    for name, text in (("flurfunk.1", manual()), ("flurfunk.bash", bash()), ("_flurfunk", zsh())):
        path = FOLDER / name
        if checking:
            wrong += [] if path.is_file() and path.read_text(encoding="utf-8") == text else [name]
        else:
            path.write_text(text, encoding="utf-8")
    for name in wrong:
        sys.stderr.write(f"{name} is not up to date: python3 contrib/make.py\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

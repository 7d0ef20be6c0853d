"""Server and client as one program: `flurfunk.pyz server` and `flurfunk.pyz client`, each with its own options."""

import argparse
import sys
from typing import NoReturn

from reference.version import VERSION

PROGRAM = "flurfunk.pyz"


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """End with status 2."""
        self.exit(2, f"{self.prog}: {message}; --help tells more\n")


def main() -> int:
    """Run what the first word names with the words after it; return its exit status.  A wrong word exits with 2."""
    parser = _Parser(
        prog=PROGRAM,
        usage="%(prog)s {client,server} [option ...]",
        description="The reference client and server of Flurfunk/1 in one file.",
        epilog="`%(prog)s client --help` and `%(prog)s server --help` tell the options of each.",
    )
    parser.add_argument("program", choices=("client", "server"), help="what to start; the other words are its own")
    parser.add_argument("--version", action="version", version=f"flurfunk {VERSION}")
    program: str = parser.parse_args(sys.argv[1:2]).program
    sys.argv[:2] = [f"{PROGRAM} {program}"]  # as each calls itself
    if program == "server":
        from reference.server.cli import main

        return main()
    from reference.client.cli import main as chat  # alone: on Windows there is no server

    return chat()


if __name__ == "__main__":
    sys.exit(main())

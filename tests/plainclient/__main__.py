"""The command line of the client: where the server is, and which mistakes to make."""

import argparse
import sys

from tests.plainclient.client import run
from tests.plainclient.faults import FAULTS, LACKS, choose
from tests.plainclient.screen import Screen


def main() -> int:
    """Run the client with the arguments of the process; return its exit status."""
    parser = argparse.ArgumentParser(prog="plainclient", description="A Flurfunk/1 client for tests.")
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--fault", action="append", choices=sorted(FAULTS | LACKS), default=[], metavar="NAME")
    parser.add_argument("--late", type=float, default=0.0, metavar="SECONDS", help="how late it reads the server")
    parser.add_argument("--most", type=int, default=0, metavar="LINES", help="after how many it ends; 0: never")
    parser.add_argument("--halting", type=float, default=0.0, metavar="SECONDS", help="how long before each output")
    parser.add_argument("--wrapping", action="store_true", help="divides lines at blanks, and keeps what was begun")
    arguments = parser.parse_args()
    choose(arguments.fault)
    screen = Screen(arguments.halting, wrapping=arguments.wrapping)
    return run(arguments.host, arguments.port, arguments.late, arguments.most, screen)


if __name__ == "__main__":
    sys.exit(main())

"""Makes the pictures of README and guides anew, of the running programs: python -m docs.pictures --help."""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from docs.pictures import report, scenes

NAMES = ("client", "console", "conformance", "next", "report")


def main() -> int:
    """Return 0, or 1 where a picture could not be made."""
    arguments = _parser().parse_args()
    for name in arguments.only or NAMES:
        try:
            arguments.output.mkdir(parents=True, exist_ok=True)
            _make(name, arguments.output.resolve(), arguments.select)
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            print(f"no picture {name}: {error}", file=sys.stderr)
            return 1
    return 0


def _make(name: str, folder: Path, select: Sequence[str]) -> None:
    match name:
        case "client":
            picture = scenes.client()
        case "console":
            picture = scenes.console()
        case "conformance":
            picture = scenes.conformance(select)
        case "next":
            picture = scenes.next_step()
        case _:
            report.report(folder / "report.png")
            return
    (folder / f"{name}.svg").write_text(picture, encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m docs.pictures",
        description="Make the pictures of README and guides anew, of the running programs. "
        "Run it at the top of a checkout.",
        epilog="It needs the same as the conformance suite. For report, it also needs Chromium; "
        "without that, report.png is left as it is.",
    )
    parser.add_argument("--only", action="append", choices=NAMES, help="make this one")
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).parent, metavar="DIR", help="where they go (docs/pictures)"
    )
    parser.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="WHAT",
        help="for a quick look: run these checks alone for conformance, as the suite's --select does",
    )
    return parser


sys.exit(main())

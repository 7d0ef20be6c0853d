"""The cost of the conformance suite, beside that of another checkout: python -m benchmarks.suite --before DIR.

Both run in turn on the same machine, so that their ratio says something; the verdicts of checks that both have are
compared, too. The servers are those of each checkout, but for the one of 40 lines.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = "{python} reference/server/server.py --port {port}"
UNTOLD = "{python} -m tests.asyncserver --port {port} --fault joined-missing"
FORTY_LINES = f"{{python}} {ROOT}/tests/fortylines.py {{port}}"
FAR = "{python} -m tests.faraway 0.05 {port} {python} reference/server/server.py --port {{inner}}"
LIMITS = " --max-clients {clients} --choose-timeout {seconds} --stall-timeout {stall}"
PASSWORD = " --password-file {password_file}"


def _server(command: str) -> list[str]:
    """Return the arguments that name a server with all its conditions."""
    limited, password = command + LIMITS, command + PASSWORD
    return ["--server-cmd", command, "--limited-server-cmd", limited, "--password-server-cmd", password]


@dataclass(frozen=True)
class Work:
    """A run of the suite, and what it may cost as a share of the other's: seconds, and seconds of processor.

    `same`: this checkout runs no checks but those that the other one has.
    """

    arguments: list[str]
    wall: float
    processor: float | None = None
    same: bool = False


WORK = {
    "same": Work(_server(REFERENCE), 0.25, 0.6, same=True),
    "server": Work(_server(REFERENCE), 0.25, 0.6),
    "whole": Work([], 0.35),
    "no-joined": Work(_server(UNTOLD), 0.10),
    "forty-lines": Work(["--server-cmd", FORTY_LINES], 0.10),
    "far-away": Work(_server(FAR), 0.15),
}


@dataclass(frozen=True)
class Cost:
    """The cost of one run: seconds, seconds of processor with all that it started, lines printed; and its verdicts."""

    wall: float
    processor: float
    lines: int
    verdicts: dict[str, str]


def run(checkout: Path, arguments: Sequence[str], bytecode: str) -> Cost:
    """Run the suite of a checkout; raises OSError or ValueError where it leaves no report.

    `bytecode`: the folder where Python keeps that of all programs, even if the environment forbids it elsewhere.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = bytecode
    with tempfile.TemporaryDirectory(prefix="flurfunk-suite-") as folder:
        command = [sys.executable, "-m", "conformance", *arguments, "--report", folder]
        began = time.monotonic()
        with open(f"{folder}/printed", "wb+") as printed:
            child = subprocess.Popen(command, cwd=checkout, env=environment, stdout=printed, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            wall = time.monotonic() - began
            printed.seek(0)
            lines = sum(1 for _ in printed)
        report = json.loads(Path(folder, "report.json").read_bytes())
    verdicts = {check["id"]: check["verdict"] for check in report["checks"]}
    return Cost(wall, usage.ru_utime + usage.ru_stime, lines, verdicts)


def compare(before: Path, name: str, repetitions: int, bytecode: str) -> bool:
    """Run one work on both in turn, and print a line; return whether the goals are met."""
    work = WORK[name]
    costs: dict[Path, list[Cost]] = {before: [], ROOT: []}
    for _ in range(repetitions):
        costs[before].append(run(before, work.arguments, bytecode))
        checks = costs[before][-1].verdicts if work.same else ()
        selected = [word for check in checks for word in ("--select", check)]
        costs[ROOT].append(run(ROOT, [*work.arguments, *selected], bytecode))
    then, now = (
        [median(one.wall for one in found), median(one.processor for one in found)] for found in costs.values()
    )
    wall, processor = now[0] / then[0], now[1] / then[1]
    old, new = (found[-1] for found in costs.values())
    print(
        f"{name:<12} {then[0]:>7.1f} {now[0]:>7.1f} {wall:>6.2f} {work.wall:>5.2f} "
        f"{then[1]:>7.1f} {now[1]:>7.1f} {processor:>6.2f} {work.processor or '':>5} {old.lines:>6} {new.lines:>5}",
        flush=True,
    )
    if all(verdict in ("PASS", "SKIP") for verdict in old.verdicts.values()):
        for identifier in old.verdicts.keys() & new.verdicts.keys():
            if old.verdicts[identifier] != new.verdicts[identifier]:
                print(f"  {identifier}: {old.verdicts[identifier]} before, {new.verdicts[identifier]} now")
    return wall <= work.wall and processor <= (work.processor or processor)


def main() -> int:
    """Print the table; return 1 where a goal is missed."""
    parser = argparse.ArgumentParser(prog="benchmarks.suite", description="The cost of the suite beside another one.")
    parser.add_argument("work", nargs="*", metavar="WORK", help=f"{', '.join(WORK)}; all where none is named")
    parser.add_argument("--before", type=Path, required=True, metavar="DIR", help="a checkout of the other one")
    parser.add_argument("--reps", type=int, default=3, metavar="N", help="runs of each (default 3)")
    options = parser.parse_args()
    if unknown := set(options.work) - set(WORK):
        parser.error(f"no such work: {', '.join(sorted(unknown))}")
    if not (options.before / "conformance").is_dir():
        parser.error(f"{options.before} is no checkout")
    print("work          before     now  ratio  goal processor before, now, ratio, goal; lines before, now")
    with tempfile.TemporaryDirectory(prefix="flurfunk-bytecode-") as bytecode:
        met = [compare(options.before.resolve(), name, options.reps, bytecode) for name in options.work or WORK]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Run all checks from a fresh clone: python3 -m tests.

Makes a virtual environment in .tox/tox, installs tox there, and runs it with the arguments given.  It is none of tox's
own, and not the .venv in which somebody works: it is made anew where tox is missing in it.  At the end it says which
tests were left out, because they need something that is not there.
"""

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / ".tox" / "tox"


def main() -> int:
    """Return tox's exit status; 1 where it cannot be installed."""
    python = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if (
        subprocess.run([python, "-c", "import tox"], capture_output=True, check=False).returncode
        if python.exists()
        else 1
    ):
        try:
            venv.create(ENVIRONMENT, with_pip=True, clear=True)
        except subprocess.CalledProcessError:
            print("no virtual environment can be made: install your system's package python3-venv", file=sys.stderr)
            return 1
        if subprocess.run([python, "-m", "pip", "install", "--quiet", "tox>=4.20"], check=False).returncode:
            print("tox could not be installed: is there a network?", file=sys.stderr)
            return 1
    with tempfile.NamedTemporaryFile("r", prefix="flurfunk-left-out-", encoding="utf-8") as left_out:
        environment = {**os.environ, "FLURFUNK_LEFT_OUT": left_out.name}
        command = [str(python), "-m", "tox", *sys.argv[1:]]
        status = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        tell(left_out.read().splitlines())
    return status


def tell(left_out: list[str]) -> None:
    """Say why how many tests were left out; the lines are `COUNT REASON`."""
    if not left_out:
        return
    print("\nSome tests were left out. All others ran. You need not do anything about these:")
    for line in left_out:
        count, _, reason = line.partition(" ")
        print(f"  {count} {'test' if count == '1' else 'tests'}: {reason}")


if __name__ == "__main__":
    sys.exit(main())

"""Run all checks from a fresh clone: python3 -m tests.

Makes a virtual environment in .tox/tox, installs tox there, and runs it with the arguments given.  It is none of tox's
own, and not the .venv in which somebody works: it is made anew where tox is missing in it.
"""

import os
import subprocess
import sys
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
    return subprocess.run([python, "-m", "tox", *sys.argv[1:]], cwd=ROOT, check=False).returncode


sys.exit(main())

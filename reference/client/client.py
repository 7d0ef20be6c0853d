"""Launcher: `python3 reference/client/client.py` from any folder of or outside a checkout."""

import sys
from pathlib import Path

if not __package__:  # started as a script: make the checkout importable
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from reference.client.cli import main

if __name__ == "__main__":
    sys.exit(main())

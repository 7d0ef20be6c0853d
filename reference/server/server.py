#!/usr/bin/env python3
"""Start the reference server from a checkout: makes the checkout importable, and nothing else."""

import sys
from pathlib import Path

if not __package__:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from reference.server.cli import main

if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Start the reference server from a checkout: makes the checkout importable, and nothing else."""

import os
import sys

if not __package__:
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))))

from reference.server.cli import main

if __name__ == "__main__":
    sys.exit(main())

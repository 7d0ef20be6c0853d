#!/usr/bin/env python3
"""Start the reference server from a checkout: makes the checkout importable, and collects no garbage while it does."""

import gc
import os
import sys

if __name__ == "__main__":
    if not __package__:
        sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))))
    gc.disable()  # of what is imported nothing goes: to look at it, now and in the end, takes a seventh of a short life
    from reference.server.cli import main

    gc.freeze()
    gc.enable()
    sys.exit(main())

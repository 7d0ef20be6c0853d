"""`python -m conformance`."""

import sys

PACKAGES = "abnf pexpect pyte"

try:
    from conformance.cli import main
except ModuleNotFoundError as missing:
    if missing.name not in PACKAGES.split():
        raise
    print(f"conformance: {missing.name} is missing; use tox -e conformance, or pip install {PACKAGES}", file=sys.stderr)
    sys.exit(4)  # as for any other fault of the suite, whose modules cannot be imported here

sys.exit(main())

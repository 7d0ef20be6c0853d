"""`python -m conformance`, and the command `flurfunk-conformance`."""

import gc
import sys

from conformance.judging.outcome import SUITE_FAULT

PACKAGES = "abnf pexpect pyte"


def main() -> int:
    """Run the suite; return its exit status, that of a fault of the suite where a package is missing."""
    gc.disable()  # of what is imported nothing goes, and to look at it takes a sixth of the start
    try:
        from conformance.cli import main
    except ModuleNotFoundError as missing:
        if missing.name not in PACKAGES.split():
            raise
        needed = f"the suite needs more than Python: pip install {PACKAGES}"
        print(f"flurfunk-conformance: {missing.name} is missing: {needed}", file=sys.stderr)
        return SUITE_FAULT
    gc.freeze()
    gc.enable()
    return main()


if __name__ == "__main__":
    sys.exit(main())

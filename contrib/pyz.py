"""Builds flurfunk.pyz: client and server in one file, which needs Python and nothing else.

python3 contrib/pyz.py                  writes build/flurfunk.pyz
python3 contrib/pyz.py --output FILE    writes another file
"""

import argparse
import shutil
import sys
import tempfile
import zipapp
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Write the file and print its name; return 1 where it cannot be written."""
    parser = argparse.ArgumentParser(description="Builds flurfunk.pyz: client and server in one file.")
    parser.add_argument("--output", type=Path, metavar="FILE", help="the file (default: build/flurfunk.pyz)")
    output: Path = parser.parse_args().output or ROOT / "build" / "flurfunk.pyz"
    try:
        if output.parent == ROOT / "build":
            output.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="flurfunk-pyz-") as folder:
            shutil.copytree(ROOT / "reference", Path(folder, "reference"), ignore=shutil.ignore_patterns("__pycache__"))
            shutil.copy(ROOT / "LICENSE", folder)
            zipapp.create_archive(folder, output, "/usr/bin/env python3", "reference.__main__:main", compressed=True)
    except OSError as error:
        print(f"pyz.py: cannot write {output}: {error.strerror}", file=sys.stderr)
        return 1
    print(output)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Build the pages: tox -e site, or python -m docs.site --output FOLDER."""

import argparse
import sys
import tempfile
from pathlib import Path

from docs.site.sources import write_sources

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent


def main() -> int:
    """Return 0, or 1 where a link leads nowhere or something else is wrong with a page; 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="docs.site", description="Builds the static pages; needs no network.")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "site", metavar="FOLDER")
    output = parser.parse_args().output
    try:
        from sphinx.application import Sphinx
        from sphinx.errors import SphinxError
    except ImportError:
        print("docs.site: Sphinx is not installed: tox -e site has it", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="flurfunk-site-") as folder:
        sources = Path(folder, "sources")
        known = {"flurfunk_requirements": write_sources(ROOT, sources)}
        try:
            app = Sphinx(
                sources, HERE, output, Path(folder, "doctrees"), "html", known, status=None, warningiserror=True
            )
            app.build()
        except (SphinxError, OSError) as error:
            print(f"docs.site: {error}", file=sys.stderr)
            return 1
    if app.statuscode == 0:
        print(f"{output / 'index.html'}")
    return int(app.statuscode)


sys.exit(main())

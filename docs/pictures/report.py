"""The picture of a report's page, as a browser shows it: of a server with faults, so that there is something to see."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from conformance.reports.page import page
from tests.support import ROOT

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_WIDTH, _HEIGHT = 900, 1044  # pixels
_LONGEST = 120.0  # seconds: for each of both programs, on a busy machine
# Nothing is asked of anybody on the net.
_OPTIONS = (
    *("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking"),
    *("disable-sync", "disable-component-update", "hide-scrollbars", "force-device-scale-factor=1"),
)
_SELECTED = ("NAME-4", "ROOM", "TEXT", "CMD", "WHO", "LIST")
_SUBJECT = """\
[implementation]
name = "my-server"
version = "0.3"
[server]
command = "{python} -m tests.asyncserver --port {port} --fault name-lowered --fault blanks-collapsed"
[[expected-failure]]
check = "TEXT-5/texts-are-relayed-octet-for-octet"
reason = "blanks are collapsed"
"""


def report(path: Path) -> None:
    """Write the picture as PNG; without Chromium, say so and leave it as it is.

    Raises subprocess.SubprocessError where the browser does not work.
    """
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        print(f"no Chromium is installed: {path.name} is left as it is", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as folder:
        html = Path(folder, "report.html")
        html.write_text(page(_settled(_run(folder))), encoding="utf-8")
        options = [f"--{option}" for option in (*_OPTIONS, f"window-size={_WIDTH},{_HEIGHT}", f"screenshot={path}")]
        subprocess.run(
            [browser, *options, f"--user-data-dir={folder}/profile", html.as_uri()],
            capture_output=True,
            timeout=_LONGEST,
            check=True,
        )


def _run(folder: str) -> str:
    """Run the suite; return its report.json."""
    Path(folder, "my-server.toml").write_text(_SUBJECT, encoding="utf-8")
    selected = [word for what in _SELECTED for word in ("--select", what)]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "conformance", "--subject", "my-server.toml", "--report", "report"),
            *("--jobs", "1", *selected),
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=_LONGEST,
        check=False,
    )
    assert done.returncode == 1, done.stderr or done.stdout
    return Path(folder, "report", "report.json").read_text(encoding="utf-8")


def _settled(text: str) -> Any:
    """Return a report in which stands what is shown each time, where one run differs from the other."""
    found = re.search(r"barrier-([0-9a-f]{4})\d", text)
    assert found
    settled = json.loads(text.replace(f"-{found[1]}", "-"))
    settled["run"].update(began="2026-01-05T09:41:00+00:00", seconds=4.2)
    for check in settled["checks"]:
        for number, entry in enumerate(check["transcript"]):
            entry["seconds"] = number * 0.0002
    return settled

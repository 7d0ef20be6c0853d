"""What holds for all tests."""

import os
import signal
import tempfile
from pathlib import Path

# A shell without job control, or nohup, starts programs so that they ignore some signals. The programs that the tests
# start would inherit that, and be deaf to Ctrl-C, for instance.
signal.signal(signal.SIGINT, signal.default_int_handler)
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)

# The programs that the tests start speak English, and read and write no files of whoever runs the tests.
os.environ["LC_ALL"] = "C.UTF-8"
_HOME = tempfile.TemporaryDirectory(prefix="flurfunk-tests-")
for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "APPDATA", "LOCALAPPDATA"):
    os.environ[name] = str(Path(_HOME.name, name.lower()))

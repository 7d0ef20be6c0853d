#!/bin/sh
# Guess: prompt_toolkit counts a flag, two regional indicators, as the two cells in which terminals draw it: wcwidth,
# which it uses, says 2 for it.
# Seen: it asks wcwidth for one character at a time, and since wcwidth 0.6 one indicator alone is two cells. So a flag is
# four cells: wherever it moves the cursor behind a flag, that is two columns off.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet prompt_toolkit==3.0.53 wcwidth==0.9.4
"$folder/venv/bin/python" - <<'EOF'
import sys
from importlib.metadata import version

from prompt_toolkit.utils import get_cwidth
from wcwidth import wcswidth

flag = "\U0001f1e9\U0001f1ea"
print("prompt_toolkit", version("prompt_toolkit"), "wcwidth", version("wcwidth"))
print("a flag: wcwidth says", wcswidth(flag), "and prompt_toolkit", get_cwidth(flag))
if (wcswidth(flag), get_cwidth(flag)) == (2, 4):
    print("As it was seen: prompt_toolkit takes a flag for twice as wide as wcwidth does.")
else:
    print("Not as it was seen.")
    sys.exit(1)
EOF

#!/bin/sh
# pyte loses the rest of what is written at once after a character of no width that is no combining one.
#
# A good guess: a heart with a variation selector (U+2764 U+FE0F) is drawn, and so is what comes after it;
# perhaps the selector is not kept.
# Behaviour: what comes after the selector in the same call is not drawn: " and more" is missing on the screen.
#
# Needs python3 and the network. Ends with status 1 where the behaviour has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyte==0.8.2 wcwidth==0.2.13
"$folder/venv/bin/python" - <<'PYTHON'
import importlib.metadata
import sys

import pyte

print("pyte", importlib.metadata.version("pyte"), "wcwidth", importlib.metadata.version("wcwidth"))
screen = pyte.Screen(40, 2)
pyte.Stream(screen).feed("\u2764\ufe0f and more")
row = screen.display[0].rstrip()
print("the row:", ascii(row))
sys.exit(0 if row == "\u2764" else 1)
PYTHON

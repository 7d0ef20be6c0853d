#!/bin/sh
# Guess: ESC [ J erases from the cursor to the end of the screen, and that is all: what was erased is nowhere afterwards.
# Seen: where the cursor is in the first column of the first row, tmux first moves the rows of the screen to what has
# scrolled out. A program that redraws its line there with CR ESC [ J, as many do, leaves a copy there each time. From
# the second column, or in the second row, it leaves none.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
package=tmux=3.3a-3
apt-get download "$package" libevent-core-2.1-7 libutempter0 >apt 2>&1 || { cat apt; echo "cannot be had: $package"; exit 2; }
for file in *.deb; do dpkg-deb -x "$file" .; done
LD_LIBRARY_PATH=$(dirname "$(find "$folder/usr/lib" -name 'libevent_core*' | head -n 1)")
export LD_LIBRARY_PATH
tmux() { "$folder/usr/bin/tmux" -u -f /dev/null -S "$folder/socket" "$@"; }

# Prints how many rows have scrolled out after a line was drawn and erased three times with these octets.
scrolled() {
    octets=$1
    tmux new-session -d -x 40 -y 5 "for n in 1 2 3; do printf 'line %s' \$n; printf '$octets'; done; printf done; exec cat"
    until tmux capture-pane -p | grep -q done; do sleep 0.1; done
    tmux display-message -p '#{history_size}'
    tmux kill-server
}

tmux -V
home=$(scrolled '\r\033[J')
second=$(scrolled '\r \033[J\r')
printf 'rows that have scrolled out: %s when erased from the first column, %s from the second\n' "$home" "$second"
if [ "$home" -ge 3 ] && [ "$second" = 0 ]; then
    echo "As it was seen: tmux keeps what is erased from the first column of the first row."
else
    echo "Not as it was seen."
    exit 1
fi

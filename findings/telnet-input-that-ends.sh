#!/bin/sh
# Guess: `printf 'one\ntwo\n' | telnet HOST PORT` sends both lines, and then ends its sending, as nc does.
# Seen: telnet of GNU inetutils connects, sends nothing of it, and ends with status 0. With an input that stays open for
# a moment, it sends both lines, each with CR LF.
set -eu
folder=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
package=inetutils-telnet=2:2.4-2+deb12u3
apt-get download "$package" >apt 2>&1 || { cat apt; echo "cannot be had: $package"; exit 2; }
for file in *.deb; do dpkg-deb -x "$file" .; done
telnet=$(find "$folder/usr/bin" -name '*telnet' -type f)

# For each of two connections: a greeting, and then a line with all that was received until its end.
python3 -u - >received <<'EOF' &
import socket
with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1])
    for _ in range(2):
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"hello\n")
            octets = b""
            while more := connection.recv(4096):
                octets += more
            print(octets)
EOF
server=$!
until [ -s received ]; do kill -0 "$server"; sleep 0.1; done
port=$(head -n 1 received)

"$telnet" --version | head -n 1
status=0
printf 'one\ntwo\n' | "$telnet" 127.0.0.1 "$port" >shown 2>&1 || status=$?
(printf 'one\ntwo\n'; sleep 2) | "$telnet" 127.0.0.1 "$port" >later 2>&1 || true
wait "$server"
server=
ended=$(sed -n 2p received) open=$(sed -n 3p received)
printf 'input that ends at once: status %s, the server received %s\n' "$status" "$ended"
printf 'input that stays open for 2 s: the server received %s\n' "$open"
if [ "$status" = 0 ] && [ "$ended" = "b''" ] && [ "$open" = "b'one\\r\\ntwo\\r\\n'" ]; then
    echo "As it was seen: telnet loses an input that ends at once, and says nothing."
else
    echo "Not as it was seen."
    exit 1
fi

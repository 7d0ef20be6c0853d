#!/bin/sh
# Guess: `ncat --ssl-verify 127.0.0.1 PORT` takes a certificate with the subjectAltName IP:127.0.0.1, as openssl s_client
# with -verify_ip does.
# Seen: ncat compares names (DNS) alone. It refuses the address, and takes `localhost` of the same certificate.
set -eu
folder=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server"; rm -rf "$folder"' EXIT
cd "$folder"
for package in ncat=7.93+dfsg1-1 liblua5.3-0=5.3.6-2 libpcap0.8=1.10.3-1; do
    apt-get download "$package" >apt 2>&1 || { cat apt; echo "cannot be had: $package"; exit 2; }
done
for file in *.deb; do dpkg-deb -x "$file" .; done
LD_LIBRARY_PATH=$(dirname "$(find "$folder" -name 'liblua5.3.so.0')")
export LD_LIBRARY_PATH
ncat() { "$folder/usr/bin/ncat" "$@"; }

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=example \
    -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout key.pem -out certificate.pem 2>openssl-req
python3 - >port <<'EOF' &
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("certificate.pem", "key.pem")
with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1], flush=True)
    while True:
        connection, _ = server.accept()
        try:
            with context.wrap_socket(connection, server_side=True) as inside:
                inside.sendall(b"hello\n")
                inside.unwrap()
        except OSError:
            connection.close()
EOF
server=$!
until [ -s port ]; do kill -0 "$server"; sleep 0.1; done
port=$(cat port)

ncat --version 2>&1
by_openssl=0 by_address=0 by_name=0
openssl s_client -quiet -verify_return_error -CAfile certificate.pem -verify_ip 127.0.0.1 \
    -connect "127.0.0.1:$port" </dev/null >by-openssl 2>&1 || by_openssl=$?
ncat --ssl --ssl-verify --ssl-trustfile certificate.pem 127.0.0.1 "$port" </dev/null >by-address 2>&1 || by_address=$?
ncat --ssl --ssl-verify --ssl-trustfile certificate.pem localhost "$port" </dev/null >by-name 2>&1 || by_name=$?
echo "openssl -verify_ip 127.0.0.1: status $by_openssl: $(tail -n 1 by-openssl)"
echo "ncat 127.0.0.1: status $by_address: $(tail -n 1 by-address)"
echo "ncat localhost: status $by_name: $(tail -n 1 by-name)"
if [ "$by_openssl" = 0 ] && [ "$by_address" = 2 ] && [ "$by_name" = 0 ] && grep -q "verification error" by-address; then
    echo "As it was seen: ncat refuses an address that stands in the certificate."
else
    echo "Not as it was seen."
    exit 1
fi

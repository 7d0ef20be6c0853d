#!/bin/sh
# Makes the certificates in this folder anew; needs OpenSSL 3.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
: > "$work/index"
cat > "$work/config" <<EOF
[ca]
default_ca = this
[this]
database = $work/index
new_certs_dir = $work
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
EOF

key() { # FILE
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"
}

sign() { # FILE KEY COMMON-NAME BEGIN END EXTENSIONS SIGNER ...
    openssl req -new -key "$2" -subj "/CN=$3" -out "$work/request"
    printf 'subjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n%s\n' "$6" > "$work/extensions"
    file=$1 begin=$4 end=$5
    shift 6
    openssl ca -batch -notext -config "$work/config" -extfile "$work/extensions" -in "$work/request" -out "$file" \
        -startdate "$begin" -enddate "$end" "$@"
}

authority() { # FILE COMMON-NAME
    key "$work/$1.key"
    sign "$1.pem" "$work/$1.key" "$2" 20200101000000Z 21201231235959Z \
        "$(printf 'basicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign')" \
        -selfsign -keyfile "$work/$1.key"
}

certificate() { # FILE NAMES BEGIN END
    sign "$1.pem" server.key "$1" "$3" "$4" "$(printf 'extendedKeyUsage = serverAuth\nsubjectAltName = %s' "$2")" \
        -cert authority.pem -keyfile "$work/authority.key"
}

authority authority "Flurfunk test authority"
authority stranger "Another test authority"
key server.key
certificate server DNS:localhost,IP:127.0.0.1,IP:::1 20200101000000Z 21201231235959Z
certificate wrong-host DNS:elsewhere.example,IP:192.0.2.1 20200101000000Z 21201231235959Z
certificate expired DNS:localhost,IP:127.0.0.1 20200101000000Z 20200102000000Z

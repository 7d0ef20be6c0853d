"""Makes a shell script that does again what clients did, with nothing but nc, and shows what each received."""

import re
from collections.abc import Iterable, Sequence

from conformance.wire.transcript import Act

_WORD = re.compile(rb"[A-Za-z0-9_-]+")

_BEGIN = r"""#!/bin/sh
{told}
#
# Usage: {name} [HOST [PORT]]     (127.0.0.1 8080 where they are not given)
# Ends with status 1 where something else came than has to come.
host=${{1:-127.0.0.1}} port=${{2:-8080}} count=0 differs=0
LC_ALL=C; export LC_ALL
command -v nc >/dev/null || {{ echo 'nc is not installed' >&2; exit 3; }}
case $(nc -h 2>&1) in *-*N*) option=-N ;; *) option= ;; esac  # ends sending at the end of its input
dir=$(mktemp -d) || exit 3
trap 'kill $(cat "$dir"/pid.* "$dir"/hold.*) 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 3' INT TERM PIPE

connects() {{  # WHO: one nc, which reads what is written into in.WHO
    mkfifo "$dir/in.$1" "$dir/block.$1"; : >"$dir/out.$1"; : >"$dir/want.$1"
    sh -c 'read -r x <"$0"' "$dir/block.$1" 3<>"$dir/in.$1" &
    echo $! >"$dir/hold.$1"
    nc $option "$host" "$port" <"$dir/in.$1" >"$dir/out.$1" &
    echo $! >"$dir/pid.$1"
    await "$1" '^NAME ' || {{ echo "$host $port sends no NAME to $1" >&2; exit 1; }}
}}
name() {{ sed -n 's/^NAME //p' "$dir/out.$1" | sed -n 1p; }}
sends() {{ to=$1 what=$2; shift 2; printf "$what" "$@" >"$dir/in.$to"; }}
await() {{  # WHO PATTERN: until such a line came, the connection ended, or it is in vain
    tries=0
    until grep -q -- "$2" "$dir/out.$1"; do
        tries=$((tries + 1))
        kill -0 "$(cat "$dir/pid.$1")" 2>/dev/null && [ $tries -lt 3000 ] || return 1
    done
}}
settles() {{  # WHO: what it sent has taken effect
    count=$((count + 1)); sends "$1" "/ping settles-$count\n"; await "$1" "^PONG settles-$count\$"
}}
half_closes() {{ kill "$(cat "$dir/hold.$1")"; }}
closes() {{ kill -9 "$(cat "$dir/pid.$1")"; }}
wants() {{ to=$1 what=$2; shift 2; printf "$what\n" "$@" >>"$dir/want.$to"; }}
came() {{ grep -v -e '^HELLO ' -e '^INFO ' -e '^PONG settles-' "$dir/out.$1" | sed '1{{/^NAME /d;}}'; }}
shows() {{  # WHO: what came, up to the first line that is not as it has to be
    tries=0
    while [ "$(came "$1" | grep -c '')" -lt "$(grep -c '' "$dir/want.$1")" ] && [ $tries -lt 300 ]; do
        tries=$((tries + 1))
    done
    came "$1" >"$dir/came"
    while IFS= read -r want <&3; do
        IFS= read -r got <&4 || got='(nothing)'
        case $want in
            *' ...') case $got in "${{want% ...}} "*) ;; *) differ "$1" "$got" "$want"; return ;; esac ;;
            *) [ "$got" = "$want" ] || {{ differ "$1" "$got" "$want"; return; }} ;;
        esac
        printf '%s <- %s\n' "$1" "$got"
    done 3<"$dir/want.$1" 4<"$dir/came"
    sed "1,$(grep -c '' "$dir/want.$1")d" "$dir/came" >"$dir/more"
    if IFS= read -r got <"$dir/more"; then differ "$1" "$got" '(nothing more)'; fi
}}
differ() {{ differs=1; printf '%s <- %s\n    ^ expected: %s\n' "$1" "$2" "$3"; }}

"""


def script(acts: Sequence[Act], received: Iterable[tuple[str, bytes]], told: Iterable[str]) -> str:
    """Return the script: the acts in their order, then for each client what it has to receive, `...` for any words.

    The client that acts next waits for the one before, but where several sent without waiting;
    `told`: the first comments.
    """
    names: dict[bytes, str] = {}
    lines: list[str] = []
    clients: list[str] = []
    for number, act in enumerate(acts):
        lines += _waiting(acts, number)
        if act.verb == "connects":
            clients.append(act.who)
            lines.append(f"connects {act.who}; name_{act.who}=$(name {act.who})")
            called = (one.octets for one in acts[number:] if (one.who, one.verb) == (act.who, "is called"))
            names[next(called, b"")] = act.who
        elif act.verb == "sends":
            lines.append(f"sends {act.who} {_printed(act.octets, names)}")
        elif act.verb == "types":
            typed = "".join(c if c.isprintable() else " " for c in act.octets.decode("utf-8", "replace"))
            lines.append(f"# the operator types: {typed}")
        elif act.verb in ("half-closes", "closes", "resets"):
            # nc cannot break a connection; that it is killed with something unread does.
            lines.append(f"{'half_closes' if act.verb == 'half-closes' else 'closes'} {act.who}")
        elif act.verb == "settles":
            lines.append(f"settles {act.who}")
    wanted = [f"wants {who} {_printed(line, names)}" for who, line in received if line != b"INFO ..."]
    shown = [f"shows {who}" for who in clients]
    comments = "\n".join(f"# {line}" for line in told)
    return "\n".join([_BEGIN.format(told=comments, name="replay.sh"), *lines, "", *wanted, *shown, "exit $differs", ""])


def _waiting(acts: Sequence[Act], number: int) -> list[str]:
    """Return what lets the sender before take effect, where somebody else acts now and it has not been waited for."""
    act = acts[number]
    before = next((one for one in reversed(acts[:number]) if one.verb != "is called"), None)
    if before is None or before.verb != "sends" or act.verb in ("is called", "settles"):
        return []
    ended = not before.octets.endswith(b"\n") or b"exit" in before.octets.split(b"\n")
    return [] if ended or not before.waits or before.who == act.who else [f"settles {before.who}"]


def _printed(octets: bytes, names: dict[bytes, str]) -> str:
    """Return octets as the arguments of printf: a format, and the made-up names that stand in it."""
    found = [word for word in _WORD.findall(octets) if word in names]
    text = _WORD.sub(lambda match: b"\0%s" if match[0] in names else match[0], octets.replace(b"\0", b"\0\0"))
    return " ".join([_format(text), *(f'"$name_{names[word]}"' for word in found)])


def _format(octets: bytes) -> str:
    r"""Return octets as a quoted format of printf; `\0%s` is a place for an argument, and `\0\0` is a NUL."""
    return "'" + "".join(_piece(part) for part in re.split(rb"(\0\0|\0%s)", octets)) + "'"


def _piece(octets: bytes) -> str:
    if octets == b"\0%s":
        return "%s"
    return "".join(map(_octet, b"\0" if octets == b"\0\0" else octets))


def _octet(octet: int) -> str:
    character = chr(octet)
    if character == "\n":
        return "\\n"
    if character in "%\\":
        return character * 2
    return character if " " <= character <= "~" and character != "'" else f"\\{octet:03o}"

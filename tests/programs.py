"""Programs that tests use where they are there: installs them on Debian, and names the packages that cannot be had.

python3 -m tests.programs    prints these packages on one line; says on standard error, in one line, why

It is for continuous integration, as root: nobody has to install anything to run the tests.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple


class Package(NamedTuple):
    """`program`: by which it is known to be there; `skip`: how the reason begins for which tests are left out."""

    name: str
    program: str
    skip: str


PACKAGES = (
    Package("chromium", "chromium", "no Chromium"),
    Package("gnutls-bin", "gnutls-cli", "gnutls-cli is not installed"),
    Package("groff-base", "groff", "there is no groff"),
    Package("haproxy", "haproxy", "haproxy is not installed"),
    Package("inetutils-telnet", "telnet", "telnet is not installed"),
    Package("iproute2", "ip", "no network of its own"),
    Package("libnginx-mod-stream", "/usr/lib/nginx/modules/ngx_stream_module.so", "nginx is not installed"),
    Package("ncat", "ncat", "ncat is not installed"),
    Package("netcat-openbsd", "nc.openbsd", "nc is not"),
    Package("nginx-light", "nginx", "nginx is not installed"),
    Package("nodejs", "node", "Node.js is not installed"),
    Package("openssl", "openssl", "openssl is not installed"),
    Package("putty-tools", "plink", "plink is not installed"),
    Package("socat", "socat", "socat is not installed"),
    Package("stunnel4", "stunnel", "stunnel is not installed"),
    Package("systemd", "systemd-analyze", "systemd-analyze is not installed"),
    Package("tmux", "tmux", "tmux is not installed"),
    Package("zsh", "zsh", "there is no zsh"),
)
SECONDS = 180.0  # for all of it
APT = ("apt-get", "-q", "-o", "Acquire::Retries=3", "-o", "Acquire::http::Timeout=20", "-o", "DPkg::Lock::Timeout=30")


class AptError(Exception):
    """A command of apt does not do its work; the text says why."""


def absent() -> list[str]:
    """Return the packages whose programs are not there."""
    return [package.name for package in PACKAGES if not (shutil.which(package.program) or _is_file(package.program))]


def _is_file(program: str) -> bool:
    return program.startswith("/") and Path(program).exists()


def install(names: list[str], seconds: float) -> list[str]:
    """Install packages in so many seconds; return what was in the way, a text for each."""
    end = time.monotonic() + seconds
    wrong = []
    try:
        _run("update", *APT, "update", seconds=seconds / 3)
    except AptError as error:  # of one source, perhaps: what is known of the others is good
        wrong.append(str(error))
    try:
        known = set(_run("pkgnames", "apt-cache", "pkgnames", seconds=seconds / 3).split())
        if unknown := [name for name in names if name not in known]:
            wrong.append(f"there are no packages {', '.join(unknown)}")
        if there := [name for name in names if name in known]:
            words = (*APT, "install", "-y", "--no-install-recommends", *there)
            _run("install", *words, seconds=end - time.monotonic())
    except AptError as error:
        wrong.append(str(error))
    return wrong


def _run(what: str, *words: str, seconds: float) -> str:
    """Return what a command of apt prints; it has no input, and ends with all that it started when its time is over."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            text=True,
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        raise AptError(f"apt {what}: {error.strerror}") from error
    with process:
        try:
            printed, complained = process.communicate(timeout=max(0.0, seconds))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise AptError(f"apt {what} was not ready in time") from None
    if process.returncode:
        raise AptError(f"apt {what}: {[f'status {process.returncode}', *complained.strip().splitlines()][-1]}")
    return printed


def main() -> int:
    """Install the programs that are not there; return 0, even where some cannot be had."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.programs", description="Install what the tests can use.")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long it may take (default: %(default)s)")
    seconds = parser.parse_args().seconds
    wanted = absent()
    wrong = install(wanted, seconds) if wanted else []
    missing = absent()
    if wrong or missing:
        told = "; ".join([*wrong, f"without {', '.join(missing) or 'nothing'}"])
        print(f"programs for the tests: {told}", file=sys.stderr)
    print(*missing)
    return 0


if __name__ == "__main__":
    sys.exit(main())

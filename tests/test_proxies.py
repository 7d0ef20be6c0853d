"""The proxies of the operators' guide, with the configurations that stand there, in front of the server."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.nats import free_ports
from tests.proxies import running
from tests.support import ROOT, Server
from tests.tls import AUTHORITY, CERTIFICATES, KEY

GUIDE = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
PROXIES = {"haproxy": "haproxy", "nginx": "nginx", "ini": "stunnel"}  # the language of a block, and the program
TRUSTED = ("--proxy-protocol", "--trusted-proxy", "127.0.0.1")
# Debian has nginx's `stream` as a module that is loaded.
MODULE = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
NGINX = f"load_module {MODULE};\ndaemon off; pid {{folder}}/pid; error_log stderr; events {{{{}}}}\n"
# stunnel 5.68 loses what waits where a client has ended its sending; it may do so in each run, or in none.
LOST = {"ini": {"NET-4/answers-wait-at-a-half-close"}}
STUNNEL = "foreground = yes\npid =\n"


def configuration(language: str, server: int, port: int) -> str:
    """Return the guide's lines for a proxy, with other ports."""
    (lines,) = re.findall(rf"(?ms)^```{language}\n(.*?)^```$", GUIDE)
    return re.sub(r"127\.0\.0\.1:809\d", f"127.0.0.1:{port}", lines).replace("127.0.0.1:8080", f"127.0.0.1:{server}")


@contextmanager
def proxy(language: str, server: Server, folder: Path) -> Iterator[int]:
    """Run a proxy in front of a server; yields its port when it listens."""
    [port] = free_ports(1)
    file = folder / "proxy.conf"
    lines = configuration(language, server.address[1], port)
    if language == "nginx":
        lines = NGINX.format(folder=folder) + lines
    if language == "ini":
        lines = STUNNEL + lines.replace("certificate.pem", str(CERTIFICATES / "server.pem")).replace(
            "key.pem", str(KEY)
        )
    file.write_text(lines)
    with running(PROXIES[language], file, port):
        yield port


@pytest.mark.parametrize("language", PROXIES)
def test_the_suite_passes_through_the_proxy(language: str, tmp_path: Path) -> None:
    if not shutil.which(PROXIES[language]) or (language == "nginx" and not MODULE.exists()):
        pytest.skip(f"{PROXIES[language]} is not installed")
    with Server(*TRUSTED) as server, proxy(language, server, tmp_path) as port:
        words = ["-m", "conformance", "--server", f"127.0.0.1:{port}", "--no-console", "--time-factor", "3"]
        words += ["--tls-ca", str(AUTHORITY)] if language == "ini" else []
        run = subprocess.run(
            [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=600
        )
        failed = set(re.findall(r"(?m)^FAIL  (\S+/\S+)", run.stdout))
        assert failed <= LOST.get(language, set()), run.stdout
        assert run.returncode == bool(failed), run.stdout

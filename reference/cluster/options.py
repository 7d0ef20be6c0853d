"""How the log of a cluster is reached; needs no library."""

from typing import NamedTuple


class ClusterError(Exception):
    """The log cannot be had, or not be followed any more; the message says why, in one line."""


class Options(NamedTuple):
    """How the log is reached, and how patient this node is."""

    servers: tuple[str, ...]  # nats://HOST:PORT, or tls://
    name: str = "flurfunk"  # of the cluster: several can use one NATS
    creds: str | None = None  # file
    ca: str | None = None  # file
    cert: str | None = None  # file
    key: str | None = None  # file
    timeout: float = 6.0  # seconds of silence after which a node is given up
    wait: float = 60.0  # seconds without the log after which this node ends

    @property
    def shown(self) -> str:
        """The servers without what is secret."""
        from urllib.parse import urlsplit

        return ", ".join(urlsplit(server).netloc.rpartition("@")[2] for server in self.servers)


def read_servers(text: str) -> tuple[str, ...]:
    """Return the URLs in a list with commas; raises ValueError with what is wrong."""
    from urllib.parse import urlsplit  # costs something at the start of a server that is alone

    urls = tuple(url if "://" in url else f"nats://{url}" for url in text.split(","))
    for url in urls:
        try:
            parts = urlsplit(url)
            usable = parts.scheme in ("nats", "tls") and parts.hostname and parts.port is not None
        except ValueError:
            usable = False
        if not usable or not url.isprintable():
            raise ValueError("a URL of NATS is nats://HOST:PORT or tls://HOST:PORT; a comma stands between two")
    return urls

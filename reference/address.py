"""Addresses as people write them."""


def with_port(host: str, port: int) -> str:
    """Return a host and a port as they are written in one word: an address of IPv6 in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

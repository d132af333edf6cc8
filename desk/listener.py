"""The socket that the service listens on. It imports nothing of ours: who only holds it needs no tables."""

from __future__ import annotations

import socket


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises: OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(1024)
    except OSError:
        found.close()
        raise
    return found

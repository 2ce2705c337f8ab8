"""A network that breaks: a proxy on the loopback that cuts a share of the connections, each in one of five ways.

Carries one HTTP request a connection. Knows nothing of what is asked.
"""

import random
import socket
import threading
from collections import Counter
from contextlib import suppress

HOST = "127.0.0.1"
# Before anything is read; amid the request; with the request sent; with the reply there; amid the reply.
CUTS = ("refused", "half_sent", "sent", "answered", "half_answered")
PATIENCE_S = 30.0


def _request(client: socket.socket) -> bytes:
    """One whole HTTP request, told to close its connection; what has come so far when the sender breaks off."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (piece := client.recv(65_536)):
            return data
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    length = int(lengths[0]) if lengths else 0
    while len(body) < length:
        if not (piece := client.recv(65_536)):
            break
        body += piece
    return head + b"\r\nConnection: close\r\n\r\n" + body


class CuttingProxy:
    """Listens at `port` and passes on to `target_port`; cuts `share` of the connections, counted in `cuts`."""

    def __init__(self, target_port: int, share: float, seed: int) -> None:
        self.target_port, self.share = target_port, share
        self.cuts: Counter[str] = Counter()
        self._rng = random.Random(f"cuts {seed}")
        self._listening = socket.create_server((HOST, 0), backlog=128)
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed: no more connections
            while True:
                client, _ = self._listening.accept()
                cut = self._rng.choice(CUTS) if self._rng.random() < self.share else ""
                self.cuts[cut] += 1
                threading.Thread(target=self._carry, args=(client, cut), daemon=True).start()

    def _carry(self, client: socket.socket, cut: str) -> None:
        with suppress(OSError), client:
            client.settimeout(PATIENCE_S)
            if cut == "refused":
                return
            request = _request(client)
            with socket.create_connection((HOST, self.target_port), PATIENCE_S) as server:
                if cut == "half_sent":
                    server.sendall(request[: len(request) // 2])
                    return
                server.sendall(request)
                if cut == "sent":
                    return
                reply = b"".join(iter(lambda: server.recv(65_536), b""))
                if cut == "half_answered":
                    # The head whole: Python's client takes half a head for a reply, which no browser does.
                    head, _, body = reply.partition(b"\r\n\r\n")
                    reply = head + b"\r\n\r\n" + body[: len(body) // 2] if body else b""
                if cut != "answered":
                    client.sendall(reply)

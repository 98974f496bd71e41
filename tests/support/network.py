"""A network that can be cut: it forwards, until it does no longer, and tells nobody."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import attrs


@attrs.define
class Network:
    """Between those who connect to *address* and another address."""

    address: str
    _listening: socket.socket
    _target: tuple[str, int]
    _is_cut: threading.Event = attrs.field(factory=threading.Event)
    _sockets: list[socket.socket] = attrs.field(factory=list)
    refusing: float = 0
    """How many connections it breaks over their first word, before it forwards others."""
    refused: int = 0
    """How many it has broken."""

    def cut(self) -> None:
        """From now on nothing arrives, and no connection breaks."""
        self._is_cut.set()

    def accept(self) -> None:
        """Serve all who connect, each direction in a thread of its own."""
        with suppress(OSError):  # it is closed at the end
            while True:
                here, _ = self._listening.accept()
                if self.refused < self.refusing:
                    self.refused += 1
                    here.recv(65536)  # who connects speaks first
                    here.close()
                    continue
                there = socket.create_connection(self._target)
                self._sockets += [here, there]
                for source, sink in ((here, there), (there, here)):
                    threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if self._is_cut.is_set():
                    return
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Break all connections."""
        for each in (self._listening, *self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@contextmanager
def network_to(address: str, refusing: float = 0) -> Iterator[Network]:
    """A network to the Dask server at *address*, which breaks so many connections at first."""
    host, port = address.removeprefix("tcp://").split(":")
    listening = socket.create_server(("127.0.0.1", 0))
    made = Network(f"tcp://127.0.0.1:{listening.getsockname()[1]}", listening, (host, int(port)))
    made.refusing = refusing
    accepting = threading.Thread(target=made.accept, daemon=True)
    accepting.start()
    try:
        yield made
    finally:
        made.close()
        accepting.join()

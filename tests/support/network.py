"""A network that can be cut, when it silently stops forwarding, and that can be recorded."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import attrs


@attrs.define
class Network:
    """A proxy that forwards connections from *address* to another address."""

    address: str
    _listening: socket.socket
    _target: tuple[str, int]
    _is_cut: threading.Event = attrs.field(factory=threading.Event)
    _sockets: list[socket.socket] = attrs.field(factory=list)
    to_drop: float = 0
    """The number of connections to close at their first message, before others are forwarded."""
    dropped: int = 0
    """The number of connections that were closed so."""
    recorded: bytearray = attrs.field(factory=bytearray)
    """All that was sent, in either direction."""
    is_recording: bool = False

    def cut(self) -> None:
        """Stop forwarding, without closing connections."""
        self._is_cut.set()

    def accept(self) -> None:
        """Serve all connections, each direction in a separate thread."""
        with suppress(OSError):  # it is closed at the end
            while True:
                here, _ = self._listening.accept()
                if self.dropped < self.to_drop:
                    self.dropped += 1
                    here.recv(65536)  # the client speaks first
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
                if self.is_recording:
                    self.recorded += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Break all connections."""
        for each in (self._listening, *self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@contextmanager
def network_to(address: str, to_drop: float = 0) -> Iterator[Network]:
    """A network to the Dask server at *address*, which closes the first *to_drop* connections."""
    host, port = address.removeprefix("tcp://").split(":")
    listening = socket.create_server(("127.0.0.1", 0))
    network = Network(f"tcp://127.0.0.1:{listening.getsockname()[1]}", listening, (host, int(port)))
    network.to_drop = to_drop
    accepting = threading.Thread(target=network.accept, daemon=True)
    accepting.start()
    try:
        yield network
    finally:
        network.close()
        accepting.join()

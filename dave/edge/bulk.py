"""The bulk channel's TCP: accepts, dials, reads and writes for `core.streams`.

Nothing is decided here. A turn of the loop reads or writes one slice of a connection, then others
have theirs, datagrams above all. What is to be sent is pulled when the kernel has room for it, so
that at most one slice of each connection waits here.
"""

import logging
import socket
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from dave.bulk_limits import LINK_SLICE_BYTES
from dave.edge.limits import ACCEPT_AGAIN_SECONDS, ACCEPTS_AT_ONCE, LISTEN_BACKLOG
from dave.edge.udp import target
from dave.effects import Dial, HangUp, Transmit
from dave.names import Address, Instant
from dave.node.bulk import Streams

log = logging.getLogger("dave.bulk")


class Loop(Protocol):
    """What watches the sockets: asyncio's loop, uvloop's or select_loop.py."""

    def add_reader(self, fd: int, callback: Callable[..., None], /, *args: Any) -> None: ...
    def add_writer(self, fd: int, callback: Callable[..., None], /, *args: Any) -> None: ...
    def remove_reader(self, fd: int, /) -> Any: ...
    def remove_writer(self, fd: int, /) -> Any: ...
    def call_later(self, delay: float, callback: Callable[..., None], /, *args: Any) -> Any: ...


class _Connection:
    """A socket, and the rest of the slice that is being sent."""

    __slots__ = ("is_connected", "is_writing", "number", "rest", "sock")

    def __init__(self, sock: socket.socket, number: int, *, is_connected: bool) -> None:
        self.sock = sock
        self.number = number
        self.is_connected = is_connected
        self.is_writing = False
        self.rest = memoryview(b"")


class BulkSockets:
    """Drives `streams`; `now` tells the time, `flush` carries out what the core wants after an
    event."""

    def __init__(
        self,
        streams: Streams,
        now: Callable[[], Instant],
        flush: Callable[[], None],
        loop: Loop,
    ) -> None:
        self._streams = streams
        self._now = now
        self._flush = flush
        self._loop = loop
        self._connections: dict[int, _Connection] = {}
        self._listeners: Sequence[socket.socket] = ()
        self.bytes_received = 0
        self.bytes_sent = 0

    def listen(self, listeners: Sequence[socket.socket]) -> None:
        """Accept on sockets that are bound. They are closed with this."""
        self._listeners = listeners
        for listener in listeners:
            listener.listen(LISTEN_BACKLOG)
            self._watch(listener)

    def carry_out(self, effect: Dial | Transmit | HangUp) -> None:
        """Do what the core asks for."""
        if isinstance(effect, Dial):
            self._dial(effect.link, effect.address)
        elif (connection := self._connections.get(effect.link)) is None:
            return
        elif isinstance(effect, HangUp):
            self._close(connection)
        elif not connection.is_writing:
            self._send(connection)

    def close(self) -> None:
        """End all of them, and let sinks and sources know."""
        self._streams.hang_up(self._now())
        for listener in self._listeners:
            self._loop.remove_reader(listener.fileno())
            listener.close()
        for connection in [*self._connections.values()]:
            self._close(connection)

    def _watch(self, listener: socket.socket) -> None:
        if listener.fileno() >= 0:
            self._loop.add_reader(listener.fileno(), self._acceptable, listener)

    def _acceptable(self, listener: socket.socket) -> None:
        for _ in range(ACCEPTS_AT_ONCE):
            try:
                sock, source = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                break
            except OSError as error:  # out of file descriptors: others must end first
                log.warning("no connections are accepted for a while: %s", error)
                self._loop.remove_reader(listener.fileno())
                self._loop.call_later(ACCEPT_AGAIN_SECONDS, self._watch, listener)
                break
            address = source[0].partition("%")[0], source[1]
            number = self._streams.accepted(address, self._now())
            if number is None:
                sock.close()
            else:
                self._add(sock, number, is_connected=True)
        self._flush()

    def _dial(self, number: int, address: Address) -> None:
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError:
            self._report_soon(number)
            return
        connection = self._add(sock, number, is_connected=False)
        try:
            sock.connect(target(address))
        except BlockingIOError:
            pass
        except OSError:
            self._close(connection)
            self._report_soon(number)
            return
        self._watch_writable(connection)

    def _add(self, sock: socket.socket, number: int, *, is_connected: bool) -> _Connection:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = self._connections[number] = _Connection(
            sock, number, is_connected=is_connected
        )
        if is_connected:
            self._loop.add_reader(sock.fileno(), self._readable, connection)
        return connection

    def _readable(self, connection: _Connection) -> None:
        try:
            data = connection.sock.recv(LINK_SLICE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self.bytes_received += len(data)
            self._streams.received(connection.number, data, self._now())
        else:
            self._lost(connection)
        self._flush()

    def _writable(self, connection: _Connection) -> None:
        if connection.is_connected:
            self._send(connection)
        elif connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._lost(connection)
        else:
            connection.is_connected = True
            self._loop.add_reader(connection.sock.fileno(), self._readable, connection)
            self._streams.dialled(connection.number, self._now())
            self._send(connection)
        self._flush()

    def _send(self, connection: _Connection) -> None:
        """Send a slice; the next one when its turn comes."""
        if not connection.is_connected:
            return
        data = connection.rest
        if not data:
            data = memoryview(self._streams.pull(connection.number, self._now()))
        if not data:
            self._unwatch_writable(connection)
            return
        try:
            sent = connection.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._lost(connection)
            return
        self.bytes_sent += sent
        connection.rest = data[sent:]
        self._watch_writable(connection)

    def _watch_writable(self, connection: _Connection) -> None:
        if not connection.is_writing:
            connection.is_writing = True
            self._loop.add_writer(connection.sock.fileno(), self._writable, connection)

    def _unwatch_writable(self, connection: _Connection) -> None:
        if connection.is_writing:
            connection.is_writing = False
            self._loop.remove_writer(connection.sock.fileno())

    def _lost(self, connection: _Connection) -> None:
        if connection.number in self._connections:
            self._close(connection)
            self._streams.closed(connection.number, self._now())

    def _close(self, connection: _Connection) -> None:
        self._connections.pop(connection.number, None)
        self._unwatch_writable(connection)
        self._loop.remove_reader(connection.sock.fileno())
        connection.rest = memoryview(b"")
        connection.sock.close()

    def _report_soon(self, number: int) -> None:
        """That a connection could not be made, after the round of effects that this is in."""

        def report() -> None:
            self._streams.closed(number, self._now())
            self._flush()

        self._loop.call_later(0, report)

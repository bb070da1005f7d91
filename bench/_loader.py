"""A load generator that costs the node's rival core as little as possible: it seals everything
beforehand, and opens the answers afterwards.

It is a client's own session code, driven by hand: one session, requests as ready-made datagrams,
replies counted as they come and read when the clock has stopped.
"""

import random
import select
import time
from collections import Counter
from collections.abc import Sequence

from dave.crypto.identity import client_identity
from dave.crypto.network import Network
from dave.drops import Drops
from dave.edge.udp import UdpSocket
from dave.names import Address
from dave.session.sessions import Sessions
from dave.wire import messages
from dave.wire.messages import GetAck, PutAck, Request

Datagram = tuple[bytes, Address]


class Loader:
    """One session with the node at `address`."""

    def __init__(self, address: Address, network: Network) -> None:
        rng = random.SystemRandom()
        self.address = address
        self._socket = UdpSocket.bind("127.0.0.1", 0)
        identity = client_identity(rng.randbytes(32))
        self._sessions = Sessions(identity, network, rng, Drops())
        self._sessions.connect(address, time.monotonic_ns())
        deadline = time.monotonic() + 5
        while self._sessions.find(address) is None:
            assert time.monotonic() < deadline, "no session with the node"
            self._exchange()
        session = self._sessions.find(address)
        assert session is not None
        self._session = session

    def seal(self, requests: Sequence[Request]) -> list[Datagram]:
        """Ready-made datagrams, numbered by their request ids."""
        now = time.monotonic_ns()
        for number, request in enumerate(requests):
            encoded = messages.encode(number.to_bytes(4, "little"), request)
            self._sessions.seal(self._session, encoded, now)
        sealed, self._sessions.outbox = self._sessions.outbox, []
        return sealed

    def closed_loop(self, datagrams: list[Datagram], in_flight: int) -> tuple[float, list[bytes]]:
        """Keep that many unanswered until all are answered; returns seconds and replies."""
        replies: list[bytes] = []
        sent = min(in_flight, len(datagrams))
        started = time.perf_counter()
        self._socket.send(datagrams[:sent])
        last = started
        while len(replies) < len(datagrams):
            came = self._socket.receive()
            now = time.perf_counter()
            if not came:
                if now - last > 1.0:
                    break
                select.select([self._socket], [], [], 0.05)
                continue
            last = now
            replies += [data for data, _ in came]
            end = min(len(datagrams), len(replies) + in_flight)
            self._socket.send(datagrams[sent:end])
            sent = max(sent, end)
        return last - started, replies

    def open_loop(self, datagrams: list[Datagram], rate: float) -> tuple[float, list[bytes]]:
        """Offer `rate` a second whatever comes back; returns seconds of offering and replies."""
        replies: list[bytes] = []
        started = time.perf_counter()
        sent = 0
        while sent < len(datagrams):
            due = min(len(datagrams), int((time.perf_counter() - started) * rate))
            if due - sent < 16 and due < len(datagrams):
                replies += [data for data, _ in self._socket.receive()]
                time.sleep(0.0002)
                continue
            self._socket.send(datagrams[sent : min(due, sent + 64)])
            sent = min(due, sent + 64)
        seconds = time.perf_counter() - started
        quiet_since = time.perf_counter()
        while time.perf_counter() - quiet_since < 1.0:
            came = self._socket.receive()
            if came:
                quiet_since = time.perf_counter()
                replies += [data for data, _ in came]
            select.select([self._socket], [], [], 0.05)
        return seconds, replies

    def statuses(self, replies: Sequence[bytes]) -> tuple[Counter[str], list[int]]:
        """How many PUT_ACKs of each status, and the numbers of the requests that were stored."""
        counts: Counter[str] = Counter()
        stored: list[int] = []
        now = time.monotonic_ns()
        for data in replies:
            opened = self._sessions.receive(data, self.address, now)
            if opened is None:
                continue
            request_id, reply = messages.decode(opened[1])
            if isinstance(reply, PutAck):
                counts[reply.status.name] += 1
                if reply.status.name in ("STORED", "SAME"):
                    stored.append(int.from_bytes(request_id, "little"))
        return counts, stored

    def found(self, replies: Sequence[bytes]) -> list[int]:
        """The numbers of the GETs that brought an entry."""
        numbers = []
        now = time.monotonic_ns()
        for data in replies:
            opened = self._sessions.receive(data, self.address, now)
            if opened is None:
                continue
            request_id, reply = messages.decode(opened[1])
            if isinstance(reply, GetAck) and reply.entry is not None:
                numbers.append(int.from_bytes(request_id, "little"))
        return numbers

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _exchange(self) -> None:
        self._socket.send(self._sessions.outbox)
        self._sessions.outbox = []
        select.select([self._socket], [], [], 0.05)
        for data, address in self._socket.receive():
            self._sessions.receive(data, address, time.monotonic_ns())

"""A client that says whatever a test wants, over a genuine session: requests made by hand, without
the checks that the real one makes before it sends."""

import random
import select
import time
from typing import Self

from dave.crypto.identity import client_identity
from dave.crypto.network import Network
from dave.drops import Drops
from dave.edge.keyfile import Key
from dave.edge.udp import UdpSocket
from dave.names import Address, hybrid_time
from dave.session.session import Session
from dave.session.sessions import Sessions
from dave.wire import messages
from dave.wire.entry import Entry, encode
from dave.wire.messages import Put, PutAck, Reply, Request

PATIENCE_SECONDS = 20.0


class RawClient:
    """One session with the node at `address`."""

    def __init__(self, address: Address, network: Network) -> None:
        rng = random.SystemRandom()
        self._address = address
        self._socket = UdpSocket.bind("::1" if ":" in address[0] else "127.0.0.1", 0)
        self._sessions = Sessions(client_identity(rng.randbytes(32)), network, rng, Drops())
        self._sessions.connect(address, time.monotonic_ns())
        self._numbers = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, request: Request) -> Reply:
        """Send a request until it is answered."""
        self._numbers += 1
        request_id = self._numbers.to_bytes(4, "little")
        answers: list[bytes] = []
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not answers:
            assert time.monotonic() < deadline, "no answer"
            session = self._session()
            if session is not None:
                now = time.monotonic_ns()
                self._sessions.seal(session, messages.encode(request_id, request), now)
            answers = [m for m in self._exchange(0.25) if m[1:5] == request_id]
        _, reply = messages.decode(answers[0])
        assert not isinstance(reply, Request)
        return reply

    def put(self, entry: Entry, expected: int | None = None) -> PutAck:
        """Send a PUT; its acknowledgement."""
        ack = self.ask(Put(entry, expected))
        assert isinstance(ack, PutAck)
        return ack

    def send_raw(self, datagrams: list[bytes]) -> None:
        """Send bytes outside of any session."""
        for data in datagrams:
            self._socket.send([(data, self._address)])

    def _session(self) -> Session | None:
        return self._sessions.find(self._address)

    def _exchange(self, seconds: float) -> list[bytes]:
        """Send what waits; the messages that come within `seconds`, at the first one."""
        self._sessions.handle_timer(time.monotonic_ns())
        self._socket.send(self._sessions.outbox)
        self._sessions.outbox = []
        select.select([self._socket], [], [], seconds)
        came = [
            self._sessions.receive(data, address, time.monotonic_ns())
            for data, address in self._socket.receive()
        ]
        self._socket.send(self._sessions.outbox)
        self._sessions.outbox = []
        return [opened[1] for opened in came if opened is not None]


def signed(
    key: Key, network: Network, name: bytes, value: bytes, *, ahead_ms: int = 0, ttl: int = 3600
) -> Entry:
    """An entry dated `ahead_ms` from now, without a stamp."""
    at = hybrid_time(time.time_ns() // 1_000_000 + ahead_ms)
    bare = Entry(encode(key.owner, name, value, at, ttl))
    return bare.with_proofs(key.sign(bare.signed_bytes(network)), bytes(8))

"""The side that is asked: HELLO -> COOKIE without state, INIT -> a provisional session.

Checks run from the cheapest: ephemeral key seen before, cookie if there is much to do, then the
Diffie-Hellmans (0.1 ms), then the stamp of the sender's id. Nothing sent here is larger than what
it answers, since the sender's address is not proved.
"""

from dave.crypto import hashes
from dave.crypto.identity import Identity, checked_node_id
from dave.crypto.network import Network
from dave.drops import Drop, Drops
from dave.errors import WireError
from dave.limits import (
    ACCEPT_OVERHEAD_BYTES,
    EPHEMERAL_KEY_SECONDS,
    EPHEMERAL_KEYS_KEPT,
    HANDSHAKES_PER_SECOND,
    INIT_OVERHEAD_BYTES,
    PUBLIC_KEY_BYTES,
)
from dave.names import SECOND, Address, Instant, Rng
from dave.session import noise
from dave.session.cookies import Cookies
from dave.session.session import Outgoing, Session
from dave.session.table import SessionTable
from dave.wire.packet import (
    INIT_PAYLOAD_BYTES_MIN,
    Accept,
    Cookie,
    Hello,
    Init,
    decode_init_payload,
)

_INIT_HEADER_BYTES = INIT_OVERHEAD_BYTES - INIT_PAYLOAD_BYTES_MIN - noise.MESSAGE_1_OVERHEAD_BYTES


class HandshakeResponder:
    """Answers HELLO and INIT. A client has no id to answer under, and drops both."""

    __slots__ = (
        "_cookies",
        "_count",
        "_drops",
        "_ephemerals",
        "_identity",
        "_network",
        "_out",
        "_prologue",
        "_rng",
        "_second",
        "_table",
    )

    def __init__(
        self,
        identity: Identity,
        network: Network,
        rng: Rng,
        drops: Drops,
        table: SessionTable,
        out: Outgoing,
    ) -> None:
        self._identity = identity
        self._network = network
        self._rng = rng
        self._drops = drops
        self._table = table
        self._out = out
        self._cookies = Cookies(rng)
        self._ephemerals: dict[bytes, Instant] = {}
        self._second = -1
        self._count = 0
        is_node = identity.id is not None
        self._prologue = (
            noise.prologue(network.node_work_bits, identity.id or 0) if is_node else b""
        )

    def receive_hello(self, hello: Hello, address: Address, now: Instant) -> None:
        """Answer with a COOKIE; keep nothing."""
        if self._prologue:
            self._send_cookie(hello.random, address, now)
        else:
            self._drops.add(Drop.HANDSHAKE)

    def receive_init(
        self, init: Init, address: Address, now: Instant
    ) -> tuple[Session, bytes] | None:
        """A provisional session and the message that came with it, or a counted drop."""
        drop = self._drops.add
        if not self._prologue:
            return drop(Drop.HANDSHAKE)
        ephemeral = init.noise[:PUBLIC_KEY_BYTES]
        if self._was_seen(ephemeral, now):
            return drop(Drop.EPHEMERAL)
        if self._is_busy(now) and not self._cookies.check(init.cookie, address, now):
            self._send_cookie(ephemeral[:16], address, now)
            return None
        self._count += 1
        identity = self._identity
        handshake = noise.Responder(
            identity.private_key, identity.public_key, self._prologue, self._network.key
        )
        try:
            opened = handshake.read(init.noise)
        except WireError:
            return drop(Drop.HANDSHAKE)
        if handshake.remote_public == identity.public_key:
            return drop(Drop.HANDSHAKE)
        self._remember(ephemeral, now)
        try:
            payload = decode_init_payload(opened)
        except WireError:
            return drop(Drop.WIRE)
        node_id = None
        if payload.is_node:
            bits = self._network.node_work_bits
            node_id = checked_node_id(handshake.remote_public, payload.nonce, bits)
            if node_id is None:
                return drop(Drop.NODE_WORK)
        indexes = self._table.draw_index(), init.sender
        node = node_id, payload.nonce
        session = Session(address, indexes, handshake.remote_public, node, False, now)
        session.handshake = handshake
        session.reply_room = _INIT_HEADER_BYTES + len(init.noise) - ACCEPT_OVERHEAD_BYTES
        if self._table.add_provisional(session):
            drop(Drop.FULL)
        return session, payload.message

    def accept(self, session: Session, message: bytes) -> None:
        """Answer the INIT of a provisional session, once: with `message`, or with nothing where the
        message is larger than the INIT paid for."""
        handshake = session.handshake
        assert handshake is not None, "only an INIT not yet answered is accepted"
        reply = message if len(message) <= session.reply_room else b""
        sealed = handshake.write(reply, self._rng.randbytes(32))
        session.take_keys(handshake.split())
        session.wants_accept = False
        session.handshake = None
        packet = Accept(session.remote_index, session.index, sealed).encode()
        self._out.outbox.append((packet, session.address))

    def _send_cookie(self, echo: bytes, address: Address, now: Instant) -> None:
        identity = self._identity
        proof = hashes.network_proof(self._network.key, echo, identity.public_key)
        cookie = self._cookies.make(address, now)
        packet = Cookie(echo, identity.public_key, identity.nonce, proof, cookie, address)
        self._out.outbox.append((packet.encode(), address))

    def _is_busy(self, now: Instant) -> bool:
        second = now // SECOND
        if second != self._second:
            self._second = second
            self._count = 0
        return self._count >= HANDSHAKES_PER_SECOND

    def _was_seen(self, ephemeral: bytes, now: Instant) -> bool:
        seen = self._ephemerals.get(ephemeral)
        return seen is not None and now - seen < EPHEMERAL_KEY_SECONDS * SECOND

    def _remember(self, ephemeral: bytes, now: Instant) -> None:
        # Only after it opened, or junk with a copied key could lock the genuine INIT out.
        self._ephemerals.pop(ephemeral, None)
        self._ephemerals[ephemeral] = now
        if len(self._ephemerals) > EPHEMERAL_KEYS_KEPT:
            del self._ephemerals[next(iter(self._ephemerals))]

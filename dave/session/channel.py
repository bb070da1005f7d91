"""The bulk channel's cryptography: a Noise handshake over a byte stream, then sealed records.

The handshake is that of UDP (noise.py) under another prologue, so that neither can be replayed into
the other. Its first message is sealed once more, under a key that follows from the network's:
IKpsk1 shows the initiator's key to whoever has the responder's, and here nobody outside of the
network is to see it. It also turns such a stranger away for a microsecond, before any X25519.

Records are counted, and the count is the nonce: what is replayed, left out or put in another order
does not open. Anything wrong raises WireError, after which the channel must be thrown away.
"""

from functools import lru_cache
from struct import Struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dave.crypto import hashes
from dave.crypto.identity import Identity, checked_node_id
from dave.crypto.network import Network
from dave.errors import WireError
from dave.limits import AEAD_TAG_BYTES, PUBLIC_KEY_BYTES
from dave.names import Place, Rng
from dave.session import noise
from dave.session.cipher import pack_nonce
from dave.wire import bulk
from dave.wire.packet import NO_NONCE, InitPayload, decode_init_payload

_PROLOGUE = b"dave bulk"
_LENGTH = Struct("<H")
_EPHEMERAL_AT = len(bulk.INIT_HEAD)
_SEALED_AT = _EPHEMERAL_AT + PUBLIC_KEY_BYTES
_NONCE_BYTES = 12
_RECORD_BYTES_MAX = bulk.FRAME_BYTES_MAX + AEAD_TAG_BYTES


class Channel:
    """One end of a connection. Made by `dial` or `answer`."""

    __slots__ = (
        "_initiator",
        "_opener",
        "_received",
        "_rest",
        "_rng",
        "_sealer",
        "_sent",
        "_us",
        "handshake",
        "identity",
        "node_id",
        "public_key",
    )

    def __init__(self, identity: Identity, network: Network, rng: Rng) -> None:
        self.identity = identity
        self._us = network
        self._rng = rng
        self._initiator: noise.Initiator | None = None
        self._sealer: AESGCM | None = None
        self._opener: AESGCM | None = None
        self._sent = self._received = 0
        self._rest = b""
        self.handshake = b""
        """Bytes to be sent before any record; whoever sends them takes them away."""
        self.public_key = b""
        """The peer's X25519 key, 32 bytes; empty until it is known."""
        self.node_id: Place | None = None
        """The peer's node id; None for a client."""

    @property
    def can_seal(self) -> bool:
        """Whether records may be sent."""
        return self._sealer is not None

    @property
    def is_proven(self) -> bool:
        """Whether the peer has shown that it has its key: a record of it opened, or for who
        dialled, the ACCEPT."""
        return self._received > 0 or (self._initiator is not None and self.can_seal)

    def seal(self, frame: bytes) -> bytes:
        """The record of a frame, to be sent in the order of sealing."""
        assert self._sealer is not None
        sealed = self._sealer.encrypt(pack_nonce(0, self._sent), frame, None)
        self._sent += 1
        return _LENGTH.pack(len(sealed)) + sealed

    def receive(self, data: bytes) -> list[bytes]:
        """Take the next bytes of the stream, in slices as they come; the frames now complete.
        Raises WireError."""
        if self._opener is not None:
            return self._go_on(data)
        data = self._rest + data
        size = bulk.INIT_BYTES if self._initiator is None else bulk.ACCEPT_BYTES
        head = bulk.INIT_HEAD if self._initiator is None else bulk.ACCEPT_HEAD
        if data[: len(head)] != head[: len(data)]:
            raise WireError("no handshake of this version")
        if len(data) < size:
            self._rest = data
            return []
        self._shake(data[:size])
        return self._open(data, size)

    def _go_on(self, data: bytes) -> list[bytes]:
        """More records. Only the one that was cut off is put together: a slice is large."""
        rest = self._rest
        if not rest:
            return self._open(data, 0)
        if len(rest) < _LENGTH.size:
            return self._open(rest + data, 0)
        lacking = _LENGTH.size + _LENGTH.unpack_from(rest)[0] - len(rest)
        frames = self._open(rest + data[:lacking], 0)
        return frames + self._open(data, lacking) if len(data) > lacking else frames

    def _open(self, data: bytes, offset: int) -> list[bytes]:
        frames = []
        assert self._opener is not None
        open_, view, end = self._opener.decrypt, memoryview(data), len(data)
        while end - offset >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(data, offset)
            if not AEAD_TAG_BYTES < length <= _RECORD_BYTES_MAX:
                raise WireError(f"a record of {length} bytes")
            start = offset + _LENGTH.size
            if end - start < length:
                break
            offset = start + length
            try:
                frames.append(open_(pack_nonce(0, self._received), view[start:offset], None))
            except InvalidTag:
                raise WireError("a record that does not open") from None
            self._received += 1
        self._rest = data[offset:]
        return frames

    def _shake(self, message: bytes) -> None:
        if self._initiator is None:
            keys = self._answer(message)
        else:
            self._initiator.read(message[len(bulk.ACCEPT_HEAD) :])
            keys = self._initiator.split()
        self._sealer, self._opener = AESGCM(keys[0]), AESGCM(keys[1])

    def _answer(self, message: bytes) -> tuple[bytes, bytes, bytes]:
        identity, network = self.identity, self._us
        ephemeral, sealed = message[_EPHEMERAL_AT:_SEALED_AT], message[_SEALED_AT:]
        try:
            opened = _cover(network.key).decrypt(ephemeral[:_NONCE_BYTES], sealed, None)
        except InvalidTag:
            raise WireError("an INIT of another network") from None
        handshake = noise.Responder(
            identity.private_key, identity.public_key, _prologue(network, identity.id), network.key
        )
        payload = decode_init_payload(handshake.read(ephemeral + opened))
        if payload.message or handshake.remote_public == identity.public_key:
            raise WireError("an INIT from this very node, or with a message")
        if payload.is_node:
            bits = network.node_work_bits
            self.node_id = checked_node_id(handshake.remote_public, payload.nonce, bits)
            if self.node_id is None:
                raise WireError("a node whose id is not backed by work")
        self.public_key = handshake.remote_public
        self.handshake = bulk.ACCEPT_HEAD + handshake.write(b"", self._rng.randbytes(32))
        return handshake.split()

    def _start(self, public_key: bytes, node_id: Place, is_node: bool) -> None:
        identity, network = self.identity, self._us
        self._initiator = noise.Initiator(
            identity.private_key, identity.public_key, public_key,
            _prologue(network, node_id), network.key, self._rng.randbytes(32),
        )  # fmt: skip
        self.public_key, self.node_id = public_key, node_id
        payload = InitPayload(is_node, identity.nonce if is_node else NO_NONCE, b"")
        first = self._initiator.write(payload.encode())
        ephemeral, rest = first[:PUBLIC_KEY_BYTES], first[PUBLIC_KEY_BYTES:]
        sealed = _cover(network.key).encrypt(ephemeral[:_NONCE_BYTES], rest, None)
        self.handshake = bulk.INIT_HEAD + ephemeral + sealed


def dial(
    identity: Identity, network: Network, rng: Rng, public_key: bytes, node_id: Place,
    *, is_node: bool,
) -> Channel:  # fmt: skip
    """The end that connects, to the node of that key and id; `is_node`: whether it presents itself
    as a node. Raises WireError for a key of small order, which is nobody's."""
    channel = Channel(identity, network, rng)
    channel._start(public_key, node_id, is_node)
    return channel


def answer(identity: Identity, network: Network, rng: Rng) -> Channel:
    """The end that was connected to; only a node is."""
    assert identity.id is not None
    return Channel(identity, network, rng)


@lru_cache(16)
def _cover(network_key: bytes) -> AESGCM:
    return AESGCM(hashes.bulk_key(network_key))


def _prologue(network: Network, node_id: Place | None) -> bytes:
    assert node_id is not None
    return _PROLOGUE + noise.prologue(network.node_work_bits, node_id)

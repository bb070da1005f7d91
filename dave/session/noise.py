"""The handshake: Noise IKpsk1 (and IK, for its test vectors) over X25519, AES-256-GCM and BLAKE2s.

    IKpsk1:  <- s  ...  -> e, es, s, ss, psk  <- e, ee, se
    https://noiseprotocol.org/noise.html, sections 5 (state objects), 7.5 (IK) and 9 (psk)

IK since the initiator knows the responder's key (a COOKIE or a contact told it), so that the first
packet can carry a request. psk1, so that the first payload opens only for who knows the network.
Names follow the specification: h is `hash`, ck `chain`, k `key`, n `count`.

Reading works on a copy of the state: a forged message spoils nothing for the genuine one.
"""

from hashlib import blake2s
from hmac import digest as _hmac
from struct import Struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dave.errors import WireError
from dave.limits import AEAD_TAG_BYTES, PROTOCOL_VERSION, PUBLIC_KEY_BYTES
from dave.names import Place

MESSAGE_1_OVERHEAD_BYTES = 96
"""Ephemeral key 32, sealed static key 48, tag 16."""
MESSAGE_2_OVERHEAD_BYTES = 48
"""Ephemeral key 32, tag 16."""

_STATIC_END = PUBLIC_KEY_BYTES + PUBLIC_KEY_BYTES + AEAD_TAG_BYTES
_NO_SECRET = bytes(32)
_pack_nonce = Struct(">IQ").pack


def prologue(node_work_bits: int, node_id: Place) -> bytes:
    """What both sides must agree on before they start: protocol version, the network's
    NODE_WORK_BITS, and the responder's node id; 10 bytes."""
    return bytes((PROTOCOL_VERSION, node_work_bits)) + node_id.to_bytes(8, "big")


class Initiator:
    """Writes message 1, reads message 2. `psk` of 32 bytes for IKpsk1, None for IK."""

    __slots__ = ("_ephemeral", "_remote", "_state", "_static", "_static_public", "ephemeral_public")

    def __init__(
        self,
        static: X25519PrivateKey,
        static_public: bytes,
        remote_public: bytes,
        prologue: bytes,
        psk: bytes | None,
        ephemeral_seed: bytes,
    ) -> None:
        self._static = static
        self._static_public = static_public
        self._remote = remote_public
        self._ephemeral = X25519PrivateKey.from_private_bytes(ephemeral_seed)
        self.ephemeral_public = self._ephemeral.public_key().public_bytes_raw()
        self._state = _Symmetric(prologue, psk, remote_public)

    def write(self, payload: bytes) -> bytes:
        """Message 1 with `payload`; call it once. Raises WireError if the responder's key is one
        of the few that give no shared secret."""
        state = self._state
        state.mix_ephemeral(self.ephemeral_public)
        state.mix_key(_agree(self._ephemeral, self._remote))
        sealed_static = state.seal(self._static_public)
        state.mix_key(_agree(self._static, self._remote))
        state.mix_psk()
        return self.ephemeral_public + sealed_static + state.seal(payload)

    def read(self, message: bytes) -> bytes:
        """The payload of message 2. Raises WireError, and leaves all as it was, if it does not
        open."""
        if len(message) < MESSAGE_2_OVERHEAD_BYTES:
            raise WireError("the handshake message is too short")
        state = self._state.copy()
        remote_ephemeral = message[:PUBLIC_KEY_BYTES]
        state.mix_ephemeral(remote_ephemeral)
        state.mix_key(_agree(self._ephemeral, remote_ephemeral))
        state.mix_key(_agree(self._static, remote_ephemeral))
        payload = state.open(message[PUBLIC_KEY_BYTES:])
        self._state = state
        return payload

    def split(self) -> tuple[bytes, bytes, bytes]:
        """After `read`: key to send with, key to receive with, handshake hash; 32 bytes each."""
        first, second = _hkdf2(self._state.chain, b"")
        return first, second, self._state.hash


class Responder:
    """Reads message 1, writes message 2. `psk` of 32 bytes for IKpsk1, None for IK."""

    __slots__ = ("_remote_ephemeral", "_state", "_static", "remote_public")

    remote_public: bytes
    """After `read`: the initiator's X25519 key, 32 bytes."""

    def __init__(
        self, static: X25519PrivateKey, static_public: bytes, prologue: bytes, psk: bytes | None
    ) -> None:
        self._static = static
        self._state = _Symmetric(prologue, psk, static_public)
        self._remote_ephemeral = b""
        self.remote_public = b""

    def read(self, message: bytes) -> bytes:
        """The payload of message 1. Raises WireError if it does not open; then throw this away."""
        if len(message) < MESSAGE_1_OVERHEAD_BYTES:
            raise WireError("the handshake message is too short")
        state = self._state
        self._remote_ephemeral = message[:PUBLIC_KEY_BYTES]
        state.mix_ephemeral(self._remote_ephemeral)
        state.mix_key(_agree(self._static, self._remote_ephemeral))
        self.remote_public = state.open(message[PUBLIC_KEY_BYTES:_STATIC_END])
        state.mix_key(_agree(self._static, self.remote_public))
        state.mix_psk()
        return state.open(message[_STATIC_END:])

    def write(self, payload: bytes, ephemeral_seed: bytes) -> bytes:
        """Message 2 with `payload`, under an ephemeral key from 32 random bytes; call it once,
        after `read`."""
        state = self._state
        ephemeral = X25519PrivateKey.from_private_bytes(ephemeral_seed)
        ephemeral_public = ephemeral.public_key().public_bytes_raw()
        state.mix_ephemeral(ephemeral_public)
        state.mix_key(_agree(ephemeral, self._remote_ephemeral))
        state.mix_key(_agree(ephemeral, self.remote_public))
        return ephemeral_public + state.seal(payload)

    def split(self) -> tuple[bytes, bytes, bytes]:
        """After `write`: key to send with, key to receive with, handshake hash; 32 bytes each."""
        first, second = _hkdf2(self._state.chain, b"")
        return second, first, self._state.hash


class _Symmetric:
    """SymmetricState and CipherState of the specification, section 5, in one."""

    __slots__ = ("chain", "count", "hash", "key", "psk")

    def __init__(self, prologue: bytes, psk: bytes | None, responder_public: bytes) -> None:
        start = _START[psk is not None]
        self.chain = start
        self.hash = start
        self.key = b""
        self.count = 0
        self.psk = psk
        self.mix_hash(prologue)
        self.mix_hash(responder_public)

    def copy(self) -> "_Symmetric":
        other = _Symmetric.__new__(_Symmetric)
        other.chain, other.hash = self.chain, self.hash
        other.key, other.count, other.psk = self.key, self.count, self.psk
        return other

    def mix_hash(self, data: bytes) -> None:
        self.hash = blake2s(self.hash + data).digest()

    def mix_key(self, secret: bytes) -> None:
        self.chain, self.key = _hkdf2(self.chain, secret)
        self.count = 0

    def mix_ephemeral(self, public: bytes) -> None:
        self.mix_hash(public)
        if self.psk is not None:  # section 9.2: psk handshakes mix ephemeral keys in as well
            self.mix_key(public)

    def mix_psk(self) -> None:
        if self.psk is None:
            return
        early = _hmac(self.chain, self.psk, blake2s)
        self.chain = _hmac(early, b"\1", blake2s)
        mixed = _hmac(early, self.chain + b"\2", blake2s)
        self.key = _hmac(early, mixed + b"\3", blake2s)
        self.count = 0
        self.mix_hash(mixed)

    def seal(self, plaintext: bytes) -> bytes:
        nonce = _pack_nonce(0, self.count)
        sealed = AESGCM(self.key).encrypt(nonce, plaintext, self.hash)
        self.count += 1
        self.mix_hash(sealed)
        return sealed

    def open(self, sealed: bytes) -> bytes:
        nonce = _pack_nonce(0, self.count)
        try:
            plaintext = AESGCM(self.key).decrypt(nonce, sealed, self.hash)
        except InvalidTag:
            raise WireError("the handshake message does not open") from None
        self.count += 1
        self.mix_hash(sealed)
        return plaintext


def _start(name: bytes) -> bytes:
    return name.ljust(32, b"\0") if len(name) <= 32 else blake2s(name).digest()


_START = (_start(b"Noise_IK_25519_AESGCM_BLAKE2s"), _start(b"Noise_IKpsk1_25519_AESGCM_BLAKE2s"))


def _hkdf2(chain: bytes, secret: bytes) -> tuple[bytes, bytes]:
    early = _hmac(chain, secret, blake2s)
    first = _hmac(early, b"\1", blake2s)
    return first, _hmac(early, first + b"\2", blake2s)


def _agree(private: X25519PrivateKey, public: bytes) -> bytes:
    """X25519; a public key of small order gives all zeros, which anyone could know: refused
    (RFC 7748, section 6.1)."""
    try:
        secret = private.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        raise WireError("a public key of small order") from None
    if secret == _NO_SECRET:
        raise WireError("a public key of small order")
    return secret

"""Who a node is on the network: an X25519 key, and for a node the stamp that backs its id.

A client has a key only: it opens sessions, and is never a contact.
"""

from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from dave.crypto import hashes
from dave.names import Place

CLIENT_NONCE = bytes(8)


class Identity(NamedTuple):
    """The key a process talks with. Made by `client_identity` or `node_identity`."""

    private_key: X25519PrivateKey
    public_key: bytes
    """X25519, 32 bytes."""
    nonce: bytes
    """Work nonce of a node's stamp, 8 bytes; zeros for a client."""
    id: Place | None
    """Node id: the last 8 bytes of the stamp, big-endian. None for a client."""


def client_identity(seed: bytes) -> Identity:
    """The identity of a client, from 32 random bytes."""
    key = X25519PrivateKey.from_private_bytes(seed)
    return Identity(key, key.public_key().public_bytes_raw(), CLIENT_NONCE, None)


def node_identity(seed: bytes, nonce: bytes) -> Identity:
    """The identity of a node, from its 32-byte private key and the nonce its search found."""
    key = X25519PrivateKey.from_private_bytes(seed)
    public_key = key.public_key().public_bytes_raw()
    return Identity(key, public_key, nonce, node_id(public_key, nonce))


def node_id(public_key: bytes, nonce: bytes) -> Place:
    """The id of a node, unchecked: see `checked_node_id`."""
    return int.from_bytes(hashes.node_stamp(public_key, nonce)[24:], "big")


def checked_node_id(public_key: bytes, nonce: bytes, work_bits: int) -> Place | None:
    """The id of a node, or None if its stamp has fewer than `work_bits` leading zero bits."""
    stamp = int.from_bytes(hashes.node_stamp(public_key, nonce), "big")
    return stamp & (1 << 64) - 1 if stamp >> (256 - work_bits) == 0 else None

"""A network: a name and perhaps a secret, and all that follows from them.

Nodes of different networks cannot talk: the network's key enters every handshake, and its id every
signature.
"""

from typing import NamedTuple

from dave.crypto import hashes
from dave.errors import UsageError
from dave.limits import (
    NETWORK_NAME_BYTES_MAX,
    NETWORK_NAME_DEFAULT,
    NODE_WORK_BITS_PUBLIC,
    SECRET_BYTES_MIN,
)


class Network(NamedTuple):
    """Made by `network()`; immutable."""

    name: str
    key: bytes
    """32 bytes; a secret where the network has one. The pre-shared key of every handshake."""
    id: bytes
    """32 bytes; public."""
    node_work_bits: int
    """Leading zero bits that a node's stamp must have."""
    asks_work: bool
    """False in a network with a secret: its members need not pay each other."""
    signed_prefix: bytes
    """What every signed entry starts with: the domain tag and the network's id."""


def network(
    name: str = NETWORK_NAME_DEFAULT,
    secret: bytes = b"",
    *,
    node_work_bits: int = NODE_WORK_BITS_PUBLIC,
) -> Network:
    """The network of that name and secret.

    A network with a secret asks no work, of nodes or of entries. `node_work_bits` (0 to 64) is for
    simulations and tests: nodes that differ in it cannot talk.

    Raises UsageError for a name that is empty or over 64 bytes, and for a secret of 1 to 15 bytes.
    """
    if not 1 <= len(name.encode()) <= NETWORK_NAME_BYTES_MAX:
        raise UsageError(f"a network's name has 1 to {NETWORK_NAME_BYTES_MAX} bytes of UTF-8")
    if secret and len(secret) < SECRET_BYTES_MIN:
        raise UsageError(
            f"the network secret has {len(secret)} bytes; it needs at least {SECRET_BYTES_MIN} "
            "random ones: make it with `dave keygen --network`"
        )
    key = hashes.network_key(name, secret)
    network_id = hashes.network_id(key)
    return Network(
        name=name,
        key=key,
        id=network_id,
        node_work_bits=0 if secret else node_work_bits,
        asks_work=not secret,
        signed_prefix=hashes.SIGNED_TAG + network_id,
    )

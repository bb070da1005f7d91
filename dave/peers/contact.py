"""Another node as this one knows it: its key, the stamp behind its id, and where it is.

A contact travels without its id (section 3): the receiver computes it and checks the stamp, so
that nobody can claim a place that was not worked for.
"""

from typing import NamedTuple

from dave.crypto.identity import checked_node_id
from dave.names import Address, Place


class Contact(NamedTuple):
    """A node's whereabouts. Made by `checked_contact` from what a peer or a file says."""

    public_key: bytes
    """X25519, 32 bytes."""
    nonce: bytes
    """Work nonce of the node's stamp, 8 bytes."""
    address: Address
    id: Place
    """The last 8 bytes of the stamp, big-endian."""


def checked_contact(
    public_key: bytes, nonce: bytes, address: Address, work_bits: int
) -> Contact | None:
    """The contact, or None if its stamp has fewer than `work_bits` leading zero bits."""
    node_id = checked_node_id(public_key, nonce, work_bits)
    return None if node_id is None else Contact(public_key, nonce, address, node_id)

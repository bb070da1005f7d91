"""Every hash that Dave computes, and every domain tag, in one file: two uses can never collide.

All are BLAKE3 (https://github.com/BLAKE3-team/BLAKE3-specs). A tag fills 24 bytes, so that a
stamp's input (tag 24, digest 32, nonce 8) is exactly one 64-byte BLAKE3 block: one compression a
try. The shard of an entry is a keyed xxh3, local to a node and never security.
"""

from collections.abc import Iterable

from blake3 import blake3

from dave.names import EntryId, Owner

TAG_BYTES = 24


def _tag(name: str) -> bytes:
    tag = name.encode()
    assert len(tag) <= TAG_BYTES
    return tag.ljust(TAG_BYTES, b"\0")


ENTRY_ID_TAG = _tag("dave entry id")
SIGNED_TAG = _tag("dave signed entry")
ENTRY_STAMP_TAG = _tag("dave entry stamp")
NODE_STAMP_TAG = _tag("dave node stamp")
NETWORK_KEY_CONTEXT = "dave 2026 network key"
NETWORK_ID_CONTEXT = "dave 2026 network id"
DEVICE_CONTEXT = "dave 2026 device"
NETWORK_PROOF_TAG = _tag("dave network proof")
COOKIE_TAG = _tag("dave cookie")
BEACON_TAG = _tag("dave lan beacon")
PROOF_TAG = _tag("dave storage proof")
PIECE_TAG = _tag("dave piece")
BULK_KEY_CONTEXT = "dave 2026 bulk handshake"
STRIPE_ID_TAG = _tag("dave stripe id")
SIGNED_STRIPE_TAG = _tag("dave signed stripe")
STRIPE_STAMP_TAG = _tag("dave stripe stamp")
SIGNED_RELEASE_TAG = _tag("dave signed release")
BLOB_CONTEXT = "dave 2026 blob"
PRIVATE_CONTEXT = "dave 2026 private"
LEAF_KEY = b"dave merkle leaf".ljust(32, b"\0")
PARENT_KEY = b"dave merkle parent".ljust(32, b"\0")
ROOT_KEY = b"dave merkle root".ljust(32, b"\0")
"""Keys that everyone knows: in BLAKE3 a key is a tag that costs no byte of input, and so no copy of
a leaf (merkle.py)."""

STAMP_PREFIX_BYTES = 56


def entry_id(owner_and_key: bytes) -> EntryId:
    """Identity of an entry: BLAKE3(tag, owner 32, key length 1, key), 32 bytes. Takes the three
    as they stand in an entry's bytes."""
    return blake3(ENTRY_ID_TAG + owner_and_key).digest()


def entry_id_of(owner: Owner, key: bytes) -> EntryId:
    """Identity of the entry that `owner` keeps under `key`."""
    return entry_id(owner + bytes((len(key),)) + key)


def entry_digest(signed: bytes) -> bytes:
    """Name of a version: BLAKE3 of the signed bytes (wire/entry.py), 32 bytes."""
    return blake3(signed).digest()


def entry_stamp(digest: bytes, nonce: bytes) -> bytes:
    """Proof of work of a version: BLAKE3(tag, digest 32, nonce 8), 32 bytes."""
    return blake3(ENTRY_STAMP_TAG + digest + nonce).digest()


def node_stamp(public_key: bytes, nonce: bytes) -> bytes:
    """Proof of work of a node: BLAKE3(tag, X25519 key 32, nonce 8); its last 8 bytes are the
    node's id."""
    return blake3(NODE_STAMP_TAG + public_key + nonce).digest()


def network_key(name: str, secret: bytes) -> bytes:
    """Key of a network: derive_key over (name length 1, name, secret), 32 bytes."""
    encoded = name.encode()
    material = bytes((len(encoded),)) + encoded + secret
    return blake3(material, derive_key_context=NETWORK_KEY_CONTEXT).digest()


def network_id(key: bytes) -> bytes:
    """Public name of a network, part of what owners sign; 32 bytes that do not tell its key."""
    return blake3(key, derive_key_context=NETWORK_ID_CONTEXT).digest()


def device_id(seed: bytes) -> bytes:
    """8 bytes that stand for the devices of an owner (seed 32) that have no place for an id."""
    return blake3(seed, derive_key_context=DEVICE_CONTEXT).digest(length=8)


def network_proof(key: bytes, random: bytes, node_key: bytes) -> bytes:
    """8 bytes by which a COOKIE shows that its sender knows the network key."""
    return blake3(NETWORK_PROOF_TAG + random + node_key, key=key).digest(length=8)


def beacon_tag(key: bytes, port: int, random: bytes) -> bytes:
    """16 bytes by which a beacon (wire/beacon.py) shows its network to those who know its key."""
    return blake3(BEACON_TAG + port.to_bytes(2, "little") + random, key=key).digest(length=16)


def cookie(secret: bytes, address: bytes) -> bytes:
    """16 bytes that only the node with `secret` can make for this address and port."""
    return blake3(COOKIE_TAG + address, key=secret).digest(length=16)


def record_checksum(file_key: bytes, record: bytes) -> bytes:
    """16-byte checksum of a journal record, keyed per file so that no value can smuggle in a
    record for the scan of a damaged file to find."""
    return blake3(record, key=file_key).digest(length=16)


def piece_checksum(piece: bytes | memoryview) -> bytes:
    """16-byte checksum of a piece of a stream."""
    hasher = blake3(PIECE_TAG)
    hasher.update(piece)
    return hasher.digest(length=16)


def bulk_key(network_key: bytes) -> bytes:
    """Key that covers the first message of the bulk channel: 32 bytes that only who knows the
    network has."""
    return blake3(network_key, derive_key_context=BULK_KEY_CONTEXT).digest()


def stripe_id(shape_and_addresses: bytes) -> bytes:
    """Identity of a stripe: BLAKE3(tag, k 1, n 1, share bytes 4, last bytes 4, addresses of its
    shares in order), 32 bytes. It covers the sizes so that nobody can add a record with other sizes
    to a stripe, by which its holders would be audited."""
    return blake3(STRIPE_ID_TAG + shape_and_addresses).digest()


def stripe_stamp(digest: bytes, nonce: bytes) -> bytes:
    """Proof of work of a stripe record: BLAKE3(tag, digest 32, nonce 8), 32 bytes."""
    return blake3(STRIPE_STAMP_TAG + digest + nonce).digest()


def blob_secret(seed: bytes) -> bytes:
    """What keys the blocks of an owner (seed 32), on every device: derive_key, 32 bytes."""
    return blake3(seed, derive_key_context=BLOB_CONTEXT).digest()


def private_key(seed: bytes, entry_id: EntryId) -> bytes:
    """Key of a private value: derive_key over (owner's seed 32, entry id 32), 32 bytes. It opens
    that one entry, and tells nothing of the seed."""
    return blake3(seed + entry_id, derive_key_context=PRIVATE_CONTEXT).digest()


def proof(
    nonce: bytes, challenger: bytes, prover: bytes, session: bytes, held: Iterable[bytes]
) -> bytes:
    """32 bytes that only who has the signed bytes of all `held` can make, for this challenge only.

    BLAKE3 keyed with the challenge's nonce (32 bytes) over tag, the public keys of both ends (32
    each), the handshake hash of their session (32), and the signed bytes in order, each behind its
    length (4 bytes, little-endian).
    """
    hasher = blake3(PROOF_TAG + challenger + prover + session, key=nonce)
    for signed in held:
        hasher.update(len(signed).to_bytes(4, "little") + signed)
    return hasher.digest()

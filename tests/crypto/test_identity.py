"""Node ids: bound to their key, backed by work, read from the end of the stamp."""

from random import Random

from dave.crypto import hashes, identity, work
from tests.vectors import load

SEED = bytes(range(32))


def stamped(bits: int) -> identity.Identity:
    """A node identity with a stamp of so many bits."""
    public_key = identity.client_identity(SEED).public_key
    nonce = work.search(hashes.NODE_STAMP_TAG + public_key, work.node_work(bits), 0, 1 << bits + 6)
    assert nonce is not None
    return identity.node_identity(SEED, nonce.to_bytes(8, "little"))


def test_public_keys_are_those_of_the_noise_vectors() -> None:
    pairs = {
        (vector["resp_static"], vector["init_remote_static"])
        for vector in load("noise")["vectors"]
        if vector.get("resp_static") and vector.get("init_remote_static")
        if "25519" in vector["protocol_name"]
    }
    assert pairs
    for private, public in sorted(pairs):
        assert identity.client_identity(bytes.fromhex(private)).public_key.hex() == public


def test_a_client_has_a_key_and_no_id() -> None:
    client = identity.client_identity(SEED)
    assert client.id is None
    assert client.nonce == identity.CLIENT_NONCE == bytes(8)


def test_a_node_has_the_clients_key_and_the_end_of_its_stamp_as_id() -> None:
    node = stamped(8)
    assert node.public_key == identity.client_identity(SEED).public_key
    stamp = hashes.node_stamp(node.public_key, node.nonce)
    assert node.id == int.from_bytes(stamp[-8:], "big")
    assert stamp[0] == 0


def test_an_id_counts_only_with_its_work() -> None:
    node = stamped(8)
    stamp = int.from_bytes(hashes.node_stamp(node.public_key, node.nonce), "big")
    zeros = 256 - stamp.bit_length()
    assert zeros >= 8
    assert identity.checked_node_id(node.public_key, node.nonce, 0) == node.id
    assert identity.checked_node_id(node.public_key, node.nonce, zeros) == node.id
    assert identity.checked_node_id(node.public_key, node.nonce, zeros + 1) is None


def test_checked_ids_agree_with_the_arithmetic_of_work() -> None:
    rng = Random(3)
    for _ in range(2000):
        key, nonce, bits = rng.randbytes(32), rng.randbytes(8), rng.randrange(6)
        checked = identity.checked_node_id(key, nonce, bits)
        paid = work.meets(hashes.node_stamp(key, nonce), work.node_work(bits))
        assert checked == (identity.node_id(key, nonce) if paid else None)


def test_another_key_or_nonce_is_another_id() -> None:
    ids = {identity.node_id(bytes([i]) * 32, bytes([j]) * 8) for i in range(8) for j in range(8)}
    assert len(ids) == 64

"""The hashes: the library against BLAKE3's published vectors, and Dave's uses kept apart."""

from collections.abc import Callable

from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from dave.crypto import hashes
from tests.vectors import load

OWNER = bytes(range(32))


def test_blake3_vectors_in_all_three_modes() -> None:
    vectors = load("blake3")
    key, context = vectors["key"].encode(), vectors["context_string"]
    assert len(vectors["cases"]) == 35
    for case in vectors["cases"]:
        data = bytes(i % 251 for i in range(case["input_len"]))
        for name, hasher in (
            ("hash", blake3(data)),
            ("keyed_hash", blake3(data, key=key)),
            ("derive_key", blake3(data, derive_key_context=context)),
        ):
            expected = bytes.fromhex(case[name])
            assert hasher.digest(length=len(expected)) == expected
            assert hasher.digest() == expected[:32]


def test_tags_are_distinct_and_fill_their_field() -> None:
    tags = [value for name, value in vars(hashes).items() if name.endswith("_TAG")]
    contexts = [value for name, value in vars(hashes).items() if name.endswith("_CONTEXT")]
    assert len(tags) >= 6
    assert len(contexts) >= 2
    assert len(set(tags)) == len(tags)
    assert len(set(contexts)) == len(contexts)
    assert {len(tag) for tag in tags} == {hashes.TAG_BYTES}


def test_a_stamp_is_one_block() -> None:
    assert hashes.TAG_BYTES + 32 == hashes.STAMP_PREFIX_BYTES
    assert hashes.STAMP_PREFIX_BYTES + 8 == 64
    nonce = bytes(range(8))
    assert (
        hashes.entry_stamp(OWNER, nonce) == blake3(hashes.ENTRY_STAMP_TAG + OWNER + nonce).digest()
    )
    assert hashes.node_stamp(OWNER, nonce) == blake3(hashes.NODE_STAMP_TAG + OWNER + nonce).digest()
    assert hashes.entry_stamp(OWNER, nonce) != hashes.node_stamp(OWNER, nonce)


def test_entry_id_takes_the_bytes_as_they_stand_in_an_entry() -> None:
    assert hashes.entry_id_of(OWNER, b"key") == hashes.entry_id(OWNER + b"\3key")
    ids = {hashes.entry_id_of(OWNER, key).hex() for key in (b"k", b"ke", b"key", b"key\0")}
    assert len(ids) == 4


def test_network_name_and_secret_cannot_be_recut() -> None:
    assert hashes.network_key("ab", b"c" * 16) != hashes.network_key("abc", b"c" * 15)
    key = hashes.network_key("dave", b"")
    assert hashes.network_id(key) != key


def test_keyed_hashes_depend_on_their_key_and_have_their_length() -> None:
    calls: list[tuple[Callable[[bytes], bytes], int]] = [
        (lambda key: hashes.network_proof(key, bytes(16), bytes(32)), 8),
        (lambda key: hashes.cookie(key, b"address"), 16),
        (lambda key: hashes.record_checksum(key, b"record"), 16),
        (lambda key: hashes.proof(key, OWNER, OWNER, OWNER, [b"signed"]), 32),
    ]
    for call, size in calls:
        assert len(call(bytes(32))) == size
        assert call(bytes(32)) != call(OWNER)


def test_a_proof_as_another_implementation_computes_it() -> None:
    nonce, challenger, prover, session = (bytes([i]) * 32 for i in range(1, 5))
    assert (
        hashes.proof(nonce, challenger, prover, session, [b"first", b"", b"third"]).hex()
        == "bb2488c509e2905a049f7bd4315db94c7ea96801cbf3c9041db7b887fb4ec053"
    )
    assert (
        hashes.proof(nonce, challenger, prover, session, []).hex()
        == "3b5adff692d3cdc57f402d2c33995b7e2e21f81f783dfd46a54065bee95060e3"
    )


@given(st.lists(st.binary(max_size=5), max_size=4), st.lists(st.binary(max_size=5), max_size=4))
def test_what_is_held_cannot_be_recut(held: list[bytes], other: list[bytes]) -> None:
    ends = (OWNER, bytes(32), OWNER, bytes(32))
    assert (hashes.proof(*ends, held) == hashes.proof(*ends, other)) == (held == other)


def test_a_proof_is_bound_to_challenge_ends_session_and_order() -> None:
    ends = [bytes([i]) * 32 for i in range(1, 5)]
    swapped = [ends[0], ends[2], ends[1], ends[3]]
    others = [[*ends[:i], bytes(32), *ends[i + 1 :]] for i in range(4)]
    proofs = {hashes.proof(*each, [b"a", b"b"]) for each in (ends, swapped, *others)}
    proofs.add(hashes.proof(*ends, [b"b", b"a"]))
    assert len(proofs) == 7


def test_keys_of_files_are_kept_apart() -> None:
    seed, entry_id = bytes(32), bytes(range(32))
    assert hashes.blob_secret(seed) == blake3(seed, derive_key_context="dave 2026 blob").digest()
    made = {
        hashes.blob_secret(seed),
        hashes.private_key(seed, entry_id),
        hashes.private_key(seed, bytes(32)),
        hashes.private_key(entry_id, seed),
    }
    assert len(made) == 4
    assert len({hashes.LEAF_KEY, hashes.PARENT_KEY, hashes.ROOT_KEY}) == 3
    assert {len(key) for key in (hashes.LEAF_KEY, hashes.PARENT_KEY, hashes.ROOT_KEY)} == {32}


def test_a_stripe_id_cannot_be_recut() -> None:
    whole = bytes(range(10 + 64))
    assert hashes.stripe_id(whole) != hashes.stripe_id(whole[:-32])
    assert hashes.stripe_stamp(bytes(32), bytes(8)) != hashes.entry_stamp(bytes(32), bytes(8))

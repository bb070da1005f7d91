"""Ed25519 against Wycheproof's table: every verdict is pinned, not just that most are right."""

from hypothesis import given, settings
from hypothesis import strategies as st

from dave.crypto import sign
from tests.vectors import load

SEED = bytes(range(32))
SIGNED_BY_ALL = 88
REFUSED_BY_ALL = 63


def verdicts() -> dict[int, tuple[str, bool]]:
    """(published verdict, ours) by test case."""
    table = {}
    for group in load("ed25519_wycheproof")["testGroups"]:
        owner = bytes.fromhex(group["publicKey"]["pk"])
        for case in group["tests"]:
            signed = bytes.fromhex(case["sig"]) + bytes.fromhex(case["msg"])
            assert case["tcId"] not in table
            table[case["tcId"]] = case["result"], sign.verify(owner, signed)
    return table


def test_wycheproof_verdicts_are_ours() -> None:
    table = verdicts()
    published = [result for result, _ in table.values()]
    # The table has no 'acceptable' case, in which implementations may differ.
    assert published.count("valid") == SIGNED_BY_ALL
    assert published.count("invalid") == REFUSED_BY_ALL
    assert (
        len(table) == SIGNED_BY_ALL + REFUSED_BY_ALL == load("ed25519_wycheproof")["numberOfTests"]
    )
    assert {tc for tc, (result, ours) in table.items() if ours != (result == "valid")} == set()


def test_rfc_8032_first_vector() -> None:
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    owner = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    signature = (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
    assert sign.public_key(seed).hex() == owner
    assert sign.sign(seed, b"").hex() == signature


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=300))
@settings(max_examples=50, deadline=None)
def test_what_is_signed_verifies_for_its_owner_only(seed: bytes, message: bytes) -> None:
    owner, signature = sign.public_key(seed), sign.sign(seed, message)
    assert len(owner) == 32
    assert len(signature) == 64
    assert sign.verify(owner, signature + message)
    assert not sign.verify(owner, signature + message + b"x")
    assert not sign.verify(
        sign.public_key(seed[::-1] if seed != seed[::-1] else SEED), signature + message
    )


def test_every_changed_byte_is_refused() -> None:
    owner, signed = sign.public_key(SEED), sign.sign(SEED, b"message") + b"message"
    for at in range(len(signed)):
        changed = signed[:at] + bytes((signed[at] ^ 1,)) + signed[at + 1 :]
        assert not sign.verify(owner, changed)


def test_lengths_that_cannot_be_are_refused() -> None:
    owner, signed = sign.public_key(SEED), sign.sign(SEED, b"")
    assert sign.verify(owner, signed)
    for size in range(64):
        assert not sign.verify(owner, signed[:size])
    for wrong in (b"", owner[:31], owner + b"\0"):
        assert not sign.verify(wrong, signed)


def test_keys_of_small_order_are_refused() -> None:
    # The neutral element as key, and R = neutral, S = 0: valid for any message without the check.
    neutral = b"\1" + bytes(31)
    assert not sign.verify(neutral, neutral + bytes(32) + b"any message")

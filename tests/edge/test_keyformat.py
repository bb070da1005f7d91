"""The bytes of key files: round trips, and every damage told from a wrong passphrase."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.edge import keyformat
from dave.edge.limits import KEY_FILE_BYTES_MAX
from dave.errors import KeyFileError

SEED = bytes(range(32))
RAW = keyformat.encode(keyformat.OWNER, SEED, None, Random(1).randbytes)


@pytest.fixture(scope="module")
def wrapped() -> bytes:
    return keyformat.encode(keyformat.OWNER, SEED, "passphrase", Random(1).randbytes)


def resealed(data: bytes) -> bytes:
    """`data` with the checksum made good: what somebody who means harm would write."""
    return data[:-16] + keyformat._checksum(data[:-16])


def test_layout_of_a_raw_file() -> None:
    assert RAW[:11] == b"davekey\n\x01\x01\x00"
    assert RAW[11:43] == SEED
    assert len(RAW) == 59


@given(st.binary(min_size=16, max_size=255))
def test_raw_round_trip(secret: bytes) -> None:
    data = keyformat.encode(keyformat.NETWORK, secret, None, Random(1).randbytes)
    assert keyformat.decode(keyformat.NETWORK, data, None) == secret


def test_wrapped_round_trip(wrapped: bytes) -> None:
    assert keyformat.decode(keyformat.OWNER, wrapped, "passphrase") == SEED
    assert SEED not in wrapped


def test_an_empty_file_says_so() -> None:
    with pytest.raises(KeyFileError, match="empty"):
        keyformat.decode(keyformat.OWNER, b"", None)


@pytest.mark.parametrize("form", ["raw", "wrapped"])
def test_every_prefix_and_a_trailing_byte_is_damage(form: str, wrapped: bytes) -> None:
    data = RAW if form == "raw" else wrapped
    for cut in [data[:size] for size in range(1, len(data))] + [data + b"\0"]:
        with pytest.raises(KeyFileError, match="damaged"):
            keyformat.decode(keyformat.OWNER, cut, lambda: pytest.fail("asked"))


@pytest.mark.parametrize("form", ["raw", "wrapped"])
def test_every_changed_byte_is_damage_and_asks_no_passphrase(form: str, wrapped: bytes) -> None:
    data = RAW if form == "raw" else wrapped
    for at in range(len(data)):
        for bit in (1, 128):
            changed = data[:at] + bytes((data[at] ^ bit,)) + data[at + 1 :]
            expected = "newer" if at == 8 and changed[8] > 1 else "damaged"
            with pytest.raises(KeyFileError, match=expected):
                keyformat.decode(keyformat.OWNER, changed, lambda: pytest.fail("asked"))


def test_a_newer_version_says_so() -> None:
    newer = resealed(RAW[:8] + b"\2" + RAW[9:])
    with pytest.raises(KeyFileError, match="version 2 is newer"):
        keyformat.decode(keyformat.OWNER, newer, None)


@pytest.mark.parametrize(("at", "value"), [(8, 0), (9, 0), (9, 9), (10, 2)])
def test_fields_out_of_range_are_damage_even_with_a_good_checksum(at: int, value: int) -> None:
    data = resealed(RAW[:at] + bytes((value,)) + RAW[at + 1 :])
    with pytest.raises(KeyFileError, match="damaged"):
        keyformat.decode(keyformat.OWNER, data, None)


def test_a_secret_of_the_wrong_size_is_damage() -> None:
    for data in (RAW[:42] + bytes(16), RAW[:43] + bytes(17), RAW[:11] + bytes(16)):
        with pytest.raises(KeyFileError, match="damaged"):
            keyformat.decode(keyformat.OWNER, resealed(data), None)


def test_a_large_file_is_not_looked_at() -> None:
    with pytest.raises(KeyFileError, match="damaged"):
        keyformat.decode(keyformat.OWNER, bytes(KEY_FILE_BYTES_MAX + 1), None)


@pytest.mark.parametrize(
    ("passes", "memory"), [(0, 64 << 20), (65, 64 << 20), (3, 8191), (3, 2 << 30)]
)
def test_a_file_cannot_ask_for_the_machine(wrapped: bytes, passes: int, memory: int) -> None:
    asking = wrapped[:27] + passes.to_bytes(4, "little") + memory.to_bytes(8, "little")
    with pytest.raises(KeyFileError, match="more passes or memory"):
        keyformat.decode(keyformat.OWNER, resealed(asking + wrapped[39:]), "passphrase")


def test_a_wrapped_secret_cannot_be_given_another_kind() -> None:
    network = keyformat.encode(keyformat.NETWORK, SEED, "passphrase", Random(1).randbytes)
    relabelled = resealed(network[:9] + bytes((keyformat.OWNER,)) + network[10:])
    with pytest.raises(KeyFileError, match="damaged"):
        keyformat.decode(keyformat.OWNER, relabelled, "passphrase")


def test_the_passphrase_is_not_asked_for_the_wrong_kind(wrapped: bytes) -> None:
    with pytest.raises(KeyFileError, match="holds an owner key"):
        keyformat.decode(keyformat.NETWORK, wrapped, lambda: pytest.fail("asked"))

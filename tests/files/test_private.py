"""Private values: opened by their key, by nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.crypto import hashes
from dave.errors import WrongKey
from dave.files.private import open_value, seal_value
from dave.share_limits import SEAL_BYTES
from tests.wire.made import fixed, neighbours

KEY, NONCE = b"k" * 32, b"n" * 24


@given(fixed(32), st.binary(max_size=1200), fixed(24))
def test_what_was_sealed_is_opened(key, value, nonce):
    sealed = seal_value(key, value, nonce)
    assert len(sealed) == len(value) + SEAL_BYTES
    assert open_value(key, sealed) == value


@pytest.mark.parametrize("value", [b"", b"value"])
def test_damage_and_other_keys_do_not_open(value):
    sealed = seal_value(KEY, value, NONCE)
    for other in neighbours(sealed):
        with pytest.raises(WrongKey, match="private"):
            open_value(KEY, other)
    for i in range(32):
        with pytest.raises(WrongKey):
            open_value(KEY[:i] + b"x" + KEY[i + 1 :], sealed)


def test_it_is_the_draft_s_aead():
    # draft-irtf-cfrg-xchacha-03, appendix A.3.1, but without associated data: the ciphertext.
    text = (
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
        b"future, sunscreen would be it."
    )
    sealed = seal_value(bytes(range(0x80, 0xA0)), text, bytes(range(0x40, 0x58)))
    assert sealed[24:40].hex() == "bd6d179d3e83d43b9576579493c0e939"


def test_a_key_belongs_to_one_entry():
    seed, one, other = b"s" * 32, b"i" * 32, b"j" * 32
    assert hashes.private_key(seed, one) != hashes.private_key(seed, other)
    assert hashes.private_key(seed, one) != hashes.private_key(one, seed)
    assert len(hashes.private_key(seed, one)) == 32

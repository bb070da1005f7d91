"""Keys of blocks: the key fixes the plaintext, so that no key stream is ever used twice."""

from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from dave.crypto import hashes
from dave.files import blocks
from dave.files.code import Code
from dave.share_limits import BLOCK_BYTES
from tests.files.made import B, Shelf, content, cut

SEED = bytes(range(32))


def crypted(key, data):
    room = memoryview(bytearray(len(data) + blocks.CRYPT_SLACK_BYTES))
    blocks.crypt(key, data, room)
    assert not any(room[len(data) :])
    return bytes(room[: len(data)])


def test_it_is_aes_256_in_counter_mode():
    # NIST SP 800-38A gives no vector from counter 0: AES-256 of a zero block under the zero key
    # is the first of its key stream (FIPS 197's cipher, CAVP VarTxt/VarKey tables).
    stream = crypted(bytes(32), bytes(48))
    assert stream[:16].hex() == "dc95c078a2408989ad48a21492842087"
    assert stream[16:32].hex() == "530f8afbc74536b9a963b4f1c4cb738b"


@given(st.binary(min_size=1, max_size=99) | st.sampled_from([content(B - 1), content(B)]))
def test_what_was_encrypted_is_decrypted(data):
    key = blocks.convergent(SEED).of(data, 0, 0)
    assert crypted(key, crypted(key, data)) == data
    assert crypted(key, memoryview(data)) == crypted(key, bytearray(data)) == crypted(key, data)


def test_convergent_keys_are_the_owners_and_the_plaintexts():
    keys = blocks.convergent(SEED)
    assert keys.of(b"block", 0, 0) == keys.of(memoryview(b"block"), 1, 7)
    assert keys.of(b"block", 0, 0) == blake3(b"block", key=hashes.blob_secret(SEED)).digest()
    assert keys.of(b"block", 0, 0) != keys.of(b"blocks", 0, 0)
    assert keys.of(b"block", 0, 0) != blocks.convergent(bytes(32)).of(b"block", 0, 0)


def test_drawn_keys_differ_by_place_and_upload():
    keys = blocks.drawn(b"x" * 32)
    places = [(0, 0), (0, 1), (1, 0), (1, 1), (5, 2**40)]
    assert len({keys.of(b"block", *place) for place in places}) == len(places)
    assert keys.of(b"block", 0, 0) != blocks.drawn(b"y" * 32).of(b"block", 0, 0)


FILES = st.lists(
    st.tuples(st.binary(max_size=1), st.integers(0, 9 * B), st.booleans()), min_size=1, max_size=4
)


@settings(max_examples=25)
@given(FILES, st.booleans())
def test_no_key_stream_is_used_twice(files, same_secret):
    # Files that share blocks, manifests of several levels, and one random secret for several
    # contents, as when an upload is resumed after the file has changed. Every counter begins at
    # zero, so a key may be used again for the very same plaintext only.
    shelf = Shelf()
    for number, (seed, size, is_random) in enumerate(files):
        secret = bytes(32) if same_secret else bytes((number,)) * 32
        keys = blocks.drawn(secret) if is_random else blocks.convergent(SEED)
        root = shelf.put(content(size, seed), keys, Code(1, 2), 120)
        assert root.levels > 1 or size <= B
    plaintext_of = {}
    for key, plaintext in shelf.uses:
        assert plaintext_of.setdefault(key, plaintext) == plaintext


def test_a_file_that_changes_while_it_is_resumed_uses_no_key_stream_twice():
    keys = blocks.drawn(b"x" * 32)
    before, after = content(3 * B, b"before"), content(3 * B, b"after")
    shelf = Shelf()
    shelf.put(before, keys, Code(1, 2), 120)
    shelf.put(after, keys, Code(1, 2), 120)
    assert {plain for _, plain in shelf.uses} >= {*cut(before), *cut(after)}
    assert len({key for key, _ in shelf.uses}) == len({plain for _, plain in shelf.uses})


def test_equal_blocks_look_alike_only_with_convergent_keys():
    data = bytes(4 * BLOCK_BYTES)
    for keys, addresses in ((blocks.convergent(SEED), 1), (blocks.drawn(SEED), 4)):
        root = Shelf().put(data, keys, Code(4, 4), 900)
        assert len(set(root.top_rows()[0].addresses)) == addresses

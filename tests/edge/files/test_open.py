"""What is behind an entry: unsealed with the key that opens it, read like a file whatever it is."""

import asyncio
import zlib

import pytest

from dave.crypto import hashes
from dave.edge.files.open import opened, unsealed
from dave.edge.keyfile import Key
from dave.errors import UsageError, WireError, WrongKey
from dave.files.private import seal_value
from dave.node.results import GetResult
from dave.wire.entry import BLOB, COMPRESSED, PRIVATE, Entry, encode
from tests.edge.drivers import asyncio_driver

KEY, OTHER = Key(bytes(32)), Key(bytes([1]) * 32)
ENTRY_ID = hashes.entry_id_of(KEY.owner, b"k")
LINK_KEY = hashes.private_key(KEY.seed, ENTRY_ID)


def entry(value, flags=0):
    return Entry(encode(KEY.owner, b"k", value, 1 << 16, 60, flags))


def sealed(value, flags=0):
    return entry(seal_value(LINK_KEY, value, bytes(24)), flags | PRIVATE)


def test_the_owner_and_the_link_open_it_and_nobody_else():
    private = sealed(b"mine")
    assert unsealed(entry(b"open"), None, None) == b"open"
    assert unsealed(private, KEY, None) == unsealed(private, None, LINK_KEY) == b"mine"
    for key, link in ((None, None), (OTHER, None), (KEY, bytes(32)), (None, bytes(32))):
        with pytest.raises(WrongKey):
            unsealed(private, key, link)


def read(of, key=None, span=None):
    """The bytes, and the file."""

    async def story():
        with asyncio_driver() as driver:
            found = GetResult()
            found.entry, found.replicas = of, 3
            file = opened(driver, found, key, None, 0.5, span)
            return b"".join([bytes(piece) async for piece in file]), file

    return asyncio.run(story())


@pytest.mark.parametrize(
    "of", [entry(b"value"), entry(zlib.compress(b"value"), COMPRESSED), sealed(b"value"),
           sealed(zlib.compress(b"value"), COMPRESSED)],
)  # fmt: skip
def test_a_value_is_read_like_a_file(of):
    data, file = read(of, KEY)
    assert data == b"value"
    assert (file.size, file.start, file.stop) == (5, 0, 5)
    assert (file.is_blob, file.is_folder) == (False, False)
    assert (file.about.value, file.about.replicas, file.about.is_closed) == (b"value", 3, False)
    assert read(of, KEY, "1-2")[0] == b"al"
    with pytest.raises(UsageError, match="there are 5 bytes"):
        read(of, KEY, "5-")


def test_the_identity_is_of_the_bytes():
    assert read(entry(b"value"))[1].identity == read(sealed(b"value"), KEY)[1].identity
    assert read(entry(b"value"))[1].identity != read(entry(b"valuf"))[1].identity
    assert read(entry(b"value"))[1].identity != read(entry(b"value"), None, "0-3")[1].identity


@pytest.mark.parametrize("value", [b"x", bytes(100)])
def test_no_root_and_no_zlib_stream(value):
    for of in (entry(value, BLOB), entry(value, COMPRESSED), sealed(value, BLOB)):
        with pytest.raises(WireError):
            read(of, KEY)

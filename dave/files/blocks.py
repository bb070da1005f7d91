"""Blocks: their keys and their ciphertext, AES-256 in counter mode (NIST SP 800-38A).

A key is a keyed hash of the plaintext, so it belongs to that plaintext alone, and the counter can
begin at zero: no key stream ever covers two texts, whatever is put, put again, or changes
while it is put. (One random key a file with a counter that goes on would not give that: an upload
that is resumed after the file has changed would use parts of the key stream twice.)
"""

from typing import NamedTuple

from blake3 import blake3
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from dave.crypto import hashes

Buffer = bytes | bytearray | memoryview

_COUNTER = CTR(bytes(16))
_NUMBER_BYTES = 8
_LEVEL_SHIFT = 56
CRYPT_SLACK_BYTES = 15
"""Room beyond its output that the cipher may ask for (it writes nothing there)."""


class BlockKeys(NamedTuple):
    """How the blocks of an upload get their keys. Made by `convergent` or `drawn`."""

    secret: bytes
    """32 bytes, never told: what is told is the keys of the blocks."""
    is_numbered: bool
    """Whether equal blocks of the upload get different keys."""

    def of(self, block: Buffer, level: int, number: int) -> bytes:
        """Key (32 bytes) of block `number` of a level (0: the content, i: its manifest i)."""
        hasher = blake3(block, key=self.secret)
        if self.is_numbered:
            hasher.update((level << _LEVEL_SHIFT | number).to_bytes(_NUMBER_BYTES, "little"))
        return hasher.digest()


def convergent(seed: bytes) -> BlockKeys:
    """Keys by which equal blocks of an owner (seed 32 bytes) are stored once, and nobody else can
    test whether the owner has a block."""
    return BlockKeys(hashes.blob_secret(seed), is_numbered=False)


def drawn(secret: bytes) -> BlockKeys:
    """Keys of one upload that has nothing to do with any other: `secret` is 32 random bytes."""
    return BlockKeys(secret, is_numbered=True)


def crypt(key: bytes, data: Buffer, into: memoryview) -> None:
    """Encrypt or decrypt a block (the same in counter mode) into the first bytes of `into`, which
    has 15 bytes of room more than `data`."""
    Cipher(AES(key), _COUNTER).encryptor().update_into(data, into)

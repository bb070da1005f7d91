"""Private values: sealed with XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03, by libsodium).

    nonce 24 | ciphertext | tag 16

The key is the entry's own (hashes.private_key): the owner derives it from the seed, a link carries
it to others. Sealed is what the entry would else hold: plain bytes, compressed ones, or a root.
"""

from dave.errors import WrongKey
from dave.share_limits import SEAL_BYTES

NONCE_BYTES = 24


def seal_value(key: bytes, value: bytes, nonce: bytes) -> bytes:
    """`value` sealed under `key` (32 bytes); 40 bytes longer. `nonce` is 24 random bytes."""
    from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt

    assert len(nonce) == NONCE_BYTES
    return nonce + crypto_aead_xchacha20poly1305_ietf_encrypt(value, None, nonce, key)


def open_value(key: bytes, sealed: bytes) -> bytes:
    """What was sealed. Raises WrongKey where it was not under `key` (32 bytes)."""
    from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt
    from nacl.exceptions import CryptoError

    nonce, text = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        if len(sealed) >= SEAL_BYTES:
            return crypto_aead_xchacha20poly1305_ietf_decrypt(text, None, nonce, key)
    except CryptoError:
        pass
    raise WrongKey(
        "the value is private, and this key does not open it: only its owner's key does, or the "
        "whole link that the owner gave"
    )

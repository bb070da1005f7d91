"""Ed25519 (RFC 8032) by libsodium: sign with a seed, verify with an owner.

libsodium refuses keys of small order, signatures with S over the group order, and non-canonical
points; tests/crypto/test_sign.py pins each verdict of the Wycheproof table, since two nodes that
differ in one would disagree for ever about an entry. The library is loaded at the first use: who
only decodes does not wait for it.
"""

from dave.limits import OWNER_BYTES, SIGNATURE_BYTES
from dave.names import Owner

SEED_BYTES = 32


def public_key(seed: bytes) -> Owner:
    """The owner (32 bytes) who signs with `seed` (32 bytes, secret)."""
    from nacl.bindings import crypto_sign_seed_keypair

    assert len(seed) == SEED_BYTES
    return crypto_sign_seed_keypair(seed)[0]


def sign(seed: bytes, message: bytes) -> bytes:
    """The signature (64 bytes) of `message` under `seed` (32 bytes, secret); deterministic."""
    from nacl.bindings import crypto_sign, crypto_sign_seed_keypair

    assert len(seed) == SEED_BYTES
    secret_key = crypto_sign_seed_keypair(seed)[1]
    return crypto_sign(message, secret_key)[:SIGNATURE_BYTES]


def verify(owner: Owner, signed: bytes) -> bool:
    """Whether `signed`, a signature (64 bytes) and then its message, was signed by `owner`.

    False, never an error, for any other bytes of any length: both come from peers.
    """
    from nacl.bindings import crypto_sign_open
    from nacl.exceptions import BadSignatureError

    # The binding hands libsodium a bare pointer: a short key would be read past its end.
    if len(owner) != OWNER_BYTES or len(signed) < SIGNATURE_BYTES:
        return False
    try:
        crypto_sign_open(signed, owner)
    except BadSignatureError:
        return False
    return True

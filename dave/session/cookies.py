"""Cookies: proof that an initiator receives at the address it writes from, kept by itself.

A cookie is a keyed hash of address and port under a secret that changes every 2 minutes; the one
before is still good, so a cookie lives for 2 to 4 minutes. The responder keeps two secrets, however
many ask (the idea is DTLS's, RFC 6347 section 4.2.1).
"""

from hmac import compare_digest

from dave.crypto import hashes
from dave.limits import COOKIE_BYTES, COOKIE_SECRET_SECONDS
from dave.names import SECOND, Address, Instant, Rng
from dave.wire.cursor import encode_address

NO_COOKIE = bytes(COOKIE_BYTES)
"""What an INIT carries that has none."""


class Cookies:
    """Makes and checks cookies; `rng` draws the secrets."""

    __slots__ = ("_epoch", "_present", "_previous", "_rng")

    def __init__(self, rng: Rng) -> None:
        self._rng = rng
        self._epoch = -1
        self._present = self._previous = rng.randbytes(32)

    def make(self, address: Address, now: Instant) -> bytes:
        """The cookie of `address`, 16 bytes."""
        self._turn(now)
        return hashes.cookie(self._present, encode_address(address))

    def check(self, cookie: bytes, address: Address, now: Instant) -> bool:
        """Whether `cookie` was made for `address` in this period of 2 minutes or the last."""
        if cookie == NO_COOKIE:
            return False
        self._turn(now)
        encoded = encode_address(address)
        is_present = compare_digest(cookie, hashes.cookie(self._present, encoded))
        return is_present or compare_digest(cookie, hashes.cookie(self._previous, encoded))

    def _turn(self, now: Instant) -> None:
        epoch = now // (COOKIE_SECRET_SECONDS * SECOND)
        if epoch == self._epoch:
            return
        is_next = epoch == self._epoch + 1
        self._previous = self._present if is_next else self._rng.randbytes(32)
        self._present = self._rng.randbytes(32)
        self._epoch = epoch

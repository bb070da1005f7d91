"""Keys of a session, and the bounded table of cipher objects made from them.

A prepared AES-256-GCM object is worth some kilobytes outside Python's sight and 0.9 us of work; a
key is 32 bytes. So thousands of idle sessions keep keys, and the ones in use keep ciphers. The
object hangs on its keys, where the hot path finds it without a look-up; the table only counts.
"""

from struct import Struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dave.limits import CIPHERS_CACHED

pack_nonce = Struct(">IQ").pack
"""pack_nonce(0, counter): the nonce of a DATA packet, as Noise section 12.4 defines it."""


class Keys:
    """Two AES-256 keys, 32 bytes each, and the ciphers made from them where they are in use."""

    __slots__ = ("opener", "receive_key", "sealer", "send_key")

    def __init__(self, send_key: bytes, receive_key: bytes) -> None:
        self.send_key = send_key
        self.receive_key = receive_key
        self.sealer: AESGCM | None = None
        self.opener: AESGCM | None = None


class CipherCache:
    """Makes ciphers, for at most `limit // 2` pairs of keys at a time; the first made go first."""

    __slots__ = ("_held", "_pairs_max")

    def __init__(self, limit: int = CIPHERS_CACHED) -> None:
        self._pairs_max = limit // 2
        self._held: dict[Keys, None] = {}

    def __len__(self) -> int:
        return len(self._held)

    def sealer(self, keys: Keys) -> AESGCM:
        """The cipher that seals; made if it is not there."""
        if keys.sealer is None:
            keys.sealer = AESGCM(keys.send_key)
            self._hold(keys)
        return keys.sealer

    def opener(self, keys: Keys) -> AESGCM:
        """The cipher that opens; made if it is not there."""
        if keys.opener is None:
            keys.opener = AESGCM(keys.receive_key)
            self._hold(keys)
        return keys.opener

    def discard(self, keys: Keys) -> None:
        """Let go of the ciphers of `keys`."""
        keys.sealer = keys.opener = None
        self._held.pop(keys, None)

    def _hold(self, keys: Keys) -> None:
        if keys not in self._held:
            self._held[keys] = None
            if len(self._held) > self._pairs_max:
                self.discard(next(iter(self._held)))

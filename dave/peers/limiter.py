"""How many packets a subnet may send us before it has a session.

A fixed table of token buckets: memory does not grow with the number of senders, forged ones
included. A bucket is one integer, the time at which it will be full again (the generic cell rate
algorithm, ITU-T I.371): a packet moves it on by 1/rate and is refused if that would be more than
burst/rate ahead of now. Subnets that share a slot share a bucket; the slot is a keyed hash, so that
nobody can find the subnet which shares a victim's.
"""

from array import array

from dave.crypto import hashes
from dave.limits import RATE_HOSTS_CACHED, RATE_PER_SECOND, RATE_SLOTS
from dave.names import SECOND, Address, Instant
from dave.peers.subnets import subnet


class RateLimiter:
    """Token buckets per /24 (IPv4) or /48 (IPv6).

    `secret` is 32 random bytes that never leave the node; `rate` is packets per second (above 0),
    `burst` how many may come at once (at least 1), by default twice the rate; a slot takes 8 bytes.
    No address is exempt: not to ask is up to the caller.
    """

    __slots__ = ("_ahead", "_full", "_secret", "_slots", "_step")

    def __init__(
        self,
        secret: bytes,
        rate: float = RATE_PER_SECOND,
        burst: float | None = None,
        slots: int = RATE_SLOTS,
    ) -> None:
        burst = 2 * rate if burst is None else burst
        assert rate > 0, "a rate of 0 would refuse everything for ever"
        assert burst >= 1, "a burst below 1 would refuse everything for ever"
        self._secret = secret
        self._step = round(SECOND / rate)
        self._ahead = round(burst * SECOND / rate)
        self._full = array("q", bytes(8 * slots))
        self._slots: dict[str, int] = {}

    def allow(self, address: Address, now: Instant) -> bool:
        """Take one token of the sender's subnet; False if it has none left."""
        slot = self._slots.get(address[0])
        if slot is None:
            slot = self._slot(address[0])
        full = self._full[slot]
        full = (full if full > now else now) + self._step
        if full - now > self._ahead:
            return False
        self._full[slot] = full
        return True

    def _slot(self, host: str) -> int:
        # A cookie is the same thing: a hash of an address under a secret of ours.
        digest = hashes.cookie(self._secret, subnet(host))
        slot = int.from_bytes(digest[:8], "little") % len(self._full)
        # Forged senders can fill the cache, not grow it: to forget costs a microsecond a host.
        if len(self._slots) >= RATE_HOSTS_CACHED:
            self._slots.clear()
        self._slots[host] = slot
        return slot

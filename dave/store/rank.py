"""What an entry is worth to this node: one number, fixed when the entry arrives.

    rank = time / half-life + log2(2^64 / (distance + 1)) + surplus bits (+ 8 for a tombstone)

One half-life of youth, one bit of closeness and one surplus bit of work weigh the same (DESIGN
sections 1 and 5). Each term counts doublings: an entry one half-life younger, one that half as
many nodes are nearer to, or one that cost twice the hashes is worth one more.

Why the time appears and the age does not: what fades is `2^(-age / half-life)`. Its logarithm is
`(time - now) / half-life`, and `now` is the same for all entries at any moment, so it drops out of
every comparison. What is left is a constant of the entry and the node. A sorted list over it stays
sorted for ever; a priority recomputed from the clock, such as closeness times the time left, would
swap pairs as time passes and quietly break the list. For the same reason lifetime is no term: who
is gone is removed by expiry, and what lifetime costs was paid in work.

Places are uniform on the 64-bit ring, so `log2(2^64 / (distance + 1))` is 64 at the node itself,
and an entry drawn at random exceeds b bits with probability 2^-b. The surplus is held to 24 bits
by the caller, so that work cannot outbid closeness without end.
"""

from math import log2

from dave.limits import TOMBSTONE_RANK_BITS
from dave.names import EntryId, HybridTime, Place, place_of

UNRANKED = -1.0
"""Stands for a rank not computed yet; every real rank is 0 or more."""


def rank(
    time: HybridTime, distance: int, half_life_ms: int, surplus: float, is_tombstone: bool
) -> float:
    """Rank in bits, 0 or more.

    `distance` is 0 to 2^64 - 1, `half_life_ms` over 0, `surplus` 0 to 24 bits.
    """
    bits = (time >> 16) / half_life_ms + 64.0 - log2(distance + 1) + surplus
    return bits + TOMBSTONE_RANK_BITS if is_tombstone else bits


def distance(entry_id: EntryId, node_id: Place) -> int:
    """XOR distance between the place of an entry and a node, 0 to 2^64 - 1."""
    return place_of(entry_id) ^ node_id

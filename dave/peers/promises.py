"""Who has promised us to keep which of the entries that we hold.

A promise is an acknowledgement of our PUT, an announcement to us, or the answer to one of ours. It
is what storage challenges test, and what tells repair whom an entry still has to be announced to.
There may be many entries and few peers for each, so that a promise is one bit: an integer per
entry, in which each peer has a place.
"""

from collections.abc import Iterable

from dave.limits import PROMISERS_MAX
from dave.names import EntryId, Place


class Promises:
    """Promises by at most PROMISERS_MAX peers at a time; entries are bounded by the store, whose
    owner calls `forget_entry` for what leaves it or is replaced."""

    __slots__ = ("_bits", "_by_entry", "_next")

    def __init__(self) -> None:
        self._bits: dict[Place, int] = {}
        self._by_entry: dict[EntryId, int] = {}
        self._next = 0
        """Places given away; those of peers forgotten are given again only after all are used."""

    def note(self, peer: Place, entry_id: EntryId) -> None:
        """The peer promised to keep the version of the entry that we hold."""
        bit = self._bits.get(peer)
        if bit is None:
            bit = self._new_bit(peer)
        self._by_entry[entry_id] = self._by_entry.get(entry_id, 0) | bit

    def withdraw(self, peer: Place, entry_id: EntryId) -> None:
        """The peer does not keep it any more, and said so or was found out."""
        mask = self._by_entry.get(entry_id, 0)
        bit = self._bits.get(peer, 0)
        if mask & bit:
            self._by_entry[entry_id] = mask & ~bit

    def has(self, peer: Place, entry_id: EntryId) -> bool:
        """Whether the peer has promised that entry."""
        return bool(self._by_entry.get(entry_id, 0) & self._bits.get(peer, 0))

    def promisers(self, entry_id: EntryId) -> list[Place]:
        """Who has promised that entry."""
        mask = self._by_entry.get(entry_id, 0)
        return [peer for peer, bit in self._bits.items() if mask & bit] if mask else []

    def is_promiser(self, peer: Place) -> bool:
        """Whether the peer has promised anything since it was last forgotten."""
        return peer in self._bits

    def forget_entry(self, entry_id: EntryId) -> None:
        """We hold the entry no more, or another version of it."""
        self._by_entry.pop(entry_id, None)

    def forget_peer(self, peer: Place) -> None:
        """The peer is gone; what it promised is worth nothing."""
        self._bits.pop(peer, None)

    def promised_by(self, peer: Place, entry_ids: Iterable[EntryId]) -> list[EntryId]:
        """Those of `entry_ids` that the peer has promised, in their order."""
        bit = self._bits.get(peer, 0)
        masks = self._by_entry
        return [entry_id for entry_id in entry_ids if masks.get(entry_id, 0) & bit]

    def __len__(self) -> int:
        """Entries that somebody has promised, at least once."""
        return len(self._by_entry)

    def _new_bit(self, peer: Place) -> int:
        if len(self._bits) >= PROMISERS_MAX:
            del self._bits[next(iter(self._bits))]
        if self._next >= 2 * PROMISERS_MAX:
            self._renumber()
        bit = self._bits[peer] = 1 << self._next
        self._next += 1
        return bit

    def _renumber(self) -> None:
        """Give the peers the lowest places, and drop the bits of those forgotten. Rare: once in
        PROMISERS_MAX new peers."""
        old = list(self._bits.items())
        self._bits = {peer: 1 << i for i, (peer, _) in enumerate(old)}
        for entry_id, mask in self._by_entry.items():
            self._by_entry[entry_id] = sum(1 << i for i, (_, bit) in enumerate(old) if mask & bit)
        self._next = len(old)

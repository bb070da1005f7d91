"""Who has promised us to keep which of the entries that we hold.

A promise is an acknowledgement of our PUT, an announcement to us, or the answer to one of ours. It
is what storage challenges test, and what tells repair whom an entry still has to be announced to.

There may be a million entries, and few peers for each: an entry has a tuple of the numbers of those
who promised it. A number is given once, so that forgetting a peer takes one step, however much it
promised, and nothing comes back when it promises anew.
"""

from collections.abc import Iterable

from dave.limits import PROMISERS_MAX
from dave.names import EntryId, Place


class Promises:
    """Promises by at most PROMISERS_MAX peers at a time; of more, who promised nothing for the
    longest time is forgotten. Entries are bounded by the store, whose owner calls `forget_entry`
    for what leaves it or is replaced."""

    __slots__ = ("_by_entry", "_given", "_number", "_peer")

    def __init__(self) -> None:
        self._number: dict[Place, int] = {}
        """In order of their last promise."""
        self._peer: dict[int, Place] = {}
        self._given = 0
        self._by_entry: dict[EntryId, tuple[int, ...]] = {}
        """May hold numbers of peers that were forgotten, until the next promise."""

    def note(self, peer: Place, entry_id: EntryId) -> None:
        """The peer promised to keep the version of the entry that we hold."""
        number = self._number.pop(peer, None)
        if number is None:
            number = self._new_number(peer)
        self._number[peer] = number
        before = self._by_entry.get(entry_id, ())
        if number not in before:
            alive = [each for each in before if each in self._peer]
            self._by_entry[entry_id] = (*alive, number)

    def withdraw(self, peer: Place, entry_id: EntryId) -> None:
        """The peer does not keep it any more, and said so or was found out."""
        number = self._number.get(peer)
        before = self._by_entry.get(entry_id, ())
        if number in before:
            after = tuple(each for each in before if each != number)
            if after:
                self._by_entry[entry_id] = after
            else:
                del self._by_entry[entry_id]

    def has(self, peer: Place, entry_id: EntryId) -> bool:
        """Whether the peer has promised that entry."""
        return self._number.get(peer) in self._by_entry.get(entry_id, ())

    def is_promiser(self, peer: Place) -> bool:
        """Whether the peer has promised anything since it was last forgotten."""
        return peer in self._number

    def forget_entry(self, entry_id: EntryId) -> None:
        """We hold the entry no more, or another version of it."""
        self._by_entry.pop(entry_id, None)

    def forget_peer(self, peer: Place) -> None:
        """The peer is gone; what it promised is worth nothing."""
        number = self._number.pop(peer, None)
        if number is not None:
            del self._peer[number]

    def promised_by(self, peer: Place, entry_ids: Iterable[EntryId]) -> list[EntryId]:
        """Those of `entry_ids` that the peer has promised, in their order."""
        number = self._number.get(peer)
        by_entry = self._by_entry
        return [entry_id for entry_id in entry_ids if number in by_entry.get(entry_id, ())]

    def promisers(self, entry_id: EntryId) -> list[Place]:
        """Who has promised that entry, in the order of their promises."""
        numbers = self._by_entry.get(entry_id, ())
        return [self._peer[number] for number in numbers if number in self._peer]

    def __len__(self) -> int:
        """Entries that somebody has promised, perhaps only somebody forgotten since."""
        return len(self._by_entry)

    def _new_number(self, peer: Place) -> int:
        if len(self._number) >= PROMISERS_MAX:
            self.forget_peer(next(iter(self._number)))
        self._given += 1
        self._peer[self._given] = peer
        return self._given

"""Who has promised us to keep which of the entries that we hold.

A promise is an acknowledgement of our PUT, an announcement to us, or the answer to one of ours. It
is what storage challenges test, and what tells repair whom an entry still has to be announced to.

There may be a million entries, and few peers for each: an entry has a tuple of the numbers of those
who promised it. A number is given once, so that forgetting a peer takes one step, however much it
promised, and nothing comes back when it promises anew.

Promises outlive the process (edge/memory.py). One that was made to an earlier process is
*recalled*: it counts like any other, but while we were away the peer could not tell us that it gave
it up.
"""

from collections.abc import Iterable

from dave.limits import PROMISERS_MAX, PROMISES_CHANGED_MAX
from dave.names import EntryId, Place


class Promises:
    """Promises by at most PROMISERS_MAX peers at a time; of more, who promised nothing for the
    longest time is forgotten. Entries are bounded by the store, whose owner calls `forget_entry`
    for what leaves it or is replaced."""

    __slots__ = ("_by_entry", "_changed", "_given", "_number", "_peer", "_recalled", "is_saved")

    def __init__(self) -> None:
        self._number: dict[Place, int] = {}
        """In order of their last promise."""
        self._peer: dict[int, Place] = {}
        self._given = 0
        self._by_entry: dict[EntryId, tuple[int, ...]] = {}
        """May hold numbers of peers that were forgotten, until the next promise."""
        self._recalled: dict[Place, int] = {}
        """A second number, for promises made to an earlier process."""
        self.is_saved = False
        """Whether anybody calls `take_changed`."""
        self._changed: dict[EntryId, None] = {}
        """Entries whose promises are to be saved, at most PROMISES_CHANGED_MAX."""

    def note(self, peer: Place, entry_id: EntryId) -> None:
        """The peer promised to keep the version of the entry that we hold."""
        number = self._number.pop(peer, None)
        if number is None:
            number = self._new_number(peer)
        self._number[peer] = number
        before = self._by_entry.get(entry_id, ())
        if number not in before:
            recalled = self._recalled.get(peer)
            alive = [each for each in before if each in self._peer and each != recalled]
            self._by_entry[entry_id] = (*alive, number)
            self._note_change(entry_id)

    def withdraw(self, peer: Place, entry_id: EntryId) -> None:
        """The peer does not keep it any more, and said so or was found out."""
        numbers = self._number.get(peer), self._recalled.get(peer)
        before = self._by_entry.get(entry_id, ())
        after = tuple([each for each in before if each not in numbers])
        if len(after) == len(before):
            return
        if after:
            self._by_entry[entry_id] = after
        else:
            del self._by_entry[entry_id]
        self._note_change(entry_id)

    def has(self, peer: Place, entry_id: EntryId) -> bool:
        """Whether the peer has promised that entry."""
        numbers = self._by_entry.get(entry_id, ())
        return self._number.get(peer) in numbers or self._recalled.get(peer) in numbers

    def is_recalled(self, peer: Place, entry_id: EntryId) -> bool:
        """Whether the peer promised that entry to an earlier process, and not again since."""
        return self._recalled.get(peer) in self._by_entry.get(entry_id, ())

    def is_promiser(self, peer: Place) -> bool:
        """Whether the peer has promised anything since it was last forgotten."""
        return peer in self._number or peer in self._recalled

    def forget_entry(self, entry_id: EntryId) -> None:
        """We hold the entry no more, or another version of it."""
        if self._by_entry.pop(entry_id, None) is not None:
            self._note_change(entry_id)

    def forget_peer(self, peer: Place) -> None:
        """The peer is gone; what it promised is worth nothing."""
        for numbers in (self._number, self._recalled):
            number = numbers.pop(peer, None)
            if number is not None:
                del self._peer[number]

    def promised_by(self, peer: Place, entry_ids: Iterable[EntryId]) -> list[EntryId]:
        """Those of `entry_ids` that the peer has promised, in their order."""
        number, recalled = self._number.get(peer), self._recalled.get(peer)
        by_entry = self._by_entry
        if recalled is None:
            return [entry_id for entry_id in entry_ids if number in by_entry.get(entry_id, ())]
        return [entry_id for entry_id in entry_ids if self.has(peer, entry_id)]

    def promisers(self, entry_id: EntryId) -> list[Place]:
        """Who has promised that entry, in the order of their promises."""
        numbers = self._by_entry.get(entry_id, ())
        return [self._peer[number] for number in numbers if number in self._peer]

    # --- Beyond the process --------------------------------------------------------------------

    def peers(self) -> list[Place]:
        """Who has promised anything since it was last forgotten."""
        return list(self._number | self._recalled)

    def take_changed(self, count: int) -> list[tuple[EntryId, list[Place]]]:
        """Up to `count` entries, and who promises each now, that changed since this gave them."""
        taken = [entry_id for entry_id, _ in zip(self._changed, range(count), strict=False)]
        for entry_id in taken:
            del self._changed[entry_id]
        return [(entry_id, self.promisers(entry_id)) for entry_id in taken]

    def restore(self, entry_id: EntryId, peers: Iterable[Place]) -> None:
        """An earlier process was promised the version of the entry that we hold."""
        numbers = [self._recalled_number(peer) for peer in peers]
        if numbers:
            self._by_entry[entry_id] = tuple(numbers)

    def __len__(self) -> int:
        """Entries that somebody has promised, perhaps only somebody forgotten since."""
        return len(self._by_entry)

    def _new_number(self, peer: Place) -> int:
        if len(self._number) >= PROMISERS_MAX:
            self.forget_peer(next(iter(self._number)))
        self._given += 1
        self._peer[self._given] = peer
        return self._given

    def _recalled_number(self, peer: Place) -> int:
        number = self._recalled.get(peer)
        if number is None:
            if len(self._recalled) >= PROMISERS_MAX:
                self.forget_peer(next(iter(self._recalled)))
            self._given += 1
            number = self._recalled[peer] = self._given
            self._peer[number] = peer
        return number

    def _note_change(self, entry_id: EntryId) -> None:
        if not self.is_saved:
            return
        changed = self._changed
        changed[entry_id] = None
        if len(changed) > PROMISES_CHANGED_MAX:
            del changed[next(iter(changed))]

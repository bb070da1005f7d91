"""What a node remembers beyond its process: whom it knows, how far it trusts them, what they
promised, how far it is in sync with them. Taken from the core now and then and handed to the
writer of edge/state.py; given back to the core at the next start.

Nothing read here is believed further than what a stranger says: a contact enters the routing table
after it has answered, and its id is checked against its stamp.
"""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import NamedTuple

from dave.edge.database import Row
from dave.edge.limits import (
    STATE_CONTACTS_MAX,
    STATE_PROMISES_SECONDS,
    STATE_PROMISES_SLICE,
    STATE_SAVE_SECONDS,
)
from dave.edge.state import State
from dave.limits import LOST_MAX, PROMISES_CHANGED_MAX
from dave.names import MS, SECOND, Instant
from dave.node.node import Node as Core
from dave.peers.contact import Contact, checked_contact
from dave.peers.subnets import is_unicast
from dave.peers.table import Remembered
from dave.peers.trust import Evidence
from dave.wire.entry import Entry

_HOUR = 3600

Pull = tuple[Contact, bytes, int, int]
"""A pull that was not finished: of whom, the journal's id, and the sequences (after, until]."""


class Journal(NamedTuple):
    """What the clocks rely on: that the entries which they count are there."""

    id: bytes
    """16 bytes."""
    is_whole: bool
    """Reading it found no damage."""
    is_late: bool
    """Entries may reach the disk some time after they count as committed."""


class Memory:
    """One node's memory. `recall` once before the core starts; then `run`."""

    def __init__(self, core: Core, state: State, journal: Journal) -> None:
        self._core = core
        self._state = state
        self._journal = journal
        self._clocks_before: list[tuple[bytes, bytes, int]] = []
        self._contacts: dict[bytes, Row] = {}
        """By id, those seen longest ago first. Who is lost stays, until others need the room."""
        self._stale: list[Row] = []
        """Promises in the database that mean nothing any more."""
        self._saving: Future[bool] | None = None

    # --- Giving back -------------------------------------------------------------------------

    def recall(self, now: Instant) -> None:
        """Give the core what an earlier process remembered."""
        self._recall_contacts(now)
        self._recall_trust(now)
        self._recall_promises(now)
        self._recall_syncing(now)
        self._core.promises.is_saved = True

    def _recall_contacts(self, now: Instant) -> None:
        core, unix = self._core, self._unix(now)
        rows = sorted(self._state.load("contacts"), key=_seen_longest_ago)
        self._contacts = {row[0]: row for row in rows}
        remembered = []
        for _, public_key, nonce, host, port, known_since, _ in reversed(rows):
            contact = _contact(public_key, nonce, host, port, core.network.node_work_bits)
            if contact is not None:
                age = max(0, unix - known_since) * SECOND
                remembered.append(Remembered(contact, age, None))
        # Those that were there last, and for longest, are the likeliest to be there still.
        core.table.restore(remembered[:LOST_MAX], now)

    def _recall_trust(self, now: Instant) -> None:
        unix = self._unix(now)
        for peer, kept, broken, since, noted in sorted(self._state.load("trust"), key=_noted):
            evidence = Evidence(kept, broken, *(
                now - max(0, unix - then) * SECOND for then in (since, noted)
            ))  # fmt: skip
            self._core.trust.restore(int.from_bytes(peer, "big"), evidence)

    def _recall_promises(self, now: Instant) -> None:
        """Those of versions that we still hold, by peers that had not been forgotten."""
        core, now_ms = self._core, self._core.unix_ms(now)
        promisers = {row[0] for row in self._state.load("promisers")}
        for entry_id, time, peers in self._state.each("promises"):
            held = core.store.get(entry_id, now_ms)
            if held is None or _time(held) != time:
                self._stale.append((entry_id,))
                continue
            each = [peers[i : i + 8] for i in range(0, len(peers), 8)]
            numbers = [int.from_bytes(peer, "big") for peer in each if peer in promisers]
            core.promises.restore(entry_id, numbers)

    def _recall_syncing(self, now: Instant) -> None:
        """The clocks, unless entries that they count are lost: those have to be asked for again."""
        clocks, pulls = self._state.load("clocks"), self._state.load("syncs")
        is_same = self._state.load("own") == [(self._journal.id,)]
        if not is_same or not self._journal.is_whole:
            return
        self._clocks_before = clocks_of(clocks)
        self._core.clocks.restore(self._clocks_before)
        self._core.syncs.restore(pulls_of(pulls, self._core.network.node_work_bits), now)

    # --- Keeping -----------------------------------------------------------------------------

    async def run(self, now: Callable[[], Instant]) -> None:
        """Save again and again, until cancelled."""
        looks = round(STATE_SAVE_SECONDS / STATE_PROMISES_SECONDS)
        while True:
            for _ in range(looks):
                await asyncio.sleep(STATE_PROMISES_SECONDS)
                self._save_promises(now(), STATE_PROMISES_SLICE)
            if self._saving is None or self._saving.done():
                self._saving = self._save(now())

    def _save(self, now: Instant, *, is_last: bool = False) -> "Future[bool]":
        """Queue what has changed, but for promises. What is costly happens in the writer."""
        core, table = self._core, self._core.table
        offset_ms, own = core.wall_offset_ms, self._journal.id
        seen = [(known, table.heard(known.contact.id) or now) for known in table.snapshot(now)]
        evidence = core.trust.all()
        promisers = core.promises.peers()
        clocks, pulls = self._clocks(is_last=is_last), core.syncs.pending()

        def whole() -> dict[str, Iterable[Row]]:
            return {
                "contacts": self._contact_rows(seen, now, offset_ms),
                "trust": trust_rows(evidence, offset_ms),
                "promisers": [(_u64(peer),) for peer in promisers],
                "own": [(own,)],
                "clocks": clock_rows(clocks),
                "syncs": pull_rows(pulls),
            }

        return self._state.save(whole)

    def save_all(self, now: Instant) -> "Future[bool]":
        """Queue all that has changed: the node does nothing any more, and its journal is on the
        disk. May take a while, and may be called in a thread."""
        self._save_promises(now, PROMISES_CHANGED_MAX)
        return self._save(now, is_last=True)

    def _clocks(self, *, is_last: bool) -> list[tuple[bytes, bytes, int]]:
        """How far we are. A clock that outlives a loss of power must not be ahead of the entries
        that do: what it says would never be asked for again."""
        clocks = self._core.clocks.all()
        before, self._clocks_before = self._clocks_before, clocks
        return before if self._journal.is_late and not is_last else clocks

    def _save_promises(self, now: Instant, count: int) -> None:
        """Queue up to so many of the promises that changed."""
        core, now_ms = self._core, self._core.unix_ms(now)
        rows: list[Row] = []
        gone, self._stale = self._stale, []
        # In order of their keys, so that those of one page come together.
        for entry_id, peers in sorted(core.promises.take_changed(count)):
            held = core.store.get(entry_id, now_ms)
            if held is None or not peers:
                gone.append((entry_id,))
            else:
                rows.append((entry_id, _time(held), b"".join(map(_u64, peers))))
        if rows or gone:
            self._state.save(rows={"promises": rows}, gone={"promises": gone})

    def _contact_rows(
        self, seen: list[tuple[Remembered, Instant]], now: Instant, offset_ms: int
    ) -> list[Row]:
        """Called in the writer's thread, which alone uses `_contacts` from then on."""
        for known, heard in seen:
            contact = known.contact
            node_id = _u64(contact.id)
            before = self._contacts.pop(node_id, None)
            is_same = before is not None and before[:5] == _of(contact)
            since = _unix(now - known.known_ns, offset_ms)
            if before is not None and is_same:
                since = min(since, before[5])
            hour = _unix(heard, offset_ms) // _HOUR
            self._contacts[node_id] = (*_of(contact), since, hour)
        while len(self._contacts) > STATE_CONTACTS_MAX:
            del self._contacts[next(iter(self._contacts))]
        return list(self._contacts.values())

    def _unix(self, now: Instant) -> int:
        return _unix(now, self._core.wall_offset_ms)


def trust_rows(evidence: dict[int, Evidence], offset_ms: int) -> list[Row]:
    """What is known of each peer's promises, as rows; `offset_ms` is the core's."""
    return [
        (_u64(peer), e.kept, e.broken, _unix(e.since, offset_ms), _unix(e.at, offset_ms))
        for peer, e in evidence.items()
    ]


def clock_rows(clocks: list[tuple[bytes, bytes, int]]) -> list[Row]:
    """Clocks (node's key, journal's id, sequence) as rows."""
    return [(node, journal, _u64(sequence)) for node, journal, sequence in clocks]


def clocks_of(rows: Iterable[Row]) -> list[tuple[bytes, bytes, int]]:
    """The clocks that `clock_rows` made into rows."""
    return [(node, journal, _number(sequence)) for node, journal, sequence in rows]


def pull_rows(pulls: list[Pull]) -> list[Row]:
    """Unfinished pulls as rows."""
    return [
        (of.public_key, journal, _u64(after), _u64(until), of.nonce, *of.address)
        for of, journal, after, until in pulls
    ]


def pulls_of(rows: Iterable[Row], node_work_bits: int) -> list[Pull]:
    """The pulls that `pull_rows` made into rows, but for those of nobody."""
    pulls = []
    for public_key, journal, after, until, nonce, host, port in rows:
        contact = _contact(public_key, nonce, host, port, node_work_bits)
        if contact is not None:
            pulls.append((contact, journal, _number(after), _number(until)))
    return pulls


def _contact(
    public_key: bytes, nonce: bytes, host: str, port: int, node_work_bits: int
) -> Contact | None:
    """A contact as a row tells of it; None if that makes no sense."""
    try:
        if not is_unicast(host):
            return None
    except ValueError:
        return None
    return checked_contact(public_key, nonce, (host, port), node_work_bits)


def _of(contact: Contact) -> tuple[bytes, bytes, bytes, str, int]:
    return _u64(contact.id), contact.public_key, contact.nonce, *contact.address


def _unix(then: Instant, offset_ms: int) -> int:
    """Unix seconds: the same each time for the same instant, so that it is written once."""
    return (then // MS + offset_ms) // 1000


def _u64(number: int) -> bytes:
    return number.to_bytes(8, "big")


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _time(held: bytes) -> bytes:
    return _u64(Entry(held).time)


def _seen_longest_ago(row: Row) -> tuple[int, int]:
    return row[6], -row[5]


def _noted(row: Row) -> int:
    noted: int = row[4]
    return noted

"""Renewal: a node puts entries again before they expire, for an owner who gave it a key to do so.

At about two thirds of an entry's life the node reads what stands. If that is unchanged it is put
again, dated now, as a guard: whoever put something else meanwhile wins. Another value by another
device of the owner is left alone, a tombstone ends it, and both are listed (`dave keep ls`).

Unchanged means the same value, flags and lifetime, whatever its date: where two devices renew one
entry, each finds what the other did, and a renewal that reached too few nodes is no other version.
A file is unchanged if the same content stands, whichever upload of it: it may be put again at any
time. One file is renewed at a time (files/renew.py), beside the other entries.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from typing import Any, NamedTuple

from dave.crypto import hashes
from dave.crypto.network import Network
from dave.edge.client import Client
from dave.edge.database import Row
from dave.edge.driver import Driver
from dave.edge.kept import KeptKeys
from dave.edge.keyfile import Key
from dave.edge.limits import (
    RENEWAL_LOOK_SECONDS,
    RENEWAL_NOTE_CHARACTERS_MAX,
    RENEWAL_RETRY_SECONDS_MAX,
    RENEWAL_START_SECONDS,
    RENEWAL_TIMEOUT_SECONDS,
    RENEWAL_TTL_SECONDS_MIN,
    RENEWALS_AT_ONCE,
    RENEWALS_MAX,
)
from dave.edge.receipt import Receipt
from dave.edge.state import State
from dave.errors import DaveError, StoreError, Unreachable, UsageError, WireError, WrongKey
from dave.limits import KEY_BYTES_MAX, TTL_SECONDS_MAX
from dave.names import EntryId, HybridTime, Owner, UnixMs, hybrid_ms
from dave.node.results import is_genuine
from dave.share_limits import REFERENCE_BYTES
from dave.uri import format_uri, owner_name
from dave.wire.entry import Entry, encode
from dave.wire.manifest import Root

log = logging.getLogger("dave.renewals")

KEPT, CHANGED, DELETED, GONE = "kept", "changed", "deleted", "gone"
"""How an entry stands: it is renewed; another version, a tombstone or nothing is there instead."""


_TYPES = (bytes, bytes, bytes, bytes, int, int, int, int, str, str)


class Renewal(NamedTuple):
    """An entry to renew: a row of the database."""

    entry_id: EntryId
    owner: Owner
    key: bytes
    content: bytes
    """What makes it the same entry: see `content_of`."""
    time: HybridTime
    """Of the version found or put last."""
    ttl: int
    due_ms: UnixMs
    """When to look after it next."""
    tries: int
    """That have failed since it was last renewed."""
    standing: str
    note: str
    """What a person should know: why the last try failed, or what ended it."""

    @property
    def expires_ms(self) -> UnixMs:
        """When the version known is gone."""
        return hybrid_ms(self.time) + 1000 * self.ttl


class Renewals:
    """The entries that one node renews. `run` does it, until cancelled; all else may be called
    meanwhile, in the event loop's thread."""

    def __init__(
        self,
        driver: Driver,
        state: State,
        keys: KeptKeys,
        rng: Callable[[], float],
        connect: Callable[[Key], AbstractAsyncContextManager[Client]],
    ) -> None:
        """rng: a number from 0 to 1, for jitter. connect: to the node itself, for an owner: what a
        file is made of is held by this node too."""
        self._driver = driver
        self._connect = connect
        self._state = state
        self._keys = keys
        self._rng = rng
        self._keys_in_hand = asyncio.Lock()
        """A key that was just saved must not be destroyed before its first entry is listed."""
        self._rows: dict[EntryId, Renewal] = _genuine(state.load("renewals"))
        self._woken = asyncio.Event()
        self._under_way: dict[EntryId, asyncio.Task[None]] = {}
        self._one_file = asyncio.Lock()
        self._after_file: set[EntryId] = set()
        """Files that are looked after again once that is free."""

    def __len__(self) -> int:
        return sum(row.standing == KEPT for row in self._rows.values())

    # --- What an owner asks (control.sock) ---------------------------------------------------

    async def keep(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Renew an entry from now on: `seed` and `entry` in hexadecimal; `ttl`: seconds that a file
        is to live each time, by default what is left of its entry's life. Answers once key and
        entry are on the disk. Raises UsageError, KeyFileError or StoreError."""
        key, entry, ttl = _asked(asked)
        if entry.owner != key.owner or entry.is_tombstone:
            raise UsageError("only an entry of that key's owner, and no tombstone, can be renewed")
        if not is_genuine(entry, self._network):
            raise UsageError(
                f"the node here belongs to another network ({self._network.name}, or another "
                "secret): keep the entry with one of its own network (--data DIR)"
            )
        if entry.ttl < RENEWAL_TTL_SECONDS_MIN:
            raise UsageError(f"only lifetimes from {RENEWAL_TTL_SECONDS_MIN} s on are renewed")
        self._make_room(entry.id)
        row = Renewal(
            entry.id, entry.owner, entry.key, content_of(entry, self._network, key), entry.time,
            ttl, self._due(entry.time, entry.ttl), 0, KEPT, "",
        )  # fmt: skip
        async with self._keys_in_hand:
            await asyncio.to_thread(self._keys.save, key)
            before = self._rows.get(entry.id)
            self._rows[entry.id] = row
        if not await self._save():
            self._rows.pop(entry.id, None)
            if before is not None:
                self._rows[entry.id] = before
            await self._destroy_unused([entry.owner])
            raise StoreError("the node here cannot write its database, so that it keeps nothing")
        self._woken.set()
        return _told(row)

    async def told(self, _asked: dict[str, Any]) -> dict[str, Any]:
        """What is renewed, the next one first, and whose keys are here."""
        rows = sorted(self._rows.values(), key=lambda row: (row.standing != KEPT, row.due_ms))
        owners = await asyncio.to_thread(self._keys.owners)
        return {"kept": list(map(_told, rows)), "keys": list(map(owner_name, owners))}

    async def forget(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Renew an entry no more (`key`, and `owner` or None, in hexadecimal), or none (`all`). The
        keys that nothing is left to renew with are destroyed. Raises UsageError."""
        owners = await asyncio.to_thread(self._keys.owners)
        if asked.get("all"):
            chosen = list(self._rows.values())
        else:
            chosen = self._named(_hex(asked, "key"), asked.get("owner") and _hex(asked, "owner"))
        for row in chosen:
            del self._rows[row.entry_id]
            if (task := self._under_way.get(row.entry_id)) is not None:
                task.cancel()
        await self._save()
        if not asked.get("all"):
            owners = [row.owner for row in chosen]
        destroyed = await self._destroy_unused(owners)
        return {
            "forgotten": [format_uri(row.owner, row.key) for row in chosen],
            "destroyed": list(map(owner_name, destroyed)),
        }

    async def look(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Look after an entry at once, if it is renewed here (`key` and `owner` in hexadecimal):
        something has become of it. Raises UsageError."""
        row = self._rows.get(hashes.entry_id_of(_hex(asked, "owner"), _hex(asked, "key")))
        is_kept = row is not None and row.standing == KEPT
        if row is not None and is_kept:
            self._rows[row.entry_id] = row._replace(due_ms=self._now_ms())
            self._woken.set()
        return {"kept": is_kept}

    # --- Renewing ----------------------------------------------------------------------------

    async def run(self) -> None:
        """Look after each entry when it is due, a few at a time."""
        await self._save()  # those taken over from a damaged database are in memory only
        await asyncio.sleep(RENEWAL_START_SECONDS)
        try:
            while True:
                self._woken.clear()
                wait = self._begin_due()
                await self._save()  # writes nothing, unless the database was made anew meanwhile
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), wait)
        finally:
            for task in self._under_way.values():
                task.cancel()

    def _begin_due(self) -> float:
        """Begin with those that are due; how many seconds to wait for the next."""
        now_ms = self._now_ms()
        if not self._one_file.locked():
            self._after_file.clear()
        waiting = [
            row
            for entry_id, row in self._rows.items()
            if row.standing == KEPT
            and entry_id not in self._under_way
            and entry_id not in self._after_file
        ]
        for row in sorted(waiting, key=lambda row: row.due_ms):
            if row.due_ms > now_ms:
                return min((row.due_ms - now_ms) / 1000, RENEWAL_LOOK_SECONDS)
            if len(self._under_way) == RENEWALS_AT_ONCE:
                break
            task = asyncio.create_task(self._look_after(row))
            self._under_way[row.entry_id] = task
            task.add_done_callback(partial(self._ended, row.entry_id))
        return RENEWAL_LOOK_SECONDS

    def _ended(self, entry_id: EntryId, _task: asyncio.Task[None]) -> None:
        del self._under_way[entry_id]
        self._woken.set()

    async def _look_after(self, row: Renewal) -> None:
        try:
            after = await self._renewed(row)
        except (DaveError, OSError) as error:
            after = self._later(row, str(error))
        except Exception as error:
            log.exception("a renewal failed")
            after = self._later(row, f"an error in Dave: {type(error).__name__}")
        if self._rows.get(row.entry_id) is not row:
            return  # it was put anew, or forgotten, meanwhile
        self._rows[row.entry_id] = after
        await self._save()
        if after.standing != KEPT:
            log.warning(
                "%s is not renewed any more: %s", format_uri(row.owner, row.key), after.note
            )
            await self._destroy_unused([row.owner])

    async def _renewed(self, row: Renewal) -> Renewal:
        """The row after it was looked after. Raises DaveError to try again later."""
        core = self._driver.core
        now = self._driver.now()
        if not len(core.table) and (core.edges or core.table.lost(now)):
            raise Unreachable("no other node answers yet")
        key = await asyncio.to_thread(self._keys.load, row.owner)
        client = Client(self._driver, key)
        found = await client.read(row.owner, row.key, timeout=RENEWAL_TIMEOUT_SECONDS)
        entry = found.entry
        if entry is None or entry.time < row.time:
            if self._now_ms() >= row.expires_ms:
                return row._replace(standing=GONE, note="it expired before it could be renewed")
            raise Unreachable("no node that answers has it")
        if entry.is_tombstone:
            return row._replace(standing=DELETED, note="its owner deleted it")
        if content_of(entry, self._network, key) != row.content:
            note = "another device put another version; put that one with --keep to renew it"
            return row._replace(standing=CHANGED, note=note)
        due = self._due(entry.time, entry.ttl)
        if due > self._now_ms():  # another device has renewed it
            return row._replace(time=entry.time, due_ms=due, tries=0, note="")
        if not entry.is_blob:
            receipt = await self._put_again(client, entry, row.ttl)
        elif self._one_file.locked():
            self._after_file.add(row.entry_id)
            return row
        else:
            async with self._one_file, self._connect(key) as client:
                receipt = await self._put_again(client, entry, row.ttl)
        due = self._due(receipt.time, receipt.ttl)
        return row._replace(time=receipt.time, due_ms=due, tries=0, note="")

    async def _put_again(self, client: Client, entry: Entry, ttl: int) -> Receipt:
        receipt = await client.renew(entry, ttl, timeout=RENEWAL_TIMEOUT_SECONDS)
        try:
            await client.list_again(entry, receipt, timeout=RENEWAL_TIMEOUT_SECONDS)
        except DaveError as error:
            # It is renewed, whatever its owner's directory says.
            uri = format_uri(entry.owner, entry.key)
            log.warning("%s is renewed, but not in the directory: %s", uri, error)
        return receipt

    def _later(self, row: Renewal, why: str) -> Renewal:
        """Try again: after a hundredth of its life, then twice that, and so on."""
        wait = min(RENEWAL_RETRY_SECONDS_MAX, max(1.0, row.ttl / 100) * 2 ** min(row.tries, 16))
        due = self._now_ms() + int(1000 * wait * (0.75 + 0.5 * self._rng()))
        note = why[:RENEWAL_NOTE_CHARACTERS_MAX]
        return row._replace(due_ms=due, tries=row.tries + 1, note=note)

    # --- Parts -------------------------------------------------------------------------------

    @property
    def _network(self) -> Network:
        return self._driver.core.network

    def _now_ms(self) -> UnixMs:
        return self._driver.core.unix_ms(self._driver.now())

    def _due(self, time: HybridTime, ttl: int) -> UnixMs:
        """At two thirds of a life, a twentieth earlier or later."""
        return hybrid_ms(time) + int(1000 * ttl * (2 / 3 + (self._rng() - 0.5) / 10))

    async def _save(self) -> bool:
        rows = list(self._rows.values())
        return await asyncio.wrap_future(self._state.save(lambda: {"renewals": map(tuple, rows)}))

    def _make_room(self, entry_id: EntryId) -> None:
        """For one more; those that are over go first."""
        if len(self._rows) < RENEWALS_MAX or entry_id in self._rows:
            return
        over = next((row for row in self._rows.values() if row.standing != KEPT), None)
        if over is None:
            raise UsageError(f"the node here renews {RENEWALS_MAX:,} entries, and no more")
        del self._rows[over.entry_id]

    def _named(self, key: bytes, owner: Owner | None) -> list[Renewal]:
        found = [
            row for row in self._rows.values() if row.key == key and owner in (None, row.owner)
        ]
        if not found:
            raise UsageError("the node here keeps no such name; see `dave keep ls`")
        if len(found) > 1:
            raise UsageError("whose? several owners have that key: give dave://OWNER/KEY")
        return found

    async def _destroy_unused(self, owners: Iterable[Owner]) -> list[Owner]:
        """Destroy the keys of those for whom there is nothing to renew; whose they were."""
        async with self._keys_in_hand:
            used = {row.owner for row in self._rows.values() if row.standing == KEPT}
            unused = [owner for owner in owners if owner not in used]
            for owner in unused:
                await asyncio.to_thread(self._keys.destroy, owner)
            return unused


def content_of(entry: Entry, network: Network, key: Key) -> bytes:
    """The digest that the entry would have, had it been written at time 0: equal for the same
    owner, key, value, flags and lifetime. For a file of the owner of `key` it is equal for the same
    content, whatever upload and lifetime."""
    value, ttl = entry.value, entry.ttl
    if entry.is_blob:
        from dave.edge.files.open import unsealed

        with suppress(WireError, WrongKey):  # no root: it is only equal to itself
            root = Root.read(unsealed(entry, key, None))
            value, ttl = root._replace(reference=bytes(REFERENCE_BYTES)).encode(), 1
    undated = encode(entry.owner, entry.key, value, 0, ttl, entry.flags)
    return Entry(undated).digest(network)


def _genuine(rows: Iterable[Row]) -> dict[EntryId, Renewal]:
    """Those rows that damage has not made into others."""
    kept: dict[EntryId, Renewal] = {}
    for row in rows:
        if tuple(map(type, row)) != _TYPES or not 1 <= len(row[2]) <= KEY_BYTES_MAX:
            continue
        renewal = Renewal(*row)
        if hashes.entry_id_of(renewal.owner, renewal.key) == renewal.entry_id:
            kept[renewal.entry_id] = renewal
    return kept


def _told(row: Renewal) -> dict[str, Any]:
    """What `dave keep ls` shows; times in Unix seconds."""
    is_kept = row.standing == KEPT
    return {
        "uri": format_uri(row.owner, row.key),
        "standing": row.standing,
        "time": row.time,
        "expires": row.expires_ms / 1000,
        "due": row.due_ms / 1000 if is_kept else None,
        "tries": row.tries,
        "note": row.note,
    }


def _asked(asked: dict[str, Any]) -> tuple[Key, Entry, int]:
    try:
        key, entry = Key(_hex(asked, "seed")), Entry(_hex(asked, "entry"))
    except WireError as error:
        raise UsageError(f"that is no entry: {error}") from None
    ttl = asked.get("ttl", entry.ttl) if entry.is_blob else entry.ttl
    if not isinstance(ttl, int) or not 0 < ttl <= TTL_SECONDS_MAX:
        raise UsageError(f"'ttl' is a lifetime in seconds, up to {TTL_SECONDS_MAX}")
    return key, entry, ttl


def _hex(asked: dict[str, Any], name: str) -> bytes:
    try:
        return bytes.fromhex(asked[name])
    except (KeyError, TypeError, ValueError):
        raise UsageError(f"{name!r} is missing, or not hexadecimal") from None

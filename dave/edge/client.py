"""The verbs of an application: put, get, check, delete, ls, put_many, get_many.

They are written once, as coroutines over a `Driver`, and driven twice: by asyncio (edge/aio.py)
and, blocking, by a plain select loop (edge/blocking.py). That is why nothing here imports asyncio,
whose import alone takes as long as a whole `dave get`.
"""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from dave.crypto import hashes
from dave.edge.addresses import format_address
from dave.edge.check import Check, CheckedNode
from dave.edge.driver import Driver, Progress
from dave.edge.entries import Entries
from dave.edge.files.get_verbs import ReadingVerbs
from dave.edge.files.put_verbs import FileVerbs, as_bytes
from dave.edge.keyfile import Key
from dave.edge.limits import (
    CONCURRENCY_DEFAULT,
    MAX_WORK_DEFAULT,
    TIMEOUT_SECONDS_DEFAULT,
    WATCH_EVENTS_KEPT,
)
from dave.edge.receipt import Items, Name, Receipt, Value, value_of
from dave.edge.whose import linked, whose, whose_key
from dave.errors import DaveError, IsFile, NotListed, UsageError
from dave.limits import TOMBSTONE_TTL_SECONDS, TTL_SECONDS_DEFAULT
from dave.names import HybridTime, Owner
from dave.node.check import CheckResult
from dave.node.results import Found, GetResult
from dave.share_limits import GET_WHOLE_BYTES_MAX
from dave.uri import format_uri
from dave.wire.compression import in_entry, inflated, plain_value
from dave.wire.entry import BLOB, PRIVATE, TOMBSTONE, Entry, check_put

if TYPE_CHECKING:
    from pathlib import Path

    from dave.edge.directory import Directory
    from dave.edge.watch import Watch
    from dave.node.client import Client as Core


class Client(FileVerbs, ReadingVerbs):
    """Puts and gets entries. Made by `dave.connect` (asyncio); `dave.connect_sync` has the same
    verbs, blocking."""

    def __init__(self, driver: Driver, key: Key | None) -> None:
        self._driver = driver
        self._key = key
        self._entries = Entries(driver, key)
        self._directory: Directory | None = None

    @property
    def core(self) -> "Core":
        """What counts what this client does."""
        return self._driver.core

    @property
    def trace(self) -> list[Any]:
        """The steps of the last lookup: what `--explain` prints."""
        return self._entries.trace

    async def put(
        self,
        key: str | bytes,
        value: str | bytes,
        *,
        ttl: int = TTL_SECONDS_DEFAULT,
        cas: HybridTime | None = None,
        timeout: float = TIMEOUT_SECONDS_DEFAULT,
        max_work: int = MAX_WORK_DEFAULT,
        progress: Progress | None = None,
        listed: bool = True,
        private: bool = False,
    ) -> Receipt:
        """Sign `value`, stamp it and hand it to the nodes nearest to it; returns at quorum.

        key: 1 to 255 bytes, the first not 0 (text is encoded as UTF-8). A value that with its key,
        compressed where that helps, has more than 1240 bytes is put as `put_file` puts it.
        ttl: lifetime in seconds, 1 to 31,622,400. cas: the `time` of the version to replace, 0 for
        "must not exist". timeout: seconds for the network's part. max_work: most hashes expected
        of a stamp where nodes are full and ask for more. listed: state the name in the owner's
        directory, within a second or so (`flush`). private: seal it, so that only the owner's key
        or a link opens it.

        Raises UsageError without a key, EntryError for what does not fit an entry, NotStored
        (with `receipt`) below a quorum, Conflict (with `winner`) where cas lost, Unreachable or
        OtherNetwork where nobody of this network answered, WorkCancelled.
        """
        name, plain = as_bytes(key), as_bytes(value)
        check_put(name, b"", ttl)
        form = in_entry(name, plain)
        if form is None or private:
            return await self._put_content(
                name, plain, ttl, listed, private=private, cas=cas, timeout=timeout,
                max_work=max_work, entry_progress=progress,
            )  # fmt: skip
        stored, flags = form
        receipt = await self._entries.put(
            name, stored, ttl, flags, cas, timeout, max_work, progress
        )
        receipt.size = len(plain)
        if listed:
            self.enlist(receipt)
        return receipt

    async def delete(
        self,
        key: str | bytes,
        *,
        cas: HybridTime | None = None,
        timeout: float = TIMEOUT_SECONDS_DEFAULT,
        progress: Progress | None = None,
        listed: bool = True,
        uploads: "Path | None" = None,
    ) -> Receipt:
        """Retract a key: a signed tombstone takes the entry's place for 366 days. If it is a file,
        its shares are released, and so is what an interrupted `put_file` has stored (uploads: as
        there); `released` of the receipt tells how that went.

        Copies that others made cannot be recalled. cas: as in `put`. listed: state the removal in
        the directory. Raises as `put`.
        """
        name = as_bytes(key)
        check_put(name, b"", TOMBSTONE_TTL_SECONDS)
        standing = await self._standing(name, timeout)
        receipt = await self._entries.put(
            name, b"", TOMBSTONE_TTL_SECONDS, TOMBSTONE, cas, timeout, MAX_WORK_DEFAULT, progress
        )
        if listed:
            self.enlist(receipt)
        receipt.released = await self._release(name, standing, uploads, timeout)
        return receipt

    async def get(
        self,
        name: str | bytes,
        *,
        owner: Owner | str | None = None,
        timeout: float = TIMEOUT_SECONDS_DEFAULT,
        quorum: int = 2,
        limit: int = GET_WHOLE_BYTES_MAX,
    ) -> Value | None:
        """The newest version of an entry, verified; None if it is absent or deleted.

        name: a key, "dave://OWNER/KEY", or a link. owner: whose key it is; by default one's own.
        quorum: how many nodes must return the same version (all, where fewer are known). limit: the
        most bytes of a file that are returned whole; for more there are `get_file`, `open_file`.

        Raises UsageError if neither says whose, Unreachable if too few nodes answered to say that
        it is absent, OtherNetwork, WireError for a value that its owner compressed wrongly,
        WrongKey for a private value that neither one's own key nor the link opens, IsFile for a
        folder or a file beyond `limit`, and what `open_file` raises.
        """
        started = time.monotonic()
        owner_of, key, link_key = linked(name, owner, self._key)
        result = await self._entries.get(hashes.entry_id_of(owner_of, key), timeout, quorum)
        entry = result.entry
        if result.found is not Found.FOUND or entry is None:
            return None
        seconds = time.monotonic() - started
        if entry.flags & (BLOB | PRIVATE):
            from dave.edge.files.open import opened

            file = opened(self._driver, result, self._key, link_key, seconds)
            try:
                value = await file.whole(limit)
            except IsFile as error:
                error.found = result
                raise
            return value._replace(seconds=time.monotonic() - started)
        return value_of(entry, self._driver.core.network, result.replicas, seconds)

    async def check(
        self,
        name: str | bytes,
        *,
        owner: Owner | str | None = None,
        timeout: float = TIMEOUT_SECONDS_DEFAULT,
    ) -> Check | None:
        """Have each node that should hold an entry prove it; None if it is absent or deleted.

        name, owner: as in `get`, which comes first. timeout: seconds for reading the entry, and
        once more for the proofs. Raises as `get`.
        """
        started = time.monotonic()
        owner_of, key = whose_key(name, owner, self._key)
        found = await self._entries.get(hashes.entry_id_of(owner_of, key), timeout, 2)
        if found.found is not Found.FOUND or found.entry is None:
            return None
        driver = self._driver
        now = driver.now()
        operation = driver.core.check(found.entry, now, now + int(timeout * 1e9))
        driver.flush()
        result: CheckResult = await driver.wait(operation)
        self._entries.trace = result.trace
        nodes = [
            CheckedNode(
                format_address(node.address),
                f"{node.id:016x}",
                node.verdict,
                node.rtt_ns / 1e6 if node.rtt_ns else None,
            )
            for node in result.nodes
        ]
        return Check(format_uri(owner_of, key), nodes, time.monotonic() - started)

    async def read(self, owner: Owner, key: bytes, *, timeout: float, quorum: int = 0) -> GetResult:
        """The newest version as it is held, a tombstone included. quorum: as in `get`; 0: all who
        should hold it are asked.

        Raises Unreachable if too few nodes answered, OtherNetwork.
        """
        return await self._entries.get(hashes.entry_id_of(owner, key), timeout, quorum)

    async def put_entry(
        self,
        entry: Entry | bytes,
        *,
        cas: HybridTime | None = None,
        timeout: float = TIMEOUT_SECONDS_DEFAULT,
    ) -> Receipt:
        """Hand on an entry that its owner has signed and stamped, whoever that is: unchanged, as
        `Receipt.encoded` has it.

        cas, timeout: as in `put`. Raises WireError for bytes that are no entry, EntryError where
        signature or stamp are not good or its time is over, Conflict where a newer version stands,
        else as `put`.
        """
        if not isinstance(entry, Entry):
            entry = Entry(bytes(entry))
        return await self._entries.hand_on(entry, cas, timeout)

    async def renew(self, entry: Entry, ttl: int, *, timeout: float) -> Receipt:
        """Put the same value again, dated now, unless another version than `entry` stands; of a
        file, for `ttl` seconds, and its shares live longer where they are. Raises as `put` with
        `cas`, and NotWhole."""
        if entry.is_blob:
            return await self._files().renew(entry, ttl, timeout)
        return await self._entries.put(
            entry.key, entry.value, entry.ttl, entry.flags, entry.time, timeout
        )

    async def list_again(self, entry: Entry, receipt: Receipt, *, timeout: float) -> None:
        """Have the directory say until when a renewed entry lives, if it names the entry.

        Raises as `ls`, NotListed, and WireError for a value that was compressed wrongly.
        """
        names = await self.ls(entry.owner, entry.key, timeout=timeout)
        if any(name.key == entry.key for name in names):
            if not entry.is_blob:
                receipt.size = len(self._plain(entry))
            self.enlist(receipt)
            await self.flush()

    def _plain(self, entry: Entry) -> bytes:
        """The value of one's own entry that is no file's. Raises WireError, WrongKey."""
        if not entry.is_private:
            return plain_value(entry)
        from dave.edge.files.open import unsealed

        value = unsealed(entry, self._key, None)
        return inflated(value) if entry.is_compressed else value

    def watch(
        self,
        name: str | bytes,
        *,
        owner: Owner | str | None = None,
        timeout: float = TIMEOUT_SECONDS_DEFAULT,
        kept: int = WATCH_EVENTS_KEPT,
    ) -> "Watch":
        """Each version of an entry, from the one that stands now on: `async for change in ...`.

        name, owner: as in `get`. timeout: seconds for the first look at the network. kept: how
        many changes wait to be read; of more, the oldest are skipped, so that with 1 it is always
        the newest that is read. Iterating raises as `get` if the first look reaches nobody.
        """
        from dave.edge.watch import Watch

        owner_of, key = whose_key(name, owner, self._key)
        if kept < 1:
            raise UsageError(f"kept is how many changes wait, 1 or more: not {kept!r}")
        return Watch(self._driver, owner_of, key, timeout, kept)

    async def ls(
        self,
        owner: Owner | str | None = None,
        prefix: str | bytes = b"",
        *,
        timeout: float = TIMEOUT_SECONDS_DEFAULT,
    ) -> list[Name]:
        """The names that an owner has and that begin with `prefix`, in the order of their bytes.

        owner: whose; by default one's own. timeout: seconds, for each entry of the directory.
        Raises UsageError if it is not known whose, Unreachable where a part of the directory
        cannot be read, WireError where it is none, Incomplete with the names that were read (its
        `part`) where it has no end.
        """
        from dave.edge.directory_reader import names_of

        of = whose(owner, self._key)
        return await names_of(Entries(self._driver, None), of, as_bytes(prefix), timeout)

    async def put_many(
        self,
        items: Items,
        *,
        ttl: int = TTL_SECONDS_DEFAULT,
        concurrency: int = CONCURRENCY_DEFAULT,
        timeout: float = TIMEOUT_SECONDS_DEFAULT,
        listed: bool = True,
    ) -> list[Receipt | DaveError]:
        """Put many values, `concurrency` at a time and fewer while nodes are busy.

        items: a mapping, or pairs, of key and value. Returns for each item, in order, its receipt
        or the error that `put` would have raised; none ends the others. The directory is written
        once, after them.
        """
        from dave.edge.batch import put_all

        return await put_all(
            self, self._driver, items, concurrency, ttl=ttl, timeout=timeout, listed=listed
        )

    async def get_many(
        self,
        names: Iterable[str | bytes],
        *,
        owner: Owner | str | None = None,
        concurrency: int = CONCURRENCY_DEFAULT,
        timeout: float = TIMEOUT_SECONDS_DEFAULT,
        quorum: int = 2,
    ) -> list[Value | DaveError | None]:
        """Get many values, `concurrency` at a time; for each name, in order, what `get` returns, or
        the error that it would have raised."""
        from dave.edge.batch import get_all

        return await get_all(
            self, self._driver, names, concurrency, owner=owner, timeout=timeout, quorum=quorum
        )

    async def flush(self, *, wait: bool = True) -> None:
        """Write the directory now, instead of up to a second after a put.

        wait: until it is written. Raises NotListed if it cannot be; the next put, flush or the
        client's end tries again.
        """
        if self._directory is not None:
            await self._directory.flush(wait)

    async def finish(self) -> None:
        """Write what the directory lacks; a warning tells if that fails, unless a flush has said so
        before. The context managers call it when they end."""
        try:
            if self._directory is not None and self._directory.is_news:
                await self.flush()
        except NotListed as error:
            from warnings import warn

            warn(str(error), RuntimeWarning, stacklevel=2)

    def enlist(self, receipt: Receipt) -> None:
        """Have the directory say what a put or delete has done."""
        if self._directory is None:
            from dave.edge.directory import Directory

            assert self._key is not None
            self._directory = Directory(Entries(self._driver, self._key), self._key)
        self._directory.say(receipt)

"""The way up: a file, folder or stream becomes shares at nodes, and an entry that leads to them.

    read the version that stands → its rows are known → journal → pipeline (pipeline.py)
    → entry → what the version before was made of is released

Whatever ends it in between, the same put goes on: the journal knows which stripes are stored, and
the nodes know which shares they hold.
"""

import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from dave.crypto import hashes
from dave.crypto.work import share_work
from dave.edge.driver import Driver, Progress
from dave.edge.entries import Entries
from dave.edge.files.open import unsealed
from dave.edge.files.pipeline import InFlight, Maker, Pipeline
from dave.edge.files.place import Placer
from dave.edge.files.receipt import FileProgress, FileReceipt, OnProgress
from dave.edge.files.release import release_rows
from dave.edge.files.rows import KnownRows, rows_of
from dave.edge.files.shares import Shares
from dave.edge.files.source import Source
from dave.edge.files.upload_journal import Upload, UploadJournal
from dave.edge.keyfile import Key
from dave.edge.limits import RESUME_SHARE
from dave.errors import Conflict, DaveError, EntryError, NetworkError, NotStored, UsageError
from dave.files.blocks import convergent, drawn
from dave.files.code import Code, bears_a_loss, default_code
from dave.files.private import NONCE_BYTES, seal_value
from dave.files.tree import rows_room
from dave.limits import TTL_SECONDS_MAX
from dave.names import HybridTime, hybrid_ms, place_of
from dave.share_limits import BLOCK_BYTES, CODE_SHARES_MAX, REFERENCE_BYTES
from dave.wire.entry import BLOB, PRIVATE, Entry
from dave.wire.manifest import Level, Root, Row


class PutOptions(NamedTuple):
    """How a file is put; as in `Client.put_file`."""

    ttl: int
    code: Code | None
    random_key: bool
    private: bool
    cas: HybridTime | None
    timeout: float
    max_work: int
    uploads: Path
    progress: OnProgress | None
    entry_progress: Progress | None = None


class FilePut:
    """One put of a file under a name."""

    def __init__(
        self,
        driver: Driver,
        shares: Shares,
        in_flight: InFlight,
        key: Key,
        name: bytes,
        options: PutOptions,
    ) -> None:
        self._driver = driver
        self._shares = shares
        self._in_flight = in_flight
        self._key = key
        self._name = name
        self._options = options
        self._entries = Entries(driver, key)
        self._entry_id = hashes.entry_id_of(key.owner, name)
        self._started = time.monotonic()
        self._standing_time: HybridTime = 0
        """When the version that stands was put, a tombstone included."""

    async def run(self, source: Source) -> FileReceipt:
        """Raises as `Client.put_file`."""
        # First of all, so that no other command changes what stands while this one looks.
        journal = UploadJournal(self._options.uploads, self._key.owner, self._entry_id)
        try:
            return await self._run(source, journal)
        finally:
            journal.close()

    async def _run(self, source: Source, journal: UploadJournal) -> FileReceipt:
        options = self._options
        standing = await self._standing()
        peers = await self._shares.nearest(
            place_of(self._entry_id), CODE_SHARES_MAX, options.timeout
        )
        known = KnownRows()
        placer = Placer(self._shares, self._driver, self._driver.core.network, options.max_work)
        try:
            placer.greet(peers)
            code = self._code(len(peers), journal.upload)
            upload = await self._begin(journal, code, standing)
            if standing is not None:
                await self._learn(known, standing)
            root, pipeline = await self._store(source, journal, known, placer, upload)
            receipt = await self._put_entry(root, upload)
            with suppress(OSError):  # the next put sees that its entry stands
                await self._driver.offload(journal.remove)
        finally:
            placer.close()
            known.close()
        receipt.size = root.size
        receipt.seconds = time.monotonic() - self._started
        made = FileReceipt(receipt, pipeline.tally(), is_private=options.private)
        if standing is not None and standing.reference != root.reference:
            await self._release(standing)
        return made

    async def _standing(self) -> Root | None:
        """The root of the version that stands, if that is a file. Raises Conflict early where cas
        cannot win any more."""
        found = (await self._entries.get(self._entry_id, self._options.timeout)).entry
        self._standing_time = 0 if found is None else found.time
        cas = self._options.cas
        is_there = found is not None and not found.is_tombstone
        if cas is not None and cas != (found.time if found is not None and is_there else 0):
            raise Conflict("another version stands; read it and put again", found)
        try:
            return None if found is None else root_of(found, self._key)
        except DaveError:
            return None  # Whatever it is, it is about to be replaced.

    def _code(self, nodes: int, held: Upload | None) -> Code:
        """The code asked for, or that of an upload that may go on, though some of its nodes may
        have gone, or the one that fits a network of so many nodes."""
        code = self._options.code
        if code is None:
            if held is not None and bears_a_loss(Code(held.k, held.n), nodes):
                return Code(held.k, held.n)
            return default_code(nodes)
        if code.n > nodes:
            raise UsageError(
                f"a code of {code} needs {code.n} nodes and there are {nodes}: leave out --code, "
                f"which takes {default_code(nodes)} here"
            )
        return code

    async def _begin(self, journal: UploadJournal, code: Code, standing: Root | None) -> Upload:
        """The upload that goes on, or a new one; one that cannot go on is released.

        None goes on after another entry was put: by its own its upload ended, and whoever replaced
        that, on another device too, has released it, or is about to."""
        options, held = self._options, journal.upload
        ttl = shares_ttl(options.ttl)
        now = self._entries.clock()
        if held is not None:
            age = (hybrid_ms(now) - hybrid_ms(held.time)) / 1000
            same = (held.ttl, held.k, held.n, bool(held.random_key))
            fits = same == (ttl, *code, options.random_key) and (0 <= age <= ttl * RESUME_SHARE)
            if fits and self._standing_time < held.time:
                return held
            if standing is None or standing.reference != held.reference:
                rows = map(Row.read, await self._driver.offload(journal.each_row))
                await release_rows(
                    self._shares, self._entries, self._key, held.reference, rows, options.timeout
                )
        rng = self._driver.core.rng
        random_key = rng.randbytes(32) if options.random_key else b""
        upload = Upload(rng.randbytes(REFERENCE_BYTES), now, ttl, *code, random_key)
        await self._driver.offload(journal.start, upload)
        return upload

    async def _learn(self, known: KnownRows, standing: Root) -> None:
        """What stands need not be sent again. A manifest that cannot be read is no obstacle: then
        all is offered, and nodes that hold it say so."""
        with suppress(DaveError, OSError):  # or there is no room for the rows
            async for row in rows_of(standing, self._driver, self._shares):
                known.add(row)

    async def _store(
        self,
        source: Source,
        journal: UploadJournal,
        known: KnownRows,
        placer: Placer,
        upload: Upload,
    ) -> tuple[Root, Pipeline]:
        options, driver = self._options, self._driver
        network = driver.core.network
        seed = self._key.seed
        keys = drawn(upload.random_key) if upload.random_key else convergent(seed)
        maker = Maker(self._key, network, upload, keys, journal, known)
        code = Code(upload.k, upload.n)
        room = rows_room(self._name, is_private=options.private)
        pipeline = Pipeline(
            driver, maker, placer, journal, code, room,
            lambda done, sent: self._tell(source, upload, done, sent), self._in_flight,
        )  # fmt: skip
        self._tell(source, upload, 0, 0)
        try:
            root = await pipeline.run(source, upload.reference)
        except (NotStored, NetworkError) as error:
            raise self._interrupted(error, pipeline.done, source) from error
        return root, pipeline

    def _interrupted(self, error: DaveError, done: int, source: Source) -> DaveError:
        of = "" if source.size is None else f" of {source.size:,}"
        text = (
            f"{error}. {done:,}{of} bytes are stored: put it again to go on from there; `dave rm` "
            "releases them and deletes the name"
        )
        return type(error)(text)

    def _tell(self, source: Source, upload: Upload, done: int, sent: int) -> None:
        if self._options.progress is not None:
            work = 0
            if self._driver.core.network.asks_work:
                size = done if source.size is None else source.size
                work = expected_work(size, upload)
            seconds = time.monotonic() - self._started
            self._options.progress(FileProgress(done, source.size, sent, work, seconds))

    async def _put_entry(self, root: Root, upload: Upload) -> Any:
        """Raises as Entries.put. The entry never outlives its shares."""
        options, value, flags = self._options, root.encode(), BLOB
        if options.private:
            nonce = self._driver.core.rng.randbytes(NONCE_BYTES)
            value = seal_value(self._key.private_key(self._name), value, nonce)
            flags |= PRIVATE
        passed_ms = hybrid_ms(self._entries.clock()) - hybrid_ms(upload.time)
        left = (upload.ttl * 1000 - passed_ms) // 1000
        if left <= 0:
            raise EntryError(
                f"putting it took longer than it is to live ({options.ttl} s): give a longer --ttl"
            )
        return await self._entries.put(
            self._name, value, min(options.ttl, left), flags, options.cas, options.timeout,
            options.max_work, options.entry_progress,
        )  # fmt: skip

    async def _release(self, standing: Root) -> None:
        """The version before is not needed any more; what is not released runs out by itself."""
        with suppress(DaveError):
            await release_rows(
                self._shares, self._entries, self._key, standing.reference,
                rows_of(standing, self._driver, self._shares), self._options.timeout,
            )  # fmt: skip


def shares_ttl(ttl: int) -> int:
    """Lifetime of the shares, in seconds, of a file that is to live `ttl` from its last share on:
    they are dated before the first."""
    return min(TTL_SECONDS_MAX, ttl + ttl // 1000 + 1)


def expected_work(size: int, upload: Upload) -> int:
    """Hashes that the stamps of so many bytes of content take, manifests left out."""
    level = Level(size, upload.k, upload.n)
    if not level.stripes:
        return 0
    last = level.shape(level.stripes - 1)
    full = (level.stripes - 1) * upload.n * BLOCK_BYTES
    return share_work(full + last.paid_bytes, upload.ttl)


def root_of(entry: Entry, key: Key) -> Root | None:
    """The root that an own entry holds, if it is a file's. Raises WireError, WrongKey."""
    return Root.read(unsealed(entry, key, None)) if entry.is_blob else None

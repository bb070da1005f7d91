"""The verbs of files, behind `Client.put_file` and `Client.delete`: what fits an entry is one, what
does not becomes shares. Loaded at first use, since few commands need what it needs."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from dave.crypto import hashes
from dave.edge.driver import Driver, Progress
from dave.edge.entries import Entries
from dave.edge.files.pipeline import InFlight
from dave.edge.files.put import FilePut, PutOptions, root_of
from dave.edge.files.receipt import FileReceipt, OnProgress, Released
from dave.edge.files.release import release_rows
from dave.edge.files.renew import FileRenewal
from dave.edge.files.rows import rows_of
from dave.edge.files.shares import Shares
from dave.edge.files.source import BegunSource, BytesSource, Content, Source, open_source
from dave.edge.files.upload_journal import UploadJournal, has_journal, uploads_folder
from dave.edge.keyfile import Key
from dave.edge.receipt import Receipt
from dave.errors import UsageError, WireError, WrongKey
from dave.files.code import Code, parse_code
from dave.files.private import NONCE_BYTES, seal_value
from dave.limits import INFLATED_BYTES_MAX
from dave.names import HybridTime
from dave.wire.compression import in_entry
from dave.wire.entry import PRIVATE, Entry
from dave.wire.manifest import Row


class FileClient:
    """Files of one owner."""

    def __init__(self, driver: Driver, key: Key, entries: Entries) -> None:
        self._driver = driver
        self._key = key
        self._entries = entries
        self._shares = Shares(driver)
        self._in_flight = InFlight()

    async def put(self, name: bytes, content: Content | bytes, options: PutOptions) -> Receipt:
        """As `Client.put_file`: an entry where all fits one, else a FileReceipt."""
        async with _opened(content, self._driver) as source:
            head = b"" if source.is_folder else await source.read(INFLATED_BYTES_MAX + 1)
            if not source.is_folder and (stored := in_entry(name, head, options.private)):
                return await self._put_entry(name, head, *stored, options)
            return await self._put_file(name, BegunSource(head, source), options)

    async def _put_file(self, name: bytes, source: Source, options: PutOptions) -> FileReceipt:
        put = FilePut(self._driver, self._shares, self._in_flight, self._key, name, options)
        return await put.run(source)

    async def _put_entry(
        self, name: bytes, plain: bytes, value: bytes, flags: int, options: PutOptions
    ) -> Receipt:
        if flags & PRIVATE:
            nonce = self._driver.core.rng.randbytes(NONCE_BYTES)
            value = seal_value(self._key.private_key(name), value, nonce)
        receipt = await self._entries.put(
            name, value, options.ttl, flags, options.cas, options.timeout, options.max_work,
            options.entry_progress,
        )  # fmt: skip
        receipt.size = len(plain)
        return receipt

    async def renew(self, entry: Entry, ttl: int, timeout: float) -> Receipt:
        """As `Client.renew`, of a file."""
        return await FileRenewal(self._driver, self._shares, self._key, entry, ttl, timeout).run()

    async def _release(
        self, reference: bytes, rows: AsyncIterator[Row] | Iterable[Row], timeout: float
    ) -> Released:
        return await release_rows(self._shares, self._entries, self._key, reference, rows, timeout)

    async def release(
        self, name: bytes, standing: Entry | None, uploads: Path, timeout: float
    ) -> Released | None:
        """Let go of what stood under a name, and of an upload to it that was interrupted; None if
        there was neither."""
        released = list[Released]()
        root = None
        with suppress(WireError, WrongKey):
            root = None if standing is None else root_of(standing, self._key)
        if root is not None:
            rows = rows_of(root, self._driver, self._shares)
            released.append(await self._release(root.reference, rows, timeout))
        entry_id = hashes.entry_id_of(self._key.owner, name)
        if has_journal(uploads, self._key.owner, entry_id):
            with suppress(UsageError):  # it is being put, and ends with an entry of its own
                released += await self._release_begun(entry_id, uploads, timeout)
        if len(released) < 2:
            return released[0] if released else None
        # The same nodes were told of both, as far as a person cares.
        return Released(
            sum(each.records for each in released),
            max(each.nodes for each in released),
            max(each.silent for each in released),
            all(each.is_whole for each in released),
        )

    async def _release_begun(
        self, entry_id: bytes, uploads: Path, timeout: float
    ) -> list[Released]:
        journal = UploadJournal(uploads, self._key.owner, entry_id)
        released = []
        try:
            if journal.upload is not None:
                begun = map(Row.read, journal.each_row())
                released.append(await self._release(journal.upload.reference, begun, timeout))
            journal.remove()
        finally:
            journal.close()
        return released


@asynccontextmanager
async def _opened(content: Content | bytes, driver: Driver) -> AsyncIterator[Source]:
    source: Source
    if isinstance(content, bytes):
        source = BytesSource(content)
    else:
        source = await open_source(content, driver)
    try:
        yield source
    finally:
        source.close()


def put_options(
    ttl: int,
    *,
    code: Code | str | None = None,
    random_key: bool = False,
    private: bool = False,
    cas: HybridTime | None = None,
    timeout: float,
    max_work: int,
    progress: OnProgress | None = None,
    uploads: Path | None = None,
    entry_progress: Progress | None = None,
) -> PutOptions:
    """Arguments of a put, checked. Raises UsageError."""
    if isinstance(code, str):
        code = parse_code(code)
    elif code is not None:
        code = parse_code("{}/{}".format(*code))
    return PutOptions(
        ttl, code, random_key, private, cas, timeout, max_work, uploads or uploads_folder(),
        progress, entry_progress,
    )  # fmt: skip

"""The verbs of an application that are about files: a part of `Client` (client.py).

They load what they need when they are called: most commands need nothing of it.
"""

from typing import TYPE_CHECKING, Any

from dave.crypto import hashes
from dave.edge.driver import Driver
from dave.edge.entries import Entries
from dave.edge.keyfile import Key
from dave.edge.limits import MAX_WORK_DEFAULT, TIMEOUT_SECONDS_DEFAULT
from dave.edge.receipt import Receipt
from dave.errors import NetworkError, UsageError
from dave.limits import TTL_SECONDS_DEFAULT
from dave.names import HybridTime
from dave.wire.entry import Entry, check_put

if TYPE_CHECKING:
    from pathlib import Path

    from dave.edge.files.client import FileClient
    from dave.edge.files.receipt import OnProgress, Released
    from dave.edge.files.source import Content
    from dave.files.code import Code


class FileVerbs:
    """put_file, and what `put` and `delete` do about files."""

    _driver: Driver
    _key: Key | None
    _entries: Entries
    _file_client: "FileClient | None" = None

    def enlist(self, receipt: Receipt) -> None:
        """As `Client.enlist`."""
        raise NotImplementedError

    async def put_file(
        self,
        key: str | bytes,
        content: "Content",
        *,
        ttl: int = TTL_SECONDS_DEFAULT,
        code: "Code | str | None" = None,
        random_key: bool = False,
        private: bool = False,
        cas: HybridTime | None = None,
        timeout: float = TIMEOUT_SECONDS_DEFAULT,
        max_work: int = MAX_WORK_DEFAULT,
        progress: "OnProgress | None" = None,
        listed: bool = True,
        uploads: "Path | None" = None,
    ) -> Receipt:
        """Put a file, a folder or a stream of any size: in shares at many nodes, any k of n of
        which suffice, or as an entry where it fits one.

        content: a path, a binary file, or an asynchronous iterator of bytes. code: (k, n) or "k/n",
        by default what fits the number of nodes. random_key: share nothing with what else the owner
        has put. cas, private, listed: as in `put`. timeout: seconds for a step, never for all of
        it. progress: told a FileProgress. uploads: the folder where it is noted how far this came:
        interrupted, the same call goes on; by default in the user's data folder.

        Returns a FileReceipt, whose `file` tells how safe it is; a Receipt where it fitted an
        entry. Raises as `put`, FileChanged, OSError for what cannot be read.
        """
        return await self._put_content(
            as_bytes(key), content, ttl, listed, code=code, random_key=random_key, private=private,
            cas=cas, timeout=timeout, max_work=max_work, progress=progress, uploads=uploads,
        )  # fmt: skip

    async def drop_upload(
        self,
        key: str | bytes,
        *,
        timeout: float = TIMEOUT_SECONDS_DEFAULT,
        uploads: "Path | None" = None,
    ) -> None:
        """Let go of what a `put_file` that was interrupted has stored, if nobody goes on with it.
        Arguments as there. Raises UsageError without a key."""
        await self._release(as_bytes(key), None, uploads, timeout)

    async def _put_content(
        self, name: bytes, content: "Content | bytes", ttl: int, listed: bool, **how: Any
    ) -> Receipt:
        from dave.edge.files.client import put_options

        check_put(name, b"", ttl)
        receipt = await self._files().put(name, content, put_options(ttl, **how))
        if listed:
            self.enlist(receipt)
        return receipt

    def _files(self) -> "FileClient":
        from dave.edge.files.client import FileClient

        if self._key is None:
            raise UsageError("a put needs the owner's key: pass key=dave.Key.load(path)")
        if self._file_client is None:
            self._file_client = FileClient(self._driver, self._key, self._entries)
        return self._file_client

    async def _standing(self, name: bytes, timeout: float) -> Entry | None:
        """An own entry, before it is deleted, if it is a file's."""
        if self._key is None:
            return None
        entry_id = hashes.entry_id_of(self._key.owner, name)
        try:
            # Not by the client's own: its trace is of what the caller asked for.
            entry = (await Entries(self._driver, None).get(entry_id, timeout)).entry
        except NetworkError:
            return None
        return entry if entry is not None and entry.is_blob else None

    async def _release(
        self, name: bytes, standing: Entry | None, uploads: "Path | None", timeout: float
    ) -> "Released | None":
        """After it was deleted: let go of its shares, and of an upload that was interrupted."""
        from dave.edge.files.upload_journal import has_journal, uploads_folder

        if self._key is None:
            raise UsageError("uploads are an owner's: pass key=dave.Key.load(path)")
        uploads = uploads or uploads_folder()
        entry_id = hashes.entry_id_of(self._key.owner, name)
        if standing is not None or has_journal(uploads, self._key.owner, entry_id):
            return await self._files().release(name, standing, uploads, timeout)
        return None


def as_bytes(text: str | bytes) -> bytes:
    """A key or value as bytes. Raises UsageError for what is neither text nor bytes."""
    if isinstance(text, str):
        return text.encode("utf-8", "surrogateescape")
    if isinstance(text, bytes | bytearray | memoryview):
        return bytes(text)
    raise UsageError(f"keys and values are text or bytes, not {type(text).__name__}")

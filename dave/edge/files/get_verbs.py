"""How a client reads values of any size. What they do is loaded at their first use, since it
takes longer than a whole `dave get` of a small value."""

from typing import TYPE_CHECKING, Any

from dave.crypto import hashes
from dave.edge.driver import Driver
from dave.edge.entries import Entries
from dave.edge.keyfile import Key
from dave.edge.limits import TIMEOUT_SECONDS_DEFAULT
from dave.edge.whose import linked
from dave.errors import NotWhole
from dave.names import SECOND, Owner
from dave.node.results import Found, GetResult

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from dave.edge.files.byte_range import ByteRange
    from dave.edge.files.get import Fetched, OnFetched
    from dave.edge.files.open import OpenFile


class ReadingVerbs:
    """How `Client` reads files."""

    _driver: Driver
    _key: Key | None
    _entries: Entries

    async def open_file(
        self,
        name: str | bytes,
        *,
        owner: Owner | str | None = None,
        link_key: bytes | None = None,
        range: "ByteRange | str | None" = None,  # noqa: A002
        timeout: float = TIMEOUT_SECONDS_DEFAULT,
        quorum: int = 2,
        found: GetResult | None = None,
    ) -> "OpenFile | None":
        """A value of any size, to be read in order: `async for piece in file`; None if it is absent
        or deleted. A folder is a tar stream.

        name, owner, timeout, quorum: as in `get`. link_key: 32 bytes that open a private value, if
        not part of the name. range: which bytes: "0-999", "1000-", "-1000" (the last ones).
        found: what an IsFile brought along.
        Raises as `get`, and UsageError for a range beyond the end.
        """
        from dave.edge.files.open import opened

        started = self._driver.now()
        of, key, in_name = linked(name, owner, self._key)
        if found is None:
            found = await self._entries.get(hashes.entry_id_of(of, key), timeout, quorum)
        if found.found is not Found.FOUND or found.entry is None:
            return None
        seconds = (self._driver.now() - started) / SECOND
        return opened(self._driver, found, self._key, link_key or in_name, seconds, range)

    async def get_file(
        self,
        name: str | bytes,
        path: "str | Path | BinaryIO",
        *,
        progress: "OnFetched | None" = None,
        **options: Any,
    ) -> "Fetched | None":
        """Write a value of any size to `path`, which gets its name once it is whole; a folder is
        unpacked there. None if it is absent or deleted. The same again goes on where it stopped.

        path: of what is to be made, or a binary file to write to. Other options: as `open_file`.
        Raises as `open_file`, NotWhole if parts of it cannot be found, FolderRefused, UsageError
        where something is in the way or the disk is full, OSError.
        """
        from dave.edge.files.get import fetch

        file = await self.open_file(name, **options)
        if file is None:
            return None
        try:
            return await fetch(self._driver, file, path, progress)
        except NotWhole as error:
            again = await self.open_file(name, **options | {"found": None})
            if again is None:
                raise NotWhole("it was deleted while it was fetched") from error
            if again.identity != file.identity:
                text = "another version was put while it was fetched: the same again fetches that"
                raise NotWhole(text) from error
            raise

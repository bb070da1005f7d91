"""The shares on the disk: a file each, `shares/ab/` and 64 hexadecimal digits, by its address.

    share | record | size 4 | mask 4 | length of the record 2 | checksum 16 | magic 4

The share stands first, so that a slice of it is a slice of the file. Behind it stands the record it
came with and, by its mask, which share of the stripe it is: so the tree alone is enough to find
again what is kept for whom, should the database be lost (database.py). In the file it costs
no fsync of its own. The checksum covers what stands between share and checksum; the share has its
address.

A file is written under a temporary name, synced, renamed, and its folder synced, so that under
`--sync always` a share that stands there is whole. 256 folders are enough: with shares of 256 KiB
each has 16,384 files in a tree of a tebibyte, which file systems of today index.
"""

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from struct import Struct

from dave.crypto import hashes, merkle
from dave.edge.disk import Disk
from dave.edge.limits import SHARE_DISK_RESERVE_BYTES, SHARE_ROOM_BYTES
from dave.errors import WireError
from dave.share_limits import BLOCK_BYTES, SHARE_ADDRESS_BYTES, STRIPE_RECORD_BYTES_MAX
from dave.wire.stripe import StripeRecord

MAGIC = b"DsH1"
TEMPORARY = ".new"

_footer = Struct("<IIH16s4s")
_lengths = Struct("<IIH")
FOOTER_BYTES = _footer.size
_TAIL_BYTES = STRIPE_RECORD_BYTES_MAX + FOOTER_BYTES

CHECKSUM_KEY = b"dave shares on the disk".ljust(32, b"\0")
"""No secret: the checksum tells damage, not malice."""


class ShareFiles:
    """The tree in a folder, which is made at the first write; its parent exists. From any thread,
    but not two at a time for one address."""

    def __init__(self, root: Path, disk: Disk | None = None) -> None:
        self.root = root
        self.disk = disk or Disk()
        self._room = 0
        """Bytes that may be written before the system is asked again how many there are."""

    def path(self, address: bytes) -> Path:
        """Where a share is."""
        name = address.hex()
        return self.root / name[:2] / name

    def write(
        self, address: bytes, pieces: Sequence[bytes], record: bytes, mask: int, *, durable: bool
    ) -> None:
        """Keep a share; whole or not at all. Raises OSError."""
        disk, path = self.disk, self.path(address)
        temporary = path.with_name(path.name + TEMPORARY)
        size = sum(map(len, pieces))
        self._take_room(size)
        handle = self._create(temporary, durable=durable)
        try:
            try:
                disk.write_pieces(handle, [*pieces, footer(size, record, mask)])
                if durable:
                    disk.sync(handle)
            finally:
                disk.close(handle)
            disk.rename(temporary, path)
        except OSError:
            with suppress(OSError):
                disk.remove(temporary)
            raise
        if durable:
            disk.sync_folder(path.parent)

    def _take_room(self, size: int) -> None:
        """Raise OSError where only what the journal may need is left. The system is asked at times:
        that costs as much as creating a file."""
        if self._room < size:
            free, total = self.disk.room(self.root.parent)
            spare = free - min(SHARE_DISK_RESERVE_BYTES, total // 16)
            if spare < size:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._room = min(spare, SHARE_ROOM_BYTES)
        self._room -= size

    def _create(self, temporary: Path, *, durable: bool) -> int:
        for _ in range(2):
            try:
                return self.disk.create(temporary)
            except FileNotFoundError:
                self.disk.make_folder(temporary.parent)
                if durable:
                    self.disk.sync_folder(self.root)
                    self.disk.sync_folder(self.root.parent)
            except FileExistsError:  # of a write that failed and could not be cleaned up
                self.disk.remove(temporary)
        return self.disk.create(temporary)

    def sync(self, addresses: Sequence[bytes]) -> None:
        """Make shares durable that were written without; those gone are passed over. Raises
        OSError."""
        folders: dict[Path, None] = {}
        for address in addresses:
            path = self.path(address)
            with suppress(FileNotFoundError):
                self.disk.sync_file(path)
                folders[path.parent] = None
        for folder in folders:
            self.disk.sync_folder(folder)
        if folders:
            self.disk.sync_folder(self.root)

    def read(self, address: bytes, offset: int, size: int) -> bytes:
        """A slice of the file. Raises OSError."""
        return self.disk.read(self.path(address), offset, size)

    def remove(self, address: bytes) -> None:
        """Remove a share, if it is there. Raises OSError."""
        with suppress(FileNotFoundError):
            self.disk.remove(self.path(address))

    def is_whole(self, address: bytes, size: int) -> bool:
        """Whether the share there has its address still. Raises OSError."""
        data = self.read(address, 0, size)
        return len(data) == size and merkle.root(data) == address

    def found(self) -> Iterator[tuple[bytes, int]]:
        """Address and size of file of every share in the tree, folder by folder. What a crash left
        unfinished is removed on the way; what is not ours is left alone. Raises OSError."""
        for n in range(256):
            folder = self.root / f"{n:02x}"
            for name, size in self.disk.sizes(folder).items():
                stem, dot, kind = name.partition(".")
                try:
                    address = bytes.fromhex(stem)
                except ValueError:
                    continue
                if len(address) != SHARE_ADDRESS_BYTES or stem != address.hex() or address[0] != n:
                    continue
                if dot + kind == TEMPORARY:
                    self.disk.remove(folder / name)
                elif not dot:
                    yield address, size

    def origin(self, address: bytes, file_bytes: int) -> tuple[StripeRecord, int] | None:
        """The record a share came with, and its mask; None for a file without. Raises OSError."""
        tail = self.disk.read(self.path(address), -_TAIL_BYTES, _TAIL_BYTES)
        if len(tail) < FOOTER_BYTES:
            return None
        size, mask, length, checksum, magic = _footer.unpack_from(tail, len(tail) - FOOTER_BYTES)
        record = tail[len(tail) - FOOTER_BYTES - length : len(tail) - FOOTER_BYTES]
        if magic != MAGIC or file_bytes != size + length + FOOTER_BYTES or len(record) != length:
            return None
        if checksum != _checksum(size, record, mask):
            return None
        try:
            found = StripeRecord(record)
        except WireError:
            return None
        held = [i for i in range(found.n) if mask >> i & 1]
        if not held or mask >> found.n:
            return None
        if any(found.address(i) != address or found.size(i) != size for i in held):
            return None
        return found, mask


def says_nothing_of_the_share(error: OSError) -> bool:
    """Whether an error is the system's, which is short of descriptors or memory: others may have
    brought that about by connections, and no share is to be given up for it."""
    return error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.EINTR)


def footer(size: int, record: bytes, mask: int) -> bytes:
    """What stands behind a share of `size` bytes."""
    assert size <= BLOCK_BYTES
    checksum = _checksum(size, record, mask)
    return record + _footer.pack(size, mask, len(record), checksum, MAGIC)


def _checksum(size: int, record: bytes, mask: int) -> bytes:
    return hashes.record_checksum(CHECKSUM_KEY, record + _lengths.pack(size, mask, len(record)))

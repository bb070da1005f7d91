"""What is done of an upload, so that the same command goes on after Ctrl-C, a crash or a power cut.

One append-only file for each name that is being put, mode 0600, gone once its entry is put:

    record: length 4 | checksum 8 | kind 1 | body                   integers little-endian
    START   JSON: reference, time, ttl, code, random key    what all of the upload shares
    ROW     fingerprint 16 | row                            this stripe is stored

A fingerprint is of the keys of the stripe's blocks, which follow from their content. A row is kept
on disk; in memory there is a place in the file for each. A torn tail is cut.
"""

import errno
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from struct import Struct
from typing import NamedTuple

from blake3 import blake3

from dave.edge.file_lock import open_alone
from dave.edge.limits import KNOWN_ROWS_MAX, UPLOAD_SYNC_SECONDS
from dave.edge.user_folders import data_folder
from dave.errors import UsageError
from dave.names import EntryId, HybridTime, Owner
from dave.uri import owner_name

FINGERPRINT_BYTES = 16
RECORD_BYTES_MAX = 1 << 16

_HEADER = Struct("<I8sB")
_START, _ROW = 1, 2


class Upload(NamedTuple):
    """What all stripes of one upload share."""

    reference: bytes
    """16 random bytes: the upload's id."""
    time: HybridTime
    """The date of its stripe records."""
    ttl: int
    """Their lifetime in seconds."""
    k: int
    n: int
    random_key: bytes
    """32 bytes from which the keys of the blocks follow; empty where that is the owner's secret."""


class UploadJournal:
    """The journal of one name, locked. Raises UsageError while another process puts that name,
    OSError where the folder cannot be written to."""

    def __init__(self, folder: str | os.PathLike[str], owner: Owner, entry_id: EntryId) -> None:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self.path = _path(folder, owner, entry_id)
        self._fd = _locked(self.path)
        self._rows: dict[bytes, tuple[int, int]] = {}
        self._end = 0
        self._found_end = 0
        """Rows before this place in the file are of an earlier attempt."""
        self._synced_at = time.monotonic()
        self._is_synced = True
        self.upload: Upload | None = None
        """The upload that was begun, if there is one."""
        self._replay()
        self._found_end = self._end

    def start(self, upload: Upload) -> None:
        """Begin anew; what was there is forgotten."""
        os.ftruncate(self._fd, 0)
        self._rows, self._end, self._found_end = {}, 0, 0
        self.upload = upload
        fields = upload._asdict()
        for name in ("reference", "random_key"):
            fields[name] = fields[name].hex()
        self._append(_START, json.dumps(fields).encode())
        self.sync()

    @property
    def rows(self) -> int:
        """How many stripes are known to be stored."""
        return len(self._rows)

    def row(self, fingerprint: bytes) -> bytes | None:
        """The row of the stripe with that fingerprint, if it is stored."""
        place = self._rows.get(fingerprint)
        return None if place is None else os.pread(self._fd, place[1], place[0])

    def was_found(self, fingerprint: bytes) -> bool:
        """Whether that row is of an earlier attempt: what was stored then may have gone since."""
        place = self._rows.get(fingerprint)
        return place is not None and place[0] < self._found_end

    def each_row(self) -> list[bytes]:
        """All rows; for a release."""
        return [os.pread(self._fd, size, offset) for offset, size in self._rows.values()]

    def stored(self, fingerprint: bytes, row: bytes) -> None:
        """A stripe is stored; reaches the disk with the next sync."""
        if fingerprint not in self._rows and len(self._rows) < KNOWN_ROWS_MAX:
            offset = self._append(_ROW, fingerprint + row) + FINGERPRINT_BYTES
            self._rows[fingerprint] = (offset, len(row))

    @property
    def wants_sync(self) -> bool:
        """Whether rows have waited long enough to be written."""
        waited = time.monotonic() - self._synced_at
        return not self._is_synced and waited >= UPLOAD_SYNC_SECONDS

    def sync(self) -> None:
        """Have the disk keep what was appended."""
        self._is_synced = True
        self._synced_at = time.monotonic()
        os.fsync(self._fd)

    def remove(self) -> None:
        """The upload is done, or given up."""
        os.unlink(self.path)
        self._unlock()

    def close(self) -> None:
        """Let another process go on; where nothing was begun, nothing is left. May be called
        again."""
        if self._fd >= 0 and self.upload is None:
            with suppress(OSError):
                os.unlink(self.path)
        self._unlock()

    def _unlock(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _append(self, kind: int, body: bytes) -> int:
        """Returns where the body begins."""
        head = _HEADER.pack(len(body), _checksum(kind, body), kind)
        # One write at a known place: a write that failed half way is overwritten by the next.
        data = head + body
        try:
            written = os.pwrite(self._fd, data, self._end)
        except OSError as error:
            raise OSError(error.errno, error.strerror, self.path) from error
        if written < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.path)
        offset = self._end + len(head)
        self._end = offset + len(body)
        self._is_synced = False
        return offset

    def _replay(self) -> None:
        size = os.fstat(self._fd).st_size
        while self._end + _HEADER.size <= size:
            length, checksum, kind = _HEADER.unpack(os.pread(self._fd, _HEADER.size, self._end))
            offset = self._end + _HEADER.size
            if length > RECORD_BYTES_MAX:
                break
            body = os.pread(self._fd, length, offset)
            if len(body) != length or _checksum(kind, body) != checksum:
                break
            if not self._take(kind, body, offset):
                break
            self._end = offset + length
        os.ftruncate(self._fd, self._end)

    def _take(self, kind: int, body: bytes, offset: int) -> bool:
        if kind == _START and not self._end:
            fields = json.loads(body)
            for name in ("reference", "random_key"):
                fields[name] = bytes.fromhex(fields[name])
            self.upload = Upload(**fields)
        elif kind == _ROW and self._end:
            place = (offset + FINGERPRINT_BYTES, len(body) - FINGERPRINT_BYTES)
            self._rows[body[:FINGERPRINT_BYTES]] = place
        else:
            return False
        return True


def uploads_folder() -> Path:
    """Where journals lie unless the caller says otherwise: in the user's data folder."""
    return data_folder() / "uploads"


def has_journal(folder: str | os.PathLike[str], owner: Owner, entry_id: EntryId) -> bool:
    """Whether an upload to that name was begun and did not end."""
    return os.path.exists(_path(folder, owner, entry_id))


def _path(folder: str | os.PathLike[str], owner: Owner, entry_id: EntryId) -> str:
    return os.path.join(folder, f"{owner_name(owner)}-{entry_id.hex()}")


def fingerprint_of(keys: bytes) -> bytes:
    """What a stripe is known by, 16 bytes: of the keys of its blocks, joined."""
    return blake3(keys).digest(length=FINGERPRINT_BYTES)


def _checksum(kind: int, body: bytes) -> bytes:
    return blake3(bytes((kind,)) + body).digest(length=8)


def _locked(path: str) -> int:
    """The file, made where there is none, locked by this process."""
    try:
        return open_alone(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW)
    except BlockingIOError:
        raise UsageError(
            "this name is being put already, by another command or task: wait for its end"
        ) from None

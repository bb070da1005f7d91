"""What tarfile reads a folder's stream from: forward only, bounded, and from a queue, since the
stream comes in pieces and tarfile asks for bytes."""

import tarfile
from collections.abc import Iterator
from queue import Queue

from dave.errors import FolderRefused
from dave.files.blocks import Buffer
from dave.share_limits import FOLDER_HEADER_BYTES_MAX

_COPY_BYTES = 256 << 10


class TarEnded(tarfile.TarError):
    """The stream ended in the middle, which is told as what made it end."""


class TarInput:
    """What tarfile reads: forward only, and of its own headers no more than it may keep."""

    def __init__(self, queue: "Queue[Buffer | None]", start: int) -> None:
        self._queue = queue
        self._piece: memoryview = memoryview(b"")
        self._position = start
        self._ended = False
        self.last = b""
        """What tarfile read last."""

    def tell(self) -> int:
        """Where in the stream, in bytes."""
        return self._position

    def seek(self, position: int) -> None:
        """Skip to there. Raises FolderRefused for a way back."""
        if position < self._position:
            raise FolderRefused("this is no folder that Dave packed: a header points back")
        while self._position < position and self._fill():
            self._take(position - self._position)

    def read(self, size: int) -> bytes:
        """So many bytes, fewer at the end. Raises FolderRefused for more than a header has."""
        if size > FOLDER_HEADER_BYTES_MAX:
            raise FolderRefused(f"a header of {size:,} bytes: this is no folder that Dave packed")
        parts = []
        while size > 0 and self._fill():
            part = self._take(size)
            size -= len(part)
            parts.append(bytes(part))
        self.last = b"".join(parts)
        return self.last

    def pieces(self, size: int) -> Iterator[memoryview]:
        """So many bytes of a member, as they come. Raises FolderRefused if there are fewer."""
        while size > 0:
            if not self._fill():
                raise TarEnded("it ends in the middle of a file")
            piece = self._take(min(size, _COPY_BYTES))
            size -= len(piece)
            yield piece

    def drain(self) -> None:
        """Whatever is left: the padding of the last record."""
        while self._fill():
            self._take(len(self._piece))

    def _fill(self) -> bool:
        while not len(self._piece) and not self._ended:
            piece = self._queue.get()
            if piece is None:
                self._ended = True
            else:
                self._piece = memoryview(piece)
        return not self._ended

    def _take(self, size: int) -> memoryview:
        taken, self._piece = self._piece[:size], self._piece[size:]
        self._position += len(taken)
        return taken

"""Reads slices of shares for the loop, which must not wait for the disk.

What is in the page cache is read at once: handing it to a thread and back would cost ten times as
much as reading it. Whether it is there the system tells where it knows RWF_NOWAIT (Linux). So the
first slice of a share is read by a thread, which opens the file and has the system fetch the rest;
the following ones mostly find it there.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from dave.edge.limits import SHARE_HANDLES_MAX, SHARE_READERS
from dave.edge.shares.files import ShareFiles, says_nothing_of_the_share

_NOWAIT: int | None = getattr(os, "RWF_NOWAIT", None) if hasattr(os, "preadv") else None

OnRead = Callable[[int, bytes, bytes | None], None]
"""A ticket, the address, and what was read; None for what is not there or cannot be read, b"" where
that is for want of descriptors or memory."""


class ShareReader:
    """For one thread, which is the one that `call` brings results back to."""

    def __init__(
        self,
        files: ShareFiles,
        on_read: OnRead,
        call: Callable[..., object],
        *,
        nowait: int | None = _NOWAIT,
    ) -> None:
        self._files = files
        self._on_read = on_read
        self._call = call
        self._nowait = nowait
        self._threads = ThreadPoolExecutor(SHARE_READERS, thread_name_prefix="dave reads")
        # Used by this thread alone, so that none is closed, and its number used anew, under a read.
        self._handles: dict[bytes, int] = {}
        self._is_closed = False

    def read(self, ticket: int, address: bytes, offset: int, size: int) -> None:
        """Have a slice read; the result may come before this returns."""
        data = self._read_cached(address, offset, size)
        if data is not None:
            self._on_read(ticket, address, data)
        else:
            self._threads.submit(self._read, ticket, address, offset, size)

    def forget(self, address: bytes) -> None:
        """The share there goes."""
        handle = self._handles.pop(address, None)
        if handle is not None:
            os.close(handle)

    def close(self) -> None:
        """Wait for what is being read, and let go of all files. May be called again."""
        self._threads.shutdown(cancel_futures=True)
        self._is_closed = True
        for address in list(self._handles):
            self.forget(address)

    def _read_cached(self, address: bytes, offset: int, size: int) -> bytes | None:
        handle = self._handles.get(address)
        if handle is None or self._nowait is None:
            return None
        try:
            # The system fetches a share from its first byte to its last: if the last one of this
            # slice is there, all are.
            if size and not os.preadv(handle, [bytearray(1)], offset + size - 1, self._nowait):
                return None
            data = os.pread(handle, size, offset)
        except BlockingIOError:
            return None
        except OSError:
            self._nowait = None  # this file system cannot say
            return None
        return data if len(data) == size else None

    def _read(self, ticket: int, address: bytes, offset: int, size: int) -> None:
        """In a thread."""
        handle, data = -1, None
        try:
            handle = os.open(self._files.path(address), os.O_RDONLY | os.O_CLOEXEC)
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_WILLNEED)
            data = os.pread(handle, size, offset)
            data = data if len(data) == size else None
        except OSError as error:
            data = b"" if says_nothing_of_the_share(error) else None
        with suppress(RuntimeError):  # the loop has ended
            self._call(self._came, ticket, address, handle, data)
            return
        if handle >= 0:
            os.close(handle)

    def _came(self, ticket: int, address: bytes, handle: int, data: bytes | None) -> None:
        if handle >= 0:
            self.forget(address)
            if self._is_closed or self._nowait is None:
                os.close(handle)
            else:
                self._handles[address] = handle
                if len(self._handles) > SHARE_HANDLES_MAX:
                    self.forget(next(iter(self._handles)))
        if not self._is_closed:
            self._on_read(ticket, address, data)

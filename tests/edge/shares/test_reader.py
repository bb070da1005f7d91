"""Slices of shares: at once from the page cache, by a thread from the disk."""

import errno
import os
import queue
import threading

import pytest

from dave.crypto import merkle
from dave.edge.limits import SHARE_HANDLES_MAX
from dave.edge.shares.files import ShareFiles
from dave.edge.shares.reader import _NOWAIT, ShareReader
from tests.edge.share_making import record_of, share

WAIT = 20


class Loop:
    """Runs in the test's thread what threads call."""

    def __init__(self, files, **options):
        self.calls, self.results = queue.SimpleQueue(), []
        self.reader = ShareReader(
            files, lambda *result: self.results.append(result), self._call, **options
        )

    def _call(self, function, *arguments):
        assert threading.current_thread() is not threading.main_thread()
        self.calls.put((function, arguments))

    def read(self, ticket, address, offset, size):
        """The result, and whether it came at once."""
        self.reader.read(ticket, address, offset, size)
        at_once = bool(self.results)
        while not self.results:
            function, arguments = self.calls.get(timeout=WAIT)
            function(*arguments)
        assert self.results[0][:2] == (ticket, address)
        return self.results.pop()[2], at_once


@pytest.fixture
def files(tmp_path):
    return ShareFiles(tmp_path / "shares")


def keep(files, data):
    files.write(merkle.root(data), [data], record_of(data).data, 1, durable=False)
    return merkle.root(data)


@pytest.mark.parametrize("nowait", [_NOWAIT, None])
def test_slices_are_read(files, nowait):
    data = share(1, 200_000)
    address, loop = keep(files, data), Loop(files, nowait=nowait)
    cut = [(0, 65_536), (65_536, 65_536), (131_072, 65_536), (196_608, 3_392)]
    read = [loop.read(n, address, *each) for n, each in enumerate(cut)]
    assert b"".join(piece for piece, _ in read) == data
    assert not read[0][1], "who opens a file may wait for the disk"
    if nowait is None:
        assert not any(at_once for _, at_once in read)
    loop.reader.close()


def test_what_is_in_the_page_cache_is_read_at_once(files):
    address, loop = keep(files, share(1)), Loop(files)
    loop.read(1, address, 0, 100)
    read = loop.read(2, address, 100, 100)
    # Where the file system says what is in the cache.
    assert read == (share(1)[100:200], loop.reader._nowait is not None)
    loop.reader.forget(address)
    assert not loop.read(3, address, 0, 100)[1]
    loop.reader.close()


def test_what_is_not_there_is_none(files):
    data = share(1)
    address, loop = keep(files, data), Loop(files)
    assert loop.read(1, bytes(32), 0, 10) == (None, False)
    assert loop.read(2, address, 0, 100_000) == (None, False), "shorter than it should be"
    files.remove(address)
    loop.reader.forget(address)
    assert loop.read(3, address, 0, 10) == (None, False)
    loop.reader.close()


def test_a_file_system_that_knows_no_flag_is_read_by_threads(files):
    address, loop = keep(files, share(1)), Loop(files, nowait=1 << 30)
    assert loop.read(1, address, 0, 100)[0] == share(1)[:100]
    assert loop.read(2, address, 100, 100) == (share(1)[100:200], False)
    assert loop.read(3, address, 0, 100) == (share(1)[:100], False)
    loop.reader.close()


def test_open_files_are_bounded_and_closed(files):
    before = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else None
    loop = Loop(files)
    for n in range(SHARE_HANDLES_MAX + 10):
        loop.read(n, keep(files, share(n)), 0, 10)
    assert len(loop.reader._handles) <= SHARE_HANDLES_MAX
    loop.reader.close()
    assert loop.reader._handles == {}
    if before is not None:
        assert len(os.listdir("/proc/self/fd")) <= before


def test_a_read_that_ends_after_closing_is_let_go(files):
    address, loop = keep(files, share(1)), Loop(files)
    loop.reader.read(1, address, 0, 10)
    function, arguments = loop.calls.get(timeout=WAIT)
    loop.reader.close()
    function(*arguments)
    assert (loop.results, loop.reader._handles) == ([], {})


def test_a_share_is_not_missing_because_there_are_too_many_connections(files, monkeypatch):
    address, loop = keep(files, share(1, 1000)), Loop(files)
    path, real = os.fspath(files.path(address)), os.open

    def no_more(name, *arguments, **options):
        if os.fspath(name) == path:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return real(name, *arguments, **options)

    monkeypatch.setattr(os, "open", no_more)
    assert loop.read(1, address, 0, 1000)[0] == b""
    monkeypatch.undo()
    assert loop.read(2, address, 0, 1000)[0] == share(1, 1000)

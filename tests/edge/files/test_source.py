"""Sources: the same bytes whatever they come from, and a file that changes is noticed."""

import asyncio
import io
import os
import random
import tarfile
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.edge.files.source import Begun, BytesSource, open_source
from dave.errors import FileChanged, UsageError


class InPlace:
    """A driver that has nothing but `offload`."""

    async def offload(self, function, *arguments):
        return function(*arguments)


async def read_all(content, count=1000):
    source = await open_source(content, InPlace())
    pieces = []
    try:
        while piece := await source.read(count):
            pieces.append(piece)
    finally:
        source.close()
    assert all(len(piece) == count for piece in pieces[:-1])
    return source, b"".join(pieces)


async def in_pieces(data, sizes):
    at = 0
    for size in sizes:
        yield data[at : at + size]
        at += size
    yield data[at:]


@given(
    size=st.integers(0, 5000),
    sizes=st.lists(st.integers(0, 2000), max_size=8),
    count=st.integers(1, 3000),
)
def test_an_iterator_and_a_binary_file(size, sizes, count):
    data = random.Random(size).randbytes(size)
    source, read = asyncio.run(read_all(in_pieces(data, sizes), count))
    assert (read, source.size, source.is_folder) == (data, None, False)
    _, read = asyncio.run(read_all(io.BytesIO(data), count))
    assert read == data


@pytest.mark.parametrize("begun", [0, 1, 1000, 2500, 5000])
def test_a_file_that_was_begun_is_whole(begun):
    data = random.Random(5).randbytes(5000)
    source, read = asyncio.run(read_all(Begun(data[:begun], io.BytesIO(data[begun:]))))
    assert (read, source.size, source.is_folder) == (data, None, False)


def test_a_source_of_bytes_gives_them_in_order():
    async def story():
        source = BytesSource(b"abcdefg")
        assert [await source.read(3) for _ in range(4)] == [b"abc", b"def", b"g", b""]
        assert source.size == 7

    asyncio.run(story())


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 5000])
def test_a_path(tmp_path, size):
    data = random.Random(size).randbytes(size)
    path = tmp_path / "file"
    path.write_bytes(data)
    for content in (path, str(path)):
        source, read = asyncio.run(read_all(content))
        assert (read, source.size, source.is_folder) == (data, size, False)


def test_a_pipe_gives_what_comes_until_it_ends(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)

    def write():
        with open(path, "wb", buffering=0) as file:
            for _ in range(50):
                file.write(b"piece of 77 bytes".ljust(77))

    writer = threading.Thread(target=write)
    writer.start()
    source, read = asyncio.run(read_all(path))
    writer.join()
    assert (len(read), source.size) == (50 * 77, None)


def test_a_folder_is_an_archive(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "file").write_bytes(b"content")
    source, read = asyncio.run(read_all(tmp_path / "in"))
    assert (source.size, source.is_folder) == (len(read), True)
    with tarfile.open(fileobj=io.BytesIO(read)) as tar:
        assert tar.extractfile("file").read() == b"content"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda path: os.truncate(path, 1500), "shrank"),
        (lambda path: os.truncate(path, 2001), "grew"),
        (lambda path: os.utime(path), "was written to"),
    ],
)
def test_a_file_that_changes_while_it_is_read(tmp_path, change, words):
    async def story():
        path = tmp_path / "file"
        path.write_bytes(bytes(2000))
        os.utime(path, ns=(1, 1))
        source = await open_source(path, InPlace())
        await source.read(1000)
        change(path)
        with pytest.raises(FileChanged, match=words):
            await source.read(1000)
        source.close()

    asyncio.run(story())


def test_a_folder_that_changes_after_it_was_measured(tmp_path):
    async def story(change):
        folder = tmp_path / "in"
        folder.mkdir(exist_ok=True)
        (folder / "a").write_bytes(b"content")
        source = await open_source(folder, InPlace())
        change(folder)
        with pytest.raises(FileChanged, match="in changed while"):
            await source.read(100_000)

    asyncio.run(story(lambda folder: (folder / "b").write_bytes(b"new")))
    asyncio.run(story(lambda folder: (folder / "a").unlink()))


@pytest.mark.parametrize("content", [5, b"bytes", None, ["a"]])
def test_what_is_no_content(content):
    with pytest.raises(UsageError, match="a path, a binary file or"):
        asyncio.run(read_all(content))


def test_what_is_not_bytes():
    async def texts():
        yield "text"

    with pytest.raises(UsageError, match="made of bytes, not str"):
        asyncio.run(read_all(texts()))
    with pytest.raises(UsageError, match="binary mode"):
        asyncio.run(read_all(io.StringIO("text")))


def test_what_cannot_be_opened():
    with pytest.raises(FileNotFoundError):
        asyncio.run(read_all("no-such-file"))

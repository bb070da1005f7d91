"""What tarfile reads from: pieces of any size make one stream, and headers are bounded."""

from queue import Queue

import pytest

from dave.edge.files.tar_input import TarEnded, TarInput
from dave.errors import FolderRefused
from dave.share_limits import FOLDER_HEADER_BYTES_MAX


@pytest.fixture
def source():
    queue = Queue()
    for piece in (b"abc", b"", memoryview(b"defgh"), b"i" * 1000, None):
        queue.put(piece)
    return TarInput(queue, 512)


def test_pieces_make_one_stream(source):
    assert source.tell() == 512
    assert source.read(4) == b"abcd"
    source.seek(518)
    assert source.read(3) == source.last == b"ghi"
    assert b"".join(source.pieces(500)) == b"i" * 500
    assert source.tell() == 1021
    source.drain()
    assert source.read(1) == b""


def test_an_end_is_an_end(source):
    with pytest.raises(TarEnded):
        list(source.pieces(2000))


def test_what_no_honest_header_asks_for(source):
    with pytest.raises(FolderRefused):
        source.read(FOLDER_HEADER_BYTES_MAX + 1)
    with pytest.raises(FolderRefused):
        source.seek(511)

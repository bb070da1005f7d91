"""What answers FETCH: sizes first, then shares in order, and little in memory."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from dave.limits import PIECE_BYTES_MAX
from dave.node.shares.sender import ShareSender
from dave.share_limits import SHARE_READS_AHEAD
from dave.wire.shares import sizes_piece


class Disk:
    """Shares by address; reads are answered when `answer` says so."""

    def __init__(self, shares):
        self.shares = shares
        self.asked = []
        self.closed = []

    def read(self, address, offset, count, done):
        self.asked.append((address, offset, count, done))

    def answer(self, at=0):
        address, offset, count, done = self.asked.pop(at)
        data = self.shares[address]
        done(None if data is None else data[offset : offset + count], 0)

    def sender(self, pieces=1):
        addresses = list(self.shares)
        sizes = [len(self.shares.get(address) or b"") for address in addresses]
        return sizes, ShareSender(
            addresses, sizes, self.read, pieces * PIECE_BYTES_MAX, lambda: self.closed.append(1)
        )


def drain(disk, sender, pick=lambda n: 0):
    pieces, waits = [], 0
    while (piece := sender.next_piece(0)) is not None:
        if piece:
            pieces.append(bytes(piece))
        else:
            waits += 1
            disk.answer(pick(len(disk.asked)))
        assert len(disk.asked) <= SHARE_READS_AHEAD
    return pieces, waits


@given(
    st.lists(st.integers(0, 3 * PIECE_BYTES_MAX), min_size=1, max_size=6),
    st.integers(1, 4),
    st.integers(),
)
def test_all_that_is_held_comes_in_order_whatever_the_order_of_reads(sizes, at_once, seed):
    rng = Random(seed)
    shares = {bytes((i,)) * 32: rng.randbytes(size) for i, size in enumerate(sizes)}
    disk = Disk(shares)
    told, sender = disk.sender(at_once)
    pieces, _ = drain(disk, sender, lambda n: rng.randrange(n))
    assert pieces[0] == sizes_piece(told)
    assert b"".join(pieces[1:]) == b"".join(shares.values())
    cut = [min(PIECE_BYTES_MAX, s - i) for s in sizes for i in range(0, s, PIECE_BYTES_MAX)]
    assert [len(piece) for piece in pieces[1:]] == cut
    assert disk.closed == []
    sender.close()
    assert disk.closed == [1]


def test_it_wakes_when_a_read_is_done_and_not_after_its_end():
    disk = Disk({b"a" * 32: b"share", b"b" * 32: b"other"})
    _, sender = disk.sender()
    woken = []
    sender.wake = lambda: woken.append(1)
    sender.next_piece(0)
    assert sender.next_piece(0) == b""
    disk.answer()
    assert woken == [1]
    assert sender.next_piece(0) == b"share"
    sender.close()
    disk.answer()
    assert woken == [1]
    assert sender.next_piece(0) is None


def test_what_cannot_be_read_ends_it():
    disk = Disk({b"a" * 32: b"share", b"b" * 32: b"other"})
    _, sender = disk.sender()
    disk.shares[b"a" * 32] = None
    pieces, _ = drain(disk, sender)
    assert len(pieces) == 1
    disk = Disk({b"a" * 32: b"share"})
    _, sender = disk.sender()
    disk.shares[b"a" * 32] = b"sha"
    pieces, _ = drain(disk, sender)
    assert len(pieces) == 1, "a share that has become shorter"

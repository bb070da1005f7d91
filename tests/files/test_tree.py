"""Manifests: any file comes back through its tree, and so does any part, fetching no more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.errors import WireError
from dave.files import blocks, tree
from dave.files.code import Code
from dave.limits import KEY_AND_VALUE_BYTES_MAX
from dave.share_limits import BLOCK_BYTES, ROOT_ROWS_BYTES_MIN
from dave.wire.manifest import FileKind, Level, Root, Row
from tests.files.made import Shelf, content

B = BLOCK_BYTES
KEYS = blocks.convergent(bytes(32))
ROOM = tree.rows_room(b"k", is_private=False)


@pytest.mark.parametrize("code", [Code(1, 1), Code(1, 2), Code(2, 3), Code(4, 6), Code(10, 14)])
def test_files_of_every_size_at_a_boundary_come_back(code):
    shelf = Shelf()
    ends = {0, 1, 16, B, 2 * B, code.k * B, 2 * code.k * B, 3 * code.k * B}
    for size in sorted({max(0, end + d) for end in ends for d in (-1, 0, 1)}):
        data = content(size)
        root = shelf.put(data, KEYS, code, ROOM)
        assert Root.read(root.encode()) == root
        assert shelf.get(root) == data
        assert shelf.get(root, without=range(code.n - code.k)) == data


class Rows:
    """A file of any size whose content nobody holds: rows made up, manifests stored."""

    def __init__(self, size, code, room=ROOM):
        self.shelf = Shelf()
        self.level = Level(size, *code)
        growth = tree.Growth(*code, room)
        self.stored = []
        for number in range(self.level.stripes):
            growth.add(self.row(number))
            self._rise(growth, code)
        growth.close()
        self._rise(growth, code)
        self.root = growth.root(FileKind.FILE, size, b"r" * 16)

    def _rise(self, growth, code):
        while (wanted := growth.next()) is not None:
            self.stored.append((wanted.level, sum(map(len, wanted.blocks))))
            row = self.shelf.store(wanted.blocks, KEYS, code, wanted.level, wanted.number)
            growth.add(row, wanted.level)

    def row(self, number):
        shape = self.level.shape(number)
        names = [number.to_bytes(32, "big")] * 24
        return Row(shape, tuple(names[: shape.n]), tuple(names[: shape.k]))

    def walk(self, first, last):
        """The content's rows that `parts` finds, and how many blocks of manifests that took."""
        walk = tree.parts(self.root, first, last)
        found, fetched, part = [], 0, next(walk, None)
        while part is not None:
            if part.level:
                fetched += part.last - part.first
                answer = self.shelf.fetch(part)
            else:
                found.append(part)
                answer = None
            try:
                part = walk.send(answer)
            except StopIteration:
                part = None
        return found, fetched


LARGE = Rows(600 * 4 * B - 5, Code(4, 6), room=330)
DEEP = Rows(2000 * B + 1, Code(1, 24))


@pytest.mark.parametrize(("file", "levels"), [(LARGE, 2), (DEEP, 3)])
def test_what_is_stored_is_what_was_planned(file, levels):
    root = Root.read(file.root.encode())
    assert root.levels == levels
    planned = tree.plan(root.size, root.k, root.n, ROOM if file is DEEP else 330)
    assert planned == [root.level(i) for i in range(levels)]
    for level in range(1, levels):
        stored = [size for at, size in file.stored if at == level]
        assert sum(stored) == planned[level].size
        assert len(stored) == planned[level].stripes


@pytest.mark.parametrize("file", [LARGE, DEEP])
@given(data=st.data())
def test_any_range_of_blocks_is_found(file, data):
    blocks_in_all = file.level.blocks
    first = data.draw(st.integers(0, blocks_in_all))
    last = data.draw(st.integers(first, min(blocks_in_all, first + 40)))
    found, fetched = file.walk(first, last)
    k = file.root.k
    covered = [part.number * k + i for part in found for i in range(part.first, part.last)]
    assert covered == list(range(first, last))
    assert all(part.row == file.row(part.number) for part in found)
    # Two neighbouring blocks a level, at most: 40 rows are shorter than one.
    assert fetched <= 2 * (file.root.levels - 1)


@given(st.integers(0, 12 * B), st.data())
def test_ranges_of_real_files(size, data):
    shelf = Shelf()
    root = shelf.put(content(size), KEYS, Code(2, 3), ROOT_ROWS_BYTES_MIN)
    first = data.draw(st.integers(0, root.level(0).blocks))
    last = data.draw(st.integers(first, root.level(0).blocks))
    assert shelf.get(root, first, last) == content(size)[first * B : last * B]


def test_a_manifest_that_contradicts_the_root_is_refused():
    file = Rows(600 * 4 * B, Code(4, 6), room=330)
    shorter = Rows(599 * 4 * B + 1, Code(4, 6), room=330)
    walk = tree.parts(file.root, 2399, 2400)
    part = next(walk)
    other = tree.parts(shorter.root, 2396, 2397)
    answer = shorter.shelf.fetch(next(other))
    padded = [bytes(answer[0]).ljust(B, b"\0")[: part.row.shape.plain_bytes]]
    with pytest.raises(WireError):
        walk.send(padded)


def test_nothing_is_stored_above_before_the_rows_below_are_there():
    rows = Rows(4 * B, Code(1, 2))
    growth = tree.Growth(1, 2, room=200)
    for number in range(4):
        growth.add(rows.row(number))
    assert growth.next() is None
    growth.close()
    wanted = growth.next()
    assert (wanted.level, wanted.number) == (1, 0)
    assert b"".join(wanted.blocks) == b"".join(rows.row(number).encode() for number in range(4))
    assert growth.next() is None
    with pytest.raises(AssertionError):
        growth.root(FileKind.FILE, 4 * B, b"r" * 16)
    row = Shelf().store(wanted.blocks, KEYS, Code(1, 2), 1, 0)
    growth.add(row, 1)
    assert growth.next() is None
    assert growth.root(FileKind.FILE, 4 * B, b"r" * 16).top_rows() == (row,)


def test_room_for_rows():
    assert tree.rows_room(b"k" * 255, is_private=True) == ROOT_ROWS_BYTES_MIN
    root = Root(FileKind.FILE, 1, 1, 1, 0, b"r" * 16, b"")
    assert tree.rows_room(b"k", is_private=False) + len(root.encode()) == (
        KEY_AND_VALUE_BYTES_MAX - 1
    )

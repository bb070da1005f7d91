"""The manifest of a file as a tree: how it grows while rows come, and the way down to a block.

Both hold at most one stripe of each level, however large the file is (DESIGN section 9). The format
is wire/manifest.py's.
"""

from collections.abc import Generator, Sequence
from typing import NamedTuple

from dave.files.blocks import Buffer
from dave.limits import KEY_AND_VALUE_BYTES_MAX
from dave.share_limits import BLOCK_BYTES, MANIFEST_LEVELS_MAX, ROOT_HEADER_BYTES, SEAL_BYTES
from dave.wire.manifest import FileKind, Level, Root, Row, read_row


def rows_room(key: bytes, *, is_private: bool) -> int:
    """Bytes of rows that fit the root in the entry of `key`."""
    return (
        KEY_AND_VALUE_BYTES_MAX - len(key) - ROOT_HEADER_BYTES - (SEAL_BYTES if is_private else 0)
    )


class Wanted(NamedTuple):
    """A stripe of a manifest that is to be stored now; its row is to be added then."""

    level: int
    """1 or more."""
    number: int
    """Of the stripe in its level; its first block is number × k."""
    blocks: tuple[bytes, ...]


class Growth:
    """Takes the rows of a file in order and says which stripes of manifests to store, in the end
    which root. k, n: the code; room: bytes for rows in the root."""

    def __init__(self, k: int, n: int, room: int) -> None:
        self._k = k
        self._n = n
        self._room = room
        self._levels = [_Rising()]
        self._is_closed = False

    def add(self, row: Row, level: int = 0) -> None:
        """The stripe of that row is stored; within a level they come in order. Level 0: content."""
        assert level < MANIFEST_LEVELS_MAX
        if level:
            self._levels[level - 1].waiting -= 1
        if level == len(self._levels):
            self._levels.append(_Rising())
        self._levels[level].rows += row.encode()

    def close(self) -> None:
        """All rows of the content have come."""
        self._is_closed = True

    def next(self) -> Wanted | None:
        """What to store next; None: nothing before more rows come, or nothing any more."""
        whole = self._k * BLOCK_BYTES
        for level, rising in enumerate(self._levels, 1):
            if len(rising.rows) >= whole:
                return rising.cut(level, whole)
        if not self._is_closed:
            return None
        for level, rising in enumerate(self._levels, 1):
            if rising.rows and (rising.stripes or len(rising.rows) > self._room):
                return rising.cut(level, len(rising.rows))
            if rising.waiting:
                return None
        return None

    def root(self, kind: FileKind, size: int, reference: bytes) -> Root:
        """The root of `size` bytes of content, once `next` has nothing more and all is stored."""
        rows = bytes(self._levels[-1].rows)
        assert self._is_closed
        assert not any(rising.waiting for rising in self._levels)
        root = Root(kind, len(self._levels), self._k, self._n, size, reference, rows)
        assert root.level(root.levels).size == len(rows) <= self._room
        return root


class _Rising:
    """A manifest that grows."""

    __slots__ = ("rows", "stripes", "waiting")

    def __init__(self) -> None:
        self.rows = bytearray()
        """What is not cut off yet."""
        self.stripes = 0
        """Stripes cut off."""
        self.waiting = 0
        """Of them, those whose row has not come."""

    def cut(self, level: int, size: int) -> Wanted:
        part = bytes(self.rows[:size])
        del self.rows[:size]
        self.stripes += 1
        self.waiting += 1
        blocks = tuple(part[i : i + BLOCK_BYTES] for i in range(0, size, BLOCK_BYTES))
        return Wanted(level, self.stripes - 1, blocks)


def plan(size: int, k: int, n: int, room: int) -> list[Level]:
    """All that is stored of `size` bytes of content: the content itself, then the manifests that
    do not fit the root."""
    levels = [Level(size, k, n)]
    while levels[-1].above.size > room:
        levels.append(levels[-1].above)
    return levels


class Part(NamedTuple):
    """Blocks of one stripe, to be fetched."""

    level: int
    """0: of the content; else of the manifest of that level."""
    number: int
    """Of the stripe in its level."""
    row: Row
    first: int
    """Blocks from here ..."""
    last: int
    """... to here (exclusive), counted within the stripe."""


Answer = Sequence[Buffer] | None
"""Of a part of a manifest, its blocks in plaintext; of the content, None."""


def parts(root: Root, first: int, last: int) -> Generator[Part, Answer, None]:
    """What to fetch for blocks `first` to `last` (exclusive) of the content, in order, manifests
    before what they lead to: stripe by stripe, and only the blocks that are needed.

    A part of a manifest is answered by `send` with its blocks. Raises WireError, there, for a
    manifest that contradicts the root.
    """
    yield from _parts(root, 0, first, last)


def _parts(root: Root, level: int, first: int, last: int) -> Generator[Part, Answer, None]:
    if first >= last:
        return
    cut = root.level(level)
    number, stop = first // root.k, -(-last // root.k)
    if level == root.levels - 1:
        for row in root.top_rows()[number:stop]:
            yield _part(level, number, root.k, row, first, last)
            number += 1
        return
    start, end = cut.row_offset(number), cut.row_offset(stop)
    above = _parts(root, level + 1, start // BLOCK_BYTES, -(-end // BLOCK_BYTES))
    skip = start % BLOCK_BYTES
    text = bytearray()
    answer: Answer = None
    while number < stop:
        # Answers go down to where they were asked for; of the level above they are rows of ours.
        part = above.send(answer)
        answer = yield part
        if part.level > level + 1:
            continue
        assert answer is not None, "a part of a manifest is answered by its blocks"
        text += b"".join(answer)
        del text[:skip]
        skip = 0
        while number < stop and len(text) >= cut.shape(number).row_bytes:
            shape = cut.shape(number)
            row = read_row(bytes(text[: shape.row_bytes]), shape)
            del text[: shape.row_bytes]
            yield _part(level, number, root.k, row, first, last)
            number += 1


def _part(level: int, number: int, k: int, row: Row, first: int, last: int) -> Part:
    start = number * k
    return Part(level, number, row, max(first - start, 0), min(last - start, row.shape.k))

"""Rows and roots: the geometry of a file, and what a hostile manifest may not say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.errors import WireError
from dave.share_limits import (
    BLOCK_BYTES,
    CODE_SHARES_MAX,
    FILE_BYTES_MAX,
    MANIFEST_LEVELS_MAX,
    ROOT_ROWS_BYTES_MIN,
)
from dave.wire.manifest import FileKind, Level, Root, Row, read_row
from dave.wire.stripe import Shape
from tests.wire.made import fixed, neighbours

REFERENCE = b"r" * 16

CODES = [(1, 1), (1, 2), (2, 3), (4, 6), (10, 14), (24, 24), (1, 24), (12, 24)]
codes = st.sampled_from(CODES) | st.integers(1, CODE_SHARES_MAX).flatmap(
    lambda n: st.tuples(st.integers(1, n), st.just(n))
)
sizes = (
    st.integers(0, 40 * BLOCK_BYTES)
    | st.integers(0, FILE_BYTES_MAX)
    | st.builds(
        lambda blocks, extra: max(0, blocks * BLOCK_BYTES + extra),
        st.integers(0, 100),
        st.integers(-1, 1),
    )
)


def row_of(shape, fill=0):
    def hashes(count):
        return tuple(bytes(((fill + i) % 256,)) * 32 for i in range(count))

    return Row(shape, hashes(shape.n), hashes(shape.k))


def rows_of(level):
    return b"".join(row_of(level.shape(i), i).encode() for i in range(level.stripes))


def root_of(size, k=4, n=6, levels=1, kind=FileKind.FILE):
    bare = Root(kind, levels, k, n, size, REFERENCE, b"")
    return bare._replace(rows=rows_of(bare.level(levels - 1)))


shapes = st.builds(
    lambda level, at: level.shape(min(at, level.stripes - 1)),
    st.builds(lambda size, code: Level(size, *code), st.integers(1, 2**40), codes),
    st.integers(0, 9),
)
rows = shapes.flatmap(
    lambda shape: st.builds(
        Row,
        st.just(shape),
        st.tuples(*[fixed(32)] * shape.n),
        st.tuples(*[fixed(32)] * shape.k),
    )
)
roots = st.builds(
    lambda stripes, tail, code, kind: root_of(
        max(0, stripes * code[0] * BLOCK_BYTES - tail), *code, kind=kind
    ),
    st.integers(0, 3),
    st.integers(0, 2 * BLOCK_BYTES),
    codes,
    st.sampled_from(FileKind),
)


@given(rows)
def test_rows_are_read_back(row):
    assert Row.read(row.encode()) == row
    assert len(row.encode()) == row.shape.row_bytes


@given(roots)
def test_roots_are_read_back(root):
    assert Root.read(root.encode()) == root
    assert b"".join(row.encode() for row in root.top_rows()) == root.rows


@given(sizes, codes)
def test_stripes_cover_the_content_exactly(size, code):
    level = Level(size, *code)
    k, n = code
    assert (level.blocks - 1) * BLOCK_BYTES < size <= level.blocks * BLOCK_BYTES or size == 0
    few = [0, 1, level.stripes // 2, level.stripes - 2, level.stripes - 1]
    for number in sorted({i for i in few if 0 <= i < level.stripes}):
        shape = level.shape(number)
        is_last = number == level.stripes - 1
        start = number * k * BLOCK_BYTES
        assert shape.plain_bytes == (size - start if is_last else k * BLOCK_BYTES)
        assert shape.n - shape.k == n - k
        assert level.row_offset(number + 1) - level.row_offset(number) == shape.row_bytes
        assert Row.read(row_of(shape).encode()).shape == shape
    assert level.above.size == level.row_offset(level.stripes)


@pytest.mark.parametrize(("k", "n"), CODES)
def test_every_file_ends_in_a_root_within_the_bound(k, n):
    level, levels = Level(FILE_BYTES_MAX, k, n).above, 1
    while level.size > ROOT_ROWS_BYTES_MIN:
        level, levels = level.above, levels + 1
    assert levels < MANIFEST_LEVELS_MAX
    assert root_of(FILE_BYTES_MAX, k, n, levels).rows
    assert Root.read(root_of(FILE_BYTES_MAX, k, n, levels).encode()).levels == levels


@pytest.mark.parametrize("sample", [root_of(5 * BLOCK_BYTES + 9), root_of(0), root_of(1)])
def test_damage_is_refused_or_another_root(sample):
    same_bytes, refused = sample.encode(), 0
    for data in neighbours(same_bytes):
        try:
            other = Root.read(data)
        except WireError:
            refused += 1
            continue
        assert len(data) == len(same_bytes)
        assert other.encode() == data
        assert other != sample
    assert refused > len(same_bytes)


def test_damage_of_a_row_is_refused_or_another_row():
    sample = row_of(Shape(2, 3, BLOCK_BYTES, 7))
    refused = 0
    for data in neighbours(sample.encode()):
        try:
            other = Row.read(data)
        except WireError:
            refused += 1
            continue
        assert other.encode() == data
        assert other != sample
    assert refused > len(sample.encode())


@pytest.mark.parametrize(
    "changes",
    [
        {"levels": 0},
        {"levels": 2},
        {"levels": MANIFEST_LEVELS_MAX + 1},
        {"k": 0},
        {"k": 7},
        {"n": 25},
        {"n": 5},
        {"size": FILE_BYTES_MAX + 1},
        {"size": 2**64 - 1},
        {"size": 5 * BLOCK_BYTES + 1},
        {"size": 0},
        {"rows": b""},
        {"kind": 2},
    ],
)
def test_a_root_that_does_not_add_up(changes):
    root = root_of(5 * BLOCK_BYTES)
    assert Root.read(root.encode()) == root
    with pytest.raises(WireError):
        Root.read(root._replace(**changes).encode())


def test_an_empty_file_has_one_level():
    assert Root.read(root_of(0).encode()).top_rows() == ()
    with pytest.raises(WireError):
        Root.read(root_of(0)._replace(levels=2).encode())


def test_a_row_of_another_shape_is_refused():
    row = row_of(Shape(2, 3, BLOCK_BYTES, 7))
    assert read_row(row.encode(), row.shape) == row
    with pytest.raises(WireError):
        read_row(row.encode(), row.shape._replace(last_bytes=8))


@pytest.mark.parametrize("shape", [(2, 3, 100, 7), (2, 3, BLOCK_BYTES + 1, 7), (0, 3, 7, 7)])
def test_shapes_that_no_row_has(shape):
    with pytest.raises(WireError):
        Row.read(row_of(Shape(*shape)).encode())


def test_a_stripe_is_named_alike_by_row_and_record():
    from dave.wire.stripe import StripeRecord, encode_record

    row = row_of(Shape(2, 3, BLOCK_BYTES, 7))
    data = encode_record(bytes(32), REFERENCE, 1, 1, row.shape, b"".join(row.addresses))
    assert StripeRecord(data).stripe_id == row.stripe_id

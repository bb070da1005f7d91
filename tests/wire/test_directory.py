"""A directory's values: what they accept, and how statements are joined."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.crypto.hashes import entry_id_of
from dave.errors import EntryError, WireError
from dave.limits import DEVICES_MAX, KEY_AND_VALUE_BYTES_MAX, TTL_SECONDS_MAX
from dave.wire.directory import (
    DEVICES_KEY,
    PAGE_BYTES_MAX,
    Device,
    Page,
    PageName,
    Statement,
    bucket_of,
    encode_devices,
    first_page,
    join,
    name_hash,
    read_devices,
    united,
)
from tests.wire.made import U64, fixed, neighbours

OWNER = bytes(range(32))
keys = st.binary(min_size=1, max_size=255).filter(lambda key: key[0] != 0)


@st.composite
def statements(draw, key=keys, time=U64):
    ttl = draw(st.sampled_from((0, 1, TTL_SECONDS_MAX)) | st.integers(0, TTL_SECONDS_MAX))
    kept = draw(st.integers(max(1, ttl), TTL_SECONDS_MAX))
    size = draw(st.integers(0, 2**48 - 1)) if ttl else 0
    return Statement(draw(key), draw(time), ttl, kept, size)


def in_order(many):
    return tuple(sorted({each.key: each for each in many}.values()))


pages = st.just(Page(is_split=True)) | st.lists(statements(), max_size=6).map(
    lambda many: Page(in_order(many))
)
devices = st.lists(
    st.builds(Device, fixed(8), st.integers(1, 2**16 - 1), st.integers(0, 2**32 - 1)),
    max_size=DEVICES_MAX, unique_by=lambda device: device.id,
).map(lambda many: tuple(sorted(many)))  # fmt: skip


@given(pages)
def test_pages_come_back(page):
    data = page.encode()
    assert len(data) == page.size
    assert Page.read(data) == page


@given(devices)
def test_devices_come_back(listed):
    assert read_devices(encode_devices(listed)) == listed


def test_a_page_of_the_largest_size_fits_an_entry():
    name = first_page(bytes(8), 15)
    assert len(name.key) + PAGE_BYTES_MAX == KEY_AND_VALUE_BYTES_MAX
    assert len(DEVICES_KEY) + 2 + 14 * DEVICES_MAX < KEY_AND_VALUE_BYTES_MAX


SAMPLE_PAGE = Page((Statement(b"a", 5 << 16, 60, 60, 3), Statement(b"bc", 6 << 16, 0, 86_400)))
SAMPLE_DEVICES = (Device(b"a" * 8, 1, 5), Device(b"b" * 8, 0x8001, 2**32 - 1))


@pytest.mark.parametrize(
    ("data", "read", "encode"),
    [
        (SAMPLE_PAGE.encode(), Page.read, Page.encode),
        (Page(is_split=True).encode(), Page.read, Page.encode),
        (encode_devices(SAMPLE_DEVICES), read_devices, encode_devices),
    ],
)
def test_damage_is_refused_or_another_directory_of_the_same_bytes(data, read, encode):
    for wrong in neighbours(data):
        try:
            other = read(wrong)
        except WireError:
            continue
        assert encode(other) == wrong
        assert len(wrong) == len(data)


@pytest.mark.parametrize(
    "statement",
    [
        Statement(b"\0k", 1, 1, 1, 1),
        Statement(b"k", 1, 2, 1, 1),
        Statement(b"k", 1, 0, 0, 0),
        Statement(b"k", 1, 0, 1, 1),
        Statement(b"k", 1, 1, TTL_SECONDS_MAX + 1, 1),
        Statement(b"", 1, 1, 1, 1),
    ],
)
def test_what_no_directory_says(statement):
    with pytest.raises(WireError):
        Page.read(Page((statement,)).encode())


@pytest.mark.parametrize("order", [(1, 0), (0, 0)])
def test_out_of_order_and_twice_is_refused(order):
    with pytest.raises(WireError, match="order"):
        Page.read(Page(tuple(SAMPLE_PAGE.statements[i] for i in order)).encode())
    with pytest.raises(WireError, match="order"):
        read_devices(encode_devices([SAMPLE_DEVICES[i] for i in order]))


def test_a_later_version_says_so():
    with pytest.raises(WireError, match="version 2"):
        Page.read(b"\x02\0\0")


@given(st.lists(statements(st.just(b"k"), st.integers(0, 1 << 26)), min_size=1, max_size=5))
def test_the_order_of_joining_changes_nothing_but_a_second(many):
    [one] = united(many).values()
    [other] = united(reversed(many)).values()
    assert one._replace(kept=0) == other._replace(kept=0)
    assert abs(one.kept - other.kept) <= len(many)
    assert one.time == max(each.time for each in many)
    end = max(each.ends_ms for each in many)
    assert one.ends_ms >= end or one.kept == TTL_SECONDS_MAX
    assert join(one, one) == one


def test_a_removal_wins_at_the_same_time_and_outlives_what_it_contradicts():
    put, removed = Statement(b"k", 9 << 16, 500, 500, 3), Statement(b"k", 9 << 16, 0, 60)
    assert join(put, removed) == removed._replace(kept=500)
    later = Statement(b"k", 2_009 << 16, 1, 1, 3)
    assert join(later, put) == join(put, later) == later._replace(kept=498)


@given(keys)
def test_a_name_belongs_to_one_half(key):
    page = first_page(bytes(8), bucket_of(OWNER, key))
    while page.depth < 32:
        assert page.covers(OWNER, key)
        low, high = page.halves
        assert low.covers(OWNER, key) != high.covers(OWNER, key)
        page = low if low.covers(OWNER, key) else high
    assert page.path == name_hash(OWNER, key)
    with pytest.raises(EntryError, match="no room"):
        _ = page.halves


def test_names_of_pages():
    assert first_page(b"device 1", 10).key == b"\0namesdevice 1\x04\xa0\0\0\0"
    low, high = PageName(b"device 1", 4, 0xA0000000).halves
    assert (low.path, high.path, low.depth) == (0xA0000000, 0xA8000000, 5)
    assert bucket_of(OWNER, b"k") == entry_id_of(OWNER, b"k")[0] >> 4

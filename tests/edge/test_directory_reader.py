"""The directory as it is read: all of it, or an error; what is hostile has an end."""

import pytest

from dave.edge import directory_reader
from dave.edge.directory_reader import pages_of
from dave.edge.limits import DIRECTORY_LIST_SECONDS
from dave.errors import Incomplete, Unreachable, WireError
from dave.limits import DIRECTORY_DEPTH_MAX
from dave.names import SECOND
from dave.wire.directory import DEVICES_KEY, Device, Page, bucket_of, encode_devices, first_page
from tests.edge.directories import KEY, Entries, Shared, say

DEVICE = bytes(8)


def put(shared, key, value):
    shared.driver.run(Entries(shared).put(key, value, 3600))


def test_who_has_put_nothing_has_no_names():
    assert Shared().names() == {}


def test_a_part_that_cannot_be_read_is_an_error_not_a_gap():
    shared = Shared()
    one = shared.process()
    say(one, shared, b"k")
    shared.flush(one)
    put(shared, first_page(DEVICE, 3).key, Page().encode() + b"\0")
    assert set(shared.names()) == {b"k"}, "a page that no device marks is not read"
    put(shared, DEVICES_KEY, encode_devices([Device(DEVICE, 0xFFFF, 2**32 - 1)]))
    with pytest.raises(WireError):
        shared.names()
    shared.is_down = True
    with pytest.raises(Unreachable):
        shared.names()


def test_pages_that_are_absent_are_empty():
    shared = Shared()
    put(shared, DEVICES_KEY, encode_devices([Device(DEVICE, 0xFFFF, 2**32 - 1)]))
    assert shared.names() == {}


def without_end(shared, splits=60):
    """A directory of one name, and of pages that are split and split again."""
    one = shared.process(DEVICE)
    say(one, shared, b"k")
    shared.flush(one)
    put(shared, DEVICES_KEY, encode_devices([Device(DEVICE, 0xFFFF, 2**32 - 1)]))
    mine = bucket_of(KEY.owner, b"k")
    todo = [first_page(DEVICE, 15 if mine < 15 else 14)]
    for _ in range(splits):
        name = todo.pop(0)
        put(shared, name.key, Page(is_split=True).encode())
        todo += name.halves


def test_a_directory_without_end_has_one(monkeypatch):
    monkeypatch.setattr(directory_reader, "DIRECTORY_PAGES_MAX", 50)
    shared = Shared()
    without_end(shared)
    with pytest.raises(Incomplete, match="within 50 pages") as caught:
        shared.names()
    assert [name.key for name in caught.value.part] == [b"k"]


def test_a_directory_that_takes_too_long_is_cut():
    shared = Shared()
    without_end(shared)
    shared.slow_seconds = DIRECTORY_LIST_SECONDS / 4
    started = shared.driver.time
    with pytest.raises(Incomplete, match=f"within {DIRECTORY_LIST_SECONDS} seconds") as caught:
        shared.names()
    assert [name.key for name in caught.value.part] == [b"k"]
    assert shared.driver.time - started <= (DIRECTORY_LIST_SECONDS + 31) * SECOND


def test_a_page_split_beyond_all_bits_is_no_page():
    shared = Shared()
    put(shared, DEVICES_KEY, encode_devices([Device(DEVICE, 1, 2**32 - 1)]))
    name = first_page(DEVICE, 0)
    put(shared, name.key, Page(is_split=True).encode())
    while name.depth < DIRECTORY_DEPTH_MAX:
        name = name.halves[0]
        put(shared, name.key, Page(is_split=True).encode())
    with pytest.raises(WireError, match="split beyond"):
        shared.names()


def test_devices_that_have_run_out_are_not_read():
    devices = [Device(b"a" * 8, 0b101, 10), Device(b"b" * 8, 1 << 15, 11)]
    assert pages_of(devices, 10_000) == [first_page(b"b" * 8, 15)]
    assert len(pages_of(devices, 9_999)) == 3

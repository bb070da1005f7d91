"""The directory as it is read: all of it, or an error; what is hostile has an end."""

import pytest

from dave.edge import directory_reader
from dave.edge.directory_reader import pages_of
from dave.errors import Unreachable, WireError
from dave.wire.directory import DEVICES_KEY, Device, Page, encode_devices, first_page
from tests.edge.directories import Entries, Shared, say

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


def test_a_directory_without_end_has_one(monkeypatch):
    monkeypatch.setattr(directory_reader, "DIRECTORY_PAGES_MAX", 50)
    shared = Shared()
    put(shared, DEVICES_KEY, encode_devices([Device(DEVICE, 1, 2**32 - 1)]))
    todo = [first_page(DEVICE, 0)]
    for _ in range(60):
        name = todo.pop(0)
        put(shared, name.key, Page(is_split=True).encode())
        todo += name.halves
    with pytest.raises(WireError, match="more than 50 pages"):
        shared.names()


def test_devices_that_have_run_out_are_not_read():
    devices = [Device(b"a" * 8, 0b101, 10), Device(b"b" * 8, 1 << 15, 11)]
    assert pages_of(devices, 10_000) == [first_page(b"b" * 8, 15)]
    assert len(pages_of(devices, 9_999)) == 3

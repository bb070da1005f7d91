"""The declared directory against directory.py: the same verdict and the same fields."""

import pytest
from hypothesis import given

from dave.wire.directory import Page, encode_devices, read_devices
from dave.wire.layout_directory import DEVICES, PAGE
from tests.wire.made import damaged, neighbours
from tests.wire.test_directory import SAMPLE_DEVICES, SAMPLE_PAGE, devices, pages
from tests.wire.test_layout import verdict


def same_page(data):
    ours, declared = verdict(Page.read, data), verdict(PAGE.parse, data)
    assert (ours is None) == (declared is None)
    if ours is not None:
        assert ours.is_split == bool(declared.split)
        theirs = [(s.key, s.time, s.ttl, s.kept) for s in declared.statements]
        assert [statement[:4] for statement in ours.statements] == theirs
        sizes = [int.from_bytes(s.size, "little") for s in declared.statements]
        assert [statement.size for statement in ours.statements] == sizes
        assert PAGE.build(declared) == data


def same_devices(data):
    ours, declared = verdict(read_devices, data), verdict(DEVICES.parse, data)
    assert (ours is None) == (declared is None)
    if ours is not None:
        assert ours == tuple((d.id, d.buckets, d.until) for d in declared.devices)
        assert DEVICES.build(declared) == data


@given(damaged(pages.map(Page.encode)))
def test_pages_agree(data):
    same_page(data)


@given(damaged(devices.map(encode_devices)))
def test_devices_agree(data):
    same_devices(data)


@pytest.mark.parametrize("page", [SAMPLE_PAGE, Page(is_split=True), Page()])
def test_all_neighbours_agree(page):
    for data in (page.encode(), *neighbours(page.encode())):
        same_page(data)
    for data in neighbours(encode_devices(SAMPLE_DEVICES)):
        same_devices(data)

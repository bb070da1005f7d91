"""The declared stripes and manifests against their codecs: the same verdict, the same fields."""

import pytest
from hypothesis import given

from dave.wire.layout_files import FILE_ROOT, RELEASE, ROW, STRIPE_RECORD
from dave.wire.manifest import Root, Row
from dave.wire.stripe import Release, Shape, StripeRecord
from tests.wire import test_manifest, test_stripe
from tests.wire.made import damaged, neighbours
from tests.wire.test_layout import verdict

SHAPE = ("k", "n", "share_bytes", "last_bytes")
PLAIN = {
    STRIPE_RECORD: ("nonce", "signature", "time", "ttl", "owner", "reference", *SHAPE),
    RELEASE: ("signature", "time", "owner", "reference"),
    ROW: (),
    FILE_ROOT: ("kind", "levels", "k", "n", "size", "reference"),
}


def same_row(ours, declared):
    assert ours.shape == tuple(declared[name] for name in SHAPE)
    assert (list(ours.addresses), list(ours.keys)) == (declared.addresses, declared["keys"])


def agree(read, layout, data):
    ours, declared = verdict(read, data), verdict(layout.parse, data)
    assert (ours is None) == (declared is None)
    if ours is None:
        return False
    assert layout.build(declared) == data
    assert [getattr(ours, name) for name in PLAIN[layout]] == [
        declared[name] for name in PLAIN[layout]
    ]
    if layout is STRIPE_RECORD:
        assert list(ours.addresses) == declared.addresses
    if layout is ROW:
        same_row(ours, declared)
    if layout is FILE_ROOT:
        assert len(ours.top_rows()) == len(declared.rows)
        for row, other in zip(ours.top_rows(), declared.rows, strict=True):
            same_row(row, other)
    return True


@given(damaged(test_stripe.records().map(lambda record: record.data)))
def test_records_agree(data):
    agree(StripeRecord, STRIPE_RECORD, data)


@given(damaged(test_stripe.releases.map(lambda release: release.data)))
def test_releases_agree(data):
    agree(Release, RELEASE, data)


@given(damaged(test_manifest.rows.map(Row.encode)))
def test_rows_agree(data):
    agree(Row.read, ROW, data)


@given(damaged(test_manifest.roots.map(Root.encode)))
def test_roots_agree(data):
    agree(Root.read, FILE_ROOT, data)


SAMPLES = [
    (StripeRecord, STRIPE_RECORD, test_stripe.made().data),
    (Release, RELEASE, test_stripe.RELEASE.data),
    (Row.read, ROW, test_manifest.row_of(Shape(2, 3, 262_144, 7)).encode()),
    (Root.read, FILE_ROOT, test_manifest.root_of(3 * 262_144 + 1, 2, 3).encode()),
    (Root.read, FILE_ROOT, test_manifest.root_of(0).encode()),
    (Root.read, FILE_ROOT, test_manifest.root_of(2**33, levels=2).encode()),
]


@pytest.mark.parametrize(("read", "layout", "data"), SAMPLES)
def test_all_neighbours_agree(read, layout, data):
    assert agree(read, layout, data)
    for other in neighbours(data[:600]):
        agree(read, layout, other + data[600:])
    for size in range(0, len(data), 7):
        assert not agree(read, layout, data[:size])

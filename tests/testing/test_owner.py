"""What simulated owners sign would be taken by real nodes."""

from random import Random

import pytest

from dave.crypto import hashes, sign
from dave.crypto.network import network
from dave.crypto.work import entry_work, meets
from dave.testing.owner import Owner

PAID = network("paid", node_work_bits=0)
FREE = network("free", b"sixteen bytes ok")


def is_paid(entry):
    return meets(
        hashes.entry_stamp(entry.digest(PAID), entry.nonce), entry_work(len(entry.data), entry.ttl)
    )


@pytest.mark.parametrize("net", [PAID, FREE])
def test_entries_are_signed_and_where_asked_stamped(net):
    owner = Owner(Random(1), net)
    made = [owner.entry(b"key", b"value", 5 << 16), owner.entry(b"key", b"", 6 << 16, ttl=1)]
    for entry in made:
        assert entry.owner == owner.public_key
        assert sign.verify(entry.owner, entry.signature + entry.signed_bytes(net))
        assert is_paid(entry) is (net is PAID)


def test_tombstones():
    gone = Owner(Random(1), FREE).tombstone(b"key", 5 << 16)
    assert gone.is_tombstone
    assert sign.verify(gone.owner, gone.signature + gone.signed_bytes(FREE))


def test_another_stamp_for_the_same_version():
    owner = Owner(Random(1), PAID)
    entry = owner.entry(b"key", b"value", 5 << 16)
    other = owner.stamped(entry, int.from_bytes(entry.nonce, "little") + 1)
    assert other != entry
    assert other.digest(PAID) == entry.digest(PAID)
    assert is_paid(other)

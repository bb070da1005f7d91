"""Versions by name: what is held, what was, and that the past is bounded."""

import pytest

from dave.limits import VERSIONS_PAST_MAX
from dave.node.version_index import VersionIndex
from dave.store.shard import Gone

ONE, TWO = bytes([1]) * 16, bytes([2]) * 16
ENTRY, OTHER = bytes([7]) * 32, bytes([8]) * 32


def test_a_version_held_is_found_and_is_not_another_entrys():
    index = VersionIndex()
    index.add(ONE, ENTRY)
    assert index.holds(ONE, ENTRY)
    assert not index.holds(ONE, OTHER)
    assert not index.holds(TWO, ENTRY)
    assert index.find(ONE) == (ENTRY, None)
    assert index.find(TWO) == (None, None)


def test_what_was_replaced_or_evicted_is_still_known_and_what_expired_is_not():
    index = VersionIndex()
    for leave, known in (
        (lambda: index.replaced(ONE, ENTRY), (ENTRY, Gone.REPLACED)),
        (lambda: index.evicted(ONE, ENTRY), (ENTRY, Gone.EVICTED)),
    ):
        index.add(ONE, ENTRY)
        assert not index.is_past(ONE)
        leave()
        assert (index.find(ONE), index.is_past(ONE), len(index)) == (known, True, 0)
        assert not index.holds(ONE, ENTRY)
    index.add(ONE, ENTRY)
    index.expired(ONE)
    assert (index.find(ONE), index.is_past(ONE)) == ((None, None), False)


@pytest.mark.parametrize("more", [1, 50])
def test_of_too_many_that_left_the_oldest_are_forgotten(more):
    index = VersionIndex()
    for i in range(VERSIONS_PAST_MAX + more):
        index.evicted(i.to_bytes(16, "big"), ENTRY)
    assert not index.is_past((more - 1).to_bytes(16, "big"))
    assert index.is_past(more.to_bytes(16, "big"))

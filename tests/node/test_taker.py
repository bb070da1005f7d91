"""What a pull is told that the node lacks."""

from dave.node.taker import Taker
from dave.store.shard import Gone
from tests.node.helpers import Stage
from tests.node.replica_helpers import Replica, version_of


def stage_and_taker():
    stage = Stage()
    peer = Replica(stage)
    return stage, Taker(stage.node, stage.node.table.get(peer.id))


def test_what_was_never_here_is_lacking_and_what_is_held_is_not():
    stage, taker = stage_and_taker()
    entry = stage.entry(b"a")
    digest = version_of(stage, entry).short_digest
    assert taker.lacks(digest)
    assert not taker.holds(digest)
    stage.put(entry)
    assert not taker.lacks(digest)
    assert taker.holds(digest)


def test_what_had_to_make_room_may_come_back_and_what_was_replaced_may_not(monkeypatch):
    stage, taker = stage_and_taker()
    evicted, replaced = stage.entry(b"a"), stage.entry(b"b")
    digests = [version_of(stage, entry).short_digest for entry in (evicted, replaced)]
    index = stage.node.replicas.index
    index.evicted(digests[0], evicted.id)
    index.replaced(digests[1], replaced.id)
    assert [index.find(digest)[1] for digest in digests] == [Gone.EVICTED, Gone.REPLACED]
    assert [taker.lacks(digest) for digest in digests] == [True, False]
    monkeypatch.setattr(stage.store, "has_room", lambda entry_id: False)
    assert [taker.lacks(digest) for digest in digests] == [False, False]

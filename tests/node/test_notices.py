"""What a node tells whoever listens: each event once, in order, and nothing while nobody does."""

from dave.limits import NOTICES_KEPT
from dave.node.notices import (
    ChallengeEnded,
    ChallengeMet,
    ChallengeSent,
    EntryGone,
    EntryStored,
    Notices,
    PeerChange,
    Result,
    Subject,
    Way,
)
from dave.store.shard import Gone
from tests.node.auditing import Pair
from tests.node.helpers import Stage
from tests.node.shares.test_audits import Two


def listening(node):
    notices = Notices()
    node.listen(notices)
    return notices


def test_an_entry_is_told_of_once_it_is_committed():
    stage = Stage()
    notices = listening(stage.node)
    entry = stage.entry()
    stage.asker().put(entry)
    stage.verify()
    assert notices.take() == []
    stage.commit()
    assert notices.take() == [EntryStored(entry.data, Way.CLIENT)]
    assert notices.take() == []


def test_a_newer_version_is_told_of_and_the_replaced_one_is_not_gone():
    stage = Stage()
    notices = listening(stage.node)
    newer = stage.entry(value=b"newer", ahead_ms=1)
    stage.put(stage.entry())
    stage.put(newer)
    first, second = notices.take()
    assert isinstance(first, EntryStored)
    assert second == EntryStored(newer.data, Way.CLIENT)


def test_what_expires_is_gone():
    stage = Stage()
    notices = listening(stage.node)
    entry = stage.entry(ttl=10)
    stage.put(entry)
    notices.take()
    stage.run(600)
    assert notices.take() == [EntryGone(entry.id, entry.data, Gone.EXPIRED)]


def test_replicas_come_from_nodes_and_peers_come_and_leave():
    pair = Pair(entries=1)
    notices = listening(pair.prover.node)
    contact = pair.prover.node.table.get(pair.asker.node.id)
    pair.prover.node.table.remove(contact.id)
    pair.world.run(60)
    told = notices.take()
    assert told[0] == PeerChange(contact, False)
    assert PeerChange(contact, True) in told


def test_a_replica_is_told_of_as_one():
    world = Pair(entries=1).world
    third = world.add_node()
    notices = listening(third.node)
    world.run(120)
    ways = [notice.way for notice in notices.take() if isinstance(notice, EntryStored)]
    assert len(ways) == 1
    assert ways[0] in (Way.NODE, Way.SYNC)


def test_both_ends_of_a_challenge_tell_of_it():
    pair = Pair(entries=20)
    asker, prover = listening(pair.asker.node), listening(pair.prover.node)
    assert pair.audit() == "kept"
    peer = pair.prover.node.id
    assert asker.take() == [
        ChallengeSent(peer, Subject.ENTRIES, 20),
        ChallengeEnded(peer, Subject.ENTRIES, Result.KEPT, 20),
    ]
    assert prover.take() == [ChallengeMet(pair.asker.node.id, 20, 20)]


def test_a_broken_promise_is_told_of():
    pair = Pair(entries=20)
    pair.lose(pair.prover, pair.entries[7])
    asker, prover = listening(pair.asker.node), listening(pair.prover.node)
    assert pair.audit() == "broken"
    ended = ChallengeEnded(pair.prover.node.id, Subject.ENTRIES, Result.BROKEN, 19)
    assert asker.take()[-1] == ended
    assert prover.take() == [ChallengeMet(pair.asker.node.id, 20, 19)]


def test_a_peer_that_is_not_there_is_told_of():
    pair = Pair(entries=20)
    notices = listening(pair.asker.node)
    pair.prover.kill()
    assert pair.audit(seconds=60) == "offline"
    ended = ChallengeEnded(pair.contact.id, Subject.ENTRIES, Result.OFFLINE, 0)
    assert ended in notices.take()


def test_challenges_about_shares_are_told_of():
    two = Two()
    two.ask()
    notices = listening(two.asker.node)
    assert two.test() == (1, 0, 0)
    peer = two.contact.id
    assert notices.take() == [
        ChallengeSent(peer, Subject.SHARES, 1),
        ChallengeEnded(peer, Subject.SHARES, Result.KEPT, 1),
    ]


def test_who_does_not_take_notices_loses_the_oldest_and_is_told_how_many():
    stage = Stage()
    notices = Notices()
    entry = stage.entry()
    for n in range(NOTICES_KEPT + 3):
        notices.add(EntryGone(n.to_bytes(32), entry.data, Gone.EVICTED))
    assert notices.missed == 3
    taken = notices.take()
    assert len(taken) == NOTICES_KEPT
    assert taken[0].entry_id == (3).to_bytes(32)


def test_who_listens_no_more_is_told_nothing():
    pair = Pair(entries=1)
    notices = listening(pair.prover.node)
    pair.prover.node.listen(None)
    assert pair.prover.node.table.on_change is None
    pair.put(b"another")
    pair.world.run(5)
    pair.prover.node.table.remove(pair.asker.node.id)
    assert notices.take() == []

"""What a node answers to announcements, knows by name, and leaves behind."""

import pytest

from dave.drops import Drop
from dave.limits import (
    ANNOUNCED_BURST,
    ANNOUNCED_MAX,
    ANNOUNCED_PER_SECOND,
    REPAIR_SLICE,
    WANT_SECONDS,
    WANTS_REMEMBERED_MAX,
)
from dave.node.node import Node
from dave.store.shard import Gone
from dave.wire.messages import Put
from dave.wire.promises import Announce, Version
from tests.node.helpers import Stage, dropped
from tests.node.replica_helpers import Replica, version_of


def name(stage, entry):
    return stage.node.replicas.version_of(version_of(stage, entry).short_digest)


def test_what_is_held_is_a_promise_both_ways(stage):
    peer, entry = Replica(stage), stage.entry()
    stage.put(entry)
    want = peer.announce(entry)
    assert (want.held, want.wanted) == (1, 0)
    assert peer.promised(entry)


def test_what_is_lacked_is_asked_of_one_peer_at_a_time(stage):
    one, two, entry = Replica(stage), Replica(stage), stage.entry()
    assert one.announce(entry).wanted == 1
    want = two.announce(entry)
    assert (want.held, want.wanted) == (0, 0)
    stage.run(WANT_SECONDS)
    assert two.announce(entry).wanted == 1
    two.send(Put(entry, None, True))
    assert one.announce(entry).wanted == 0, "a put is under way"
    stage.verify()
    stage.commit()
    assert two.promised(entry), "who announced it and then brought it holds it"
    assert not one.promised(entry)
    assert one.announce(entry).held == 1


def test_each_version_gets_its_own_bit(stage):
    peer = Replica(stage)
    entries = [stage.entry(b"%d" % i) for i in range(5)]
    stage.put(entries[1], entries[3])
    want = peer.announce(*entries)
    assert (want.held, want.wanted) == (0b01010, 0b10101)


def test_an_older_version_is_answered_with_ours(stage):
    peer, old = Replica(stage), stage.entry(value=b"old")
    new = stage.entry(value=b"new", ahead_ms=1)
    stage.put(old)
    stage.put(new)
    stage.run(1)
    peer.announced.clear()
    want = peer.announce(old)
    assert (want.held, want.wanted) == (1, 0)
    assert not peer.promised(new)
    stage.run(1)
    assert peer.versions == [version_of(stage, new)]


def test_an_unknown_version_is_asked_for_since_it_may_be_newer(stage):
    peer, held = Replica(stage), stage.entry(value=b"held")
    stage.put(held)
    newer = stage.entry(value=b"newer", ahead_ms=1)
    assert peer.announce(newer).wanted == 1
    older = stage.entry(b"other", ahead_ms=-1)
    stage.put(stage.entry(b"other"))
    stage.run(WANT_SECONDS)
    assert peer.announce(older).wanted == 1
    ack = peer.ask(Put(older, None, True))
    assert (ack.status.name, ack.held.key) == ("STALE", b"other")


def test_nothing_is_wanted_by_who_cannot_write_or_is_not_near(stage):
    peer = Replica(stage)
    stage.node.puts.is_read_only = True
    assert peer.announce(stage.entry()).wanted == 0
    stage.node.puts.is_read_only = False
    assert peer.announce(stage.entry()).wanted == 1
    stage = Stage(seed=3)
    peers = [Replica(stage) for _ in range(30)]
    near = far = 0
    for i in range(40):
        entry = stage.entry(b"%d" % i)
        place = int.from_bytes(entry.id[:8], "big")
        nearer = sum(peer.id ^ place < stage.node.id ^ place for peer in peers)
        wanted = peers[0].announce(entry).wanted
        assert wanted == (nearer < 24)
        near, far = near + wanted, far + (not wanted)
    assert near
    assert far


def test_what_was_asked_for_is_remembered_boundedly(stage):
    peer = Replica(stage)
    per_message = 28
    for start in range(0, WANTS_REMEMBERED_MAX + 500, per_message):
        ids = [i.to_bytes(32, "big") for i in range(start, start + per_message)]
        peer.ask(Announce(tuple(Version(entry_id, bytes(16)) for entry_id in ids)))
    assert len(stage.node.replicas._asked) == WANTS_REMEMBERED_MAX


def flood(peer, start, count):
    """Announce so many versions that nobody has; how many were wanted."""
    wanted = 0
    for first in range(start, start + count, ANNOUNCED_MAX):
        ids = [i.to_bytes(32, "big") for i in range(first, first + ANNOUNCED_MAX)]
        versions = tuple(Version(entry_id, bytes(16)) for entry_id in ids)
        wanted += peer.ask(Announce(versions)).wanted.bit_count()
    return wanted


def test_a_session_may_announce_so_much_that_is_new_and_others_do_not_feel_it(stage):
    greedy, other, entry = Replica(stage), Replica(stage), stage.entry()
    stage.put(entry)
    stage.run(1)
    assert flood(greedy, 0, 2 * ANNOUNCED_BURST) == ANNOUNCED_BURST
    assert dropped(stage, Drop.ANNOUNCES) > 0
    assert greedy.announce(entry).held == 1, "what is held costs nothing"
    assert flood(other, 1 << 20, ANNOUNCED_MAX) == ANNOUNCED_MAX
    stage.run(0.5)
    wanted = flood(greedy, 1 << 21, ANNOUNCED_PER_SECOND)
    assert wanted == pytest.approx(ANNOUNCED_PER_SECOND / 2, rel=0.01)


def test_a_stranger_to_the_table_is_answered_and_promises_nothing(stage):
    peer, entry = Replica(stage), stage.entry()
    stage.node.table.remove(peer.id)
    stage.put(entry)
    assert peer.announce(entry).held == 1
    assert not peer.promised(entry)


def test_an_eviction_announced_ends_the_promise_of_that_version_only(stage):
    peer, entry = Replica(stage), stage.entry()
    stage.put(entry)
    peer.announce(entry)
    other_version = stage.entry(value=b"other")
    peer.announce(other_version, evicted=1)
    assert peer.promised(entry)
    want = peer.announce(entry, evicted=1)
    assert (want.held, want.wanted) == (0, 0)
    assert not peer.promised(entry)


def test_a_newer_version_ends_the_promises_of_the_older(stage):
    peer, entry = Replica(stage), stage.entry()
    stage.put(entry)
    peer.announce(entry)
    stage.put(stage.entry(value=b"newer", ahead_ms=1))
    assert not peer.promised(entry)


def test_who_held_the_older_version_is_told_of_the_newer_wherever_it_is():
    stage = Stage(seed=3)
    peers = [Replica(stage) for _ in range(14)]
    entry = stage.entry()
    place = int.from_bytes(entry.id[:8], "big")
    far = max(peers, key=lambda peer: peer.id ^ place)
    stage.put(entry)
    far.announce(entry)
    newer = stage.entry(value=b"newer", ahead_ms=1)
    stage.put(newer)
    stage.run(1)
    assert far.versions == [version_of(stage, newer)]


def test_a_version_of_what_is_held_is_wanted_wherever_we_are():
    stage = Stage(seed=3)
    peers = [Replica(stage) for _ in range(30)]
    entries = [stage.entry(b"%d" % i) for i in range(20)]
    assert any(not peers[0].announce(entry).wanted for entry in entries)
    stage.put(*entries)
    for i in range(20):
        newer = stage.entry(b"%d" % i, b"newer", ahead_ms=1)
        assert peers[0].announce(newer).wanted == 1


def test_an_eviction_is_announced_to_who_relies_on_the_entry():
    stage = Stage(capacity=1 << 20)
    peer, other = Replica(stage, is_above=True), Replica(stage, is_above=True)
    peer.holds = True
    entries = [stage.entry(b"%d" % i, bytes(900), ahead_ms=i) for i in range(1200)]
    promised = {}
    for start in range(0, len(entries), 100):
        stage.put(*entries[start : start + 100])
        stage.run(1)
        promised |= {entry.id: None for entry in entries if peer.promised(entry)}
    stage.run(5)
    gone = [e for e in entries if name(stage, e) == (e.id, Gone.EVICTED) and e.id in promised]
    assert gone
    told = [
        version
        for announce in peer.announced
        for i, version in enumerate(announce.versions)
        if announce.evicted >> i & 1
    ]
    assert sorted(v.entry_id for v in told) == sorted(e.id for e in gone)
    assert not any(announce.evicted for announce in other.announced), "it never promised"


def test_versions_are_known_by_name_held_or_past(stage):
    old, new = stage.entry(value=b"old"), stage.entry(value=b"new", ahead_ms=1)
    short = stage.entry(b"short", ttl=5)
    assert name(stage, old) == (None, None)
    stage.put(old, short)
    assert name(stage, old) == (old.id, None)
    stage.put(new)
    assert name(stage, old) == (old.id, Gone.REPLACED)
    assert name(stage, new) == (old.id, None)
    assert name(stage, short) == (short.id, None)
    stage.run(400)
    assert name(stage, short) == (None, None)


def test_what_is_not_committed_is_not_known_by_name(stage):
    entry = stage.entry()
    stage.asker().put(entry)
    stage.verify()
    assert name(stage, entry) == (None, None)
    stage.commit(ok=False)
    assert name(stage, entry) == (None, None)


def test_what_the_journal_brought_back_is_learnt_in_slices(stage):
    entries = [stage.entry(b"%d" % i) for i in range(REPAIR_SLICE + 10)]
    for i, entry in enumerate(entries):
        stage.store.load(entry.data, i, stage.unix_ms)
    node = Node(
        stage.identity, stage.network, stage.rng, stage.store, start_count=4, journal_id=bytes(16)
    )
    node.wall_offset_ms = stage.node.wall_offset_ms
    stage.node = node
    node.start(stage.now)
    assert not node.replicas.knows_all
    known = [name(stage, entry)[0] is not None for entry in entries]
    assert sum(known) == REPAIR_SLICE
    missing = entries[known.index(False)]
    peer = Replica(stage)
    assert peer.announce(missing).held == 1
    stage.run(1)
    assert node.replicas.knows_all
    assert all(name(stage, entry) == (entry.id, None) for entry in entries)


def test_a_node_that_leaves_hands_over_what_it_alone_holds_then_says_bye(stage):
    heir, idle = Replica(stage, is_above=False), Replica(stage, is_above=False)
    heir.wants = idle.holds = True
    entry = stage.entry()
    stage.put(entry)
    assert not heir.announced
    node = stage.node
    node.leave(stage.now)
    assert not node.leave_done
    stage.run(0)
    assert [put.entry for put in heir.handed] == [entry]
    assert node.leave_done
    assert heir.byes == idle.byes == 0
    node.say_bye(stage.now)
    stage.pump()
    assert heir.byes == idle.byes == 1


def test_a_node_that_holds_nothing_alone_is_done_at_once(stage):
    peer, entry = Replica(stage), stage.entry()
    stage.put(entry)
    peer.announce(entry)
    stage.node.leave(stage.now)
    assert stage.node.leave_done


def test_a_node_that_leaves_wants_nothing_more(stage):
    peer = Replica(stage)
    stage.node.leave(stage.now)
    assert peer.announce(stage.entry()).wanted == 0

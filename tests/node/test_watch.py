"""The watcher's side: each version once, the newest in the end, whoever dies or lies."""

import pytest

from dave.drops import Drop
from dave.limits import REPLICAS
from dave.names import SECOND
from dave.node.limits import (
    WATCH_LEASE_SECONDS,
    WATCH_POLL_SECONDS,
    WATCH_POLL_SECONDS_ALONE,
    WATCH_REPLICAS,
)
from dave.node.watch import Event
from dave.testing.links import Link
from dave.wire import messages
from dave.wire.watching import Notify
from tests.node.watching import Play

PERIOD = 1.25 * WATCH_POLL_SECONDS + 10


def stop_telling(host):
    """A node that stores, and tells no watcher."""
    host.node.puts.on_version = lambda *_: None


@pytest.fixture
def play():
    return Play()


def test_what_stands_comes_first_and_then_each_version_once(play):
    first = play.write()
    play.watch()
    assert play.seen() == [Event(first, False, 0)]
    for _ in range(3):
        entry = play.write()
        assert play.seen(0.1) == [Event(entry, False, 0)]
    assert play.seen(PERIOD) == []
    assert play.watching.leases == len(play.watched()) == WATCH_REPLICAS


def test_what_is_put_later_is_seen_within_a_round_trip_or_two(play):
    play.watch()
    assert play.watching.has_looked
    entry = play.write()
    assert play.seen(0.05) == [Event(entry, False, 0)]


def test_one_node_alone_is_enough():
    play = Play(nodes=1)
    play.watch()
    play.write()
    assert (play.values(), play.watching.leases) == ([b"1"], 1)


def test_deletion_and_expiry_are_told_and_a_new_version_after_them(play):
    play.write()
    play.watch()
    play.writer.put(play.owner.tombstone(b"key", play.world.time()))
    assert play.values() == [b"1", None]
    play.write(b"again", ttl=20)
    assert play.values() == [b"again"]
    [gone] = play.seen(30)
    assert (gone.is_gone, gone.entry.is_tombstone, gone.entry.value) == (True, False, b"again")
    assert play.seen(PERIOD) == []
    play.write(b"anew")
    assert play.values() == [b"anew"]


def test_skipped_versions_are_counted_once_though_several_nodes_tell(play):
    play.write()
    play.watch()
    play.seen()
    for number in range(40):
        play.writer.put(play.owner.entry(b"key", b"%d" % number, play.world.time(number)))
        play.world.run(0.004)
    events = play.seen(5)
    assert events[-1].entry.value == b"39"
    assert len(events) < 20
    assert sum(event.skipped + 1 for event in events) == 40


def test_where_events_are_not_read_the_oldest_go_and_count_as_skipped(play):
    play.watch(kept=2)
    for _ in range(5):
        play.write()
        play.world.run(1)
    assert [(event.entry.value, event.skipped) for event in play.watching.events] == [
        (b"4", 3),
        (b"5", 0),
    ]


def test_with_one_kept_it_is_the_newest_that_is_read(play):
    play.watch(kept=1)
    for _ in range(5):
        play.write()
        play.world.run(1)
    assert [(e.entry.value, e.skipped) for e in play.watching.events] == [(b"5", 4)]


def test_who_waits_is_woken_once_for_what_waits_to_be_read(play):
    play.watch()
    wake = play.watching.wake
    play.write()
    play.write()
    play.world.run(1)
    assert wake in play.host.ended
    assert play.watching.wake not in play.host.ended
    assert len(play.watching.events) == 2


def test_watchers_of_one_key_spread_over_its_region():
    play = Play(nodes=8)
    for _ in range(24):
        play.world.add_client().watch(play.id)
    play.world.run(10)
    counts = [len(host.node.leases) for host in play.world.nodes]
    assert sum(counts) == 24 * WATCH_REPLICAS
    assert max(counts) < 20
    assert min(counts) > 2


# --- Nodes that die, lie or are cut off ----------------------------------------------------


def test_the_watched_replicas_die_one_by_one(play):
    play.watch()
    for _ in range(4):
        play.world.kill(play.watched()[0])
        play.write()
        assert play.values(2) == [b"%d" % play.count], "another one tells it"
        play.world.run(WATCH_LEASE_SECONDS)
        assert play.watching.leases == WATCH_REPLICAS


def test_all_watched_replicas_die_at_once(play):
    play.write()
    play.watch()
    for host in play.watched():
        play.world.kill(host)
    entry = play.write()
    assert entry in [event.entry for event in play.seen(WATCH_LEASE_SECONDS)]
    assert play.watching.leases == WATCH_REPLICAS
    play.write()
    assert play.values(2) == [b"%d" % play.count]


def test_nodes_restart_and_have_forgotten_the_watch(play):
    play.watch()
    for host in play.watched():
        play.world.kill(host)
        play.world.restart(host)
    play.world.run(WATCH_LEASE_SECONDS)
    play.write()
    assert play.values(2) == [b"1"]
    assert play.told[-1].skipped == 0


def test_the_client_restarts(play):
    play.write()
    play.watch()
    play.host.kill()
    play.host.start()
    play.watch()
    assert play.values(0) == [b"1"]
    play.write()
    assert play.values() == [b"2"]


def test_where_nobody_grants_a_lease_it_polls(play, monkeypatch):
    monkeypatch.setattr("dave.node.leases.WATCHES_MAX", 0)
    play.watch()
    assert play.watching.leases == 0
    play.write()
    assert play.values(1.25 * WATCH_POLL_SECONDS_ALONE + 5) == [b"1"]
    assert sum(host.dropped(Drop.WATCHES) for host in play.world.nodes) > 0
    monkeypatch.undo()
    play.world.run(2 * WATCH_LEASE_SECONDS)
    assert play.watching.leases == WATCH_REPLICAS


def test_if_those_watched_keep_silent_the_renewals_tell(play):
    play.watch()
    for host in play.world.nodes:
        stop_telling(host)
    play.write()
    assert play.values(WATCH_LEASE_SECONDS / 2) == [b"1"]


def test_if_those_watched_deny_all_the_poll_tells(play):
    """They grant leases, store nothing and say nothing."""
    play.write()
    play.watch()
    assert play.values(0) == [b"1"]
    for host in play.watched():
        stop_telling(host)
        host.node.puts.receive = lambda *_: None
    play.write()
    assert play.values(PERIOD) == [b"2"]


def test_leases_too_short_do_not_make_it_ask_all_the_time(play, monkeypatch):
    monkeypatch.setattr("dave.node.leases.WATCH_LEASE_SECONDS", 1)
    play.watch()
    before = play.host.sent
    play.seen(100)
    assert play.host.sent - before < WATCH_REPLICAS * 30 + 2 * 3 * REPLICAS
    play.write()
    assert play.values(10) == [b"1"]


def test_a_forged_version_is_not_told_and_its_sender_not_asked_again(play):
    play.write()
    play.watch()
    play.seen()
    liar, *honest = play.watched()
    entry = play.owner.entry(b"key", b"a lie", play.world.time())
    forged = entry.with_proofs(bytes(64), entry.nonce)
    session = liar.node.sessions.find(play.host.address)
    notify = Notify(play.watching.number, 1, forged)
    liar.node.sessions.seal(session, messages.encode(b"abcd", notify), play.world.now)
    liar.settle()
    assert play.values() == []
    assert play.host.dropped(Drop.FORGED_VERSION) == 1
    assert liar not in play.watched() or len(play.watched()) > WATCH_REPLICAS
    keys = list(play.watching._leases)
    assert liar.node.identity.public_key not in keys
    assert len(keys) == WATCH_REPLICAS
    assert {host.node.identity.public_key for host in honest} < set(keys)


@pytest.mark.parametrize("other", ["key", "owner"])
def test_another_entry_is_no_version_of_this_one(play, other):
    play.watch()
    owner = play.world.owner() if other == "owner" else play.owner
    entry = owner.entry(b"other" if other == "key" else b"key", b"x", play.world.time())
    liar = play.watched()[0]
    session = liar.node.sessions.find(play.host.address)
    notify = messages.encode(b"abcd", Notify(play.watching.number, 1, entry))
    liar.node.sessions.seal(session, notify, play.world.now)
    liar.settle()
    assert play.values() == []
    assert play.host.dropped(Drop.FORGED_VERSION) == 1


def test_a_number_far_ahead_does_not_end_the_counting(play):
    play.write()
    play.watch()
    play.seen()
    liar = play.watched()[0]
    [lease] = [x for w in liar.node.leases._watchers.values() for x in w.leases.values()]
    lease.sequence = 2**32 - 2
    for _ in range(3):
        play.write()
        assert play.values() == [b"%d" % play.count]
    assert play.told[-1].skipped == 0


def test_a_partition_ends_and_the_newest_is_seen(play):
    play.write()
    play.watch()
    play.seen()
    play.world.links.partition([play.host.name])
    for _ in range(3):
        play.write()
        play.world.run(100)
    assert play.values(0) == []
    play.world.links.heal()
    assert play.values(PERIOD)[-1:] == [b"4"]
    play.write()
    assert play.values(2) == [b"5"]
    assert play.watching.leases == WATCH_REPLICAS


def test_nobody_answers_the_first_look():
    play = Play(nodes=1)
    play.world.kill(play.world.nodes[0])
    play.watch()
    play.world.run(5)
    assert play.watching.unreachable is not None
    play.world.restart(play.world.nodes[0])
    play.writer.put(play.owner.entry(b"key", b"late", play.world.time()))
    assert play.values(60) == [b"late"], "it goes on trying"


@pytest.mark.parametrize("seed", range(3))
def test_a_third_is_lost_and_replicas_are_killed(seed):
    """The newest is seen by all, each version once, in order."""
    play = Play(nodes=12, link=Link(delay_ms=10, jitter_ms=3), seed=seed)
    hosts = [play.world.add_client([node]) for node in play.world.nodes[4:8]]
    watches = [host.watch(play.id) for host in hosts]
    play.world.run(5)
    play.world.links.default = Link(delay_ms=20, jitter_ms=10, loss=0.3, reordering=0.3)
    for turn in range(6):
        if turn in (1, 3):
            holders = play.holders()
            for host in holders[: REPLICAS // 2]:
                play.world.kill(host)
        entry = play.owner.entry(b"key", b"%d" % turn, play.world.time())
        play.world.run_until_resolved(play.writer.put(entry, 20.0))
        play.world.run(5)
    play.world.run(2 * PERIOD)
    for watch in watches:
        times = [event.entry.time for event in watch.events]
        assert times == sorted(set(times))
        assert watch.events[-1].entry == entry
    assert play.world.now > 100 * SECOND

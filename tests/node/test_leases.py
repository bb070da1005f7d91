"""The node's side of watches: leases, their bounds, and what goes to whom and how often."""

import pytest

from dave.drops import Drop
from dave.limits import PACKET_BYTES_MAX
from dave.node import leases, limits
from dave.node.limits import (
    NOTIFY_ATTEMPTS,
    NOTIFY_SLICE,
    NOTIFY_UNANSWERED_MAX,
    NOTIFY_WINDOW,
    WATCH_LEASE_SECONDS,
    WATCHES_PER_SESSION_MAX,
)
from dave.wire import messages
from dave.wire.status import PutStatus
from dave.wire.watching import NOTHING_KNOWN, Notify, NotifyAck, Watch, WatchAck
from tests.node.helpers import NODE, Asker, Stage, dropped


class Watcher(Asker):
    """An asker that acknowledges what it is told, unless it is silent."""

    def __init__(self, stage: Stage, host: str | None = None) -> None:
        number = len(stage.askers) + 1
        super().__init__(stage, (host or f"10.{number >> 8}.{number & 255}.9", 1000 + number))
        stage.askers[self.address] = self
        self.told: list[Notify] = []
        self.is_silent = False
        self.watched = True
        self.on_reply = self._hear

    def _hear(self, request_id, message) -> None:
        if not isinstance(message, Notify):
            self.take(request_id, message)
            return
        self.told.append(message)
        if not self.is_silent:
            answer = messages.encode(request_id, NotifyAck(self.watched))
            self.sessions.seal(self.sessions.find(NODE), answer, self.stage.now)

    def watch(self, entry, number=b"one.", lease=60, known=NOTHING_KNOWN) -> WatchAck:
        return self.ask(Watch(number, entry.id, lease, known))

    @property
    def seen(self):
        """(number, value) of each NOTIFY."""
        return [(notify.sequence, notify.entry.value) for notify in self.told]


@pytest.fixture
def stage():
    return Stage()


def store(stage, value, ahead_ms=0, key=b"key"):
    entry = stage.entry(key, value, ahead_ms)
    writer = stage.askers.get(("10.200.0.9", 1))
    if writer is None:
        writer = stage.askers["10.200.0.9", 1] = Asker(stage, ("10.200.0.9", 1))
    assert writer.put_now(entry).status is PutStatus.STORED
    stage.run(0.001)
    return entry


def count(stage):
    return len(stage.node.leases)


def test_a_watcher_is_told_of_each_version_and_its_number(stage):
    watcher = Watcher(stage)
    entry = store(stage, b"old")
    digest = entry.digest(stage.network)
    assert watcher.watch(entry) == WatchAck(60, 0, False, entry)
    assert watcher.watch(entry, known=digest) == WatchAck(60, 0, True, None)
    for number in (1, 2, 3):
        store(stage, b"%d" % number, number)
        stage.run(1)
    assert watcher.seen == [(1, b"1"), (2, b"2"), (3, b"3")]
    assert watcher.watch(entry, known=digest).sequence == 3
    assert count(stage) == 1


def test_what_does_not_exist_yet_can_be_watched(stage):
    watcher = Watcher(stage)
    assert watcher.watch(stage.entry()) == WatchAck(60, 0, False, None)
    store(stage, b"first")
    assert watcher.seen == [(1, b"first")]


def test_only_what_is_committed_is_told(stage):
    watcher, writer = Watcher(stage), stage.asker()
    entry = stage.entry()
    watcher.watch(entry)
    writer.put(entry)
    stage.verify()
    stage.run(1)
    assert watcher.told == []
    stage.commit(ok=False)
    stage.run(1)
    assert watcher.told == []


def test_a_deletion_is_told(stage):
    watcher = Watcher(stage)
    entry = store(stage, b"value")
    watcher.watch(entry)
    tombstone = stage.owner.tombstone(b"key", stage.time(5))
    stage.asker().put_now(tombstone)
    stage.run(1)
    assert [notify.entry for notify in watcher.told] == [tombstone]


def test_the_same_version_with_another_stamp_is_no_news(stage):
    watcher = Watcher(stage)
    entry = store(stage, b"value")
    watcher.watch(entry)
    store(stage, b"new", 1)
    assert stage.asker().put_now(watcher.told[0].entry).status is PutStatus.SAME
    stage.run(1)
    assert len(watcher.told) == 1


def test_of_a_burst_only_the_newest_goes_out_and_the_number_tells_how_many_were_left_out(stage):
    watcher = Watcher(stage)
    watcher.watch(stage.entry())
    for number in range(20):
        store(stage, b"%d" % number, number)
    stage.run(1)
    assert watcher.seen == [(1, b"0"), (20, b"19")]


def test_a_lease_lapses_unless_it_is_renewed(stage):
    lazy, keen = Watcher(stage), Watcher(stage)
    entry = stage.entry()
    assert lazy.watch(entry, lease=10**4).lease == WATCH_LEASE_SECONDS
    keen.watch(entry)
    for _ in range(3):
        stage.run(30)
        keen.watch(entry)
    store(stage, b"value")
    assert (lazy.told, keen.seen) == ([], [(1, b"value")])
    assert count(stage) == 1
    stage.run(100)
    assert count(stage) == 0
    assert len(stage.node.leases._watchers) == len(stage.node.leases._by_entry) == 0


def test_a_watch_can_be_ended_and_an_unwanted_one_ends_itself(stage):
    one, other = Watcher(stage), Watcher(stage)
    entry = stage.entry()
    one.watch(entry)
    other.watch(entry)
    assert one.watch(entry, lease=0) == WatchAck(0, 0, False, None)
    other.watched = False
    store(stage, b"value")
    assert (one.told, other.seen, count(stage)) == ([], [(1, b"value")], 0)


def test_one_number_names_one_watch_of_a_session(stage):
    watcher = Watcher(stage)
    watcher.watch(stage.entry(b"a"))
    watcher.watch(stage.entry(b"b"))
    store(stage, b"1", key=b"a")
    store(stage, b"2", key=b"b")
    assert watcher.seen == [(1, b"2")]
    assert count(stage) == 1


def test_many_watchers_are_told_in_slices(stage):
    watchers = [Watcher(stage) for _ in range(3 * NOTIFY_SLICE)]
    for number, watcher in enumerate(watchers):
        stage.run(0.01 * (number % 2))
        watcher.watch(stage.entry())
    store(stage, b"value")
    told = sum(len(watcher.told) for watcher in watchers)
    assert NOTIFY_SLICE <= told < len(watchers)
    stage.run(0.02)
    assert all(watcher.seen == [(1, b"value")] for watcher in watchers)


# --- Who does not answer -------------------------------------------------------------------


def test_an_unanswered_notify_is_repeated_few_times_and_then_the_watches_of_the_session_end(stage):
    silent = Watcher(stage)
    silent.is_silent = True
    entry = stage.entry()
    silent.watch(entry)
    silent.watch(stage.entry(b"other"), b"two.")
    store(stage, b"value")
    stage.run(60)
    assert silent.seen == [(1, b"value")] * NOTIFY_ATTEMPTS
    assert count(stage) == 0
    assert dropped(stage, Drop.WATCHER) == 1


def test_who_answers_late_is_told_the_newest_only(stage):
    watcher = Watcher(stage)
    watcher.is_silent = True
    watcher.watch(stage.entry())
    store(stage, b"1")
    store(stage, b"2", 1)
    stage.run(0.6)
    watcher.is_silent = False
    stage.run(2)
    assert watcher.seen == [(1, b"1"), (2, b"2"), (2, b"2")]
    assert count(stage) == 1


def test_what_goes_unasked_to_a_session_that_fell_silent_is_bounded(stage):
    """However much it watches, and however much happens."""
    silent = Watcher(stage)
    entries = [stage.entry(b"%d" % number) for number in range(WATCHES_PER_SESSION_MAX)]
    for number, entry in enumerate(entries):
        assert silent.watch(entry, number.to_bytes(4, "big")).lease
    silent.is_silent = True
    stage.sent.clear()
    for turn in range(5):
        for number in range(len(entries)):
            store(stage, bytes(1000), turn, b"%d" % number)
    stage.run(300)
    sent = [len(data) for data, to in stage.sent if to == silent.address]
    assert NOTIFY_WINDOW < len(sent) <= NOTIFY_UNANSWERED_MAX
    assert sum(sent) <= NOTIFY_UNANSWERED_MAX * PACKET_BYTES_MAX
    assert count(stage) == 0


def test_a_session_that_watches_much_is_told_all_of_it_as_it_answers(stage):
    watcher = Watcher(stage)
    watcher.is_silent = True
    for number in range(3 * NOTIFY_WINDOW):
        watcher.watch(stage.entry(b"%d" % number), number.to_bytes(4, "big"))
        store(stage, b"value", key=b"%d" % number)
    assert len(watcher.told) == NOTIFY_WINDOW
    watcher.is_silent = False
    stage.run(2)
    assert {notify.watch for notify in watcher.told} == {
        number.to_bytes(4, "big") for number in range(3 * NOTIFY_WINDOW)
    }


def test_a_client_that_starts_anew_at_the_same_address_is_not_told_what_the_old_one_watched(stage):
    old = Watcher(stage)
    old.watch(stage.entry())
    new = Watcher(stage)
    del stage.askers[new.address]
    new.address = old.address
    stage.askers[old.address] = new
    new.open()
    new.send_bytes(b"")
    store(stage, b"value")
    stage.run(10)
    assert old.told == new.told == []
    assert count(stage) == 0


def test_a_session_that_is_gone_ends_its_watches(stage):
    watcher = Watcher(stage)
    watcher.watch(stage.entry())
    stage.node.sessions.forget(watcher.address)
    stage.sent.clear()
    store(stage, b"value")
    assert [to for _, to in stage.sent if to == watcher.address] == []
    assert count(stage) == 0


# --- Bounds --------------------------------------------------------------------------------


def test_a_session_has_so_many_watches_and_no_more(stage):
    greedy, other = Watcher(stage), Watcher(stage)
    for number in range(WATCHES_PER_SESSION_MAX):
        assert greedy.watch(stage.entry(), number.to_bytes(4, "big")).lease
    entry = store(stage, b"value")
    assert greedy.watch(entry, b"more") == WatchAck(0, 0, False, entry), "refused, and told"
    assert greedy.watch(entry, bytes(4)).lease, "one that it has can be renewed"
    assert other.watch(entry).lease
    assert dropped(stage, Drop.WATCHES) == 1


@pytest.mark.parametrize("bound", ["WATCHES_MAX", "WATCHES_PER_ENTRY_MAX"])
def test_the_table_is_bounded_and_room_comes_back(stage, monkeypatch, bound):
    assert getattr(limits, bound) >= 1000
    monkeypatch.setattr(leases, bound, 5)
    hogs = [Watcher(stage) for _ in range(5)]
    for hog in hogs:
        hog.is_silent = True
        assert hog.watch(stage.entry()).lease
    late = Watcher(stage)
    assert late.watch(stage.entry()).lease == 0
    store(stage, b"value")
    stage.run(WATCH_LEASE_SECONDS)
    assert late.watch(stage.entry()).lease
    assert count(stage) == 1


def test_one_public_subnet_does_not_take_all_the_room(stage, monkeypatch):
    monkeypatch.setattr(leases, "WATCHES_PER_SUBNET_MAX", 3)
    crowd = [Watcher(stage, f"20.0.0.{number}") for number in range(1, 5)]
    entry = stage.entry()
    assert [watcher.watch(entry).lease for watcher in crowd] == [60, 60, 60, 0]
    assert Watcher(stage, "20.0.1.1").watch(entry).lease == 60
    assert [Watcher(stage).watch(entry).lease for _ in range(5)] == [60] * 5, "private addresses"
    crowd[0].watch(entry, lease=0)
    assert crowd[3].watch(entry).lease == 60
    stage.run(200)
    assert stage.node.leases._by_subnet == {}


# --- Hostile -------------------------------------------------------------------------------


def test_an_init_takes_no_lease(stage):
    asker = stage.asker()
    message = messages.encode(b"abcd", Watch(b"one.", bytes(32), 60, NOTHING_KNOWN))
    asker.open(message, room=1366)
    asker.open(messages.encode(b"abcd", NotifyAck(watched=True)), room=100)
    assert asker.accepted[0] == b""
    assert (count(stage), dropped(stage, Drop.NOT_IN_INIT)) == (0, 2)


def test_an_answer_to_nothing_is_a_counted_drop(stage):
    asker, watcher = stage.asker(), Watcher(stage)
    watcher.is_silent = True
    watcher.watch(stage.entry())
    store(stage, b"value")
    for who in (asker, watcher):
        who.send_bytes(messages.encode(b"none", NotifyAck(watched=False)))
    assert (count(stage), dropped(stage, Drop.NO_REQUEST)) == (1, 2)
    asker.send_bytes(b"\x15abcd\x02")
    asker.send_bytes(b"\x0fabcd")
    assert dropped(stage, Drop.WIRE) == 2


def test_nobody_ends_the_watch_of_another(stage):
    watcher, thief = Watcher(stage), Watcher(stage)
    entry = stage.entry()
    watcher.watch(entry)
    assert thief.watch(entry, lease=0).lease == 0
    store(stage, b"value")
    assert (watcher.seen, thief.told) == ([(1, b"value")], [])


def test_alarms_do_not_pile_up(stage):
    watcher = Watcher(stage)
    watcher.watch(stage.entry())
    before = len(stage.node.timers)
    for number in range(500):
        store(stage, b"%d" % number, number)
    assert len(stage.node.timers) < before + 40

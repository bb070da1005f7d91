"""One pull against a peer that answers as a test wants it."""

from dave.limits import SYNC_NAMES_MAX, SYNC_RUNS_MAX
from dave.node.limits import SYNC_IN_HAND_MAX, SYNC_TRIES
from dave.node.pull import Pull
from dave.node.requests import Peer
from dave.node.streams import StreamEnd
from dave.wire import sync
from dave.wire.messages import PutAck
from dave.wire.status import PutStatus
from tests.node.helpers import Stage

ID = b"j" * 16
STAGE = Stage()
ENTRIES = {n: STAGE.entry(b"%d" % n) for n in range(1, 9)}


def digest(number):
    return number.to_bytes(16, "big")


class Line:
    """A stream that the pull opened."""

    def __init__(self, request):
        self.request = sync.read_request(request)
        self.returned = 0
        self.is_cancelled = False

    def consumed(self, count):
        self.returned += count

    def cancel(self):
        self.is_cancelled = True


class Bench:
    """Opens streams, stores entries, and remembers what was said."""

    def __init__(self, upto=8, since=0, held=()):
        self.lines, self.held, self.waiting = [], set(held), []
        self.moved, self.ended, self.promised_names = [], [], []
        self.woken = 0
        self.now = 0
        peer = Peer(("10.0.0.2", 1))
        self.pull = Pull(
            peer, ID, since, upto, self, self,
            lambda sequence, now: self.moved.append(sequence),
            lambda *how: self.ended.append(how[:2]),
        )  # fmt: skip
        self.pull.start(0)

    def open(self, peer, request, sink, now):
        self.lines.append(Line(request))
        return self.lines[-1]

    @property
    def asked(self):
        return self.lines[-1].request

    def lacks(self, short_digest):
        return short_digest not in self.held

    def holds(self, short_digest):
        return short_digest in self.held

    def take(self, entry, done, now):
        self.waiting.append((entry, done))

    def wake_soon(self, now):
        self.woken += 1

    def promised(self, short_digests):
        self.promised_names += short_digests

    def names(self, since, upto, *numbers):
        names = tuple((n - since, digest(n)) for n in numbers)
        self.pull.on_piece(sync.NamesPiece(since, upto, names).encode(), 0)

    def entries(self, upto, *numbers):
        data = [ENTRIES[n].data for n in numbers]
        self.pull.on_piece(sync.encode_entries(upto, data), 0)

    def done(self):
        self.pull.on_end(StreamEnd.DONE, 0)

    def commit(self, count=99, status=PutStatus.STORED):
        taken, self.waiting = self.waiting[:count], self.waiting[count:]
        for entry, done in taken:
            if status is PutStatus.STORED:
                self.held.add(digest(int(entry.key)))
            done(PutAck(status), 0)
        if self.pull.wants_wake and self.woken:
            self.pull.wake(0)


def naming(bench, *numbers):
    """Up to where the entries that are lacking are asked for."""
    bench.names(0, 8, *numbers)
    bench.done()
    return bench


def test_names_then_entries_then_what_is_held():
    bench = Bench(held=[digest(2)])
    assert bench.asked == sync.NamesRequest(ID, 0, 8)
    naming(bench, 1, 2, 3, 5)
    assert bench.asked == sync.EntriesRequest(ID, 0, ((1, 1), (3, 3)))
    bench.entries(5, 1, 3, 5)
    assert bench.moved == []
    bench.commit()
    assert bench.moved == [5]
    bench.done()
    assert bench.asked == sync.HeldRequest(ID, 0, 8, b"\x0f")
    assert bench.moved == [5, 8]
    bench.done()
    assert bench.promised_names == [digest(n) for n in (1, 2, 3, 5)]
    assert bench.ended == [(True, False)]


def test_where_nothing_is_lacking_nothing_is_sent():
    bench = naming(Bench(held=[digest(1)]), 1)
    assert isinstance(bench.asked, sync.HeldRequest)
    bench.pull.on_end(StreamEnd.REFUSED, 0)
    assert bench.promised_names == []
    assert bench.ended == [(True, False)], "that it was not noted is no failure"


def test_an_empty_interval_moves_the_clock():
    bench = naming(Bench())
    assert bench.moved == [8]
    assert bench.ended == [(True, False)]


def test_bytes_are_consumed_once_their_entries_are_committed():
    bench = naming(Bench(), 1, 2, 3)
    bench.entries(1, 1)
    bench.entries(3, 2, 3)
    line = bench.lines[-1]
    bench.commit(1)
    first = 8 + 2 + len(ENTRIES[1].data)
    assert line.returned == first
    bench.commit(1)
    assert line.returned == first
    bench.commit()
    assert line.returned > 2 * first
    assert bench.moved == [1, 3]


def test_the_clock_waits_for_the_first_piece():
    bench = naming(Bench(), 1, 2)
    bench.entries(1, 1)
    bench.entries(2, 2)
    one, two = bench.waiting
    two[1](PutAck(PutStatus.STORED), 0)
    assert bench.moved == []
    one[1](PutAck(PutStatus.STORED), 0)
    assert bench.moved == [1, 2]


def test_a_broken_stream_goes_on_where_it_stopped():
    bench = naming(Bench(), 1, 2, 3, 4)
    bench.entries(2, 1, 2)
    bench.pull.on_end(StreamEnd.BROKEN, 0)
    assert len(bench.lines) == 2, "not before what came is committed"
    bench.commit()
    assert bench.asked == sync.EntriesRequest(ID, 2, ((1, 2),))
    while not bench.ended:
        bench.pull.on_end(StreamEnd.BROKEN, 0)
    assert len(bench.lines) == 2 + SYNC_TRIES
    assert bench.ended == [(False, False)]


def test_more_runs_than_one_request_holds():
    upto = 4 * SYNC_RUNS_MAX
    odd = range(1, upto, 2)
    bench = Bench(upto=upto, held=[digest(n) for n in range(0, upto, 2)])
    bench.names(0, upto, *range(1, upto))
    bench.done()
    assert len(bench.asked.runs) == SYNC_RUNS_MAX
    last = odd[SYNC_RUNS_MAX - 1]
    bench.entries(last)
    bench.done()
    assert bench.asked.since == last + 1
    assert bench.moved[-1] == last


def test_names_that_end_early_are_asked_for_again():
    bench = Bench()
    bench.names(0, 5, 1)
    bench.done()
    bench.entries(1, 1)
    bench.commit()
    bench.done()
    assert isinstance(bench.asked, sync.HeldRequest)
    bench.done()
    assert bench.asked == sync.NamesRequest(ID, 5, 8)
    assert bench.moved == [1, 5]


def test_no_more_is_in_hand_than_may_be():
    bench = naming(Bench(), *range(1, 8))
    many = [ENTRIES[1].data] * 100
    for upto in range(1, 8):
        bench.pull.on_piece(sync.encode_entries(upto, many), 0)
    assert len(bench.waiting) == SYNC_IN_HAND_MAX
    bench.commit(10)
    assert len(bench.waiting) == SYNC_IN_HAND_MAX


def test_a_busy_node_is_tried_again():
    bench = naming(Bench(), 1, 2)
    bench.entries(2, 1, 2)
    bench.commit(1, PutStatus.BUSY)
    assert bench.pull.is_busy
    bench.pull.wake(0)
    assert [entry.key for entry, _ in bench.waiting] == [b"2", b"1"]
    bench.commit()
    assert bench.moved == [2]


def test_refusals_for_good_do_not_hold_the_clock_back():
    bench = naming(Bench(), 1, 2)
    bench.entries(2, 1, 2)
    bench.commit(1, PutStatus.STALE)
    bench.commit(1, PutStatus.LOW_RANK)
    assert bench.moved == [2]


def test_a_fault_ends_it_and_so_does_a_failing_disk():
    for status, is_fault in (
        (PutStatus.FORGED, True), (PutStatus.LOW_WORK, True), (PutStatus.READ_ONLY, False),
        (PutStatus.FUTURE, False),
    ):  # fmt: skip
        bench = naming(Bench(), 1, 2)
        bench.entries(2, 1, 2)
        bench.commit(1, status)
        assert bench.ended == [(False, is_fault)]
        assert bench.lines[-1].is_cancelled
        bench.commit()
        assert len(bench.ended) == 1
        assert bench.moved == []


def test_what_was_not_asked_for_is_a_fault():
    too_many = tuple((n + 1, digest(n)) for n in range(SYNC_NAMES_MAX + 1))
    for wrong in (
        b"?",
        sync.NamesPiece(1, 8, ()).encode(),
        sync.NamesPiece(0, 9, ()).encode(),
        sync.NamesPiece(0, 0, ()).encode(),
        sync.NamesPiece(0, 2**31, too_many).encode(),
    ):
        bench = Bench()
        bench.pull.on_piece(wrong, 0)
        assert bench.ended == [(False, True)]
    bench = naming(Bench(), 1, 2)
    bench.entries(3)
    assert bench.ended == [(False, True)]
    bench = naming(Bench(), 1, 2)
    bench.entries(1, 1)
    bench.entries(1)
    assert bench.ended == [(False, True)], "nothing came forward"


def test_a_stream_that_ends_without_what_was_asked_for_is_a_fault():
    bench = Bench()
    bench.done()
    assert bench.ended == [(False, True)]
    bench = naming(Bench(), 1, 2)
    bench.entries(1, 1)
    bench.done()
    assert bench.ended == [(False, True)]


def test_a_cancelled_pull_says_nothing_more():
    bench = naming(Bench(), 1, 2)
    bench.entries(2, 1, 2)
    bench.pull.cancel()
    assert bench.lines[-1].is_cancelled
    bench.commit()
    assert bench.moved == bench.ended == []

"""What a node remembers comes back: contacts to be tried, trust, promises, clocks and pulls."""

import asyncio
import random

import pytest

from dave.crypto.identity import checked_node_id, client_identity, node_identity
from dave.crypto.network import network
from dave.edge.limits import STATE_CONTACTS_MAX
from dave.edge.memory import Journal, Memory, clock_rows, clocks_of, pull_rows, pulls_of
from dave.edge.state import State
from dave.limits import LOST_MAX
from dave.names import SECOND, hybrid_time
from dave.node.node import Node as Core
from dave.peers.contact import Contact
from dave.store.store import Store
from dave.wire.entry import Entry, encode
from tests.processes import until_async

FREE = network("memory", b"secret of memory")
NOW = 10**15
UNIX_MS = 1_800_000_000_000
HOUR = 3600 * SECOND
SEED = bytes(range(32))
JOURNAL = Journal(b"journal of tests", is_whole=True, is_late=False)


def core_at(unix_ms, now=NOW):
    """A core of always the same node, whose wall clock shows `unix_ms` at `now`."""
    identity = node_identity(SEED, bytes(8))
    rng = random.Random(1)
    core = Core(
        identity,
        FREE,
        rng,
        Store(identity.id, FREE, 1 << 24, 1),
        start_count=1,
        journal_id=bytes(16),
    )
    core.at_home = True
    core.wall_offset_ms = unix_ms - now // 1_000_000
    return core


def contact(number):
    key = client_identity(number.to_bytes(32, "big")).public_key
    node_id = checked_node_id(key, bytes(8), 0)
    return Contact(key, bytes(8), ("127.0.0.1", 1 + number), node_id)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.db"


class Run:
    """A node's memory from one start to the next stop."""

    def __init__(self, path, unix_ms=UNIX_MS, now=NOW, syncs=None, journal=JOURNAL):
        self.core, self.state = core_at(unix_ms, now), State(path)
        if syncs is not None:
            self.core.syncs = syncs
        self.memory = Memory(self.core, self.state, journal)
        self.core.promises.is_saved = True

    def stop(self, now):
        assert self.memory.save_all(now).result()
        self.state.close()


def test_contacts_come_back_as_lost_ones_that_are_tried_first(path):
    first = Run(path)
    for n in range(5):
        assert first.core.table.add(contact(n), NOW + n * HOUR)
    first.core.table.seen(contact(0).id, NOW + 5 * HOUR)
    first.stop(NOW + 5 * HOUR)
    second = Run(path, UNIX_MS + 6 * 3_600_000, 7)
    second.memory.recall(7)
    assert len(second.core.table) == 0
    # Seen last, then known for longest.
    assert second.core.table.lost(7) == [contact(n) for n in (0, 4, 3, 2, 1)]
    second.stop(7)


def test_who_is_lost_is_not_forgotten_while_there_is_room(path):
    first = Run(path)
    first.core.table.add(contact(1), NOW)
    first.stop(NOW)
    for n in range(3):  # nobody answers in these runs
        run = Run(path, UNIX_MS + n)
        run.memory.recall(NOW)
        assert run.core.table.lost(NOW) == [contact(1)]
        run.stop(NOW)


def test_contacts_are_bounded_and_the_lost_go_first(path):
    first = Run(path)
    first.memory._contacts = {
        n.to_bytes(8, "big"): (n.to_bytes(8, "big"), bytes(32), bytes(8), "127.0.0.1", 1, 0, 0)
        for n in range(STATE_CONTACTS_MAX)
    }
    first.core.table.add(contact(1), NOW)
    first.stop(NOW)
    state = State(path)
    rows = state.load("contacts")
    state.close()
    assert len(rows) == STATE_CONTACTS_MAX
    assert contact(1).public_key in {row[1] for row in rows}


def test_no_more_come_back_than_the_table_remembers(path):
    first = Run(path)
    for n in range(2 * LOST_MAX):
        first.core.table.add(contact(n), NOW)
    held = len(first.core.table)
    first.stop(NOW)
    second = Run(path)
    second.memory.recall(NOW)
    assert len(second.core.table.lost(NOW)) == min(LOST_MAX, held)
    second.stop(NOW)


def test_a_contact_that_moved_is_kept_once(path):
    first = Run(path)
    first.core.table.add(contact(1), NOW)
    assert first.memory._save(NOW).result()
    first.core.table.remove(contact(1).id)
    moved = contact(1)._replace(address=("127.0.0.2", 9))
    first.core.table.add(moved, NOW)
    first.stop(NOW)
    second = Run(path)
    second.memory.recall(NOW)
    assert second.core.table.lost(NOW) == [moved]
    second.stop(NOW)


def test_a_row_that_is_no_node_of_this_network_is_left_out(path):
    state = State(path)
    row = (bytes(8), bytes(32), bytes(8), "127.0.0.1", 1, 0, 0)
    assert state.save(lambda: {"contacts": [row]}).result()
    state.close()
    run = Run(path)
    run.core.network = network("memory")  # a public one: the stamp counts
    run.memory.recall(NOW)
    assert run.core.table.lost(NOW) == []
    run.stop(NOW)


@pytest.mark.parametrize("host", ["", "nonsense", "300.1.1.1", "224.0.0.1", "\x00", "::zz"])
def test_a_host_that_is_none_is_left_out(path, host):
    key = contact(1)
    row = (key.id.to_bytes(8, "big"), key.public_key, bytes(8), host, 1, 0, 0)
    state = State(path)
    assert state.save(lambda: {"contacts": [row]}).result()
    state.close()
    run = Run(path)
    run.memory.recall(NOW)
    assert run.core.table.lost(NOW) == []
    assert pulls_of([(key.public_key, bytes(16), bytes(8), bytes(8), bytes(8), host, 1)], 0) == []
    run.stop(NOW)


def test_whatever_damage_leaves_can_be_recalled_and_saved_again(path):
    syncs = FakeSyncs(CLOCKS, PULLS)
    run = Run(path, syncs=syncs)
    run.memory.recall(NOW)
    for n in range(200):
        run.core.table.add(contact(n), NOW)
        run.core.trust.kept(n, NOW)
        run.core.promises.note(n, hold(run.core, b"%d" % n, UNIX_MS))
    run.stop(NOW)
    data, rng = path.read_bytes(), random.Random(4)
    for _ in range(60):
        ruined = bytearray(data)
        for _ in range(rng.randint(1, 200)):
            ruined[rng.randrange(4096, len(ruined))] = rng.randrange(256)
        path.write_bytes(ruined)
        again = Run(path, syncs=syncs)
        again.memory.recall(NOW)
        again.core.table.lost(NOW)
        assert all(again.core.trust.score(n, NOW) < 1 for n in again.core.trust.all())
        again.core.promises.note(5, hold(again.core, b"5", UNIX_MS))
        again.stop(NOW)
        assert again.state.failure is None


def test_trust_comes_back_as_old_as_it_is(path):
    first = Run(path)
    for _ in range(10):
        first.core.trust.kept(5, NOW)
    first.core.trust.broke(2**64 - 1, NOW + HOUR)
    first.stop(NOW + 2 * HOUR)
    second = Run(path, UNIX_MS + 3 * 3_600_000, 77)
    second.memory.recall(77)
    trust = second.core.trust
    assert trust.score(5, 77) == pytest.approx(first.core.trust.score(5, NOW + 3 * HOUR))
    assert trust.all().keys() == {5, 2**64 - 1}
    assert trust.evidence(2**64 - 1).at == 77 - 2 * HOUR
    second.stop(77)


def test_a_wall_clock_set_back_makes_nothing_younger_than_now(path):
    first = Run(path)
    first.core.trust.kept(5, NOW)
    first.core.table.add(contact(1), NOW)
    first.stop(NOW)
    second = Run(path, UNIX_MS - 10**9)
    second.memory.recall(NOW)
    assert second.core.trust.evidence(5).at == NOW
    assert second.core.table.lost(NOW) == [contact(1)]
    second.stop(NOW)


def hold(core, key, unix_ms):
    """Put an entry into the core's store."""
    data = encode(bytes(32), key, b"v", hybrid_time(unix_ms), 86_400)
    core.store.load(data, 1, unix_ms)
    return Entry(data).id


def test_promises_of_versions_still_held_come_back_as_recalled(path):
    first = Run(path)
    ids = [hold(first.core, b"%d" % n, UNIX_MS) for n in range(4)]
    for entry_id in ids:
        for peer in (7, 2**63):
            first.core.promises.note(peer, entry_id)
    first.core.promises.note(9, ids[0])
    first.core.promises.forget_peer(9)
    first.core.promises.withdraw(7, ids[3])
    first.stop(NOW)
    second = Run(path, UNIX_MS + 1000)
    for n in (0, 2, 3):
        hold(second.core, b"%d" % n, UNIX_MS)
    hold(second.core, b"1", UNIX_MS + 500)  # another version than was promised
    second.memory.recall(NOW)
    promises = second.core.promises
    assert [promises.promisers(entry_id) for entry_id in ids] == [
        [7, 2**63], [], [7, 2**63], [2**63]
    ]  # fmt: skip
    assert promises.is_recalled(7, ids[0])
    second.stop(NOW)
    state = State(path)
    assert {row[0] for row in state.load("promises")} == {ids[0], ids[2], ids[3]}
    state.close()


class FakeClocks:
    def __init__(self, clocks=()):
        self.clocks = list(clocks)

    def all(self):
        return self.clocks

    def restore(self, clocks):
        self.clocks = clocks


class FakeSyncs:
    def __init__(self, clocks=(), pulls=()):
        self.clocks = FakeClocks(clocks)
        self.pulls = list(pulls)

    def pending(self):
        return self.pulls

    def restore(self, pulls, now):
        self.pulls = pulls


CLOCKS = [(bytes(32), bytes(16), 0), (bytes(32), b"j" * 16, 2**64 - 1), (b"n" * 32, bytes(16), 5)]
PULLS = [(contact(1), b"j" * 16, 5, 2**64 - 1), (contact(2), bytes(16), 0, 1)]


def test_clocks_and_pulls_come_back(path):
    first = Run(path, syncs=FakeSyncs(CLOCKS, PULLS))
    first.stop(NOW)
    again = FakeSyncs()
    second = Run(path, syncs=again)
    second.memory.recall(NOW)
    assert sorted(again.clocks.clocks) == sorted(CLOCKS)
    assert sorted(again.pulls) == sorted(PULLS)
    again.pulls = []
    second.stop(NOW)
    third = Run(path, syncs=again)
    third.memory.recall(NOW)
    assert again.pulls == []
    third.stop(NOW)


@pytest.mark.parametrize(
    "journal", [JOURNAL._replace(id=bytes(16)), JOURNAL._replace(is_whole=False)]
)
def test_clocks_do_not_outlive_the_entries_that_they_count(path, journal):
    Run(path, syncs=FakeSyncs(CLOCKS, PULLS)).stop(NOW)
    again = FakeSyncs()
    second = Run(path, syncs=again, journal=journal)
    second.memory.recall(NOW)
    assert (again.clocks.clocks, again.pulls) == ([], [])
    second.stop(NOW)
    state = State(path)
    assert (state.load("clocks"), state.load("own")) == ([], [(journal.id,)])
    state.close()


def test_clocks_are_not_ahead_of_a_journal_that_is_late(path):
    syncs = FakeSyncs(CLOCKS[:1])
    run = Run(path, syncs=syncs, journal=JOURNAL._replace(is_late=True))
    run.memory.recall(NOW)
    for clocks, on_disk in ((CLOCKS[:1], []), (CLOCKS[:2], CLOCKS[:1]), (CLOCKS, CLOCKS[:2])):
        syncs.clocks.clocks = clocks
        assert run.memory._save(NOW).result()
        assert clocks_of(run.state.load("clocks")) == on_disk
    run.stop(NOW)  # gracefully: the journal is written
    state = State(path)
    assert sorted(clocks_of(state.load("clocks"))) == sorted(CLOCKS)
    state.close()


def test_rows_of_clocks_and_pulls():
    assert clocks_of(clock_rows(CLOCKS)) == CLOCKS
    assert pulls_of(pull_rows(PULLS), 0) == PULLS
    assert pulls_of(pull_rows(PULLS), 60) == []


def test_it_saves_again_and_again(path, monkeypatch):
    monkeypatch.setattr("dave.edge.memory.STATE_PROMISES_SECONDS", 0.001)
    monkeypatch.setattr("dave.edge.memory.STATE_SAVE_SECONDS", 0.005)
    run = Run(path)

    async def story():
        task = asyncio.create_task(run.memory.run(lambda: NOW))
        run.core.table.add(contact(1), NOW)
        entry_id = hold(run.core, b"k", UNIX_MS)
        run.core.promises.note(7, entry_id)
        count = "SELECT (SELECT count(*) FROM contacts) + (SELECT count(*) FROM promises)"
        submit, execute = run.state._thread.submit, run.state._database.connection.execute
        await until_async(lambda: submit(lambda: execute(count).fetchone()).result() == (2,))
        task.cancel()

    asyncio.run(story())
    run.state.close()


def test_at_rest_nothing_is_written(path):
    run = Run(path)
    run.core.table.add(contact(1), NOW)
    run.core.trust.kept(5, NOW)
    run.core.promises.note(7, hold(run.core, b"k", UNIX_MS))
    assert run.memory.save_all(NOW).result()
    before = run.state._database.connection.total_changes
    for later in range(1, 20):
        assert run.memory.save_all(NOW + later * 370_000_000).result()
    assert run.state._database.connection.total_changes == before
    run.stop(NOW)

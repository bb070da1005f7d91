"""What a node counts of the time that puts take, and of what it announces and repairs."""

from dave.names import MS
from dave.store.shard import Gone
from tests.node.helpers import PAID, Stage
from tests.node.replica_helpers import Replica


def times(puts):
    return [len(each) for each in (puts.verify_time, puts.commit_time, puts.put_time)]


def test_each_step_is_counted_from_the_arrival_of_the_first_copy():
    stage = Stage(PAID)
    puts, asker, entry = stage.node.puts, stage.asker(), stage.entry()
    asker.put(entry)
    stage.now += 2 * MS
    asker.put(entry)
    stage.verify()
    stage.now += 30 * MS
    stage.commit()
    assert times(puts) == [1, 1, 1]
    assert puts.verify_time.total == 2 * MS
    assert puts.commit_time.total == 30 * MS
    assert puts.put_time.total == 32 * MS
    assert puts.stamps == 1, "a copy of the same bytes is not looked at again"


def test_a_put_that_is_not_stored_has_no_time_to_its_acknowledgement(stage):
    asker, entry = stage.asker(), stage.entry()
    asker.put(entry.with_proofs(bytes(64), entry.nonce))
    stage.verify()
    asker.put(entry)
    stage.verify()
    stage.commit(ok=False)
    assert times(stage.node.puts) == [2, 0, 0]


def test_versions_announced_and_wanted_are_counted_and_what_left_the_store(stage):
    peer, entries = Replica(stage), [stage.entry(b"%d" % i) for i in range(5)]
    stage.put(entries[0])
    peer.announce(*entries)
    replicas = stage.node.replicas
    assert replicas.wanted == 4
    stage.put(stage.entry(b"0", value=b"newer", ahead_ms=1))
    assert replicas.gone[Gone.REPLACED] == 1
    stage.run(5)
    assert replicas.announcer.sent == len(peer.announced) > 0
    assert replicas.announcer.named == sum(len(each.versions) for each in peer.announced)


def test_a_sweep_counts_what_is_not_promised_by_all(stage):
    stage.put(stage.entry())
    repair = stage.node.replicas.repair
    stage.run(5)
    before = repair.sweeps
    Replica(stage)
    stage.run(120)
    assert repair.sweeps > before
    assert repair.lacking >= 1

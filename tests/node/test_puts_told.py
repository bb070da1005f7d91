"""Who is told how a put went, besides its status: nearer nodes, and the node itself."""

from dave.limits import BUCKET_CONTACTS
from dave.names import place_of
from dave.peers.contact import checked_contact
from dave.wire.messages import Put
from tests.node.test_handlers import fill_table


def test_who_does_not_look_for_nodes_itself_is_told_of_nearer_ones(stage):
    fill_table(stage, 40)
    asker, entry = stage.asker(), stage.entry()
    place = place_of(entry.id)
    own = stage.identity.id ^ place
    nearer = sorted(c.id ^ place for c in stage.node.table if c.id ^ place < own)
    first = asker.put(entry, is_direct=False)
    stage.verify()
    stage.commit()
    told = asker.replies[first].contacts
    assert 0 < len(told) == min(len(nearer), BUCKET_CONTACTS)
    ids = [checked_contact(*each, 0).id for each in told]
    assert [node_id ^ place for node_id in ids] == nearer[:BUCKET_CONTACTS]
    request = asker.send(Put(entry, None, True))
    assert asker.replies[request].contacts == ()


def test_a_node_puts_into_its_own_store_as_any_other(stage):
    entry, told = stage.entry(), []
    assert stage.node.put_here(Put(entry), lambda ack, now: told.append(ack.status.name), stage.now)
    stage.pump()
    assert told == []
    stage.verify()
    stage.commit()
    assert told == ["STORED"]
    assert stage.store.get(entry.id, stage.unix_ms) == entry.data
    for other in (
        entry,
        stage.entry(b"b").with_proofs(bytes(64), bytes(8)),
        stage.entry(b"c", ahead_ms=400_000),
    ):
        stage.node.put_here(Put(other), lambda ack, now: told.append(ack.status.name), stage.now)
        stage.pump()
        stage.verify()
    assert told[1:] == ["SAME", "FORGED", "FUTURE"]
    assert stage.node.puts._forged == {}

"""ANNOUNCE and BYE as they come in."""

import pytest

from dave.drops import Drop
from dave.wire import messages
from dave.wire.messages import Bye
from dave.wire.promises import Announce
from tests.node.helpers import NODE, Stage, dropped
from tests.node.replica_helpers import Replica, version_of


def test_a_client_may_not_announce(stage):
    entry = stage.entry()
    assert stage.asker().ask(Announce((version_of(stage, entry),))) is None
    assert dropped(stage, Drop.NOT_A_NODE) == 1


@pytest.mark.parametrize("kind", [11, 17])
def test_bytes_that_are_no_message_are_a_counted_drop(stage, kind):
    peer = Replica(stage)
    peer.send_bytes(bytes((kind,)) + b"\0\0\0\1" + b"\xff" * 60)
    assert dropped(stage, Drop.WIRE) == 1
    assert stage.node.table.get(peer.id) == peer.contact


@pytest.mark.parametrize("message", [Bye(), Announce((version_of(Stage(), Stage().entry()),))])
def test_neither_comes_in_an_init(stage, message):
    asker = stage.asker()
    asker.open(messages.encode(b"\0\0\0\1", message))
    assert dropped(stage, Drop.NOT_IN_INIT) == 1


def test_who_says_bye_leaves_the_table_at_once_and_its_promises_end(stage):
    peer, heir = Replica(stage), Replica(stage, is_above=True)
    asker, entry = stage.asker(), stage.entry()
    asker.put_now(entry)
    peer.announce(entry)
    peer.send_bytes(messages.encode(b"\0\0\0\1", Bye()))
    assert stage.node.table.get(peer.id) is None
    assert not peer.promised(entry)
    assert stage.node.sessions.find(peer.address) is None
    stage.run(1)
    assert [v.entry_id for v in heir.versions] == [entry.id]
    assert len(stage.node.table) == 1


def test_a_bye_of_somebody_else_at_another_address_removes_nobody(stage):
    peer = Replica(stage)
    contact = peer.contact._replace(address=("10.9.9.9", 9))
    stage.node.table.remove(peer.id)
    stage.node.table.add(contact, stage.now)
    peer.send_bytes(messages.encode(b"\0\0\0\1", Bye()))
    assert stage.node.table.get(peer.id) == contact


def test_a_client_that_says_bye_ends_its_session(stage):
    asker = stage.asker()
    asker.send(Bye())
    assert stage.node.sessions.find(asker.address) is None
    assert asker.sessions.find(NODE) is not None

"""What a node answers, in DATA and to a request that an INIT carries."""

import pytest

from dave.crypto.identity import node_identity
from dave.drops import Drop
from dave.limits import BUCKET_CONTACTS, ENTRY_BYTES_MAX, ENTRY_HEADER_BYTES, MESSAGE_BYTES_MAX
from dave.names import place_of
from dave.peers.contact import Contact
from dave.wire import messages
from dave.wire.messages import (
    REPLY_BYTES_MAX,
    Find,
    FindAck,
    Get,
    GetAck,
    GetMyAddrPort,
    GetMyAddrPortAck,
    Ping,
    Pong,
    Put,
    PutAck,
)
from dave.wire.status import PutStatus
from tests.node.helpers import Stage, dropped

ID = b"init"


def fill_table(stage, count=30):
    """Contacts that the node knows, and nothing else about them."""
    contacts = []
    for i in range(count):
        identity = node_identity(stage.rng.randbytes(32), bytes(8))
        address = f"10.9.{i}.1", 1424
        contacts.append(Contact(identity.public_key, bytes(8), address, identity.id))
        stage.node.table.add(contacts[-1], stage.now)
    return contacts


def by_init(stage, message, room=MESSAGE_BYTES_MAX):
    """The reply in the ACCEPT to an INIT that carries `message`, or None if it was empty."""
    asker = stage.asker()
    asker.open(messages.encode(ID, message), room)
    assert len(asker.accepted) == 1
    data = asker.accepted[0]
    return messages.decode(data)[1] if data else None


def both_ways(stage, message):
    return [stage.asker().ask(message), by_init(stage, message)]


def test_ping(stage):
    assert both_ways(stage, Ping()) == [Pong(stage.unix_ms)] * 2


def test_get_my_addr_port_tells_each_asker_its_own(stage):
    replies = both_ways(stage, GetMyAddrPort())
    assert replies == [GetMyAddrPortAck(address) for address in stage.askers]


def test_get_found(stage):
    largest = stage.entry(value=bytes(ENTRY_BYTES_MAX - ENTRY_HEADER_BYTES - 3))
    assert stage.asker().put_now(largest).status is PutStatus.STORED
    assert both_ways(stage, Get(largest.id)) == [GetAck(largest)] * 2
    assert stage.node.gets_found == 2


def test_get_absent_tells_the_nearest_contacts(stage):
    contacts = fill_table(stage)
    entry_id = stage.entry().id
    place = place_of(entry_id)
    nearest = sorted(contacts, key=lambda c: c.id ^ place)[:BUCKET_CONTACTS]
    wanted = tuple(messages.WireContact(*contact[:3]) for contact in nearest)
    assert both_ways(stage, Get(entry_id)) == [GetAck(None, wanted)] * 2
    assert stage.node.gets_absent == 2


def test_find_tells_the_nearest_contacts(stage):
    contacts = fill_table(stage)
    nearest = sorted(contacts, key=lambda c: c.id ^ 99)[:BUCKET_CONTACTS]
    wanted = tuple(messages.WireContact(*contact[:3]) for contact in nearest)
    assert both_ways(stage, Find(99)) == [FindAck(wanted)] * 2
    fewer = Stage()
    fill_table(fewer, 3)
    assert len(fewer.asker().ask(Find(99)).contacts) == 3


def test_an_asker_is_not_told_of_itself(stage):
    asker = stage.asker()
    session = asker.open()
    me = asker.sessions._identity.public_key
    stage.node.table.add(Contact(me, bytes(8), asker.address, 1), stage.now)
    fill_table(stage, 2)
    told = asker.ask(Find(1)).contacts
    assert session.is_open
    assert [contact for contact in told if contact.public_key == me] == []
    assert len(told) == 2


def test_a_put_in_an_init_is_refused(stage):
    entry = stage.entry(value=b"")
    assert by_init(stage, Put(entry)) is None
    assert dropped(stage, Drop.NOT_IN_INIT) == 1
    assert not stage.verifies
    asker = next(iter(stage.askers.values()))
    assert asker.put_now(entry).status is PutStatus.STORED, "the session is good all the same"


@pytest.mark.parametrize("room", [1, 7, 65, 66, 124, 125, 200, REPLY_BYTES_MAX])
@pytest.mark.parametrize("message", [Find(5), Get(bytes(32))])
def test_contacts_are_as_many_as_the_init_paid_for(stage, message, room):
    fill_table(stage)
    asker = stage.asker()
    asker.open(messages.encode(ID, message), room)
    paid = asker.accepted[0]
    init_room = max(room, 129 + len(messages.encode(ID, message)) - 58)
    assert len(paid) <= init_room
    reply = messages.decode(paid)[1]
    assert len(reply.contacts) == min(BUCKET_CONTACTS, (init_room - 7) // 59)


def test_an_entry_that_the_init_did_not_pay_for_is_left_out(stage):
    entry = stage.entry(value=bytes(900))
    stage.asker().put_now(entry)
    asker = stage.asker()
    asker.open(messages.encode(ID, Get(entry.id)), 100)
    assert asker.accepted == [b""]
    assert asker.ask(Get(entry.id)) == GetAck(entry)


@pytest.mark.parametrize("message", [Ping(), Get(bytes(32)), Find(1), GetMyAddrPort()])
@pytest.mark.parametrize("change", ["longer", "shorter"])
def test_bytes_that_are_no_request_are_dropped_and_an_init_still_accepted(stage, message, change):
    data = messages.encode(ID, message)
    bad = data + b"\0" if change == "longer" else data[:-1]
    asker = stage.asker()
    asker.send_bytes(bad)
    other = stage.asker()
    other.open(bad, 200)
    assert other.accepted == [b""]
    assert not asker.replies
    assert dropped(stage, Drop.WIRE) == 2
    assert isinstance(asker.ask(Ping()), Pong)


def test_an_unknown_message_and_a_reply_to_nothing_are_dropped(stage):
    asker = stage.asker()
    asker.send_bytes(b"\x63abcd")
    asker.send_bytes(messages.encode(b"abcd", PutAck(PutStatus.STORED)))
    assert dropped(stage, Drop.NO_REQUEST) == 2
    other = stage.asker()
    other.open(b"\x63abcd", 200)
    assert other.accepted == [b""]
    assert dropped(stage, Drop.NOT_IN_INIT) == 1

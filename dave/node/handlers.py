"""What a node serves: one function per request, in a table keyed by the message's type."""

from typing import TYPE_CHECKING

from dave.errors import WireError
from dave.limits import BUCKET_CONTACTS, MESSAGE_HEADER_BYTES
from dave.names import Instant, Place, place_of
from dave.node.leases import on_notify_ack, on_watch
from dave.node.proofs import on_challenge
from dave.node.replica_handlers import on_announce, on_bye
from dave.session.session import Session
from dave.wire import messages
from dave.wire.messages import (
    Find,
    FindAck,
    GetAck,
    GetMyAddrPortAck,
    Put,
    WireContact,
)

if TYPE_CHECKING:
    from dave.node.node import Node

CONTACT_BYTES = 59
"""The most that one contact takes in a reply."""
GET_BYTES = MESSAGE_HEADER_BYTES + 32


def on_ping(node: "Node", session: Session, data: bytes, now: Instant) -> None:
    """PING: we are here. Who probes us took us in, or is about to."""
    messages.Ping.read(data)
    node.reach.pinged(session, now)
    node.reply(session, data, node.pong(session, now), now)


def on_put(node: "Node", session: Session, data: bytes, now: Instant) -> None:
    """PUT: see puts.py. Never from an INIT, since it leaves state."""
    if node.refused_in_init(session, now):
        return
    node.puts.receive(Put.read(data), session, data, now)


def on_get(node: "Node", session: Session, data: bytes, now: Instant) -> None:
    """GET: the entry's bytes as they are held, or nodes nearer to it. The hot path."""
    if len(data) != GET_BYTES:
        raise WireError("GET has 37 bytes")
    entry_id = data[MESSAGE_HEADER_BYTES:]
    held = node.store.get(entry_id, node.unix_ms(now))
    if held is not None:
        node.gets_found += 1
        node.sessions.seal(session, messages.found(data, held), now)
        return
    node.gets_absent += 1
    contacts = contacts_near(node, session, place_of(entry_id))
    node.reply(session, data, GetAck(None, contacts), now)


def on_find(node: "Node", session: Session, data: bytes, now: Instant) -> None:
    """FIND: the nodes nearest to a place that we know."""
    place = Find.read(data).place
    node.reply(session, data, FindAck(contacts_near(node, session, place)), now)


def on_get_my_addr_port(node: "Node", session: Session, data: bytes, now: Instant) -> None:
    """GETMYADDRPORT: where we see the asker. We have it dialled only once its address is proved."""
    message = messages.GetMyAddrPort.read(data)
    is_proved = not session.wants_accept
    node.reply(session, data, GetMyAddrPortAck(session.address), now)
    if message.dial and is_proved:
        node.newcomers.asks_to_be_dialled(session, now)


def on_dial(node: "Node", session: Session, data: bytes, now: Instant) -> None:
    """DIAL: see newcomers.py. Never from an INIT, since it makes us send to somebody else."""
    if node.refused_in_init(session, now):
        return
    node.newcomers.dial(session, data, now)


def contacts_near(node: "Node", session: Session, place: Place) -> tuple[WireContact, ...]:
    """Up to K contacts for a reply, nearest first, without the asker; as many as the reply may
    hold while the asker's address is unproven."""
    count = BUCKET_CONTACTS
    if session.wants_accept:
        count = min(count, max(0, session.reply_room - MESSAGE_HEADER_BYTES - 2) // CONTACT_BYTES)
    near = node.table.nearest(place, count + 1)
    return tuple(
        WireContact(contact.public_key, contact.nonce, contact.address)
        for contact in near
        if contact.public_key != session.public_key
    )[:count]


HANDLERS = {
    1: on_ping,
    3: on_put,
    5: on_get,
    7: on_find,
    9: on_get_my_addr_port,
    11: on_announce,
    13: on_challenge,
    15: on_watch,
    17: on_bye,
    18: on_dial,
    21: on_notify_ack,
}
"""By message type. A handler raises WireError for bytes that are no such message."""

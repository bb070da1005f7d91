"""Nodes that came to us: each enters the routing table once somebody has dialled it.

A node behind a NAT answers those it wrote to, and nobody else. So that it is not handed out, a node
counts only after it was reached by one that it never wrote to (DESIGN section 7):

    who came to us -> DIAL to a contact drawn at random -> it has it in its table, or tries to reach
                      it -> DIAL_ACK -> our own PING -> table
    who answered our first packet, and had never written to us, was reached by that: table

Where nobody can be asked, which is so for the second node of a network, our own PING is enough: the
first two should be public ones. So it is for private addresses while we are at home, which nobody
can call from outside.
"""

from collections import deque
from typing import TYPE_CHECKING, Any

from dave.limits import CAME_SECONDS, DIALS_OUT_MAX, NEWCOMER_TRIES, NEWCOMERS_MAX, PROVEN_MAX
from dave.names import SECOND, Address, Instant, Place
from dave.node.core import contact_of, peer_of
from dave.node.requests import Answer
from dave.node.timers import Timer
from dave.peers.contact import Contact
from dave.peers.subnets import is_private, subnet
from dave.session.session import Session
from dave.wire.messages import Dial, DialAck, Ping, WireContact

if TYPE_CHECKING:
    from dave.node.node import Node


class _Newcomer:
    """A node that waits for somebody to reach it."""

    __slots__ = ("asked", "contact", "is_proving", "tries")

    def __init__(self, contact: Contact) -> None:
        self.contact = contact
        self.asked: list[Place] = []
        """Contacts that were asked to dial it."""
        self.tries = 0
        self.is_proving = False


class Newcomers:
    """At most NEWCOMERS_MAX that wait; at most DIALS_OUT_MAX dials asked of others, and as many
    made for others, at a time."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._waiting: dict[Place, _Newcomer] = {}
        self._queue: deque[Place] = deque()
        """Of those, whom a contact has to be found for now."""
        self._is_pumping = False
        self._answering: dict[Place, None] = {}
        """Who asked to be dialled and is being pinged for that; at most DIALS_OUT_MAX."""
        self._dials_out = 0
        self._is_founding = False
        """The first contact of an empty table is being probed."""
        self._proven: dict[Place, Address] = {}
        self._came: dict[bytes, Instant] = {}
        self._clients: dict[bytes, Instant] = {}
        """Keys of peers that wrote to us, and when: their packet may have opened a NAT for us."""
        self._notes = (self._came, self._clients)
        self._for_others: dict[Address, list[tuple[Session, bytes]]] = {}
        """Nodes that we are dialling, and who asked for it."""

    def __len__(self) -> int:
        return len(self._waiting)

    def came(self, session: Session, now: Instant) -> None:
        """A peer wrote to us, or seemed to. Clients are many and cost nothing, so that they are
        noted apart: none can make us forget a node."""
        came = self._came if session.node_id is not None else self._clients
        _note(came, session.public_key, now)

    def is_client(self, session: Session) -> None:
        """Who has found that it cannot be reached says that it is no node any more."""
        table = self._node.table
        for contact in table:
            if contact.address == session.address and contact.public_key == session.public_key:
                table.remove(contact.id)
                self._proven.pop(contact.id, None)

    def is_proven(self, contact: Contact, now: Instant) -> bool:
        """Whether a node that answered us is known to be within everybody's reach."""
        if self._is_known(contact):
            return True
        return not self._wrote_lately(contact, now)

    def enter(self, contact: Contact, now: Instant) -> bool:
        """A node answered us, and is within reach."""
        _note(self._proven, contact.id, contact.address)
        return self._node.table.add(contact, now)

    def verify(self, contact: Contact, now: Instant) -> None:
        """Take in a node that wrote to us, if the table wants it and others can reach it."""
        node = self._node
        if is_private(contact.address[0]) and not node.at_home and not len(node.reach.own):
            # We do not know where we are. If it sees us at a private address we are at home.
            node.reach.ask_address(peer_of(contact), now, lambda now: self.verify(contact, now))
        elif node.table.wants(contact):
            self._wait_for(contact, now)

    def asks_to_be_dialled(self, session: Session, now: Instant) -> None:
        """A node wants to know whether it can be reached; that our PING comes tells it so."""
        node_id = session.node_id
        if node_id is None:
            return
        contact = contact_of(session)
        if self._node.table.get(node_id) == contact or self._is_exempt(contact.address):
            if node_id not in self._answering and len(self._answering) < DIALS_OUT_MAX:
                self._answering[node_id] = None
                self._ping(contact, now)
        else:
            self._wait_for(contact, now)

    def on_timer(self, node_id: Place, now: Instant) -> None:
        """One that nobody has reached so far is to be tried once more."""
        self._queue.append(node_id)
        self._pump(now)

    def dial(self, session: Session, data: bytes, now: Instant) -> None:
        """DIAL: say whether we reach that node. Nobody can aim us: it is one packet per host and
        minute, whoever asks, and none to an address that means nothing here."""
        node = self._node
        contact = node.checked(Dial.read(data).contact)
        if contact is None:
            return node.reply(session, data, DialAck(False), now)
        waiting = self._for_others.get(contact.address)
        if waiting is not None:
            if (session, data) not in waiting and len(waiting) < DIALS_OUT_MAX:
                waiting.append((session, data))
            return None
        if node.table.get(contact.id) == contact or self._is_known(contact):
            return node.reply(session, data, DialAck(True), now)
        is_of_use = not self._wrote_lately(contact, now)
        if not is_of_use or len(self._for_others) >= DIALS_OUT_MAX:
            return node.reply(session, data, DialAck(False), now)
        self._for_others[contact.address] = [(session, data)]

        def dialled(answer: Answer, now: Instant) -> None:
            # It may have written to us in between: its own packet opened the way, then.
            is_reached = answer.session is not None and self.is_proven(contact, now)
            if answer.session is not None:
                node.liveness.release(answer.session)
            for asker, request in self._for_others.pop(contact.address):
                node.reply(asker, request, DialAck(is_reached), now)

        node.ask(peer_of(contact), Ping(), dialled, now)
        return None

    # --- One after the other -----------------------------------------------------------------

    def _wait_for(self, contact: Contact, now: Instant) -> None:
        waiting = self._waiting.get(contact.id)
        # One that was restarted elsewhere is to be reached where it is now.
        if waiting is not None and waiting.contact == contact:
            return
        if waiting is None and len(self._waiting) >= NEWCOMERS_MAX:
            return
        newcomer = self._waiting[contact.id] = _Newcomer(contact)
        if self.is_proven(contact, now):
            self._prove(newcomer, now)
            return
        self._queue.append(contact.id)
        self._pump(now)

    def _pump(self, now: Instant) -> None:
        if self._is_pumping:  # a request failed at once: the loop below sees it
            return
        self._is_pumping = True
        while self._queue and self._dials_out < DIALS_OUT_MAX:
            newcomer = self._waiting.get(self._queue.popleft())
            if newcomer is not None and not newcomer.is_proving:
                self._have_dialled(newcomer, now)
        self._is_pumping = False

    def _have_dialled(self, newcomer: _Newcomer, now: Instant) -> None:
        """Ask the next contact to dial it."""
        contact = newcomer.contact
        newcomer.tries += 1
        witness = self._witness(newcomer)
        if witness is None:
            # The first to come waits a second for another, who can dial it. A node that has edges
            # is perhaps still on its way in, and will know others soon.
            patience = 4 if self._node.edges else 2
            is_time = newcomer.tries >= patience and not self._node.reach.is_open
            if is_time and not self._is_founding:
                self._is_founding = True
                self._prove(newcomer, now)
            else:
                self._try_later(newcomer, now)
            return
        newcomer.asked.append(witness.id)
        self._dials_out += 1

        def answered(answer: Answer, now: Instant) -> None:
            self._dials_out -= 1
            if isinstance(answer.reply, DialAck) and answer.reply.reached:
                self._prove(newcomer, now)
            else:
                self._try_later(newcomer, now)
            self._pump(now)

        told = WireContact(contact.public_key, contact.nonce, contact.address)
        self._node.ask(peer_of(witness), Dial(told), answered, now)

    def _witness(self, newcomer: _Newcomer) -> Contact | None:
        """A contact drawn at random: one not asked yet, and of another subnet, if there is. While
        we know nobody, the newcomers dial each other."""
        own, of = newcomer.contact.id, subnet(newcomer.contact.address[0])
        known = list(self._node.table) or [other.contact for other in self._waiting.values()]
        able = [contact for contact in known if contact.id != own]
        able = [contact for contact in able if contact.id not in newcomer.asked] or able
        able = [contact for contact in able if subnet(contact.address[0]) != of] or able
        return able[self._node.rng.randrange(len(able))] if able else None

    def _try_later(self, newcomer: _Newcomer, now: Instant) -> None:
        """After 1, 2, 4 ... seconds; not for ever."""
        is_gone = self._node.sessions.find(newcomer.contact.address) is None
        if newcomer.tries >= NEWCOMER_TRIES or is_gone:
            if self._waiting.get(newcomer.contact.id) is newcomer:
                del self._waiting[newcomer.contact.id]
            return
        wait = SECOND << newcomer.tries - 1
        self._node.timers.set(now + wait, Timer.DIAL, newcomer.contact.id)

    def _prove(self, newcomer: _Newcomer, now: Instant) -> None:
        """It is within reach: now our own probe."""
        newcomer.is_proving = True
        self._ping(newcomer.contact, now)

    def _ping(self, contact: Contact, now: Instant) -> None:
        def answered(answer: Answer, now: Instant) -> None:
            self._answering.pop(contact.id, None)
            newcomer = self._waiting.get(contact.id)
            if newcomer is not None:
                self._is_founding = False
                if newcomer.contact != contact:
                    return
                del self._waiting[contact.id]
                if answer.session is not None:
                    self.enter(contact, now)
                    self._node.table.seen(contact.id, now, answer.rtt)
                self._pump(now)

        self._node.ask(peer_of(contact), Ping(), answered, now)

    def _is_known(self, contact: Contact) -> bool:
        """Whether it need not be dialled any more."""
        address = contact.address
        return self._is_exempt(address) or self._proven.get(contact.id) == address

    def _wrote_lately(self, contact: Contact, now: Instant) -> bool:
        """Whether a peer wrote to us of its own accord: that may have opened the way for us."""
        lapsed = now - CAME_SECONDS * SECOND
        if any(came.get(contact.public_key, lapsed) > lapsed for came in self._notes):
            return True
        session = self._node.sessions.find(contact.address)
        return session is not None and not session.is_initiator and session.last_received > lapsed

    def _is_exempt(self, address: Address) -> bool:
        return self._node.at_home and is_private(address[0])


def _note(notes: dict[Any, Any], key: object, value: object) -> None:
    """Remember, at the end of the dict; of more than PROVEN_MAX the oldest is forgotten."""
    notes.pop(key, None)
    notes[key] = value
    if len(notes) > PROVEN_MAX:
        del notes[next(iter(notes))]

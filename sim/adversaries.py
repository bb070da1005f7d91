"""Nodes that are not honest: the real node with some of its answers exchanged.

Each says in its docstring what it does and why somebody would. They take part in everything else as
any node does, so that nothing but the lie gives them away. `World.add_node(make=...)` runs them;
where adversaries know each other, `Ring` is what they share.
"""

from collections.abc import Callable, Sequence
from functools import partial
from heapq import nsmallest
from random import Random
from typing import Any

from dave.crypto.identity import Identity, node_id, node_identity
from dave.limits import BUCKET_CONTACTS, NODE_WORK_BITS_PUBLIC
from dave.names import Address, Instant, Place, place_of
from dave.node.node import Node
from dave.session.session import Session
from dave.testing.lean import LeanNode
from dave.wire.messages import Find, FindAck, Get, GetAck, Put, PutAck, WireContact
from dave.wire.promises import Announce, Want
from dave.wire.status import PutStatus

PUT, GET, FIND, ANNOUNCE = 3, 5, 7, 11
"""Message types."""

ANSWERS = {PUT: "on_put", GET: "on_get", FIND: "on_find", ANNOUNCE: "on_announce"}


class Adversary(LeanNode):
    """A node that lies where a subclass defines on_put, on_get, on_find or on_announce: each is
    called with session, message as bytes, and time, in place of the real handler."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.honest = dict(self.handlers)
        """The real handlers, for who lies only now and then."""
        for kind, name in ANSWERS.items():
            answer = getattr(self, name, None)
            if answer is not None:
                self.handlers[kind] = partial(self._serve, partial(_answer, answer))

    def say_stored(self, session: Session, data: bytes, now: Instant) -> None:
        """Acknowledge a put, and do no more."""
        if session.wants_accept:
            self.sessions.seal(session, b"", now)
        else:
            Put.read(data)
            self.reply(session, data, PutAck(PutStatus.STORED), now)

    def promise_all(self, session: Session, data: bytes, now: Instant) -> None:
        """Say of all that is announced that it is held."""
        if session.wants_accept:
            self.sessions.seal(session, b"", now)
        else:
            held = (1 << len(Announce.read(data).versions)) - 1
            self.reply(session, data, Want(0, held), now)


def _answer(
    answer: Callable[[Session, bytes, Instant], None],
    _node: Node,
    session: Session,
    data: bytes,
    now: Instant,
) -> None:
    answer(session, data, now)


def grind(rng: Random, place: Place, distance: int) -> Identity:
    """A node's identity whose id is nearer to `place` than `distance`: what Sybils search for. The
    simulated network asks no work of ids, and nonces can be drawn until one fits; in public each
    draw would cost 2^NODE_WORK_BITS_PUBLIC hashes."""
    seed = rng.randbytes(32)
    public_key = node_identity(seed, bytes(8)).public_key
    while True:
        nonce = rng.randbytes(8)
        if node_id(public_key, nonce) ^ place < distance:
            return node_identity(seed, nonce)


def grinding_hashes(distance: int) -> float:
    """Expected hashes for one identity of `grind` in a public network."""
    return 2.0 ** (64 + NODE_WORK_BITS_PUBLIC) / max(distance, 1)


class Withholder(Adversary):
    """Says STORED and keeps nothing; asked, it has never heard of the entry: a free-rider."""

    def on_put(self, session: Session, data: bytes, now: Instant) -> None:
        self.say_stored(session, data, now)

    def on_get(self, session: Session, data: bytes, now: Instant) -> None:
        place = place_of(Get.read(data).entry_id)
        near = [
            WireContact(contact.public_key, contact.nonce, contact.address)
            for contact in self.table.nearest(place, BUCKET_CONTACTS + 1)
            if contact.public_key != session.public_key
        ]
        self.reply(session, data, GetAck(None, _fitting(near, session)), now)

    def on_announce(self, session: Session, data: bytes, now: Instant) -> None:
        self.promise_all(session, data, now)


class StaleAnswerer(Adversary):
    """Keeps the first version of an entry and says STORED of all later ones: hides updates."""

    def on_put(self, session: Session, data: bytes, now: Instant) -> None:
        if not session.wants_accept and self.own(Put.read(data).entry.id, now) is not None:
            self.say_stored(session, data, now)
        else:
            self.honest[PUT](session, data, now)

    def on_announce(self, session: Session, data: bytes, now: Instant) -> None:
        self.promise_all(session, data, now)


class Ring:
    """What adversaries who work together know: each other."""

    def __init__(self) -> None:
        self._members: dict[Place, WireContact] = {}

    def join(self, identity: Identity, address: Address) -> None:
        """Take in a member."""
        assert identity.id is not None
        self._members[identity.id] = WireContact(identity.public_key, identity.nonce, address)

    def near(self, place: Place, but: bytes) -> tuple[WireContact, ...]:
        """As many members as a reply holds, nearest first, without the one of that key."""
        nearest = nsmallest(BUCKET_CONTACTS + 1, (member ^ place for member in self._members))
        found = [self._members[distance ^ place] for distance in nearest]
        return tuple(contact for contact in found if contact.public_key != but)[:BUCKET_CONTACTS]

    def __len__(self) -> int:
        return len(self._members)


class Colluder(Adversary):
    """Names nobody but members of its ring, says STORED and withholds: once a lookup is among them
    it stays there. `member_of(ring)` gives the class of the members of one ring."""

    ring: Ring

    def on_find(self, session: Session, data: bytes, now: Instant) -> None:
        self.reply(session, data, FindAck(self._near(session, Find.read(data).place)), now)

    def on_get(self, session: Session, data: bytes, now: Instant) -> None:
        near = self._near(session, place_of(Get.read(data).entry_id))
        self.reply(session, data, GetAck(None, near), now)

    def on_put(self, session: Session, data: bytes, now: Instant) -> None:
        self.say_stored(session, data, now)

    def on_announce(self, session: Session, data: bytes, now: Instant) -> None:
        self.promise_all(session, data, now)

    def _near(self, session: Session, place: Place) -> tuple[WireContact, ...]:
        return _fitting(self.ring.near(place, session.public_key), session)


def member_of(ring: Ring) -> type[Colluder]:
    """The class of the members of a ring, for `World.add_node(make=...)`."""

    class Member(Colluder):
        pass

    Member.ring = ring
    return Member


def _fitting(contacts: Sequence[WireContact], session: Session) -> tuple[WireContact, ...]:
    """As many as the reply may hold: in an ACCEPT no more than the INIT paid for."""
    room = BUCKET_CONTACTS
    if session.wants_accept:
        room = min(room, max(0, session.reply_room - 7) // 59)
    return tuple(contacts[:room])

"""Who is alive: one probe every PROBE_SECONDS in all, however many contacts there are.

Every second probe goes to one of the 2R nearest, every sixth to a contact lost within a day or an
edge, the rest to the contact unheard longest, or to one that could enter the table. Who was heard
of late needs none: traffic first; but a neighbour that is never silent is challenged in its turn.
While probes fail, or contacts lost answer again, there are four a second, until 20 in a row change
nothing; and who failed once is asked again after a second, then two, so that a death is known
within seconds (DESIGN section 7).

A probe is a challenge where `challenge` sends one (node/audits.py), else a PING. Far contacts are
probed so rarely that a session is not worth keeping: INIT and ACCEPT carry PING and PONG, and the
session is dropped instead of being confirmed.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from dave.limits import PROBE_ATTEMPTS, PROBE_CALM, PROBE_MS_STIRRED, PROBE_SECONDS
from dave.names import MS, SECOND, Instant, Place
from dave.node.core import peer_of
from dave.node.requests import Answer, Peer
from dave.node.timers import Timer
from dave.peers.contact import Contact
from dave.session.session import Session
from dave.wire.messages import Ping

if TYPE_CHECKING:
    from dave.node.node import Node


class Liveness:
    """The schedule of probes of one node."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self.challenge: Callable[[Contact, Instant], bool] = _no_challenge
        """Sends the contact a challenge, if it has promised something; True if it did."""
        self._turn = 0
        self._calm = PROBE_CALM
        """Probes in a row that changed nothing."""
        self._due: Instant = 0
        self._released: list[Session] = []

    def start(self, now: Instant) -> None:
        """Begin to probe."""
        self._schedule(now)

    def on_timer(self, suspect: Place | None, now: Instant) -> None:
        """It is time for a probe; of `suspect`, if that has failed since it was last heard."""
        if suspect is not None:
            contact = self._node.table.get(suspect)
            if contact is not None and self._node.table.failures(suspect):
                self._ping(contact, now)
        elif now >= self._due:
            self._calm += 1
            if self._node.is_reached:  # whom a client leaves alone can test whether it is reached
                self._tick(now)
            self._schedule(now)

    def failed(self, node_id: Place, now: Instant) -> None:
        """A contact has not answered, whoever asked it."""
        failures = self._node.table.failures(node_id)
        if failures:
            self._node.timers.set(now + failures * SECOND, Timer.PROBE, node_id)
        self.stir(now)

    def stir(self, now: Instant) -> None:
        """Something changed: look closely for a while."""
        self._calm = 0
        if self._due > now + PROBE_MS_STIRRED * MS:
            self._schedule(now)

    def heard_of_some(self, now: Instant) -> None:
        """A lookup has ended: look closely if there are contacts to probe that the table wants."""
        if self._node.table.has_open_spares():
            self.stir(now)

    def probe(self, contact: Contact, now: Instant) -> None:
        """A challenge, or a PING."""
        if not self.challenge(contact, now):
            self._ping(contact, now)

    def release(self, session: Session) -> None:
        """A session was opened for a mere probe: it need not live on."""
        self._released.append(session)

    def settle(self) -> None:
        """End the sessions released, unless something else has used them."""
        released, self._released = self._released, []
        for session in released:
            is_unused = session.is_initiator and not session.sent and session.highest < 0
            if is_unused:
                self._node.sessions.drop(session)

    @property
    def has_released(self) -> bool:
        """Whether `settle` has something to do."""
        return bool(self._released)

    # --- Whom to probe -----------------------------------------------------------------------

    def _tick(self, now: Instant) -> None:
        node, turn = self._node, self._turn
        self._turn += 1
        if turn % 6 == 0 and self._probe_lost(now):
            return
        contact = self._quietest(self._neighbours(), now) if turn % 2 else None
        if contact is None and turn % 2 and self._challenge_busy(now):
            return
        if contact is None:
            spare = node.table.take_spare(lambda node_id: node.trust.score(node_id, now))
            if spare is not None:
                self._calm = 0  # there may be more of them
                self._ping(spare, now)
                return
            if not turn % 2:
                contact = self._quietest(None, now)
        if contact is not None:
            self.probe(contact, now)

    def _challenge_busy(self, now: Instant) -> bool:
        """All neighbours were heard of late: one is challenged all the same if its time has come,
        or whoever is never silent would never be tested."""
        return any(self.challenge(contact, now) for contact in self._neighbours())

    def _neighbours(self) -> list[Contact]:
        return self._node.table.nearest(self._node.id, 2 * self._node.tuning.replicas)

    def _quietest(self, among: list[Contact] | None, now: Instant) -> Contact | None:
        """The contact unheard longest, unless it was heard within PROBE_SECONDS. What a contact
        sends of its own accord is noted in its session only: it is looked up here."""
        node = self._node
        for _ in range(2 * node.tuning.replicas):
            contact = node.table.unheard_longest(among)
            if contact is None:
                return None
            heard = node.table.heard(contact.id) or 0
            if heard > now - PROBE_SECONDS * SECOND:
                return None
            session = node.sessions.find(contact.address)
            is_its = session is not None and session.public_key == contact.public_key
            if session is None or not is_its or session.last_received <= heard:
                return contact
            node.table.seen(contact.id, session.last_received)
        return None

    def _probe_lost(self, now: Instant) -> bool:
        """One of the contacts lost, or an edge that is not in the table: edges are kept for
        ever, since through them the halves of a split network find each other."""
        node = self._node
        lost = [peer_of(contact) for contact in node.table.lost(now)]
        known = {contact.address for contact in node.table}
        edges = [edge for edge in node.edges if edge.address not in known]
        peers = edges + lost if self._turn // 6 % 2 else lost + edges
        if not peers:
            return False
        peer = peers[0]
        if peer.id is not None:
            node.table.put_off(peer.id)
        elif len(edges) > 1:
            peer = edges[self._turn // 12 % len(edges)]
        self._ask(peer, now)
        return True

    def _ping(self, contact: Contact, now: Instant) -> None:
        self._ask(peer_of(contact), now)

    def _ask(self, peer: Peer, now: Instant) -> None:
        node = self._node
        was_known = peer.id is not None and node.table.get(peer.id) is not None

        def answered(answer: Answer, now: Instant) -> None:
            session = answer.session
            if session is None:
                return
            self.release(session)
            node_id = session.node_id
            if not was_known and node_id is not None and node.table.get(node_id) is not None:
                # One that was lost is back, or a new one came in: there may be others.
                self.stir(now)
                node.joining.soon(now)

        node.ask(peer, Ping(), answered, now, PROBE_ATTEMPTS)

    def _schedule(self, now: Instant) -> None:
        if self._calm < PROBE_CALM:
            wait = PROBE_MS_STIRRED * MS
        else:
            wait = self._node.jittered(PROBE_SECONDS)
        self._due = now + wait
        self._node.timers.set(self._due, Timer.PROBE)


def _no_challenge(contact: Contact, now: Instant) -> bool:
    return False

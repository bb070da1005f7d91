"""How dense the network is, for a client that comes to it with a few edges and nothing else.

Without that it cannot tell a crowd around a key from the region of the key. A node far from the
key knows its own neighbours well, and whoever crowds the key is not among them: so the edge is
asked for its neighbours, and for nodes in other parts of the ring, and one of each for its own. Who
crowds several keys is met among those as well: hence not one voice, nor three.
"""

from collections.abc import Sequence

from dave.limits import BUCKET_CONTACTS, MEASURED_PARTS, REPLICAS
from dave.names import Instant, Place
from dave.node.core import Core, peer_of
from dave.node.requests import Answer, Peer
from dave.peers.contact import Contact
from dave.session.session import Session
from dave.wire.messages import Find, FindAck, GetAck


def measure(core: Core, place: Place, answer: Answer, now: Instant) -> None:
    """Begin to measure, if `answer`, which came in a lookup of that place, shows the network to be
    larger than one answer tells, and nothing is known of its density yet. Nobody waits for it."""
    if core.identity.id is not None or len(core.density) or core.paths.is_measuring:
        return
    reply, session = answer.reply, answer.session
    if not isinstance(reply, FindAck | GetAck) or len(reply.contacts) < BUCKET_CONTACTS:
        return
    assert session is not None
    edges = [core.sessions.find(edge.address) for edge in core.edges]
    way_in = next((edge for edge in edges if edge is not None), session)
    core.paths.is_measuring = True
    if way_in.node_id is not None:
        # The first voice to be heard, and the one there is most reason to trust.
        _ask_neighbours(core, _peer(way_in), way_in.node_id, now)

    def told(answer: Answer, now: Instant) -> None:
        contacts = _contacts(core, answer)
        if contacts:
            _ask_neighbours(core, peer_of(contacts[0]), contacts[0].id, now)
        else:
            core.paths.is_measuring = False  # another answer may begin anew

    for part in range(1, MEASURED_PARTS + 1):
        core.ask(_peer(way_in), Find(place ^ part << 61), told, now)


def _ask_neighbours(core: Core, peer: Peer, peer_id: Place, now: Instant) -> None:
    def told(answer: Answer, now: Instant) -> None:
        distances = sorted(near.id ^ peer_id for near in _contacts(core, answer))
        if len(distances) >= REPLICAS:
            core.density.observe(distances[-1], len(distances))

    core.ask(peer, Find(peer_id), told, now)


def _contacts(core: Core, answer: Answer) -> Sequence[Contact]:
    told = answer.reply.contacts if isinstance(answer.reply, FindAck) else ()
    return [contact for contact in map(core.learn, told) if contact is not None]


def _peer(session: Session) -> Peer:
    return Peer(session.address, session.public_key, session.nonce, session.node_id)

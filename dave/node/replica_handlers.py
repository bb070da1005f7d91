"""ANNOUNCE and BYE: what nodes tell each other about what they hold, and that they go."""

from typing import TYPE_CHECKING

from dave.drops import Drop
from dave.names import Instant
from dave.session.session import Session
from dave.wire.messages import Bye
from dave.wire.promises import Announce

if TYPE_CHECKING:
    from dave.node.node import Node


def on_announce(node: "Node", session: Session, data: bytes, now: Instant) -> None:
    """ANNOUNCE, from nodes only, whose promises somebody can test. Never from an INIT."""
    if node.refused_in_init(session, now):
        return
    announce = Announce.read(data)
    if session.node_id is None:
        node.drops.add(Drop.NOT_A_NODE)
        return
    node.reply(session, data, node.replicas.on_announce(announce, session, now), now)


def on_bye(node: "Node", session: Session, data: bytes, now: Instant) -> None:
    """BYE. Never from an INIT, which could be a replay."""
    if node.refused_in_init(session, now):
        return
    Bye.read(data)
    node.replicas.on_bye(session, now)

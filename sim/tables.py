"""Routing tables filled at one stroke, for networks too large to let every node join.

What a node knows in the end follows from where the nodes are: of each part of the ring that shares
a shorter prefix with its own id, up to K nodes, whichever it met; of its own neighbourhood all
(Maymounkov and Mazieres 2002, section 2.2). Only whom it met is drawn.
"""

from bisect import bisect_left
from collections.abc import Sequence
from heapq import nsmallest
from random import Random
from typing import Any

from dave.limits import BUCKET_CONTACTS
from dave.names import Instant
from dave.peers.contact import Contact
from dave.testing.host import Host
from dave.testing.world import World

NEIGHBOURS = 2 * BUCKET_CONTACTS


def grow(world: World, count: int, **options: Any) -> list[Host]:
    """Nodes that have long joined: as `World.add_nodes`, at one stroke and with filled tables. They
    still look for their neighbours when they start, as after a restart with the contacts saved."""
    added: list[Host] = []
    for _ in range(count):
        edges = [world.any_node(world.rng)] if world.nodes else []
        added.append(world.add_node(edges, **options))
    fill_tables(added, Random(world.rng.getrandbits(64)), world.now)
    return added


def fill_tables(hosts: Sequence[Host], rng: Random, now: Instant) -> None:
    """Tell these nodes of each other as far as their tables would hold."""
    contacts = sorted((_contact(host) for host in hosts), key=lambda contact: contact.id)
    ids = [contact.id for contact in contacts]
    for host in hosts:
        own = host.node.id
        table = host.node.table
        near = _subtree(ids, own)
        for place in nsmallest(NEIGHBOURS + 1, near, key=lambda index: ids[index] ^ own):
            table.add(contacts[place], now)  # ignores its own id
        for bit in range(63, -1, -1):
            first = (own ^ 1 << bit) >> bit << bit
            low, high = bisect_left(ids, first), bisect_left(ids, first + (1 << bit))
            members: Sequence[int] = range(low, high)
            if len(members) > BUCKET_CONTACTS:
                members = rng.sample(members, BUCKET_CONTACTS)
            for index in members:
                table.add(contacts[index], now)


def _subtree(ids: Sequence[int], own: int) -> range:
    """The indexes of the smallest part of the ring around `own` that surely holds its nearest."""
    for bit in range(65):
        first = own >> bit << bit
        low, high = bisect_left(ids, first), bisect_left(ids, first + (1 << bit))
        if high - low > NEIGHBOURS:
            return range(low, high)
    return range(len(ids))


def _contact(host: Host) -> Contact:
    identity = host.node.identity
    return Contact(identity.public_key, identity.nonce, host.address, host.node.id)

"""Fetches a part of a manifest, for the way up: what stands is read to know what need not be sent,
and what can be released."""

from collections.abc import Sequence
from typing import Protocol

from dave.edge.driver import Driver
from dave.edge.limits import SPARE_NODES
from dave.errors import NetworkError, ShareCorrupt, ShareLacking, Unreachable
from dave.files.blocks import Buffer
from dave.files.stripes import unseal
from dave.files.tree import Part
from dave.names import Place
from dave.node.requests import Peer
from dave.wire.stripe import place_of_stripe


class Shares(Protocol):
    """What of dave/edge/shares.py this needs."""

    async def nearest(self, place: Place, count: int, timeout: float) -> list[Peer]: ...
    async def fetch(self, peer: Peer, address: bytes, timeout: float) -> bytes: ...


async def fetch_part(
    shares: Shares, driver: Driver, timeout: float, part: Part
) -> Sequence[Buffer]:
    """The blocks of a part. Raises Unreachable where too few of its shares are found."""
    row = part.row
    shape = row.shape
    peers = await shares.nearest(place_of_stripe(row.stripe_id), shape.n + SPARE_NODES, timeout)
    found: dict[int, bytes] = {}
    for number in range(shape.n):
        own = number % len(peers)
        for peer in (*peers[own:], *peers[:own]):
            try:
                found[number] = await shares.fetch(peer, row.addresses[number], timeout)
                break
            except (NetworkError, ShareLacking, ShareCorrupt):
                continue
        if len(found) == shape.k:
            return await driver.offload(unseal, row, found, part.first, part.last)
    raise Unreachable("too few shares of a manifest are found")

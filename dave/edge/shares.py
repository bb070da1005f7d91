"""Shares over a driver: the protocol of dave/node/share_*.py as coroutines, for files to build on.

Many calls may be under way at once, from many tasks: offers to one peer share a stream, fetches of
one peer are gathered into few requests. A share that is being put is referred to, not copied.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dave.edge.driver import Driver
from dave.names import Place
from dave.node.requests import Peer
from dave.wire.shares import ShareOutcome

if TYPE_CHECKING:
    from dave.wire.stripe import Release, StripeRecord


class Shares:
    """Made for a driver; holds nothing that must be closed."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def nearest(self, place: Place, count: int, timeout: float) -> list[Peer]:
        """Up to `count` nodes nearest to a place, nearest first, never this one. Raises
        Unreachable if nobody answers within `timeout` seconds."""
        raise NotImplementedError

    async def put(
        self,
        peer: Peer,
        record: "StripeRecord",
        index: int,
        data: bytes | memoryview,
        timeout: float,
    ) -> ShareOutcome:
        """Offer share `index` of a stripe to a node, and send it if it is wanted. Never raises for
        what the node or the network do: the outcome says so."""
        raise NotImplementedError

    async def fetch(self, peer: Peer, address: bytes, timeout: float) -> bytes:
        """A share, whose Merkle root is its address. Raises ShareLacking, ShareCorrupt,
        Unreachable."""
        raise NotImplementedError

    async def held(
        self, peer: Peer, stripe_ids: Sequence[bytes], timeout: float
    ) -> "list[tuple[StripeRecord, int] | None]":
        """Which shares of each stripe the node says it holds (bit i: share i), with a record whose
        signature is not checked. Raises Unreachable."""
        raise NotImplementedError

    async def release(self, peer: Peer, release: "Release", timeout: float) -> int:
        """How many records the node has dropped. Raises Unreachable."""
        raise NotImplementedError

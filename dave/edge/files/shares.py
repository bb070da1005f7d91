"""Shares over a driver: the protocol of dave/node/share_*.py as coroutines, for files to build on.

Many calls may be under way at once, from many tasks: offers to one peer share a stream, fetches of
one peer are gathered into few requests. A share that is being put is referred to, not copied.
"""

from collections.abc import Sequence
from typing import Any

from dave.edge.addresses import format_address
from dave.edge.driver import Driver
from dave.errors import ShareCorrupt, ShareLacking, Unreachable
from dave.names import SECOND, Instant, Place
from dave.node.requests import Peer
from dave.node.shares.fetches import FetchStatus
from dave.node.shares.lane import ShareData
from dave.node.shares.queries import HeldShares
from dave.wire.shares import ShareOutcome
from dave.wire.stripe import Release, StripeRecord


class Shares:
    """Made for a driver; holds nothing that must be closed."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def nearest(self, place: Place, count: int, timeout: float) -> list[Peer]:
        """Up to `count` nodes nearest to a place, nearest first, never this one. Raises
        Unreachable if nobody answers within `timeout` seconds."""
        now, deadline = self._until(timeout)
        operation = self._driver.core.nearest(place, count, now, deadline)
        self._driver.flush()
        peers: list[Peer] = await self._driver.wait(operation)
        if not peers:
            raise Unreachable(f"nobody answers at {self._driver.edges_text()}: is a node running?")
        return peers

    async def put(
        self,
        peer: Peer,
        record: StripeRecord,
        number: int,
        data: ShareData,
        timeout: float,
    ) -> ShareOutcome:
        """Offer share `number` of a stripe to a node, and send it if it is wanted: only then is it
        made, where `data` is what makes it. Never raises for what the node or the network do: the
        outcome says so."""
        core, (now, deadline) = self._driver.core, self._until(timeout)
        operation = core.next_operation()

        def done(outcome: ShareOutcome, now: Instant) -> None:
            core.resolve(operation, outcome)

        upload = core.uploads.put(peer, record, number, data, done, now, deadline)
        outcome: ShareOutcome = await self._wait(operation, upload)
        return outcome

    async def fetch(self, peer: Peer, address: bytes, timeout: float) -> bytes:
        """A share, whose Merkle root is its address. Raises ShareLacking, ShareCorrupt,
        Unreachable."""
        core, (now, deadline) = self._driver.core, self._until(timeout)
        operation = core.next_operation()
        came: list[bytes | None] = []

        def on_share(_address: bytes, share: bytes | None, _now: Instant) -> None:
            came.append(share)

        def done(status: FetchStatus, now: Instant) -> None:
            core.resolve(operation, status)

        fetch = core.fetches.fetch(peer, [address], on_share, done, now, deadline)
        status = await self._wait(operation, fetch)
        (share,) = came
        if share is not None:
            return share
        if status is FetchStatus.DONE:
            raise ShareLacking(f"{_text(peer)} does not hold the share")
        if status is FetchStatus.CORRUPT:
            raise ShareCorrupt(f"{_text(peer)} sent something else than the share asked for")
        raise Unreachable(f"{_text(peer)} does not answer")

    async def held(
        self, peer: Peer, stripe_ids: Sequence[bytes], timeout: float
    ) -> list[HeldShares | None]:
        """Which shares of each stripe, at most STRIPES_ASKED_MAX, the node says it holds (bit i:
        share i), with a record whose signature is not checked. Raises Unreachable."""
        queries = self._driver.core.share_queries
        found: list[HeldShares | None] = await self._query(queries.held, peer, stripe_ids, timeout)
        return found

    async def release(self, peer: Peer, release: Release, timeout: float) -> int:
        """How many records the node has dropped. Raises Unreachable."""
        queries = self._driver.core.share_queries
        count: int = await self._query(queries.release, peer, release, timeout)
        return count

    async def _query(self, ask: Any, peer: Peer, about: Any, timeout: float) -> Any:
        core, (now, deadline) = self._driver.core, self._until(timeout)
        operation = core.next_operation()

        def done(result: Any, now: Instant) -> None:
            core.resolve(operation, result)

        result = await self._wait(operation, ask(peer, about, done, now, deadline))
        if result is None:
            raise Unreachable(f"{_text(peer)} does not answer")
        return result

    async def _wait(self, operation: int, handle: Any) -> Any:
        """The result; who stops waiting for it does not want it any more."""
        self._driver.flush()
        try:
            return await self._driver.wait(operation)
        finally:
            handle.cancel()

    def _until(self, timeout: float) -> tuple[Instant, Instant]:
        now = self._driver.now()
        return now, now + int(timeout * SECOND)


def _text(peer: Peer) -> str:
    """A node, for a person."""
    return format_address(peer.address)

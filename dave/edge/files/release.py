"""Letting go of an upload: its owner's release goes to the nodes that may hold shares of it."""

from collections.abc import AsyncIterator, Iterable
from functools import partial

from dave.edge.driver import gather
from dave.edge.entries import Entries
from dave.edge.files.receipt import Released
from dave.edge.files.shares import Shares
from dave.edge.keyfile import Key
from dave.edge.limits import DIRECTORY_PARALLEL, SPARE_NODES
from dave.errors import DaveError, NetworkError
from dave.names import Place
from dave.node.requests import Peer
from dave.node.shares.stripe_plan import reach
from dave.wire.manifest import Row
from dave.wire.stripe import Release, encode_release, place_of_stripe


async def release_rows(
    shares: Shares,
    entries: Entries,
    key: Key,
    reference: bytes,
    rows: AsyncIterator[Row] | Iterable[Row],
    timeout: float,
) -> Released:
    """Release an upload (reference 16 bytes) whose stripes are those rows, at all nodes near them.
    Never raises for what nodes do not answer, nor for rows that cannot be read."""
    driver, is_whole = entries.driver, True
    bare = Release(encode_release(key.owner, reference, entries.clock()))
    release = bare.with_signature(key.sign(bare.signed_bytes(driver.core.network)))
    told: dict[bytes | None, bool] = {}
    records = 0

    async def tell(peer: Peer) -> int:
        try:
            dropped = await shares.release(peer, release, timeout)
        except NetworkError:
            return 0
        told[peer.public_key] = True
        return dropped

    # All rows first: who is told drops shares of the manifests as well, which name the others.
    places = dict[Place, int]()
    try:
        async for row in _each(rows):
            n = row.shape.n
            # As far as a put goes, and who mends stripes.
            places[place_of_stripe(row.stripe_id)] = max(n + SPARE_NODES, reach(n))
    except DaveError:
        is_whole = False
    for place, count in places.items():
        try:
            peers = await shares.nearest(place, count, timeout)
        except NetworkError:
            is_whole = False
            continue
        fresh = [peer for peer in peers if peer.public_key not in told]
        for peer in fresh:
            told[peer.public_key] = False
        records += sum(
            await gather(driver, [partial(tell, peer) for peer in fresh], DIRECTORY_PARALLEL)
        )
        if len(peers) < count:
            break  # these are all nodes that there are
    answered = sum(told.values())
    return Released(records, answered, len(told) - answered, is_whole)


async def _each(rows: AsyncIterator[Row] | Iterable[Row]) -> AsyncIterator[Row]:
    if isinstance(rows, AsyncIterator):
        async for row in rows:
            yield row
    else:
        for row in rows:
            yield row

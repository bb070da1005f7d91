"""Stripes that a client puts, and what has become of them, by what only the simulator knows.

The shares are random bytes and their parity, as ciphertext is; so whatever is done with them is
done without a key.
"""

from collections.abc import Sequence
from typing import NamedTuple

from dave.crypto import merkle
from dave.files.code import Code, parity
from dave.limits import REPLICAS
from dave.names import SECOND, Instant, Place
from dave.node.requests import Peer
from dave.node.shares import stripe_plan
from dave.wire.shares import ShareOutcome
from dave.wire.stripe import Shape, StripeRecord, place_of_stripe
from sim.host import Host, Operation
from sim.owner import Owner
from sim.world import World

PUT_SECONDS = 60


class Stripe(NamedTuple):
    """One that was put."""

    record: StripeRecord
    stripe_id: bytes
    place: Place
    shares: tuple[bytes, ...]


def make(world: World, owner: Owner, code: Code, share_bytes: int, ttl: int) -> Stripe:
    """A stripe of random bytes whose last block is shorter than the others."""
    last_bytes = share_bytes if code.k == 1 else share_bytes - share_bytes // 3
    data = [world.rng.randbytes(share_bytes) for _ in range(code.k - 1)]
    data.append(world.rng.randbytes(last_bytes).ljust(share_bytes, b"\0"))
    shares = [*data, *(bytes(each) for each in parity(data, code.n - code.k))]
    shares[code.k - 1] = shares[code.k - 1][:last_bytes]
    shape = Shape(code.k, code.n, share_bytes, last_bytes)
    addresses = [merkle.root(share) for share in shares]
    record = owner.record(shape, addresses, world.time(), ttl, world.rng.randbytes(16))
    stripe_id = record.stripe_id
    return Stripe(record, stripe_id, place_of_stripe(stripe_id), tuple(shares))


def put(world: World, client: Host, stripe: Stripe) -> int:
    """Share i to the i-th nearest node, or beyond where one does not take it; how many of the
    shares are stored."""
    core, n = client.core, stripe.record.n
    count = max(stripe_plan.reach(n), REPLICAS)
    number = core.nearest(stripe.place, count, world.now, world.now + 5 * SECOND)
    client.settle()
    (peers,) = world.run_until_resolved(Operation(client, number, client.starts))
    assert isinstance(peers, list)
    stored: list[bool] = []
    beyond = list(reversed(peers[n:]))

    def offer(index: int, peer: Peer) -> None:
        def done(outcome: ShareOutcome, now: Instant) -> None:
            if outcome.is_stored or not beyond:
                stored.append(outcome.is_stored)
            else:
                offer(index, beyond.pop())

        deadline = world.now + PUT_SECONDS * SECOND
        core.uploads.put(
            peer, stripe.record, index, stripe.shares[index], done, world.now, deadline
        )

    for index in range(n):
        offer(index, peers[index % len(peers)])
    client.settle()
    until = world.now + 10 * PUT_SECONDS * SECOND
    while len(stored) < n:
        assert world.clock.step(until), "a put of shares has not ended"
    return sum(stored)


def holders(world: World, stripe: Stripe, number: int) -> list[Host]:
    """The running nodes that hold that share, whole, and the record beside it."""
    address = stripe.record.address(number)
    return [
        host
        for host in world.nodes
        if host.is_up
        and host.shares is not None
        and host.shares.shares.get(address) == stripe.shares[number]
        and _has(host, stripe, number)
    ]


def _has(host: Host, stripe: Stripe, number: int) -> bool:
    service = host.node.shares
    held = None if service is None else service.index.stripe(stripe.stripe_id)
    return held is not None and bool(held[1] >> number & 1)


def left(world: World, stripe: Stripe) -> int:
    """How many of its shares some running node holds."""
    return sum(bool(holders(world, stripe, number)) for number in range(stripe.record.n))


def spread(world: World, stripe: Stripe) -> int:
    """How many of its shares stand at nodes of their own: the most that any choice of one holder
    for each share comes to."""
    taken: dict[str, int] = {}
    names = [[host.name for host in holders(world, stripe, i)] for i in range(stripe.record.n)]

    def place(number: int, seen: set[str]) -> bool:
        for name in names[number]:
            if name not in seen:
                seen.add(name)
                if name not in taken or place(taken[name], seen):
                    taken[name] = number
                    return True
        return False

    return sum(place(number, set()) for number in range(stripe.record.n))


def whole(world: World, stripes: Sequence[Stripe], unfit: int = 0) -> int:
    """Stripes with all shares there, each at a node of its own as far as there are nodes, of which
    `unfit` cannot hold any."""
    living = sum(host.is_up for host in world.nodes) - unfit
    return sum(
        left(world, each) == each.record.n and spread(world, each) >= min(each.record.n, living)
        for each in stripes
    )


def deaths(world: World, stripes: Sequence[Stripe]) -> list[Host]:
    """Nodes, at random, as many as can die at once with no stripe left with fewer than k shares."""
    standing = [[holders(world, each, i) for i in range(each.record.n)] for each in stripes]
    dying: list[Host] = []
    for host in world.rng.sample(world.nodes, len(world.nodes)):
        if host.is_up:
            gone = [*dying, host]
            left_over = [sum(any(h not in gone for h in hs) for hs in each) for each in standing]
            if all(n >= each.record.k for n, each in zip(left_over, stripes, strict=True)):
                dying = gone
    return dying

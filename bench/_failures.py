"""What the network keeps when nodes are killed, and how fast it says no.

200 values on 16 nodes; four nodes die (`kill -9`); when the others have repaired the copies the
four come back; then those four and eight more die. A client that knew all sixteen reads on.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

from bench._closed_loop import at, timed
from bench._cluster import Cluster
from bench._loader import Loader
from bench._rows import row
from dave.crypto import hashes
from dave.crypto.network import network
from dave.crypto.work import entry_work
from dave.edge.client import Client
from dave.edge.connect import connect
from dave.edge.keyfile import Key
from dave.edge.search import find_stamp
from dave.errors import DaveError, EntryError
from dave.limits import KEY_AND_VALUE_BYTES_MAX, REPLICAS
from dave.names import Address, EntryId, hybrid_time
from dave.wire.entry import Entry, encode
from dave.wire.messages import Get, Put

VALUES = 200
VALUE_BYTES = 1000
TTL = 3600
FIRST_KILLED = 4
THEN_KILLED = 8
REPAIR_SECONDS_MAX = 120.0
REFUSALS = 20
Copies = dict[int, set[EntryId]]
"""Number of a node -> what it holds."""


async def rows(nodes: Cluster) -> list[dict[str, Any]]:
    """All cases, on one cluster whose nodes know each other."""
    rng = random.Random(16)
    key = Key.generate()
    edges = [node.host_port for node in nodes.nodes]
    async with connect(edges, key=key, network=nodes.network) as client:
        table = await _refusals(client, nodes)
        ids = []
        for number in range(VALUES):
            receipt = await client.put(
                _name(number), rng.randbytes(VALUE_BYTES), ttl=TTL, listed=False
            )
            await receipt.settled()
            ids.append(hashes.entry_id_of(key.owner, _name(number)))
        before = await _survey(nodes, ids)
        first = rng.sample(nodes.living, FIRST_KILLED)
        nodes.kill(first)
        table += await _reads(client, f"{FIRST_KILLED} of {len(edges)} killed", range(VALUES))
        table += await _repair(nodes, ids)
        table.append(await _restart(nodes, first, ids, before))
        others = [number for number in nodes.living if number not in first]
        nodes.kill(first + rng.sample(others, THEN_KILLED))
        held = set[EntryId]().union(*(await _survey(nodes, ids)).values())
        alive = [number for number, entry_id in enumerate(ids) if entry_id in held]
        label = f"{FIRST_KILLED} restarted, {FIRST_KILLED + THEN_KILLED} killed"
        table.append(row("network", f"{label}: values with a live copy", len(alive), "values"))
        table += await _reads(client, label, alive)
    return table


async def _repair(nodes: Cluster, ids: list[EntryId]) -> list[dict[str, Any]]:
    """Until each value has R living copies again, or the patience is over."""
    began = time.monotonic()
    wanted = min(REPLICAS, len(nodes.living))
    while True:
        held = (await _survey(nodes, ids)).values()
        whole = sum(sum(entry_id in each for each in held) >= wanted for entry_id in ids)
        seconds = time.monotonic() - began
        if whole == len(ids) or seconds > REPAIR_SECONDS_MAX:
            break
        await asyncio.sleep(0.5)
    case = f"repair after {FIRST_KILLED} were killed"
    return [
        row("network", f"{case}: values with {wanted} copies", whole, "values", goal=len(ids)),
        row("network", f"{case}: it took", seconds, "s"),
    ]


async def _restart(
    nodes: Cluster, numbers: list[int], ids: list[EntryId], before: Copies
) -> dict[str, Any]:
    """Bring nodes back; each is first asked alone what its own disk kept."""
    kept = had = 0
    for number in numbers:
        with nodes.alone(number) as node:
            kept += len(before[number] & await _held(node.address, nodes.network, ids))
        had += len(before[number])
    for number in numbers:
        nodes.restart(number)
    await asyncio.to_thread(nodes.wait_until_joined)
    return row("network", f"restarted: hold of {had} copies from their own disk", kept, "copies",
               goal=had)  # fmt: skip


async def _reads(client: Client, label: str, numbers: "range | list[int]") -> list[dict[str, Any]]:
    """Read values by name, one at a time."""
    read = 0

    async def get(number: int) -> None:
        nonlocal read
        try:
            read += await client.get(_name(number)) is not None
        except DaveError as error:
            print(f"{label}: value {number} cannot be read: {error}")

    times = [await timed(get, number) for number in numbers]
    return [
        row("network", f"{label}: values read", read, "values", goal=len(numbers)),
        row("network", f"{label}: get p50", at(times, 0.5), "ms"),
        row("network", f"{label}: get p99", at(times, 0.99), "ms", goal=500, below=True),
    ]


async def _refusals(client: Client, nodes: Cluster) -> list[dict[str, Any]]:
    """Some refusals of each kind; the connection is warm."""
    large = random.Random(1).randbytes(KEY_AND_VALUE_BYTES_MAX + 1)

    async def absent(number: int) -> None:
        assert await client.get(f"nobody has {number}") is None

    async def too_large(number: int) -> None:
        try:
            await client.put("large", large)
        except EntryError:
            return
        raise AssertionError("a value that is too large was taken")

    async def forged(number: int) -> None:
        loader = loaders[number % len(loaders)]
        _, replies = loader.closed_loop(sealed[number], 1)
        counts, _ = loader.statuses(replies)
        assert counts == {"FORGED": 1}, counts

    loaders = [Loader(node.address, network(nodes.network)) for node in nodes.nodes]
    sealed = [
        loaders[number % len(loaders)].seal([Put(_forged_entry(nodes.network))])
        for number in range(REFUSALS + 1)
    ]
    kinds: list[tuple[str, Callable[[int], Awaitable[None]]]] = [
        ("a key nobody has: None after", absent),
        ("a value too large: EntryError after", too_large),
        ("a forged entry: FORGED after", forged),
    ]
    table = []
    for case, verb in kinds:
        await verb(REFUSALS)
        times = [await timed(verb, number) for number in range(REFUSALS)]
        table.append(row("network", f"{case} (p50)", at(times, 0.5), "ms", goal=50, below=True))
        table.append(row("network", f"{case} (slowest of {REFUSALS})", max(times), "ms",
                         goal=50, below=True))  # fmt: skip
    for loader in loaders:
        loader.close()
    return table


def _forged_entry(name: str) -> Entry:
    """Stamped, so that it gets as far as its signature, which is none."""
    net = network(name)
    at = hybrid_time(time.time_ns() // 1_000_000)
    bare = Entry(encode(Key.generate().owner, b"forged", bytes(VALUE_BYTES), at, TTL))
    prefix = hashes.ENTRY_STAMP_TAG + hashes.entry_digest(bare.signed_bytes(net))
    nonce, _ = find_stamp(prefix, entry_work(len(bare.data), TTL))
    return bare.with_proofs(random.randbytes(64), nonce)


async def _survey(nodes: Cluster, ids: list[EntryId]) -> Copies:
    """Which living node holds what."""
    name = nodes.network
    return {n: await _held(nodes.nodes[n].address, name, ids) for n in nodes.living}


async def _held(address: Address, name: str, ids: list[EntryId]) -> set[EntryId]:
    return await asyncio.to_thread(_ask_all, address, name, ids)


def _ask_all(address: Address, name: str, ids: list[EntryId]) -> set[EntryId]:
    loader = Loader(address, network(name))
    try:
        sealed = loader.seal([Get(entry_id) for entry_id in ids])
        return {ids[number] for number in loader.found(loader.closed_loop(sealed, 32)[1])}
    finally:
        loader.close()


def _name(number: int) -> bytes:
    return b"value-%d" % number

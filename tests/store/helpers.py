"""Entries for store tests: valid in form, with a real stamp nonce where a test asks for one."""

from dave.crypto.network import Network, network
from dave.store.store import Store
from dave.wire.entry import TOMBSTONE, Entry, encode

OPEN = network()
CLOSED = network(secret=b"sixteen bytes ok")
NOW = 1_700_000_000_000
DAY = 86_400_000


def owner(n: int) -> bytes:
    return n.to_bytes(32, "big")


def entry(
    key: bytes = b"key",
    *,
    by: int = 1,
    value: bytes = b"",
    at: int = NOW,
    count: int = 0,
    ttl: int = 86_400,
    flags: int = 0,
    nonce: int = 0,
) -> Entry:
    if flags == TOMBSTONE:
        ttl, value = 366 * 86_400, b""
    time = at << 16 | count
    return Entry(encode(owner(by), key, value, time, ttl, flags, nonce=nonce.to_bytes(8, "little")))


def judge(store, item, now=NOW, surplus=0.0, expected=None, network: Network = OPEN):
    return store.judge(item, item.id, item.digest(network), now, surplus, expected)


def put(store, item, sequence, now=NOW, surplus=0.0):
    """Judge, and insert if admitted; the status and the evicted ids."""
    verdict = judge(store, item, now, surplus)
    if verdict.status.name != "STORED":
        return verdict.status.name, []
    return "STORED", store.insert(item, item.id, sequence, now, surplus)


def small_store(network: Network = OPEN, capacity: int = 1 << 20, half_life_ms: int = DAY):
    """4096 bytes a shard: a handful of entries fill one."""
    return Store(7, network, capacity, 12345, half_life_ms)


def keys_in_shard(store, n, count, by=1):
    """Keys of `by` whose entries fall into shard n."""
    from xxhash import xxh3_64_intdigest

    found, i = [], 0
    while len(found) < count:
        key = b"k%d" % i
        if xxh3_64_intdigest(entry(key, by=by).id, store._secret) & 255 == n:
            found.append(key)
        i += 1
    return found

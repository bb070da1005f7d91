"""What a store tells of the versions that leave it, and of its room."""

from dave.limits import ENTRY_BYTES_MAX, STORE_OVERHEAD_BYTES
from dave.store.shard import Gone
from tests.store.helpers import NOW, entry, keys_in_shard, put, small_store


def watched():
    store, gone = small_store(), []
    store.on_gone = lambda entry_id, data, why: gone.append((entry_id, data, why))
    return store, gone


def test_a_replaced_version_is_told_once():
    store, gone = watched()
    old, new = entry(value=b"old"), entry(value=b"new", at=NOW + 1)
    put(store, old, 1)
    assert gone == []
    put(store, new, 2)
    assert gone == [(old.id, old.data, Gone.REPLACED)]


def test_what_expires_is_told_whenever_that_is_noticed():
    store, gone = watched()
    one, two = entry(b"one", ttl=10), entry(b"two", ttl=10)
    put(store, one, 1)
    put(store, two, 2)
    late = NOW + 20_000
    put(store, entry(b"one", at=late), 3, now=late)
    assert gone == [(one.id, one.data, Gone.EXPIRED)]
    for n in range(256):
        store.expire_shard(n, late)
    assert gone[1:] == [(two.id, two.data, Gone.EXPIRED)]


def test_what_is_evicted_is_told_and_what_is_refused_is_not():
    store, gone = watched()
    keys = keys_in_shard(store, 3, 12)
    evicted = []
    for sequence, key in enumerate(keys):
        status, victims = put(store, entry(key, value=bytes(500)), sequence + 1)
        evicted += victims
        assert (status == "STORED") or not victims
    assert evicted
    assert [(entry_id, why) for entry_id, _, why in gone] == [(i, Gone.EVICTED) for i in evicted]


def test_a_shard_tells_whether_it_has_room_and_what_it_holds():
    store, _ = watched()
    keys = keys_in_shard(store, 3, 12)
    for sequence, key in enumerate(keys):
        item = entry(key, value=bytes(500))
        shard = store._shards[3]
        used = 0 if shard is None else shard.bytes_used
        fits = used + ENTRY_BYTES_MAX + STORE_OVERHEAD_BYTES <= (1 << 20) // 256
        assert store.has_room(item.id) == fits
        put(store, item, sequence + 1)
    assert not store.has_room(entry(keys[0]).id)
    held = store.held_in_shard(3)
    assert held
    assert all(store.get(entry_id, NOW) is data for entry_id, data in held)
    assert store.held_in_shard(4) == []

"""What an application can ask, and what it is told, against a node in another process."""

import asyncio
import random
import time
import zlib

import pytest

import dave
from dave.limits import KEY_AND_VALUE_BYTES_MAX
from dave.names import hybrid_ms
from dave.wire.directory import DEVICES_KEY
from dave.wire.entry import COMPRESSED
from tests.processes import PATIENCE_SECONDS


def test_the_verbs_as_the_design_shows_them(node, tmp_path):
    path = tmp_path / "owner.key"
    dave.Key.generate().save(path)
    key = dave.Key.load(path)

    async def story():
        async with dave.connect(node.address, key=key) as d:
            receipt = await d.put("greeting", b"hello", ttl=3600)
            assert await receipt.settled() is receipt
            assert receipt.uri == f"dave://{key.name}/greeting"
            assert (receipt.stored, receipt.asked, receipt.refused) == (1, 1, [])
            assert abs(receipt.expires - time.time() - 3600) < 60
            entry = await d.get("greeting")
            assert (entry.value, entry.time, entry.owner) == (b"hello", receipt.time, key.owner)
            assert (entry.digest, entry.replicas) == (receipt.digest, 1)
            async with dave.connect(node.address) as other:
                assert (await other.get(receipt.uri)).value == b"hello"
                assert (await other.get("greeting", owner=key.owner)).value == b"hello"
                assert (await other.get("greeting", owner=key.name)).value == b"hello"
            await d.delete("greeting")
            assert await d.get("greeting") is None
            assert await d.get("never put") is None

    asyncio.run(story())


@pytest.fixture
def client(node):
    with dave.connect_sync(node.address, key=dave.Key.generate()) as made:
        yield made


def test_a_deleted_key_can_be_put_again(client):
    client.put("k", b"one", ttl=3600)
    deleted = client.delete("k")
    assert deleted.expires - time.time() > 365 * 86_400
    assert client.get("k") is None
    again = client.put("k", b"two", ttl=3600)
    assert again.time > deleted.time
    assert client.get("k").value == b"two"


def test_reading_and_renewing_a_version_as_it_is_held(node):
    key = dave.Key.generate()

    async def story():
        async with dave.connect(node.address, key=key) as d:
            first = await d.put("k", b"v", ttl=3600)
            read = await d.read(key.owner, b"k", timeout=5)
            assert (read.entry.data, read.entry.flags) == (first.encoded, 0)
            again = await d.renew(read.entry, timeout=5)
            assert again.time > first.time
            assert again.digest != first.digest
            assert (await d.get("k")).value == b"v"
            with pytest.raises(dave.Conflict) as caught:
                await d.renew(read.entry, timeout=5)
            assert caught.value.winner.time == again.time
            await d.delete("k")
            assert (await d.read(key.owner, b"k", timeout=5)).entry.is_tombstone
            assert (await d.read(key.owner, b"other", timeout=5)).entry is None

    asyncio.run(story())


def test_the_largest_value_travels_in_both_directions(client):
    largest = random.Random(1).randbytes(KEY_AND_VALUE_BYTES_MAX)
    value = largest[: KEY_AND_VALUE_BYTES_MAX - 1]
    assert client.put("k", value, ttl=3600).stored == 1
    assert client.get("k").value == value
    assert not hasattr(client.put("k", value, ttl=3600), "file")
    client.put(b"\xff" * 255, b"", ttl=3600)
    assert client.get(b"\xff" * 255).value == b""


@pytest.mark.parametrize(
    ("key", "ttl", "words"),
    [
        ("", 60, "the key is empty; a key has 1 to 255 bytes"),
        ("k" * 256, 60, "the key has 256 bytes"),
        ("k", 0, "it must be 1 s to 31622400 s"),
        ("k", 10 * 365 * 86_400, "366 days"),
    ],
)
def test_what_makes_no_entry_says_the_limit(client, key, ttl, words):
    with pytest.raises(dave.EntryError, match=words):
        client.put(key, b"v", ttl=ttl)


@pytest.mark.parametrize("size", [KEY_AND_VALUE_BYTES_MAX, 70_000, 300_000])
def test_what_is_too_large_for_an_entry_is_put_as_a_file(client, size):
    value = random.Random(1).randbytes(size)
    receipt = client.put("large", value, ttl=3600)
    assert (receipt.size, receipt.file.nodes, str(receipt.file.code)) == (size, 1, "1/1")
    assert client.get("large").value == value
    client.flush()
    assert [name.size for name in client.ls()] == [size]
    client.delete("large")
    assert client.get("large") is None


def test_private_values_are_for_the_owner(client, node):
    value = b"for nobody else, " * 100
    receipt = client.put("secret", value, ttl=3600, private=True)
    assert client.get("secret").value == value
    assert value[:16] not in receipt.encoded
    with dave.connect_sync(node.address) as other, pytest.raises(dave.WrongKey):
        other.get(receipt.uri)


def test_who_asks_must_say_whose(node):
    with dave.connect_sync(node.address) as nobody:
        with pytest.raises(dave.UsageError, match="whose"):
            nobody.get("greeting")
        with pytest.raises(dave.UsageError, match="key=dave"):
            nobody.put("greeting", b"v")


def test_compare_and_set(client):
    first = client.put("k", b"one", ttl=3600, cas=0)
    with pytest.raises(dave.Conflict) as caught:
        client.put("k", b"other", ttl=3600, cas=0)
    assert caught.value.winner.value == b"one"
    second = client.put("k", b"two", ttl=3600, cas=first.time)
    with pytest.raises(dave.Conflict) as caught:
        client.put("k", b"late", ttl=3600, cas=first.time)
    assert (caught.value.winner.value, caught.value.winner.time) == (b"two", second.time)
    with pytest.raises(dave.Conflict) as caught:
        client.put("never put", b"v", ttl=3600, cas=first.time)
    assert caught.value.winner is None
    assert client.get("k").value == b"two"


def test_compare_and_set_after_a_deletion(client):
    first = client.put("k", b"one", ttl=3600)
    deleted = client.delete("k")
    with pytest.raises(dave.Conflict) as caught:
        client.put("k", b"two", ttl=3600, cas=first.time)
    assert caught.value.winner.is_tombstone
    assert "deleted" in str(caught.value)
    # At once, so perhaps in the tombstone's own millisecond, where it would lose the tie.
    assert client.put("k", b"two", ttl=3600, cas=0).time > deleted.time
    assert client.get("k").value == b"two"


def test_of_two_that_compare_and_set_at_once_one_wins(node):
    key = dave.Key.generate()

    async def attempt(n, expected):
        async with dave.connect(node.address, key=key) as d:
            try:
                return await d.put("counter", b"%d" % n, ttl=3600, cas=expected)
            except dave.Conflict as conflict:
                return conflict

    async def round_of(expected):
        return await asyncio.gather(*(attempt(n, expected) for n in range(4)))

    expected = 0
    for _ in range(5):
        results = asyncio.run(round_of(expected))
        receipts = [each for each in results if not isinstance(each, dave.Conflict)]
        assert len(receipts) == 1
        winners = [each.winner for each in results if isinstance(each, dave.Conflict)]
        assert {winner.time for winner in winners} == {receipts[0].time}
        expected = receipts[0].time


def test_a_version_from_a_clock_ahead_is_overtaken(home, node):
    home.dave("keygen")
    put = home.dave(
        "put", "k", "ahead", "--ttl", "1h", "--json", "--edge", node.address, shift_seconds=250
    )
    key = dave.Key.load(home.folder / "config" / "dave" / "owner.key")
    with dave.connect_sync(node.address, key=key) as client:
        receipt = client.put("k", b"now", ttl=3600)
        assert receipt.time == put.json["time"] + 1
        assert client.get("k").value == b"now"


def test_a_version_too_far_ahead_cannot_be_overtaken(home):
    ahead = home.start(shift_seconds=3600)
    edge = ("--edge", ahead.address)
    assert home.dave("put", "k", "ahead", "--ttl", "2h", *edge, shift_seconds=3600).code == 0
    key = dave.Key.load(home.folder / "config" / "dave" / "owner.key")
    with dave.connect_sync(ahead.address, key=key) as client:
        with pytest.raises(dave.EntryError, match=r"dated 3(59\d|600) s ahead of this machine"):
            client.put("k", b"now", ttl=7200)
        # The node holds it; by our own clock it is alive.
        assert hybrid_ms(client.get("k").time) / 1000 > time.time() + 3500


@pytest.mark.parametrize("cas", [-1, 1.5, 1 << 63, 1 << 64, 10**23, "0"])
def test_a_guard_that_is_no_time_of_a_version(client, cas):
    with pytest.raises(dave.UsageError, match="cas takes the time"):
        client.put("k", b"v", cas=cas)


@pytest.mark.parametrize("value", [5, 10**10, None, ["a"]])
def test_what_is_neither_text_nor_bytes_is_no_value(client, value):
    with pytest.raises(dave.UsageError, match="text or bytes"):
        client.put("k", value)
    with pytest.raises(dave.UsageError, match="text or bytes"):
        client.put(value, b"v")


def test_a_ttl_is_whole_seconds(client):
    with pytest.raises(dave.EntryError, match="whole number"):
        client.put("k", b"v", ttl=1.5)


def test_two_may_wait_for_one_receipt(node):
    async def story():
        async with dave.connect(node.address, key=dave.Key.generate()) as d:
            receipt = await d.put("k", b"v", ttl=3600)
            await asyncio.gather(receipt.settled(), receipt.settled())

    asyncio.run(story())


def test_values_are_compressed_where_that_helps(client):
    text = b"the same again, " * 4000
    client.put("long", text, ttl=3600)
    client.put("short", b"the same again", ttl=3600)
    long, short = client.get_many(["long", "short"])
    assert (long.value, long.compressed) == (text, True)
    assert (short.value, short.compressed) == (b"the same again", False)
    client.flush()
    assert [name.size for name in client.ls()] == [len(text), 14]


def test_a_value_that_would_swell_beyond_measure_is_refused(node):
    key = dave.Key.generate()
    bomb = zlib.compress(bytes(1_000_000), 9)
    with dave.connect_sync(node.address, key=key) as client:
        client._driver.run(client._client._entries.put(b"bomb", bomb, 3600, COMPRESSED))
        with pytest.raises(dave.WireError, match="inflates to more than 65536 bytes"):
            client.get("bomb")


def test_keys_that_are_daves_own_cannot_be_put(client):
    for verb in (lambda: client.put(b"\0k", b"v"), lambda: client.delete("\0k")):
        with pytest.raises(dave.EntryError, match="zero byte"):
            verb()
    assert client.get(b"\0devices", owner=dave.Key.generate().owner) is None


def test_names_follow_puts_and_deletions(client):
    assert client.ls() == []
    client.put("b", b"1", ttl=3600)
    client.put("a", b"22", ttl=60)
    client.put("unseen", b"", ttl=60, listed=False)
    client.flush()
    names = client.ls()
    assert [(name.key, name.size) for name in names] == [(b"a", 2), (b"b", 1)]
    assert client.get(names[0].uri).time == names[0].time
    client.delete("a")
    client.put("b", b"333", ttl=3600)
    client.flush()
    assert [(name.key, name.size) for name in client.ls()] == [(b"b", 3)]
    assert client.ls(prefix="a") == []


def test_a_directory_that_is_none_is_an_error_when_flushed_and_a_warning_at_the_end(node):
    key = dave.Key.generate()
    client = dave.connect_sync(node.address, key=key)
    client._driver.run(client._client._entries.put(DEVICES_KEY, b"none", 3600))
    client.put("k", b"v", ttl=3600)
    with pytest.raises(dave.NotListed, match=r"1 name could not be .* version 110"):
        client.flush()
    with pytest.raises(dave.WireError):
        client.ls()
    client.put("l", b"w", ttl=3600)
    with pytest.warns(RuntimeWarning, match="2 names could not be written"):
        client.close()
    client.close()
    with dave.connect_sync(node.address, key=key) as client:
        assert [value.value for value in client.get_many("kl")] == [b"v", b"w"]


def test_an_asyncio_client_lists_behind_the_puts_and_at_its_end(node):
    key = dave.Key.generate()

    async def story():
        async with dave.connect(node.address, key=key) as d, dave.connect(node.address) as other:
            await asyncio.gather(*(d.put(f"name {n}", b"v", ttl=60) for n in range(20)))
            while len(await other.ls(key.owner)) < 20:
                assert await other.get("absent", owner=key.owner) is None
            await d.put("late", b"v", ttl=60)
        async with dave.connect(node.address, key=key) as d:
            return [name.key for name in await d.ls(prefix=b"late")]

    assert asyncio.run(asyncio.wait_for(story(), PATIENCE_SECONDS)) == [b"late"]

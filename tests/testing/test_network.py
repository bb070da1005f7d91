"""A user's network in virtual time: every verb of a client, time, faults, and the same again."""

import asyncio

import pytest

import dave
from dave.testing import Network, NothingComes


@pytest.fixture
def net():
    with Network(5) as made:
        yield made


@pytest.fixture
def key(net):
    return net.key()


def test_each_blocking_verb(net, key, tmp_path):
    with net.connect_sync(key=key) as d:
        receipt = d.put("colour", "blue", ttl=3600)
        assert (receipt.settled().stored, receipt.asked) == (5, 5)
        assert d.get("colour").value == b"blue"
        assert net.connect_sync().get(receipt.uri).value == b"blue"
        assert [node.verdict.name for node in d.check("colour").nodes] == ["PROVED"] * 5
        made = d.put_many({"a/1": "one", "a/2": "two"})
        assert not [each for each in made if isinstance(each, dave.DaveError)]
        assert [value.value for value in d.get_many(["a/1", "a/2"])] == [b"one", b"two"]
        d.flush()
        assert [name.key for name in d.ls(prefix="a/")] == [b"a/1", b"a/2"]
        d.delete("colour")
        assert d.get("colour") is None
        with d.watch("a/1") as watch:
            assert next(watch).entry.value == b"one"
            d.put("a/1", "more")
            assert next(watch).entry.value == b"more"
        content = bytes(range(256)) * 8000
        (tmp_path / "film").write_bytes(content)
        assert d.put_file("film", tmp_path / "film").file.code == (2, 3)
        assert d.get("film").value == content
        d.get_file("film", tmp_path / "copy")
        assert (tmp_path / "copy").read_bytes() == content
        assert b"".join(d.open_file("film", range="256-511")) == bytes(range(256))
    with pytest.raises(dave.UsageError, match="closed"):
        d.get("a/1")


def test_each_verb_of_a_coroutine(net, key, tmp_path):
    async def pieces():
        for number in range(5):
            yield bytes([number]) * 100_000

    async def story():
        async with net.connect(key=key) as d, net.connect(net.nodes[3]) as other:
            receipt = await d.put("colour", "blue")
            assert (await receipt.settled()).stored == 5
            assert (await other.get(receipt.uri)).value == b"blue"
            assert len((await other.check(receipt.uri)).nodes) == 5
            await d.put_many({f"n/{n}": str(n) for n in range(40)})
            assert [v.value for v in await d.get_many(["n/0", "n/39"])] == [b"0", b"39"]
            await d.flush()
            assert len(await other.ls(key.owner, prefix="n/")) == 40
            await d.delete("colour")
            assert await other.get(receipt.uri) is None
            await d.put_file("film", pieces())
            await d.get_file("film", tmp_path / "film")
            film = await d.open_file("film")
            assert sum([len(piece) async for piece in film]) == 500_000

    net.run(story())
    assert (tmp_path / "film").stat().st_size == 500_000


def test_a_watch_sees_each_version_and_the_end(net, key):
    async def story():
        async with net.connect(key=key) as d, net.connect() as reader:
            seen = []
            await d.put("mood", "calm", ttl=600)

            async def look():
                with reader.watch("mood", owner=key.owner) as watch:
                    async for change in watch:
                        seen.append((change.entry and change.entry.value, change.gone, net.now))
                        if change.gone:
                            return

            looking = asyncio.create_task(look())
            await asyncio.sleep(60)
            receipt = await d.put("mood", "merry", ttl=600)
            await looking
            assert [each[:2] for each in seen] == [
                (b"calm", ""), (b"merry", ""), (None, "expired"),
            ]  # fmt: skip
            assert receipt.expires <= seen[-1][2] < receipt.expires + 90

    net.run(story())


def test_entries_expire_when_their_time_is_over(net, key):
    with net.connect_sync(key=key) as d:
        before = net.now
        d.put("short", "x", ttl=3600)
        net.advance(3590)
        assert d.get("short").expires > net.now
        assert [entry.key for node in net.nodes for entry in node.entries] == [b"short"] * 5
        net.advance(20)
        assert d.get("short") is None
        assert not any(node.entries for node in net.nodes)
        assert 3610 < net.now - before < 3640


def test_a_name_reaches_the_directory_within_a_second_or_so(net, key):
    with net.connect_sync(key=key) as d:
        d.put("listed", "x")
        net.advance(3)
        assert [name.key for name in d.ls()] == [b"listed"]


def test_a_crash_takes_nothing_that_was_acknowledged(net, key):
    with net.connect_sync(key=key) as d:
        d.put("kept", "x").settled()
        for node in net.nodes:
            net.crash(node)
        with pytest.raises(dave.Unreachable):
            d.get("kept")
        with pytest.raises(dave.UsageError, match="start it first"):
            _ = net.nodes[0].entries
        for node in net.nodes:
            net.start(node)
            assert [entry.value for entry in node.entries] == [b"x"]
        assert d.get("kept").value == b"x"


def test_a_node_that_stops_hands_over_what_it_holds():
    with Network(1) as net, net.connect_sync(key=net.key()) as d:
        d.put("only", "here", listed=False)
        new = net.start()
        net.stop(net.nodes[0])
        assert not net.nodes[0].is_up
        assert [entry.value for entry in new.entries] == [b"here"]


def test_sides_of_a_partition_go_on_and_merge(net, key):
    d, other = net.connect_sync(key=key), net.connect_sync(net.nodes[3], key=key)
    d.put("k", "before")
    net.partition([*net.nodes[:3], d], [*net.nodes[3:], other])
    net.advance(60)
    d.put("k", "after")
    assert other.get("k").value == b"before"
    net.heal()
    net.advance(300)
    assert {entry.value for node in net.nodes for entry in node.entries} == {b"after"}
    assert other.get("k").value == b"after"
    other.close()
    d.close()


def test_a_single_group_is_cut_off_from_all(net, key):
    with net.connect_sync(key=key) as d:
        d.put("k", "v")
        net.partition([d])
        with pytest.raises(dave.Unreachable):
            d.get("k")
        net.heal()
        assert d.get("k").value == b"v"


def test_verbs_get_through_loss_and_take_as_long_as_the_way(net, key):
    net.latency = 0.2
    assert (net.latency, net.loss) == (0.2, 0.0)
    with net.connect_sync(key=key) as d:
        d.put("far", "v")
        receipt = d.put("far", "w")
        assert 0.4 <= receipt.seconds < 2
        net.latency, net.loss = 0.01, 0.3
        for number in range(20):
            d.put(f"n{number}", "v")
            assert d.get(f"n{number}").value == b"v"
    assert net.world.links.lost > 0


def test_other_networks_and_secrets_fail_as_they_do_elsewhere(net, key):
    secret = b"another secret!!"
    with net.connect_sync(key=key, secret=secret) as d, pytest.raises(dave.OtherNetwork):
        d.get("k")
    with net.connect_sync() as d, pytest.raises(dave.UsageError, match="key"):
        d.put("k", "v")


def test_a_network_that_asks_work_gets_stamps():
    with Network(2, network="public", secret=b"") as net, net.connect_sync(key=net.key()) as d:
        assert d.put("k", "v", ttl=60, listed=False).work_hashes > 0
        assert d.get("k").value == b"v"


def run_of(seed, key_seed):
    """The trace of a short story."""
    with Network(4, seed=seed) as net:
        with net.connect_sync(key=dave.Key.from_seed(key_seed)) as d:
            d.put("k", "v")
            net.loss = 0.1
            d.put_many({f"{n}": "v" for n in range(10)})
            net.crash(net.nodes[1])
            net.advance(30)
        return net.trace_hash()


def test_a_run_is_a_function_of_its_seed():
    assert run_of(1, bytes(32)) == run_of(1, bytes(32))
    assert len({run_of(1, bytes(32)), run_of(2, bytes(32)), run_of(1, b"k" * 32)}) == 3


def test_keys_are_the_seeds():
    with Network(1, seed=7) as one, Network(1, seed=7) as same, Network(1, seed=8) as other:
        first = one.key()
        assert first == same.key()
        assert first not in (one.key(), other.key())


def test_two_networks_share_their_time(net):
    with Network(2, loop=net.loop) as other:
        before = other.now
        net.advance(100)
        assert other.now - before == 100
        with pytest.raises(dave.UsageError, match="no open client"):
            net.partition([other.nodes[0]])
    net.advance(1)


MISUSE = [
    (lambda net: Network(0), "one node at least"),
    (lambda net: net.connect_sync("192.0.2.1:1424"), r"there are 10\.0\.1\.1:1424, "),
    (lambda net: net.start(net.nodes[0]), "stop it or have it crash"),
    (lambda net: [net.crash(net.nodes[0]), net.stop(net.nodes[0])], "down>: start it first"),
    (lambda net: net.advance(-1), "goes on only"),
    (lambda net: setattr(net, "loss", 2), "share from 0 to 1"),
    (lambda net: setattr(net, "latency", -1), "number of seconds"),
    (lambda net: net.partition(["x"]), "no node and no open client"),
]


@pytest.mark.parametrize(("misuse", "told"), MISUSE, ids=range(len(MISUSE)))
def test_misuse_says_what_to_do(net, misuse, told):
    with pytest.raises(dave.UsageError, match=told):
        misuse(net)


def test_an_edge_may_be_an_address(net):
    with net.connect_sync(net.nodes[2].address, key=net.key()) as d:
        d.put("k", "v")
        assert net.nodes[2].entries


def test_coroutines_of_another_loop_and_blocking_verbs_in_coroutines_are_told_of(net):
    async def connects():
        async with net.connect():
            pass

    with pytest.raises(dave.UsageError, match="real time"):
        asyncio.run(connects())

    async def blocks():
        with pytest.raises(dave.UsageError, match="async with"):
            net.connect_sync().get("k", owner=bytes(32))
        with pytest.raises(dave.UsageError, match=r"asyncio\.sleep"):
            net.advance(1)

    net.run(blocks())


def test_a_client_that_is_left_open_ends_with_its_network(key):
    net = Network(1)
    d = net.connect_sync(key=key)
    d.put("k", "v")
    net.close()
    with pytest.raises(dave.UsageError, match="closed"):
        d.get("k")


def test_waiting_for_what_will_not_come_fails(net, monkeypatch):
    monkeypatch.setattr("dave.testing.loop.QUIET_SECONDS_MAX", 100)
    with pytest.raises(NothingComes):
        net.run(asyncio.Event().wait())

"""Renewal: what is unchanged is put again in time; what others put or deleted is left alone."""

import asyncio
import os

import pytest

import dave
from dave.crypto.network import network
from dave.edge import renewals as module
from dave.edge.keyfile import Key
from dave.edge.limits import RENEWAL_RETRY_SECONDS_MAX, RENEWAL_TTL_SECONDS_MIN
from dave.edge.renewals import CHANGED, DELETED, GONE, KEPT, content_of
from dave.edge.state import State
from dave.errors import StoreError, Unreachable, UsageError
from dave.names import hybrid_ms
from dave.wire.entry import BLOB, TOMBSTONE, Entry
from tests.edge.databases import renewal_row
from tests.edge.renewing import FREE, START_MS, TTL, FakeClient, World
from tests.processes import until_async


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "Client", FakeClient)
    made = World(tmp_path)
    yield made
    made.state.close()


def test_unchanged_is_renewed_at_two_thirds_of_its_life(world):
    entry = world.put(b"k", b"v")
    told = world.keep(entry)
    assert told["due"] == START_MS / 1000 + 2400
    assert told["expires"] == START_MS / 1000 + 3600
    world.now_ms += 2_400_000
    row = world.look(entry)
    assert world.puts == 1
    assert row["standing"] == KEPT
    assert row["expires"] == world.now_ms / 1000 + 3600
    assert world.held[entry.id].value == b"v"
    assert hybrid_ms(world.held[entry.id].time) == world.now_ms
    world.restart()
    assert world.rows() == [row]


def test_jitter_spreads_what_was_put_together(world):
    entry = world.put(b"k", b"v")
    spread = []
    for drawn in (0.0, 0.999):
        world.renewals._rng = lambda drawn=drawn: drawn
        spread.append(world.keep(entry)["due"] - START_MS / 1000)
    assert 0.6 * TTL < spread[0] < spread[1] < 0.75 * TTL


def test_another_version_is_left_alone_and_the_key_destroyed(world):
    entry = world.put(b"k", b"v")
    world.keep(entry)
    world.now_ms += 1000
    world.put(b"k", b"other")
    assert world.look(entry)["standing"] == CHANGED
    assert world.puts == 0
    assert world.keys.owners() == []
    assert len(world.renewals) == 0


def test_another_lifetime_is_another_version(world):
    entry = world.put(b"k", b"v")
    world.keep(entry)
    world.now_ms += 1000
    world.put(b"k", b"v", ttl=2 * TTL)
    assert world.look(entry)["standing"] == CHANGED


def test_a_tombstone_ends_it(world):
    entry = world.put(b"k", b"v")
    world.keep(entry)
    world.now_ms += 1000
    world.put(b"k", b"", ttl=366 * 86_400, flags=TOMBSTONE)
    assert world.look(entry)["standing"] == DELETED
    assert world.puts == 0
    assert world.keys.owners() == []


def test_who_asks_for_it_has_an_entry_looked_after_at_once(world, monkeypatch):
    monkeypatch.setattr(module, "RENEWAL_START_SECONDS", 0)
    entry, other = world.put(b"k", b"v"), world.put(b"other", b"v")
    world.keep(entry)
    asked = {"owner": entry.owner.hex(), "key": b"k".hex()}

    async def story():
        task = asyncio.create_task(world.renewals.run())
        assert await world.renewals.look(asked) == {"kept": True}
        await until_async(lambda: world.reads)
        assert world.keys.owners(), "unchanged, and not due: it stays as it is"
        world.now_ms += 1000
        world.put(b"k", b"", ttl=366 * 86_400, flags=TOMBSTONE)
        await world.renewals.look(asked)
        await until_async(lambda: not world.keys.owners())
        assert await world.renewals.look(asked) == {"kept": False}
        assert await world.renewals.look(asked | {"key": other.key.hex()}) == {"kept": False}
        with pytest.raises(UsageError):
            await world.renewals.look({})
        task.cancel()

    asyncio.run(story())
    assert world.puts == 0


def test_what_another_device_renewed_waits_for_its_next_time(world):
    entry = world.put(b"k", b"v")
    world.keep(entry)
    world.now_ms += 2_000_000
    world.put(b"k", b"v")
    world.now_ms += 400_000
    row = world.look(entry)
    assert (world.puts, row["standing"]) == (0, KEPT)
    assert row["due"] == START_MS / 1000 + 2000 + 2400


def test_absent_is_tried_again_until_it_would_have_expired(world):
    entry = world.put(b"k", b"v")
    world.keep(entry)
    del world.held[entry.id]
    world.now_ms += 2_400_000
    row = world.look(entry)
    assert (row["standing"], row["tries"], "no node" in row["note"]) == (KEPT, 1, True)
    world.now_ms += 1_200_000
    assert world.look(entry)["standing"] == GONE
    assert world.puts == 0


def test_an_older_version_is_not_what_was_kept(world):
    old = world.put(b"k", b"v")
    world.now_ms += 1000
    entry = world.put(b"k", b"v")
    world.keep(entry)
    world.held[entry.id] = old
    assert world.look(entry)["tries"] == 1
    assert world.puts == 0


def test_failures_are_tried_again_ever_more_seldom(world):
    entry = world.put(b"k", b"v", ttl=30 * 86_400)
    world.keep(entry)
    world.fails = Unreachable("nobody answers")
    waits = []
    for _ in range(5):
        due = world.look(entry)["due"]
        waits.append(due - world.now_ms / 1000)
        world.now_ms = int(1000 * due)
    assert waits == [RENEWAL_RETRY_SECONDS_MAX] * 5  # long lives need no haste
    assert world.rows()[0]["note"] == "nobody answers"
    short = world.put(b"short", b"v", ttl=1000)
    world.keep(short)
    waits = []
    for _ in range(4):
        due = world.look(short)["due"]
        waits.append(round(due - world.now_ms / 1000))
        world.now_ms = int(1000 * due)
    assert waits == [10, 20, 40, 80]
    world.fails = None
    assert world.look(short)["tries"] == 0


def test_an_unforeseen_error_ends_nothing(world, caplog):
    entry = world.put(b"k", b"v")
    world.keep(entry)
    world.fails = ZeroDivisionError()
    assert "ZeroDivisionError" in world.look(entry)["note"]
    assert world.key.seed.hex() not in caplog.text


def test_who_knows_nobody_though_there_were_others_renews_nothing(world):
    entry = world.put(b"k", b"v")
    world.keep(entry)
    world.core.table = type("Empty", (list,), {"lost": lambda self, now: [1]})()
    world.now_ms += 2_400_000
    assert world.look(entry)["tries"] == 1
    assert (world.reads, world.puts) == (0, 0)


def test_put_anew_meanwhile(world):
    """What the owner keeps while a renewal is under way is not overwritten by its end."""
    entry = world.put(b"k", b"v")
    world.keep(entry)
    old = world.renewals._rows[entry.id]
    world.now_ms += 1000
    newer = world.put(b"k", b"w")
    world.keep(newer)
    asyncio.run(world.renewals._look_after(old))
    assert world.renewals._rows[entry.id].content == content_of(newer, FREE, world.key)
    assert world.rows()[0]["standing"] == KEPT


def test_what_is_refused(world, monkeypatch):
    entry = world.put(b"k", b"v")
    other = Key.generate()
    seed = world.key.seed.hex()
    foreign = world.put(b"k", b"v", network=network("another"))
    tombstone = world.put(b"k", b"", ttl=366 * 86_400, flags=TOMBSTONE)
    short = world.put(b"k", b"v", ttl=RENEWAL_TTL_SECONDS_MIN - 1)
    blob = world.put(b"k", b"v", flags=BLOB)
    for asked, why in (
        ({}, "seed"),
        ({"seed": 5, "entry": ""}, "seed"),
        ({"seed": "00", "entry": entry.data.hex()}, "32 bytes"),
        ({"seed": seed, "entry": "00"}, "no entry"),
        ({"seed": other.seed.hex(), "entry": entry.data.hex()}, "owner"),
        ({"seed": seed, "entry": foreign.data.hex()}, "another network"),
        ({"seed": seed, "entry": tombstone.data.hex()}, "tombstone"),
        ({"seed": seed, "entry": short.data.hex()}, "lifetimes"),
        ({"seed": seed, "entry": blob.data.hex(), "ttl": 0}, "'ttl'"),
    ):
        with pytest.raises(UsageError, match=why):
            asyncio.run(world.renewals.keep(asked))
    assert world.keys.owners() == []
    monkeypatch.setattr(module, "RENEWALS_MAX", 1)
    world.keep(entry)
    with pytest.raises(UsageError, match="no more"):
        world.keep(world.put(b"k2", b"v"))
    world.put(b"k", b"other")
    world.now_ms += 1
    world.put(b"k", b"other")
    world.look(entry)
    world.keep(world.put(b"k2", b"v"))
    assert [row["uri"][-2:] for row in world.rows()] == ["k2"], "what is over made room"


def test_a_database_that_keeps_nothing_refuses_and_destroys_the_key(world):
    world.state.close()
    world.state = State(world.folder / "nowhere" / "state.db")
    world.open()
    with pytest.raises(StoreError, match="keeps nothing"):
        world.keep(world.put(b"k", b"v"))
    assert world.keys.owners() == []
    assert world.rows() == []


def test_forgetting_destroys_the_last_key_of_an_owner(world):
    one, two = world.put(b"one", b"v"), world.put(b"two", b"v")
    other = Key.generate()
    third = world.put(b"two", b"v", key=other)
    for entry, key in ((one, None), (two, None), (third, other)):
        world.keep(entry, key)

    def forget(**asked):
        return asyncio.run(world.renewals.forget(asked))

    with pytest.raises(UsageError, match="whose"):
        forget(key=b"two".hex())
    with pytest.raises(UsageError, match="no such name"):
        forget(key=b"three".hex())
    done = forget(key=b"two".hex(), owner=world.key.owner.hex())
    assert (len(done["forgotten"]), done["destroyed"]) == (1, [])
    assert forget(key=b"one".hex(), owner=None)["destroyed"] == [world.key.name]
    assert world.keys.owners() == [other.owner]
    world.keys.save(world.key)  # as a crash between key and row leaves it
    assert len(forget(all=True)["destroyed"]) == 2
    world.restart()
    assert (world.rows(), world.keys.owners()) == ([], [])


def test_rows_made_into_others_by_damage_are_left_out(world):
    good, bad = renewal_row(1), renewal_row(2)
    bad = (bad[0], bad[1], b"other key", *bad[3:])
    assert world.state.save(lambda: {"renewals": [good, bad]}).result()
    world.restart()
    assert [row["uri"].rpartition("/")[2] for row in world.rows()] == ["key%201"]


def test_what_was_taken_over_from_a_damaged_database_is_written_to_the_new_one(world, monkeypatch):
    monkeypatch.setattr(module, "RENEWAL_START_SECONDS", 60)
    world.state._database.salvaged = [renewal_row(1)]
    world.open()

    async def story():
        task = asyncio.create_task(world.renewals.run())
        await until_async(lambda: world.state._saved.get("renewals"))
        task.cancel()

    asyncio.run(story())
    world.restart()
    assert len(world.rows()) == 1


def test_rows_salvaged_from_damage_may_be_anything(world):
    good = renewal_row(1)
    rows = [good, (None, *good[1:]), (*good[:4], "5", *good[5:]), (*good[:2], b"", *good[3:]),
            (*good[:2], b"k" * 256, *good[3:]), (*good[:9], None)]  # fmt: skip
    world.state._database.salvaged = rows
    world.open()
    assert [row["uri"].rpartition("/")[2] for row in world.rows()] == ["key%201"]


def test_the_content_is_all_but_the_date(world):
    entry = world.put(b"k", b"v")
    world.now_ms += 5
    key = world.key
    assert content_of(world.put(b"k", b"v"), FREE, key) == content_of(entry, FREE, key)
    others = [(b"k", b"w", TTL), (b"l", b"v", TTL), (b"k", b"v", TTL + 1)]
    contents = {content_of(world.put(*fields), FREE, key) for fields in others}
    assert len(contents | {content_of(entry, FREE, key)}) == 4


def test_run_waits_until_something_is_due(world, monkeypatch):
    monkeypatch.setattr(module, "RENEWAL_START_SECONDS", 0)
    monkeypatch.setattr(module, "RENEWAL_LOOK_SECONDS", 60)
    entry = world.put(b"k", b"v")

    async def story():
        task = asyncio.create_task(world.renewals.run())
        await asyncio.sleep(0)
        asked = {"seed": world.key.seed.hex(), "entry": entry.data.hex()}
        world.now_ms += 3_000_000
        await world.renewals.keep(asked)  # overdue already; wakes the task
        await until_async(lambda: world.puts)
        task.cancel()

    asyncio.run(asyncio.wait_for(story(), 20))


def test_a_real_node_renews_over_the_network(tmp_path, monkeypatch):
    """Two nodes; the one that keeps the key is asked to renew at once."""
    monkeypatch.setattr(module, "RENEWAL_START_SECONDS", 0)
    key = Key.generate()

    async def story():
        config = dave.Config(listen="127.0.0.1:0", data=tmp_path / "one", capacity=1 << 20)
        async with dave.Node(config) as one:
            joining = config._replace(data=tmp_path / "two", edges=[one.address])
            async with dave.Node(joining) as two, dave.connect(two.address, key=key) as d:
                await until_async(lambda: len(one.core.table) and len(two.core.table))
                receipt = await (await d.put("k", b"v", ttl=3600)).settled()
                asked = {"seed": key.seed.hex(), "entry": receipt.encoded.hex()}
                await two.renewals.keep(asked)
                rows = two.renewals._rows
                entry_id = Entry(receipt.encoded).id
                # Two thirds of its life are over, as this node sees it.
                due = two.renewals._due
                late = [0, 0]
                monkeypatch.setattr(
                    two.renewals, "_due", lambda *of: late.pop() if late else due(*of)
                )
                rows[entry_id] = rows[entry_id]._replace(due_ms=0)
                two.renewals._woken.set()
                await until_async(lambda: rows[entry_id].time > receipt.time)
                found = await d.get("k")
                assert (found.value, found.replicas) == (b"v", 2)
                assert found.expires > receipt.expires

    asyncio.run(asyncio.wait_for(story(), 30))
    files = [p for p in tmp_path.rglob("*") if p.is_file() and key.seed in p.read_bytes()]
    assert [os.path.basename(p.parent) for p in files] == ["kept"], "the key is nowhere else"

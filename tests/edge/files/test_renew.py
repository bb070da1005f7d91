"""A file lives longer where it is: no share is sent to who has it, what is lacking is mended."""

import asyncio

import pytest

import dave
from dave.crypto import hashes
from dave.edge.entries import Entries
from dave.edge.files.release import release_rows
from dave.edge.files.renew import FileRenewal
from dave.edge.files.rows import rows_of
from dave.edge.renewals import content_of
from dave.errors import Conflict, NotStored, NotWhole, UsageError
from dave.wire.share_status import ShareStatus
from tests.edge.file_puts import BLOCK, NAME, content, putter, story
from tests.edge.files.test_shares import cluster, met
from tests.edge.share_nodes import NETWORK, node_at
from tests.processes import PATIENCE_SECONDS, until_async

STRIPE = 4 * BLOCK
DATA = content(9 * STRIPE + 5)
"""More rows than the entry holds: there is a manifest."""


async def standing(p):
    entry_id = hashes.entry_id_of(p.key.owner, NAME)
    return (await Entries(p.driver, p.key).get(entry_id, 5.0, 0)).entry


async def renewal(p, ttl=7200, entry=None):
    return FileRenewal(p.driver, p.shares, p.key, entry or await standing(p), ttl, 5.0)


def records(p):
    return [row[0] for node in p.shares.nodes for row in node.records.values()]


@pytest.mark.parametrize("options", [{}, {"private": True}, {"random_key": True}])
def test_all_records_are_new_and_no_share_is_sent(node, tmp_path, options):
    async def run():
        async with putter(node, tmp_path) as p:
            await p.put(DATA, **options)
            before, sent, old = await standing(p), p.shares.taken_bytes, len(records(p))
            renewed = await renewal(p)
            receipt = await renewed.run()
            after = await standing(p)
            assert (p.shares.taken_bytes, renewed.sent_bytes) == (sent, 0)
            assert (after.value, after.flags) == (before.value, before.flags)
            assert (after.time, receipt.ttl, receipt.size) == (receipt.time, 7200, len(DATA))
            assert len(records(p)) == old, "in place of those before"
            assert all(each.expires_ms >= after.expires_ms for each in records(p))
            assert await p.read() == DATA

    story(run)


def test_a_folder_and_an_empty_file(node, tmp_path):
    async def run():
        async with putter(node, tmp_path / "uploads") as p:
            (tmp_path / "folder").mkdir()
            (tmp_path / "folder" / "a").write_bytes(content(300_000))
            for what in (tmp_path / "folder", b""):
                await p.put(what)
                before = await standing(p)
                await (await renewal(p)).run()
                assert (await standing(p)).value == before.value

    story(run)


def test_what_a_holder_took_along_is_rebuilt_and_placed(node, tmp_path):
    async def run():
        async with putter(node, tmp_path, 8) as p:
            await p.put(DATA)
            p.shares.nodes[0].is_down = True
            p.shares.nodes[1].shares.clear()
            p.shares.nodes[1].records.clear()
            sent = p.shares.taken_bytes
            renewed = await renewal(p)
            await renewed.run()
            assert 0 < p.shares.taken_bytes - sent == renewed.sent_bytes
            for other in p.shares.nodes[2:4]:
                other.is_down = True
            assert await p.read() == DATA

    story(run)


def test_a_node_that_has_lost_what_it_says_to_hold(node, tmp_path):
    async def run():
        async with putter(node, tmp_path) as p:
            await p.put(content(STRIPE))
            one = p.shares.nodes[0]
            lost = dict(one.shares)
            one.shares.clear()
            await (await renewal(p)).run()
            assert one.shares.keys() == lost.keys()

    story(run)


def test_a_file_of_which_a_part_is_nowhere_is_not_renewed(node, tmp_path):
    async def run():
        async with putter(node, tmp_path) as p:
            await p.put(DATA)
            before = await standing(p)
            for each in p.shares.nodes[:3]:
                each.is_down = True
            with pytest.raises(NotWhole, match="of the shares that it takes, 4, can be found"):
                await (await renewal(p)).run()
            assert await standing(p) == before
            for each in p.shares.nodes[:3]:
                each.is_down = False
            await (await renewal(p)).run()
            assert (await standing(p)).time > before.time

    story(run)


def test_nodes_that_were_told_to_release_it_keep_nothing(node, tmp_path):
    async def run():
        async with putter(node, tmp_path) as p:
            await p.put(content(STRIPE))
            root, begun = await p.root(), await renewal(p)
            rows = [row async for row in rows_of(root, p.driver, p.shares)]
            await release_rows(p.shares, Entries(p.driver, p.key), p.key, root.reference, rows, 5.0)
            with pytest.raises((NotStored, NotWhole)):
                await begun.run()
            assert records(p) == []

    story(run)


def test_who_put_another_version_meanwhile_wins(node, tmp_path):
    async def run():
        async with putter(node, tmp_path) as p:
            await p.put(content(STRIPE))
            old = await standing(p)
            await Entries(p.driver, p.key).put(NAME, b"other", 3600)
            with pytest.raises(Conflict):
                await (await renewal(p, entry=old)).run()
            with pytest.raises(UsageError, match="no file"):
                await (await renewal(p)).run()

    story(run)


def test_full_nodes_keep_by_the_new_record_what_they_have(node, tmp_path):
    async def run():
        async with putter(node, tmp_path) as p:
            await p.put(DATA)
            for each in p.shares.nodes:
                each.bytes_left = 0
            await (await renewal(p)).run()
            for each in p.shares.nodes[:2]:
                each.refuses = ShareStatus.BUSY
            assert await p.read() == DATA

    story(run)


def test_the_same_file_put_again_is_the_same_content(node, tmp_path):
    async def run():
        async with putter(node, tmp_path) as p:
            contents = []
            for data, options in (
                (DATA, {}), (DATA, {"ttl": 7200}), (DATA, {"private": True}), (DATA[1:], {}),
                (DATA, {"random_key": True}),
            ):  # fmt: skip
                await p.put(data, **options)
                network = p.driver.core.network
                contents.append(content_of(await standing(p), network, p.key))
            assert contents[0] == contents[1]
            assert len(set(contents)) == 4

    story(run)


async def put_and_keep(node, d, key, ttl=3600):
    receipt = await (await d.put("k", content(700_000), ttl=ttl)).settled()
    asked = {"seed": key.seed.hex(), "entry": receipt.encoded.hex(), "ttl": ttl}
    await node.renewals.keep(asked)
    return receipt


def soon(node):
    """What the node renews is due, as it sees it, once; the one row."""
    late = [0]
    node.renewals._due = lambda *_: late.pop() if late else 1 << 62
    ((entry_id, row),) = node.renewals._rows.items()
    node.renewals._rows[entry_id] = row._replace(due_ms=0)
    node.renewals._woken.set()
    return lambda: node.renewals._rows[entry_id]


def shares_of(nodes):
    return sum(len(node.core.shares.index) for node in nodes)


def test_a_real_node_renews_a_file_also_when_a_holder_is_gone(tmp_path, monkeypatch):
    monkeypatch.setattr("dave.edge.renewals.RENEWAL_START_SECONDS", 0)
    key = dave.Key.generate()

    async def run():
        async with cluster(tmp_path, 3) as (nodes, _, _):
            async with (
                node_at(tmp_path / "dying", nodes[0].address) as dying,
                dave.connect(nodes[1].address, key=key, **NETWORK) as d,
            ):
                await met(*nodes, dying)
                receipt = await put_and_keep(nodes[0], d, key)
                held = shares_of([*nodes, dying])
                row = soon(nodes[0])
                await until_async(lambda: row().time > receipt.time)
                assert shares_of([*nodes, dying]) == held
                expiries = {
                    record.expires_ms
                    for node in [*nodes, dying]
                    for number in range(256)
                    for stripe in node.core.shares.index.stripes_in(number)
                    for record in node.core.shares.index.records(stripe)
                }
                assert min(expiries) > 1000 * receipt.expires
                await d.finish()
            first = row().time
            row = soon(nodes[0])
            await until_async(lambda: row().time > first)
            assert shares_of(nodes) == held
            async with dave.connect(nodes[2].address, key=key, **NETWORK) as d:
                assert (await d.get("k")).value == content(700_000)
                await d.delete("k")
                await until_async(lambda: not shares_of(nodes))
                soon(nodes[0])
                await until_async(lambda: not len(nodes[0].renewals))

    asyncio.run(asyncio.wait_for(run(), PATIENCE_SECONDS))

"""Files on the way up: what is put comes back, however it is interrupted; nothing is sent twice."""

import asyncio

import pytest

import dave
from dave.errors import Conflict, FileChanged, NotStored, UsageError
from dave.wire.share_status import ShareStatus
from tests.edge.file_puts import BLOCK, NAME, content, in_pieces, putter, story

STRIPE = 4 * BLOCK


@pytest.mark.parametrize(
    "size",
    [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, STRIPE - 1, STRIPE, STRIPE + 1, 2 * STRIPE + BLOCK + 1],
)
def test_sizes_at_every_boundary(node, tmp_path, size):
    async def run():
        async with putter(node, tmp_path) as p:
            receipt = await p.put(content(size))
            assert await p.read() == content(size)
            assert (receipt.size, tuple(receipt.file.code)) == (size, (4, 6))
            assert receipt.file.sent == p.shares.taken_bytes
            assert not list(tmp_path.iterdir())
            for node_ in p.shares.nodes[:2]:
                node_.is_down = True
            if size:
                assert await p.read() == content(size)

    story(run)


@pytest.mark.parametrize(
    ("nodes", "code"), [(1, (1, 1)), (2, (1, 2)), (3, (2, 3)), (6, (4, 6)), (14, (10, 14))]
)
def test_the_code_fits_the_network(node, tmp_path, nodes, code):
    async def run():
        async with putter(node, tmp_path, nodes) as p:
            receipt = await p.put(content(STRIPE * 3 + 5))
            assert tuple(receipt.file.code) == code
            assert receipt.file.nodes == nodes
            assert await p.read() == content(STRIPE * 3 + 5)
            for node_ in p.shares.nodes[: code[1] - code[0]]:
                node_.is_down = True
            assert await p.read() == content(STRIPE * 3 + 5)

    story(run)


def test_a_code_for_more_nodes_than_there_are(node, tmp_path):
    async def run():
        async with putter(node, tmp_path, 5) as p:
            with pytest.raises(UsageError, match=r"4/6 needs 6 nodes and there are 5.* 2/3 here"):
                await p.put(content(5000), code=dave.files.code.Code(4, 6))
            receipt = await p.put(content(5000), code=dave.files.code.Code(3, 5))
            assert (receipt.file.spare, receipt.file.code) == (2, (3, 5))

    story(run)


def test_the_same_content_again_is_not_sent(node, tmp_path):
    async def run():
        async with putter(node, tmp_path) as p:
            data = content(5 * STRIPE + 7)
            first = await p.put(data)
            sent, reference = p.shares.taken_bytes, (await p.root()).reference
            again = await p.put(data)
            assert (p.shares.taken_bytes, again.file.sent) == (sent, 0)
            assert again.file.reused == again.file.stripes == first.file.stripes
            assert (await p.root()).reference != reference
            assert all((p.key.owner, reference) in n.released for n in p.shares.nodes)
            assert await p.read() == data
            assert {key[2] for n in p.shares.nodes for key in n.records} == {
                (await p.root()).reference
            }

    story(run)


def test_a_change_sends_what_has_changed(node, tmp_path):
    async def run():
        async with putter(node, tmp_path) as p:
            data = bytearray(content(6 * STRIPE))
            await p.put(bytes(data))
            before = p.shares.taken_bytes
            data[3 * STRIPE + 5] ^= 1
            receipt = await p.put(bytes(data))
            changed = p.shares.taken_bytes - before
            assert 3 * BLOCK <= changed < 6 * BLOCK + 30_000, "one stripe, and the manifest"
            assert (receipt.file.stripes, receipt.file.reused) == (7, 5)
            assert await p.read() == bytes(data)

    story(run)


def test_two_names_with_the_same_content_share_it(node, tmp_path):
    async def run():
        async with putter(node, tmp_path) as p:
            data = content(2 * STRIPE)
            await p.put(data)
            sent = p.shares.taken_bytes
            await p.put(data, name=b"other")
            assert p.shares.taken_bytes - sent == 0
            await p.put(b"\0" * 5000, name=NAME)
            assert await p.read(b"other") == data

    story(run)


def test_a_random_key_has_nothing_in_common_with_any_other(node, tmp_path):
    async def run():
        async with putter(node, tmp_path) as p:
            data = bytes(3 * STRIPE)
            receipt = await p.put(data, random_key=True)
            assert receipt.file.sent >= len(data) * 6 // 4, "equal blocks differ too"
            assert await p.read() == data
            again = await p.put(data, random_key=True)
            assert again.file.sent >= len(data) * 6 // 4
            assert await p.read() == data

    story(run)


def test_a_private_file_opens_with_its_own_key_only(node, tmp_path):
    async def run():
        async with putter(node, tmp_path) as p:
            await p.put(content(5 * STRIPE), private=True)
            entry = (await p.client.read(p.key.owner, NAME, timeout=5)).entry
            assert (entry.is_private, entry.is_blob) == (True, True)
            assert await p.read() == content(5 * STRIPE)

    story(run)


def test_a_folder_is_marked_as_one(node, tmp_path):
    async def run():
        folder = tmp_path / "in"
        folder.mkdir()
        (folder / "file").write_bytes(b"content")
        async with putter(node, tmp_path / "uploads") as p:
            await p.put(folder)
            assert (await p.root()).kind.name == "FOLDER"

    story(run)


def test_a_node_that_is_down_or_full_is_passed_over(node, tmp_path):
    async def run():
        async with putter(node, tmp_path, 8) as p:
            p.shares.nodes[0].is_down = True
            p.shares.nodes[1].refuses = ShareStatus.FULL
            receipt = await p.put(content(5 * STRIPE), code=dave.files.code.Code(4, 6))
            assert receipt.file.spare == 2
            assert {r.reason for r, _ in receipt.file.refused} == {"full"}
            assert await p.read() == content(5 * STRIPE)

    story(run)


def test_too_few_nodes_say_what_is_missing_and_what_to_do(node, tmp_path):
    async def run():
        async with putter(node, tmp_path) as p:
            data = content(8 * STRIPE)
            for each in p.shares.nodes[:2]:
                each.bytes_left = 3 * BLOCK
            with pytest.raises(NotStored, match=r"needed.*full at 2 nodes.*bytes are stored: put"):
                await p.put(data)
            sent = p.shares.taken_bytes
            for each in p.shares.nodes:
                each.bytes_left = 1 << 30
            receipt = await p.put(data)
            assert receipt.file.sent == p.shares.taken_bytes - sent
            assert p.shares.taken_bytes <= 12 * STRIPE + 30_000, "nothing was sent twice"
            assert await p.read() == data

    story(run)


def test_five_of_six_nodes_are_enough(node, tmp_path):
    async def run():
        async with putter(node, tmp_path) as p:
            code = dave.files.code.Code(4, 6)
            p.shares.nodes[0].refuses = ShareStatus.READ_ONLY
            receipt = await p.put(content(3 * STRIPE), code=code)
            assert (receipt.file.spare, receipt.file.nodes) == (1, 5)

    story(run)


def test_it_goes_on_where_it_was_interrupted(node, tmp_path):
    async def run():
        async with putter(node, tmp_path) as p:
            data, interruptions = content(12 * STRIPE), 0
            while True:
                p.shares.failing_after = 17
                try:
                    receipt = await p.put(data)
                    break
                except ConnectionAbortedError:
                    interruptions += 1
            assert interruptions > 3
            assert p.shares.taken_bytes <= 18 * STRIPE + 30_000
            assert receipt.file.reused > 0
            assert await p.read() == data
            references = {key[2] for n in p.shares.nodes for key in n.records}
            assert references == {(await p.root()).reference}, "it was one upload"

    story(run)


def test_another_code_or_lifetime_begins_anew_and_releases_the_rest(node, tmp_path):
    async def run():
        async with putter(node, tmp_path) as p:
            data = content(6 * STRIPE)
            p.shares.failing_after = 20
            with pytest.raises(ConnectionAbortedError):
                await p.put(data)
            [old] = {key[2] for n in p.shares.nodes for key in n.records}
            p.shares.failing_after = None
            await p.put(data, ttl=7200)
            assert {key[2] for n in p.shares.nodes for key in n.records} == {
                (await p.root()).reference
            }
            assert all((p.key.owner, old) in n.released for n in p.shares.nodes)

    story(run)


def test_compare_and_set_loses_before_anything_is_sent(node, tmp_path):
    async def run():
        async with putter(node, tmp_path) as p:
            first = await p.put(content(5000), cas=0)
            with pytest.raises(Conflict):
                await p.put(content(9000), cas=0)
            assert p.shares.taken_bytes == first.file.sent
            await p.put(content(9000), cas=first.time)
            assert await p.read() == content(9000)

    story(run)


def test_a_file_that_grows_is_not_put(node, tmp_path):
    async def run():
        path = tmp_path / "in"
        path.write_bytes(content(2 * STRIPE))

        async with putter(node, tmp_path / "uploads") as p:
            p.shares.pause = _growing(path, p.shares.pause)
            with pytest.raises(FileChanged, match=r"grew|was written"):
                await p.put(path)
            assert (await p.client.read(p.key.owner, NAME, timeout=5)).entry is None

    def _growing(path, pause):
        async def grow():
            with path.open("ab") as file:
                file.write(b"more")
            await pause()

        return grow

    story(run)


def test_progress_counts_what_is_acknowledged(node, tmp_path):
    async def run():
        async with putter(node, tmp_path) as p:
            path = tmp_path / "in"
            path.write_bytes(content(5 * STRIPE))
            await p.put(path)
            done = [each.done for each in p.told]
            assert done == [0, *(STRIPE * number for number in range(1, 6))]
            assert {each.size for each in p.told} == {5 * STRIPE}
            assert p.told[0].work == p.told[-1].work > 5 * 6 * BLOCK * 3600 // (4096 << 10) - 2
            assert p.told[-1].sent >= 5 * 6 * BLOCK

    story(run)


def test_what_is_under_way_is_bounded(node, tmp_path):
    async def run():
        async with putter(node, tmp_path) as p:
            await p.put(in_pieces(content(1) * (40 * STRIPE), 1 << 20), random_key=True)
            assert 24 <= p.shares.most_under_way <= (16 << 20) // BLOCK

    story(run)


def test_many_uploads_share_the_room_that_there_is(node, tmp_path):
    async def run():
        async with putter(node, tmp_path) as p:
            names = [b"file %d" % number for number in range(30)]
            tasks = [p.put(content(STRIPE * 2, seed), name) for seed, name in enumerate(names)]
            await asyncio.gather(*tasks)
            assert p.shares.most_under_way <= (16 << 20) // BLOCK
            for seed, name in enumerate(names):
                assert await p.read(name) == content(STRIPE * 2, seed)

    story(run)


def test_the_entry_never_outlives_its_shares(node, tmp_path):
    async def run():
        async with putter(node, tmp_path) as p:
            for ttl in (60, 3600, 366 * 86_400):
                await p.put(content(5000, ttl), ttl=ttl, random_key=True)
                entry = (await p.client.read(p.key.owner, NAME, timeout=5)).entry
                records = [record for n in p.shares.nodes for record, _ in n.records.values()]
                assert ttl - 5 <= entry.ttl <= ttl
                assert all(entry.expires_ms <= record.expires_ms for record in records)

    story(run)

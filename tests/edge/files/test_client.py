"""What fits an entry is one; what does not becomes a file."""

import asyncio

import pytest

import dave
from dave.edge.files.client import put_options
from dave.files.code import Code
from dave.limits import KEY_AND_VALUE_BYTES_MAX
from dave.share_limits import SEAL_BYTES
from tests.edge.file_puts import content, in_pieces
from tests.processes import PATIENCE_SECONDS

ROOM = KEY_AND_VALUE_BYTES_MAX - 1


def run(node, story):
    async def connected():
        async with dave.connect(node.address, key=dave.Key.generate()) as client:
            await story(client)

    asyncio.run(asyncio.wait_for(connected(), PATIENCE_SECONDS))


@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize("over", [0, 1])
def test_the_limit_between_entries_and_files(node, private, over):
    async def story(client):
        data = content(ROOM - SEAL_BYTES * private + over)
        receipt = await client.put_file("k", in_pieces(data), ttl=3600, private=private)
        assert (isinstance(receipt, dave.FileReceipt), receipt.size) == (bool(over), len(data))
        assert (await client.get("k")).value == data
        entry = (await client.read(receipt.owner, b"k", timeout=5)).entry
        assert (entry.is_blob, entry.is_private) == (bool(over), private)

    run(node, story)


def test_a_folder_is_a_file_however_small(node, tmp_path):
    async def story(client):
        receipt = await client.put_file("k", tmp_path, ttl=3600)
        assert (isinstance(receipt, dave.FileReceipt), receipt.size) == (True, 1024)

    run(node, story)


def test_the_directory_has_the_size_of_the_content(node, tmp_path):
    async def story(client):
        (tmp_path / "in").write_bytes(content(500_000))
        await client.put_file("seen", tmp_path / "in", ttl=3600)
        await client.put_file("unseen", tmp_path / "in", ttl=3600, listed=False)
        await client.flush()
        assert [(name.key, name.size) for name in await client.ls()] == [(b"seen", 500_000)]

    run(node, story)


@pytest.mark.parametrize(("code", "parsed"), [(None, None), ("4/6", (4, 6)), (Code(2, 3), (2, 3))])
def test_codes(code, parsed):
    assert put_options(60, code=code, timeout=5.0, max_work=0).code == parsed


@pytest.mark.parametrize("code", ["6/4", "x", (0, 5), (4, 25)])
def test_what_is_no_code(code):
    with pytest.raises(dave.UsageError):
        put_options(60, code=code, timeout=5.0, max_work=0)

"""The verbs that read: get of files, open_file and its ranges, in both clients."""

import io

import pytest

import dave
from dave.errors import IsFile, NotWhole, UsageError
from dave.share_limits import BLOCK_BYTES
from tests.edge.file_gets import stories
from tests.edge.file_puts import content

STRIPE = 4 * BLOCK_BYTES


@pytest.fixture
def run(node, tmp_path, monkeypatch):
    """Runs a story with a putter."""
    return stories(node, tmp_path, monkeypatch)


def test_ranges_and_streams(run, tmp_path):
    async def told(p):
        data = content(2 * STRIPE + 5)
        await p.put(data)
        file = await p.other.open_file(p.uri)
        assert file.size == len(data)
        assert b"".join([bytes(piece) async for piece in file]) == data
        file = await p.other.open_file(p.uri, range="1000-1999")
        assert (file.size, file.start, file.stop) == (len(data), 1000, 2000)
        assert b"".join([bytes(piece) async for piece in file]) == data[1000:2000]
        got = await p.other.get_file(p.uri, tmp_path / "out", range="-7")
        assert (tmp_path / "out").read_bytes() == data[-7:]
        assert (got.size, got.written) == (len(data), 7)
        with pytest.raises(UsageError, match="there are"):
            await p.other.open_file(p.uri, range=f"{len(data)}-")
        stream = io.BytesIO()
        await p.other.get_file(p.uri, stream)
        assert stream.getvalue() == data

    run(told)


def test_get_of_what_is_too_large_says_what_to_use(run):
    async def told(p):
        await p.put(content(STRIPE))
        with pytest.raises(IsFile, match="use get_file or open_file") as caught:
            await p.other.get(p.uri, limit=STRIPE - 1)
        file = await p.other.open_file(p.uri, found=caught.value.found)
        assert file.size == STRIPE
        assert p.shares.fetches == 0
        assert (await p.other.get(p.uri, limit=STRIPE)).value == content(STRIPE)

    run(told)


def test_the_blocking_client_has_the_same_verbs(node, run, tmp_path):
    uris = []

    async def told(p):
        await p.client.put("small", b"value", ttl=3600)
        uris.append(p.uri.replace("/file", "/small"))

    run(told)
    with dave.connect_sync(node.address) as d:
        d.get_file(uris[0], tmp_path / "out")
        assert (tmp_path / "out").read_bytes() == b"value"
        file = d.open_file(uris[0], range="1-2")
        assert (file.size, b"".join(file)) == (5, b"al")
        assert d.open_file(uris[0] + "x") is None


@pytest.mark.parametrize("by", ["a new version", "a removal", "bad luck"])
def test_what_goes_while_it_is_fetched_is_said(run, tmp_path, by):
    async def told(p):
        await p.put(content(STRIPE))
        with pytest.raises(IsFile) as caught:
            await p.other.get(p.uri, limit=1)
        reference = (await p.root()).reference
        if by == "a new version":
            await p.put(content(STRIPE, 2))
        elif by == "a removal":
            await p.client.delete("file", uploads=tmp_path / "none")
        for each in p.shares.nodes:
            each.release(p.key.owner, reference)
        words = {"a new version": "another version", "a removal": "deleted"}.get(by, "start more")
        with pytest.raises(NotWhole, match=words):
            await p.other.get_file(p.uri, tmp_path / "out", found=caught.value.found)

    run(told)

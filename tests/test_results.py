"""What the verbs return are the public types that the documentation names."""

import asyncio
import os

import dave


def use(node, task):
    """Run `task(client)`."""

    async def run():
        async with dave.connect(node.address, key=dave.Key.generate()) as client:
            await task(client)

    asyncio.run(run())


def test_values_names_and_receipts(node):
    async def task(d):
        receipt = await d.put("greeting", "hello", ttl=60)
        assert isinstance(receipt, dave.Receipt)
        value = await d.get("greeting")
        assert isinstance(value, dave.Value)
        assert (value.value, value.uri, value.digest) == (b"hello", receipt.uri, receipt.digest)
        await d.flush()
        (name,) = await d.ls()
        assert isinstance(name, dave.Name)
        assert (name.uri, name.time, name.size) == (value.uri, value.time, 5)
        check = await d.check("greeting")
        assert isinstance(check, dave.Check)
        assert all(isinstance(each, dave.CheckedNode) for each in check.nodes)

    use(node, task)


def test_files(node, tmp_path):
    content, told = os.urandom(700_000), []
    source, copy = tmp_path / "film", tmp_path / "copy"
    source.write_bytes(content)

    async def task(d):
        receipt = await d.put_file("film", source, ttl=60, progress=told.append)
        assert isinstance(receipt, dave.FileReceipt)
        assert all(isinstance(each, dave.FileProgress) for each in told)
        assert told[-1].done == told[-1].size == len(content)
        told.clear()
        fetched = await d.get_file("film", copy, progress=told.append)
        assert isinstance(fetched, dave.Fetched)
        assert (fetched.size, fetched.written, copy.read_bytes()) == (700_000, 700_000, content)
        assert all(isinstance(each, dave.FetchProgress) for each in told)
        assert told[-1].done == 700_000
        file = await d.open_file("film", range=dave.ByteRange(300_000, None))
        assert isinstance(file, dave.OpenFile)
        assert b"".join([piece async for piece in file]) == content[300_000:]

    use(node, task)


def test_a_range_in_words():
    assert str(dave.ByteRange(None, 1000)) == "-1000"

"""The verbs of files: put_file, and what put and delete do about files."""

import asyncio
import io

import pytest

import dave
from dave.crypto import hashes
from dave.edge.files.upload_journal import UploadJournal
from tests.edge.file_puts import content
from tests.processes import PATIENCE_SECONDS


@pytest.fixture
def client(node):
    with dave.connect_sync(node.address, key=dave.Key.generate()) as made:
        yield made


def shares(node):
    return node.status()["files"]["shares"]


def test_a_deleted_file_takes_no_room(node, client):
    before = shares(node)
    client.put("k", content(700_000), ttl=3600)
    client.put("other", content(300_000, seed=2), ttl=3600)
    assert shares(node) == before + 3 + 2
    client.delete("k")
    assert shares(node) == before + 2
    assert client.get("k") is None
    assert client.get("other").value == content(300_000, seed=2)


def test_a_new_version_takes_the_place_of_the_one_before(node, client):
    before = shares(node)
    client.put("k", content(300_000), ttl=3600)
    client.put("k", content(600_000, seed=2), ttl=3600)
    assert client.get("k").value == content(600_000, seed=2)
    assert shares(node) == before + 3
    client.delete("k")


def test_what_an_interrupted_put_has_stored_is_released(node, client, tmp_path):
    class Broken(io.BytesIO):
        def read(self, count=-1):
            if self.tell() >= 6 << 20:
                raise OSError("the disk is gone")
            return super().read(count)

    before = shares(node)
    with pytest.raises(OSError, match="disk is gone"):
        client.put_file("k", Broken(content(8 << 20)), ttl=3600, uploads=tmp_path)
    assert shares(node) > before
    assert client.get("k") is None
    client.delete("k", uploads=tmp_path)
    assert (shares(node), list(tmp_path.iterdir())) == (before, [])


def test_keys_that_are_daves_own_and_lifetimes_out_of_range(client):
    with pytest.raises(dave.EntryError, match="zero byte"):
        client.put_file(b"\0k", io.BytesIO(content(5000)))
    with pytest.raises(dave.EntryError, match="366 days"):
        client.put_file("k", io.BytesIO(content(5000)), ttl=1 << 30)


def test_without_a_key_nothing_is_put(node):
    with (
        dave.connect_sync(node.address) as nobody,
        pytest.raises(dave.UsageError, match="pass key=dave"),
    ):
        nobody.put_file("k", io.BytesIO(b""))


def test_many_files_at_once(node):
    async def story():
        async with dave.connect(node.address, key=dave.Key.generate()) as d:
            names = [f"file {number}" for number in range(20)]
            await asyncio.gather(
                *(d.put(name, content(400_000, seed), ttl=60) for seed, name in enumerate(names))
            )
            values = await d.get_many(names)
            assert [value.value for value in values] == [content(400_000, n) for n in range(20)]

    asyncio.run(asyncio.wait_for(story(), PATIENCE_SECONDS))


def test_a_key_that_is_deleted_is_so_said_even_while_it_is_being_put(node, client, tmp_path):
    client.put("k", content(5000), ttl=3600)
    client.flush()
    entry_id = hashes.entry_id_of(client.ls()[0].owner, b"k")
    journal = UploadJournal(tmp_path, client.ls()[0].owner, entry_id)
    client.delete("k", uploads=tmp_path)
    client.flush()
    journal.close()
    assert (client.get("k"), client.ls()) == (None, [])

"""Files fetched to where they are wanted: whole, resumed, private, into folders; clear errors."""

import asyncio
import errno
import os

import pytest

from dave.crypto import hashes
from dave.edge.files.target import part_of
from dave.errors import FolderRefused, IsFile, NotWhole, UsageError, WireError, WrongKey
from dave.share_limits import BLOCK_BYTES, FILE_BYTES_MAX
from dave.uri import format_link
from dave.wire.entry import BLOB, PRIVATE
from dave.wire.manifest import FileKind, Root
from tests.edge.file_gets import stories
from tests.edge.file_puts import NAME, content

STRIPE = 4 * BLOCK_BYTES


@pytest.fixture
def run(node, tmp_path, monkeypatch):
    """Runs a story with a putter."""
    return stories(node, tmp_path, monkeypatch)


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES + 1, 3 * STRIPE + 7])
def test_a_file_comes_back_whole(run, tmp_path, size):
    async def told(p):
        await p.put(content(size))
        seen = []
        got = await p.other.get_file(p.uri, tmp_path / "out", progress=seen.append)
        assert (tmp_path / "out").read_bytes() == content(size)
        assert (got.size, got.written, got.begun) == (size, size, 0)
        assert got.about.uri == p.uri
        assert (got.is_folder, got.started_anew, got.skipped, got.corrupting) == (
            False, False, [], []
        )  # fmt: skip
        assert [each.done for each in seen[-1:]] == ([size] if size else [])
        assert all(each.size == size and each.begun == 0 for each in seen)
        value = await p.other.get(p.uri)
        assert (value.value, value.compressed) == (content(size), False)

    run(told)


def test_small_values_are_files_too(run, tmp_path):
    async def told(p):
        await p.client.put("small", b"a" * 5000, ttl=3600)
        uri = p.uri.replace("/file", "/small")
        await p.other.get_file(uri, tmp_path / "out")
        assert (tmp_path / "out").read_bytes() == b"a" * 5000
        file = await p.other.open_file(uri, range="0-2")
        assert [bytes(piece) async for piece in file] == [b"aaa"]
        assert not file.is_blob
        assert await p.other.get_file(uri + "x", tmp_path / "none") is None
        assert await p.other.open_file(uri + "x") is None

    run(told)


def test_private_files_and_links(run, tmp_path):
    async def told(p):
        await p.put(content(STRIPE), private=True)
        assert (await p.client.get(NAME.decode())).value == content(STRIPE)
        with pytest.raises(WrongKey, match="only its owner's key opens it, or the link"):
            await p.other.get(p.uri)
        link_key = hashes.private_key(p.key.seed, hashes.entry_id_of(p.key.owner, NAME))
        link = format_link(p.key.owner, NAME, link_key)
        assert (await p.other.get(link)).value == content(STRIPE)
        await p.other.get_file(link, tmp_path / "one")
        await p.other.get_file(p.uri, tmp_path / "two", link_key=link_key)
        assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
        wrong = format_link(p.key.owner, NAME, bytes(32))
        with pytest.raises(WrongKey, match="this key does not open it"):
            await p.other.get_file(wrong, tmp_path / "out")
        assert not (tmp_path / "out.part").exists()

    run(told)


def test_a_fetch_goes_on_where_it_stopped(run, tmp_path):
    async def told(p):
        data = content(30 * STRIPE)
        await p.put(data)

        def stop(progress):
            if progress.done >= 5 * STRIPE:
                raise KeyboardInterrupt

        for times in (1, 2):
            with pytest.raises(KeyboardInterrupt):
                await p.other.get_file(p.uri, tmp_path / "out", progress=stop)
            assert part_of(tmp_path / "out").stat().st_size >= 5 * STRIPE * min(times, 1)
        before = p.shares.fetches
        got = await p.other.get_file(p.uri, tmp_path / "out")
        assert (tmp_path / "out").read_bytes() == data
        assert 5 * STRIPE <= got.begun < len(data)
        assert p.shares.fetches - before <= 4 * (30 - got.begun // STRIPE) + 4
        assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "uploads"]

    run(told)


def test_another_version_starts_anew_and_a_renewed_one_goes_on(run, tmp_path):
    async def told(p):
        def stop(_progress):
            raise KeyboardInterrupt

        async def begin():
            with pytest.raises(KeyboardInterrupt):
                await p.other.get_file(p.uri, tmp_path / "out", progress=stop)

        await p.put(content(3 * STRIPE))
        await begin()
        await p.put(content(3 * STRIPE), ttl=7200)
        got = await p.other.get_file(p.uri, tmp_path / "out")
        assert (got.started_anew, got.begun) == (False, STRIPE)
        await begin()
        await p.put(content(3 * STRIPE, seed=2))
        got = await p.other.get_file(p.uri, tmp_path / "out")
        assert (got.started_anew, got.begun) == (True, 0)
        assert (tmp_path / "out").read_bytes() == content(3 * STRIPE, seed=2)

    run(told)


def test_a_cancelled_fetch_goes_on(run, tmp_path):
    async def told(p):
        await p.put(content(20 * STRIPE))
        seen, begun = [], asyncio.Event()

        def see(progress):
            seen.append(progress)
            begun.set()

        task = asyncio.create_task(p.other.get_file(p.uri, tmp_path / "out", progress=see))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        got = await p.other.get_file(p.uri, tmp_path / "out")
        assert got.begun >= seen[0].done
        assert (tmp_path / "out").read_bytes() == content(20 * STRIPE)

    run(told)


def test_a_corrupting_node_is_named(run, tmp_path):
    async def told(p):
        await p.put(content(5 * STRIPE))
        p.shares.nodes[1].corrupts = True
        got = await p.other.get_file(p.uri, tmp_path / "out")
        assert got.corrupting == ["127.0.0.1:2001"]
        assert (tmp_path / "out").read_bytes() == content(5 * STRIPE)

    run(told)


def test_too_few_nodes_keep_the_part_and_the_same_command_goes_on(run, tmp_path):
    async def told(p):
        await p.put(content(5 * STRIPE))
        for node in p.shares.nodes[:3]:
            node.is_down = True
        with pytest.raises(NotWhole, match="the same command goes on"):
            await p.other.get_file(p.uri, tmp_path / "out")
        assert not (tmp_path / "out").exists()
        p.shares.nodes[0].is_down = False
        await p.other.get_file(p.uri, tmp_path / "out")
        assert (tmp_path / "out").read_bytes() == content(5 * STRIPE)

    run(told)


def test_a_full_disk_keeps_the_part(run, tmp_path, monkeypatch):
    async def told(p):
        await p.put(content(5 * STRIPE))
        real, written = os.pwrite, []

        def pwrite(fd, data, at):
            if at >= 2 * STRIPE:
                raise OSError(errno.ENOSPC, "No space left on device")
            written.append(at)
            return real(fd, data, at)

        with monkeypatch.context() as patch:
            patch.setattr(os, "pwrite", pwrite)
            with pytest.raises(UsageError, match="make room, then the same command goes on"):
                await p.other.get_file(p.uri, tmp_path / "out")
        got = await p.other.get_file(p.uri, tmp_path / "out")
        assert got.begun == 2 * STRIPE
        assert (tmp_path / "out").read_bytes() == content(5 * STRIPE)

    run(told)


def test_devices_and_pipes_take_it_as_it_comes(run):
    async def told(p):
        await p.put(content(STRIPE))
        assert (await p.other.get_file(p.uri, os.devnull)).written == STRIPE

    run(told)


def tree_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def test_a_folder_comes_back(run, tmp_path):
    async def told(p):
        packed = tmp_path / "packed"
        (packed / "in" / "deep").mkdir(parents=True)
        (packed / "in" / "file").write_bytes(content(STRIPE + 3))
        (packed / "in" / "file").chmod(0o640)
        (packed / "small").write_text("small")
        (packed / "link").symlink_to("in/file")
        os.utime(packed / "in" / "deep", ns=(5, 1_234_567_891_234_567_891))
        await p.put(packed)
        got = await p.other.get_file(p.uri, tmp_path / "out")
        assert got.is_folder
        assert tree_of(tmp_path / "out") == tree_of(packed)
        assert (tmp_path / "out/in/file").stat().st_mode & 0o777 == 0o640
        assert (tmp_path / "out/in/deep").stat().st_mtime_ns == 1_234_567_891_234_567_891
        assert os.readlink(tmp_path / "out/link") == "in/file"
        with pytest.raises(UsageError, match="something in it"):
            await p.other.get_file(p.uri, tmp_path / "out")
        with pytest.raises(UsageError, match="fetched whole"):
            await p.other.get_file(p.uri, tmp_path / "other", range="0-1")
        with pytest.raises(IsFile, match="is a folder: get_file"):
            await p.other.get(p.uri)

    run(told)


def test_a_folder_goes_on_where_it_stopped(run, tmp_path):
    async def told(p):
        packed = tmp_path / "packed"
        packed.mkdir()
        for number in range(12):
            (packed / f"file{number:02}").write_bytes(content(STRIPE // 2, seed=number))
        await p.put(packed)

        def stop(progress):
            if progress.done >= 4 * STRIPE:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            await p.other.get_file(p.uri, tmp_path / "out", progress=stop)
        got = await p.other.get_file(p.uri, tmp_path / "out")
        assert got.begun > 0
        assert tree_of(tmp_path / "out") == tree_of(packed)

    run(told)


async def put_root(p, root, flags=BLOB):
    await p.client._entries.put(NAME, root, 3600, flags)


def forged(**numbers):
    """The root of a file that its owner made up."""
    fields = {
        "kind": FileKind.FILE, "levels": 1, "k": 4, "n": 6, "size": 0, "reference": bytes(16),
        "rows": b"",
    }  # fmt: skip
    return Root(**fields | numbers).encode()


@pytest.mark.parametrize(
    "root",
    [
        b"",
        bytes(29),
        forged(size=FILE_BYTES_MAX),
        forged(size=FILE_BYTES_MAX, levels=255),
        forged(size=FILE_BYTES_MAX, levels=6),
        forged(size=1 << 40, rows=bytes(330)),
        forged(k=25, n=25),
        forged(k=0),
        forged(levels=0),
    ],
)
def test_hostile_roots_are_refused_before_anything_is_fetched(run, tmp_path, root):
    async def told(p):
        await put_root(p, root or b"\0")
        with pytest.raises(WireError):
            await p.other.get_file(p.uri, tmp_path / "out")
        assert p.shares.fetches == 0
        assert not part_of(tmp_path / "out").exists()

    run(told)


def test_a_stream_that_is_no_tar_is_refused(run, tmp_path):
    async def told(p):
        await p.put(content(STRIPE + 1))
        root = await p.root()
        await put_root(p, root._replace(kind=FileKind.FOLDER).encode())
        with pytest.raises(FolderRefused):
            await p.other.get_file(p.uri, tmp_path / "out")
        assert [path.name for path in tmp_path.iterdir()] == ["uploads"]

    run(told)


def test_private_flags_without_a_seal(run):
    async def told(p):
        await put_root(p, bytes(100), BLOB | PRIVATE)
        with pytest.raises(WrongKey):
            await p.client.get(NAME.decode())

    run(told)

"""The programs of examples/ do what they say, against real nodes, and are as short as promised."""

import asyncio
import os
import re
import runpy
import signal
import subprocess
import sys

import pytest

from dave.testing import Network
from tests.processes import PATIENCE_SECONDS, ROOT

FOLDER = ROOT / "examples"
PROGRAMS = sorted(path for path in FOLDER.glob("*.py") if not path.name.startswith("test_"))
LINES_MAX = 80


class Runs:
    """Runs examples in a folder of a test, with one node for all."""

    def __init__(self, home, edge):
        self.folder, self._edge = home.folder, edge
        self.env = home.env(PYTHONUNBUFFERED="1")
        self._started = []

    def command(self, name, *args):
        options = [str(each) for each in args]
        return [sys.executable, "-bb", FOLDER / f"{name}.py", "--edge", self._edge, *options]

    def run(self, name, *args, code=0):
        """Its standard output, once it has ended; with another `code`, what it says of that."""
        done = subprocess.run(
            self.command(name, *args), cwd=self.folder, env=self.env, capture_output=True,
            text=True, timeout=PATIENCE_SECONDS, check=False,
        )  # fmt: skip
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
        return done.stderr if code else done.stdout.strip()

    def start(self, name, *args):
        """A process that goes on."""
        process = subprocess.Popen(
            self.command(name, *args), cwd=self.folder, env=self.env, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._started.append(process)
        return process

    def close(self):
        for process in self._started:
            process.kill()
            process.wait()
            process.stdout.close()
            process.stdin.close()


@pytest.fixture
def runs(home, node):
    made = Runs(home, node.address)
    yield made
    made.close()


def said(process, wanted):
    """Read its lines until one matches; the match. pytest's own time limit ends a wait."""
    for line in process.stdout:
        if match := re.search(wanted, line):
            return match
    raise AssertionError(f"it ended without {wanted!r}")


def test_endpoint_records(runs):
    device = runs.start("endpoint_records", "publish", "192.0.2.7:8022", "--ttl", 3)
    uri = said(device, r"^(dave://\w{52}/endpoint) is 192")[1]
    assert runs.run("endpoint_records", "resolve", uri) == "192.0.2.7:8022"
    said(device, "is 192.0.2.7")  # renewed
    device.send_signal(signal.SIGINT)
    device.wait(PATIENCE_SECONDS)
    assert "is not there" in runs.run("endpoint_records", "resolve", uri, code=1)


def test_feature_flags(runs):
    uri = runs.run("feature_flags", "set", "limit=20")
    follower = runs.start("feature_flags", "follow", uri)
    said(follower, '"limit": 10')
    said(follower, '"limit": 20')
    assert runs.run("feature_flags", "set", "dark_mode=true", "motto=new day") == uri
    said(follower, '"dark_mode": true, "limit": 20, "motto": "new day"')
    assert "invalid literal for int" in runs.run("feature_flags", "set", "limit=many", code=1)
    assert "none of the flags" in runs.run("feature_flags", "set", "other=x", code=1)


def test_signed_feed(runs):
    told = [runs.run("signed_feed", "post", f"news {number}") for number in (1, 2)]
    owner = re.fullmatch(r"post 2 of (\w{52})", told[1])[1]
    assert runs.run("signed_feed", "read", owner) == "news 2\nnews 1"
    assert runs.run("signed_feed", "--count", 1, "--page", 1, "read", owner) == "news 1"


async def fills_a_feed(net, key, post, read):
    """All that may happen to one; in virtual time, since it asks for much."""
    async with net.connect(key=key) as d, net.connect(key=key) as other:
        numbers = await asyncio.gather(*(post(x, f"{x is d}") for x in (d, other)))
        assert sorted(numbers) == [1, 2], "of two devices at once one tries again"
        assert sorted(await read(d, key.owner, 10)) == ["False", "True"]
        await d.put("feed/3", '{"text": "no head yet", "previous": "?"}')  # interrupted here
        assert await post(other, "after it") == 4
        assert (await read(d, key.owner, 1, 0), await read(d, key.owner, 1, 1)) == (
            ["after it"], ["no head yet"],
        )  # fmt: skip
        with pytest.raises(ValueError, match="post 2 is another"):
            await read(d, key.owner, 10)
        await d.delete("feed/4")
        with pytest.raises(ValueError, match="post 4 is lacking"):
            await read(d, key.owner, 1)


def test_a_feed_that_is_broken_is_seen():
    feed = runpy.run_path(str(FOLDER / "signed_feed.py"))
    with Network(3) as net:
        net.run(fills_a_feed(net, net.key(), feed["post"], feed["read"]))


def test_chat_presence(runs):
    ann = runs.start("chat_presence", "--name", "ann", "--key", "ann.key")
    ann_key = said(ann, r"^(\w{52})$")[1]
    bob = runs.start("chat_presence", "--name", "bob", "--key", "bob.key", "--with", ann_key)
    said(bob, r"^\* ann is here")
    for line in ("hello", "anybody there?"):
        ann.stdin.write(f"{line}\n")
        ann.stdin.flush()
        said(bob, f"^ann: {re.escape(line)}")
    ann.stdin.close()
    said(bob, r"^\* ann is gone")
    assert ann.wait(PATIENCE_SECONDS) == 0


def test_file_drop(runs):
    folder = runs.folder / "holiday"
    folder.mkdir()
    (folder / "notes.txt").write_text("the sea", "utf-8")
    (folder / "film").write_bytes(bytes(range(256)) * 2000)
    link = runs.run("file_drop", "drop", folder, "--hours", 1)
    assert re.fullmatch(r"dave://\w{52}/holiday#\w{52}", link)
    assert "bytes" in runs.run("file_drop", "fetch", link, "--into", "received")
    assert (runs.folder / "received" / "notes.txt").read_text("utf-8") == "the sea"
    assert (runs.folder / "received" / "film").read_bytes() == bytes(range(256)) * 2000
    uri = link.partition("#")[0]
    assert "file_drop: " in runs.run("file_drop", "fetch", uri, "--into", "no", code=1)
    assert "there is no" in runs.run("file_drop", "drop", "nothing", code=2)
    small = folder / "notes.txt"
    runs.run("file_drop", "fetch", runs.run("file_drop", "drop", small), "--into", "copy")
    assert (runs.folder / "copy").read_text("utf-8") == "the sea"


def test_a_users_test_of_an_example(runs):
    done = subprocess.run(
        [sys.executable, "-bb", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error",
         "-p", "no:schemathesis", "-c", os.devnull, "--rootdir", FOLDER, *plugin(), FOLDER],
        env=runs.env, capture_output=True, text=True, timeout=4 * PATIENCE_SECONDS, check=False,
        cwd=runs.folder,
    )  # fmt: skip
    assert "4 passed" in done.stdout, done.stdout


def plugin():
    """How pytest is told of the plugin where this Dave was not installed since it has one."""
    from importlib.metadata import entry_points

    return [] if entry_points(group="pytest11", name="dave") else ["-p", "dave.testing.plugin"]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_an_example_is_short_and_helps(program, runs):
    assert len(program.read_text("utf-8").splitlines()) <= LINES_MAX
    assert "show this help" in runs.run(program.stem, "--help")
    assert f"examples/{program.name}" in (FOLDER / "README.md").read_text("utf-8")


def test_public_names_only():
    for program in PROGRAMS:
        imports = re.findall(r"^(?:from|import) (dave\S*)", program.read_text("utf-8"), re.M)
        assert imports == ["dave"]


def test_where_no_node_runs_it_says_what_to_do(home):
    runs = Runs(home, "127.0.0.1:9")
    name = "dave://" + "a" * 52 + "/endpoint"
    assert "is a node running there?" in runs.run("endpoint_records", "resolve", name, code=1)

"""Files through real nodes and real commands: whole, in part, interrupted, damaged, gone."""

import os
import signal
import subprocess
import sys

import pytest

import dave
from dave.edge.keyfile import load_network_secret
from tests.edge.file_puts import content
from tests.processes import PATIENCE_SECONDS, Home, until

SIZE = 6_000_000


class Net:
    """Nodes that know each other, and commands on their network."""

    def __init__(self, home, count):
        self.home = home
        self.secret = home.folder / "net.secret"
        assert home.dave("keygen", "--network", "--out", self.secret).code == 0
        self.nodes = []
        for number in range(count):
            edges = ["--edge", self.nodes[0].address] if self.nodes else []
            self.nodes.append(
                home.start("--secret-file", self.secret, "--sync", "never", *edges,
                           data=f"n{number}")
            )  # fmt: skip
        until(lambda: all(node.status()["peers"] >= count - 1 for node in self.nodes))

    def options(self, *args):
        return [*args, "--secret-file", self.secret, "--edge", self.nodes[-1].address]

    def dave(self, *args, **how):
        return self.home.dave(*self.options(*args), **how)

    def put(self, name, path, *args):
        done = self.dave("put", name, "--file", path, "--ttl", "1h", *args)
        assert done.code == 0, done
        return done.out.strip()


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    """Three nodes, which take 2 of 3."""
    home = Home(tmp_path_factory.mktemp("net"))
    try:
        yield Net(home, 3)
    finally:
        home.close()


@pytest.fixture(scope="module")
def film(net):
    """A file that stands under the name "film"; its path and URI."""
    path = net.home.folder / "film"
    path.write_bytes(content(SIZE))
    return path, net.put("film", path)


def test_a_file_comes_back(net, film, tmp_path):
    path, uri = film
    out = tmp_path / "out"
    assert net.dave("get", "film", "--out", out) == (0, "", "")
    assert out.read_bytes() == path.read_bytes()
    told = net.dave("get", uri, "--out", out, "--json").json
    assert (told["uri"], told["size"], told["written"], told["path"]) == (uri, SIZE, SIZE, str(out))
    assert (told["value"], told["folder"], told["corrupting"]) == (None, False, [])
    assert net.dave("get", uri, "--json").code == 2
    assert net.dave("ls").out.startswith(f"{SIZE:,} ")


def test_to_standard_output_and_in_part(net, film):
    path, _ = film
    command = [sys.executable, "-m", "dave_cli", *net.options("get", "film")]
    env = net.home.env()
    whole = subprocess.run(command, env=env, capture_output=True, check=True, timeout=60)
    assert whole.stdout == path.read_bytes()
    part = subprocess.run(
        [*command, "--range", "999999-2000000"],
        env=env,
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert part.stdout == path.read_bytes()[999_999:2_000_001]
    beyond = net.dave("get", "film", "--range", f"{SIZE}-")
    assert (beyond.code, beyond.out) == (2, "")
    # Who reads it may have seen enough.
    shell = f"{' '.join(map(str, command))} | head -c 5 | wc -c"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", shell], env=env, capture_output=True,
                          check=False, timeout=60)  # fmt: skip
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, b"5", b"")


def test_the_blocking_client_reads_files_too(net, film, tmp_path):
    path, uri = film
    secret = load_network_secret(net.secret, None)
    with dave.connect_sync(net.nodes[-1].address, secret=secret) as d:
        assert d.get(uri).value == path.read_bytes()
        assert d.get_file(uri, tmp_path / "out").written == SIZE
        assert (tmp_path / "out").read_bytes() == path.read_bytes()
        file = d.open_file(uri, range="-3000000")
        assert b"".join(file) == path.read_bytes()[-3_000_000:]
        file.close()


def test_places_where_it_cannot_go(net, film, tmp_path):
    for out, said in ((tmp_path, "is a folder"), (tmp_path / "no" / "out", "make it first")):
        done = net.dave("get", "film", "--out", out)
        assert (done.code, done.out) == (2, "")
        assert said in done.err
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_get_goes_on(net, film, tmp_path, end):
    path, uri = film
    out = tmp_path / "out"
    command = [sys.executable, "-m", "dave_cli", *net.options("fetch", uri, "--out", out)]
    getting = subprocess.Popen(command, env=net.home.env(), stderr=subprocess.PIPE)
    part = tmp_path / "out.part"
    until(lambda: getting.poll() is not None or (part.exists() and part.stat().st_size))
    getting.send_signal(end)
    _, said = getting.communicate(timeout=PATIENCE_SECONDS)
    if getting.returncode == 130:
        assert b"the same command goes on" in said
    done = net.dave("fetch", uri, "--out", out)
    assert done.code == 0
    assert out.read_bytes() == path.read_bytes()
    assert os.listdir(tmp_path) == ["out"]


def test_another_range_begins_anew_and_says_why(net, film, tmp_path):
    part = tmp_path / "out.part"
    part.write_bytes(b"begun")
    (tmp_path / "out.part.json").write_text('{"identity": "of the whole", "done": 5}')
    got = net.dave("get", "film", "--out", tmp_path / "out", "--range", "0-9")
    assert (got.code, (tmp_path / "out").read_bytes()) == (0, film[0].read_bytes()[:10])
    assert "what was begun there was another version, or range" in got.err


def test_a_folder_comes_back(net, tmp_path):
    packed = tmp_path / "packed"
    (packed / "in").mkdir(parents=True)
    (packed / "in" / "one").write_bytes(content(300_000))
    (packed / "in" / "two").write_text("two")
    (packed / "link").symlink_to("in/two")
    (packed / "out").symlink_to("/etc/passwd")
    net.put("folder", packed)
    done = net.dave("get", "folder", "--out", tmp_path / "got")
    assert done.code == 0
    assert "left out a link that leads out: 'out' -> '/etc/passwd'" in done.err
    assert (tmp_path / "got/in/one").read_bytes() == content(300_000)
    assert (tmp_path / "got/link").read_text() == "two"
    assert not os.path.lexists(tmp_path / "got/out")
    again = net.dave("get", "folder", "--out", tmp_path / "got")
    assert again.code == 2
    assert "something in it" in again.err


def test_what_is_removed_is_gone(net, tmp_path):
    (tmp_path / "file").write_bytes(content(500_000, seed=3))
    uri = net.put("short", tmp_path / "file")
    assert net.dave("rm", "short").code == 0
    done = net.dave("get", uri, "--out", tmp_path / "out")
    assert done.code == 1
    assert "nothing stands under" in done.err
    assert os.listdir(tmp_path) == ["file"]


def test_one_node_of_three_dead_then_two(home, tmp_path):
    net = Net(home, 3)
    (tmp_path / "file").write_bytes(content(SIZE))
    net.put("file", tmp_path / "file")
    net.nodes[0].kill()
    done = net.dave("get", "file", "--out", tmp_path / "out")
    assert done.code == 0, done
    assert (tmp_path / "out").read_bytes() == content(SIZE)
    net.nodes[1].kill()
    done = net.dave("get", "file", "--out", tmp_path / "other")
    assert done.code == 1
    assert "can be found (nodes that answer: 1" in done.err
    assert "the same command goes on" in done.err
    assert not (tmp_path / "other").exists()


def test_a_node_with_damaged_shares_is_named(net, film, tmp_path):
    path, _ = film
    node = net.nodes[0]
    for share in (node.data / "shares").glob("*/*"):
        data = bytearray(share.read_bytes())
        data[len(data) // 3] ^= 1
        share.write_bytes(data)
    done = net.dave("get", "film", "--out", tmp_path / "out", "--json")
    assert (tmp_path / "out").read_bytes() == path.read_bytes()
    assert done.json["corrupting"] == [node.address]
    assert f"warning: {node.address} sent damaged shares" in done.err

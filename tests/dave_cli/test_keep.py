"""`dave keep` and `dave put --keep`: the key is given after a yes only, and can be taken back."""

import os
import pty
import resource
import select
import stat
import subprocess
import sys
import time

import pytest

from tests.edge.file_puts import content
from tests.processes import PATIENCE_SECONDS, until


@pytest.fixture
def kept(home):
    """A home whose own node runs, where a client finds it."""
    node = home.start(data="data/dave")
    assert home.dave("keygen").code == 0
    return node


def put(home, *args, **options):
    return home.dave("put", "k", "v", "--ttl", "1h", "--keep", *args, **options)


def test_kept_listed_and_forgotten(home, kept):
    assert "nothing is renewed" in home.dave("keep", "ls").out
    done = put(home, "--yes")
    assert done.code == 0
    assert "kept: renewed in 4" in done.err or "kept: renewed in 3" in done.err
    assert home.dave("get", "k").out == "v"
    listed = home.dave("keep", "ls")
    assert done.out.strip() in listed.out
    assert "expires in 60m" in listed.out
    assert "the node has the key of" in listed.out
    (path,) = (kept.data / "kept").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert kept.status()["kept"] == 1
    assert "renews" in home.dave("status").out
    gone = home.dave("keep", "rm", "k")
    assert (gone.code, "is renewed no more" in gone.out, "destroyed" in gone.out) == (0, True, True)
    assert not path.exists()
    assert home.dave("keep", "rm", "k").code == 2
    assert home.dave("keep", "ls", "--json").json == {"kept": [], "keys": []}


def test_a_key_goes_with_what_was_removed(home, kept):
    assert put(home, "--yes").code == 0
    (path,) = (kept.data / "kept").iterdir()
    assert home.dave("rm", "k").code == 0
    until(lambda: not path.exists())
    assert "deleted" in home.dave("keep", "ls").out
    assert kept.status()["kept"] == 0


def test_json(home, kept):
    done = put(home, "--yes", "--json")
    assert done.json["stored"] == 1
    (row,) = home.dave("keep", "ls", "--json").json["kept"]
    assert row["uri"] == done.json["uri"]
    assert row["time"] == done.json["time"]
    assert row["expires"] == done.json["expires"]
    assert done.json["expires"] - 0.45 * 3600 < row["due"] < done.json["expires"]
    gone = home.dave("keep", "rm", "--all", "--json").json
    assert gone == {"forgotten": [row["uri"]], "destroyed": [done.json["owner"]]}


def test_without_a_terminal_and_without_yes_nothing_is_put(home, kept):
    done = put(home)
    assert (done.code, done.out) == (2, "")
    assert "--yes" in done.err
    assert home.dave("get", "k").code == 1
    assert not (kept.data / "kept").exists()


def test_without_a_node_here_nothing_is_put(home, node):
    done = put(home, "--yes", "--edge", node.address)
    assert done.code == 3
    assert "dave run" in done.err
    assert home.dave("get", "k", "--edge", node.address).code == 1


def test_what_cannot_be_kept_is_not_put(home, kept, node):
    edge = ("--edge", node.address)
    short = home.dave("put", "k", "v", "--ttl", "59s", "--keep", "--yes", *edge)
    assert (short.code, "60 s" in short.err) == (2, True)
    other = put(home, "--yes", "--network", "another", *edge)
    assert (other.code, "belongs to the network dave" in other.err) == (2, True)


def test_usage(home):
    for args in (["keep"], ["keep", "rm"], ["keep", "rm", "k", "--all"], ["keep", "ls", "k"]):
        assert home.dave(*args).code == 2
    done = home.dave("keep", "ls")
    assert (done.code, "dave run" in done.err) == (3, True)


def answered(home, answer, *args):
    """`dave` at a terminal where somebody types an answer; (exit code, what it showed)."""
    master, slave = pty.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "dave_cli", *args], env=home.env(), stdin=slave, stdout=slave,
            stderr=slave,
        )  # fmt: skip
        shown, has_answered = b"", False
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if select.select([master], [], [], 0.05)[0]:
                shown += os.read(master, 4096)
            elif process.poll() is not None:
                break
            if b"[y/N]" in shown and not has_answered:
                os.write(master, answer)
                has_answered = True
        return process.wait(PATIENCE_SECONDS), shown.decode()
    finally:
        os.close(master)
        os.close(slave)


def test_at_a_terminal_it_asks(home, kept):
    command = ("put", "k", "v", "--ttl", "1h", "--keep")
    for answer in (b"n\n", b"\n"):
        code, shown = answered(home, answer, *command)
        assert (code, "nothing was put" in shown) == (2, True)
        assert "copy of your key" in shown
        assert str(kept.data / "kept") in shown
    assert home.dave("get", "k").code == 1
    code, shown = answered(home, b"y\n", *command)
    assert (code, "kept: renewed in" in shown) == (0, True)
    assert len(home.dave("keep", "ls", "--json").json["kept"]) == 1
    code, shown = answered(home, b"", "get", "k")
    assert (code, "expires in 60m" in shown) == (0, True)


def test_files_and_links_are_kept_too_and_a_file_is_renewed(home, kept, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "one.jpg").write_bytes(content(200_000))
    keep = ("--ttl", "1h", "--keep", "--yes")
    assert "kept: renewed in" in home.dave("put", "film", "--file", folder, *keep).err
    link = home.dave("share", folder, *keep).out.strip()
    rows = home.dave("keep", "ls", "--json").json["kept"]
    assert sorted(row["uri"].rpartition("/")[2] for row in rows) == ["film", "photos"]
    assert kept.stop() == 0
    shift = 2700
    again = home.start(data="data/dave", shift_seconds=shift)
    until(lambda: {row["time"] for row in rows}.isdisjoint(
        row["time"] for row in again.ask("kept")["kept"]
    ))  # fmt: skip
    for name, path in (("film", tmp_path / "a"), (link, tmp_path / "b")):
        got = home.dave("fetch", name, "--out", path, "--json", shift_seconds=shift).json
        assert got["expires"] > rows[0]["expires"] + 2000
        assert (path / "one.jpg").read_bytes() == content(200_000)
    assert home.dave("rm", "film", shift_seconds=shift).code == 0
    assert "deleted" in home.dave("keep", "ls", shift_seconds=shift).out
    files = again.status()["files"]["shares"]
    assert home.dave("rm", "photos", shift_seconds=shift).code == 0
    until(lambda: again.status()["kept"] == 0)
    assert (files > 0, again.status()["files"]["shares"]) == (True, 0)


def test_a_renewal_after_two_thirds_of_the_life_and_a_restart(home, kept):
    first = put(home, "--yes", "--json").json
    assert kept.stop() == 0
    shift = 2700
    again = home.start(data="data/dave", shift_seconds=shift)
    until(lambda: again.ask("kept")["kept"][0]["time"] > first["time"])
    found = home.dave("get", "k", "--json", shift_seconds=shift).json
    assert found["expires"] > first["expires"] + 2000
    assert again.ask("kept")["kept"][0]["time"] == found["time"]
    seed = (home.folder / "config/dave/owner.key").read_bytes()[11:43]
    said = again.stderr.encode()
    assert not any(each in said for each in (seed, seed.hex().encode())), "no key in the log"


def test_a_full_disk_keeps_nothing_more_and_says_so(home, kept):
    assert put(home, "--yes").code == 0
    log = kept.data / "state.db-wal"
    until(lambda: kept.ask("kept")["kept"])
    full = log.stat().st_size
    resource.prlimit(kept.pid, resource.RLIMIT_FSIZE, (full, resource.RLIM_INFINITY))
    refused = home.dave("put", "other", "v", "--ttl", "1h", "--keep", "--yes")
    assert refused.code == 2
    assert "cannot write its database" in refused.err
    assert home.dave("get", "other").out == "v", "put, but not kept"
    assert "FORGETFUL" in home.dave("status").out
    assert len(kept.ask("kept")["kept"]) == 1
    unlimited = resource.RLIM_INFINITY, resource.RLIM_INFINITY
    resource.prlimit(kept.pid, resource.RLIMIT_FSIZE, unlimited)
    assert home.dave("put", "other", "v", "--ttl", "1h", "--keep", "--yes").code == 0
    assert kept.status()["state_failure"] is None
    kept.kill()
    again = home.start(data="data/dave")
    assert len(again.ask("kept")["kept"]) == 2

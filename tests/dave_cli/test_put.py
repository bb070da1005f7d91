"""`dave put`: what goes where, and every way in which it can be refused."""

import asyncio
import json
import os
import random
import time

import pytest

import dave
from dave.limits import INFLATED_BYTES_MAX, KEY_AND_VALUE_BYTES_MAX
from dave.wire.directory import DEVICES_KEY
from dave_cli.put import _explain


def test_the_uri_goes_to_standard_output_the_receipt_to_standard_error(home, node):
    done = home.dave("put", "a/b é", "hello", "--ttl", "1h", "--edge", node.address)
    assert done.code == 0
    assert done.out.startswith("dave://")
    assert done.out.endswith("/a%2Fb%20%C3%A9\n")
    assert "made your key" in done.err
    assert "stored by 1 of 1 nodes" in done.err
    assert home.dave("get", done.out.strip(), "--edge", node.address).out == "hello"


def test_json(home, node):
    done = home.dave("put", "k", "v", "--ttl", "1h", "--json", "--edge", node.address)
    assert set(done.json) == {
        "uri", "owner", "key", "digest", "time", "stored", "asked", "replicas", "refused",
        "expires", "work_hashes", "seconds",
    }  # fmt: skip
    assert (done.json["stored"], done.json["asked"], done.json["refused"]) == (1, 1, [])
    assert abs(done.json["expires"] - time.time() - 3600) < 60
    taken = home.dave("put", "k", "w", "--cas", 0, "--json", "--ttl", "1h", "--edge", node.address)
    assert taken.code == 1
    assert "another version stands" in taken.err
    swapped = home.dave(
        "put", "k", "w", "--cas", done.json["time"], "--ttl", "1h", "--edge", node.address
    )
    assert swapped.code == 0
    assert home.dave("get", "k", "--edge", node.address).out == "w"


def test_explain_tells_who_was_asked(home, node):
    done = home.dave("put", "k", "v", "--ttl", "1h", "--explain", "--edge", node.address)
    assert (done.code, node.address in done.err, "put: stored" in done.err) == (0, True, True)
    read_again = home.dave(
        "put", "k", "v", "--cas", 0, "--ttl", "1h", "--explain", "--edge", node.address
    )
    assert read_again.code == 1
    assert "put: conflict" in read_again.err
    assert "found" in read_again.err


def test_values_from_files(home, node, tmp_path):
    value = bytes(range(256)) + b"\r\n"
    (tmp_path / "value").write_bytes(value)
    edge = ("--ttl", "1h", "--edge", node.address)
    assert home.dave("put", "f", "--file", tmp_path / "value", *edge).code == 0
    assert home.dave("put", "s", "--file", "-", *edge, stdin=value).code == 0
    assert home.dave("put", "e", "", *edge).code == 0
    for name in ("f", "s"):
        got = home.dave("get", name, "--edge", node.address)
        assert got.out.encode("utf-8", "surrogateescape") == value
    assert home.dave("get", "e", "--edge", node.address) == (0, "", "")


def test_a_value_that_looks_like_an_option(home, node):
    edge = ("--ttl", "1h", "--edge", node.address)
    assert home.dave("put", *edge, "k", "--", "-5").code == 0
    assert home.dave("get", "k", "--edge", node.address).out == "-5"


ROOM = KEY_AND_VALUE_BYTES_MAX - 1
RANDOM = random.Random(1).randbytes(1 << 20)

BAD_INPUT = [
    (("", "v"), "1 to 255"),
    (("k" * 256, "v"), "255"),
    (("k", RANDOM[: ROOM + 1].hex(), "--code", "7/6"), "1 <= K <= N <= 24"),
    (("k", RANDOM[: ROOM + 1].hex(), "--code", "4/6"), "needs 6 nodes and there are 1"),
    (("dave://" + "a" * 52 + "/%00k", "v"), "zero byte"),
    (("k", "v", "--ttl", "0"), "1 s to 31622400 s"),
    (("k", "v", "--ttl", "10y"), "366 days"),
    (("k", "v", "--ttl", "-1"), "TTL"),
    (("k",), "VALUE or --file"),
    (("k", "v", "--file", "x"), "VALUE or --file"),
    (("k", "--file", "no-such-file"), "no-such-file: No such file"),
    (("k", "v", "--key", "no-such.key"), "dave keygen --out no-such.key"),
    (("k", "v", "--secret-file", "no-such.secret"), "dave keygen --network"),
    (("k", "v", "--cas", "now"), "--cas"),
    (("k", "v", "--timeout", "0"), "no time in seconds"),
    (("k", "v", "--network", ""), "network"),
]


@pytest.mark.parametrize(("args", "words"), BAD_INPUT, ids=range(len(BAD_INPUT)))
def test_bad_input_is_exit_code_2_and_says_what_to_do(home, node, args, words):
    done = home.dave("put", "--edge", node.address, *args)
    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("size", [0, ROOM, ROOM + 1, INFLATED_BYTES_MAX + 1, 300_000])
def test_any_size_from_a_pipe_and_from_a_file(home, node, tmp_path, size):
    edge = ("--ttl", "1h", "--edge", node.address)
    (tmp_path / "in").write_bytes(RANDOM[:size])
    put = home.dave("put", "k", "--file", "-", *edge, stdin=RANDOM[:size])
    assert (put.code, "whoever knows the name" in put.err) == (0, size > ROOM)
    again = home.dave("put", "l", "--file", tmp_path / "in", "--json", *edge)
    assert again.json.get("sent", 0) == 0, "it is there already"
    for name in ("k", "l"):
        out = tmp_path / name
        assert home.dave("get", name, "--out", out, "--edge", node.address).code == 0
        assert out.read_bytes() == RANDOM[:size]
    assert not list((home.folder / "data" / "dave" / "uploads").glob("*"))


def test_what_compresses_into_an_entry_may_be_larger(home, node):
    edge = ("--edge", node.address)
    value = b"all work and no play" * (INFLATED_BYTES_MAX // 20)
    assert home.dave("put", "k", "--file", "-", "--ttl", "1h", *edge, stdin=value).code == 0
    assert home.dave("get", "k", *edge).out.encode() == value
    assert home.dave("get", "k", "--json", *edge).json["compressed"] is True


def test_the_name_is_listed_unless_asked_not_to_be(home, node):
    edge = ("--ttl", "1h", "--edge", node.address)
    assert home.dave("put", "seen", "v", *edge).code == 0
    assert home.dave("put", "unseen", "v", "--unlisted", *edge).code == 0
    assert home.dave("ls", "--edge", node.address).out.split()[2:] == ["seen"]


def test_a_directory_that_cannot_be_written_is_a_warning(home, node):
    edge = ("--ttl", "1h", "--edge", node.address)
    home.dave("keygen")
    key = dave.Key.load(home.folder / "config" / "dave" / "owner.key")

    async def spoil():
        async with dave.connect(node.address, key=key) as d:
            await d._entries.put(DEVICES_KEY, b"from a later version", 3600)

    asyncio.run(spoil())
    done = home.dave("put", "k", "v", *edge)
    assert done.code == 0
    assert done.out.endswith("/k\n")
    assert "dave: warning: 1 name could not be written in the directory" in done.err
    assert done.err.count("warning") == 1
    assert home.dave("get", "k", "--edge", node.address).out == "v"
    assert home.dave("ls", "--edge", node.address).code == 2


def test_bad_input_leaves_no_key_behind(home, node):
    home.dave("put", "k", "v", "--ttl", "0", "--edge", node.address)
    home.dave("put", "", "v", "--edge", node.address)
    assert not (home.folder / "config").exists()


@pytest.mark.parametrize("damage", ["open", "corrupt", "empty", "folder"])
def test_key_files_that_cannot_be_used(home, node, damage):
    home.dave("keygen")
    path = home.folder / "config" / "dave" / "owner.key"
    if damage == "open":
        path.chmod(0o644)
    elif damage == "corrupt":
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        path.unlink()
        path.mkdir()
    done = home.dave("put", "k", "v", "--edge", node.address)
    assert (done.code, done.out) == (2, "")
    assert str(path) in done.err
    if damage == "open":
        assert f"chmod 600 {path}" in done.err
    assert "Traceback" not in done.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_key_file_of_somebody_else(home, node):
    home.dave("keygen")
    path = home.folder / "config" / "dave" / "owner.key"
    path.chmod(0)
    done = home.dave("put", "k", "v", "--edge", node.address)
    assert done.code == 2
    assert "cannot be opened" in done.err


@pytest.mark.parametrize(("client", "node_shift"), [(3600, 0), (0, -3600)])
def test_a_clock_an_hour_ahead_is_told_with_the_skew(home, client, node_shift):
    there = home.start(shift_seconds=node_shift)
    done = home.dave("put", "k", "v", "--ttl", "2h", "--edge", there.address, shift_seconds=client)
    assert done.code == 1
    assert "future: this machine's clock is 3,6" in done.err or "clock is 3,59" in done.err
    as_json = home.dave(
        "put", "k", "v", "--ttl", "2h", "--json", "--edge", there.address, shift_seconds=client
    )
    [refused] = as_json.json["refused"]
    assert refused["reason"] == "future"
    assert abs(refused["detail"] / 1000 - time.time() - node_shift) < 60


def test_a_nodes_clock_an_hour_ahead_lets_short_lives_expire(home):
    there = home.start(shift_seconds=3600)
    edge = ("--edge", there.address)
    done = home.dave("put", "k", "v", "--ttl", "10m", *edge)
    assert done.code == 1
    assert "expired: by its clock the lifetime is over" in done.err
    assert home.dave("put", "k", "v", "--ttl", "2h", *edge).code == 0
    assert home.dave("get", "k", *edge).out == "v"


def test_nobody_there_is_exit_code_3(home):
    done = home.dave("put", "k", "v", "--ttl", "1h", "--edge", "127.0.0.1:9", "--timeout", "0.5")
    assert (done.code, done.out) == (3, "")
    assert "no answer from 127.0.0.1:9" in done.err
    assert "dave run" in done.err


def test_every_refusal_is_explained():
    assert _explain("low_work", 5_000_000) == "low_work: it asks 5,000,000 hashes of work"
    assert _explain("low_rank", 3).endswith("3 bits of work more would do (--max-work)")
    assert _explain("forged", 0) == "forged"
    assert json.dumps(_explain("busy", 0))

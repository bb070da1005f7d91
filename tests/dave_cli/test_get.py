"""`dave get`: the value and nothing else, or why not."""

import base64
import stat
import time

import pytest


@pytest.fixture
def uri(home, node):
    return home.dave("put", "k", "value", "--ttl", "1h", "--edge", node.address).out.strip()


def test_the_raw_value_and_nothing_else(home, node, uri):
    assert home.dave("get", "k", "--edge", node.address) == (0, "value", "")
    assert home.dave("get", uri, "--edge", node.address) == (0, "value", "")


def test_into_a_file(home, node, uri, tmp_path):
    path = tmp_path / "value"
    assert home.dave("get", uri, "--out", path, "--edge", node.address) == (0, "", "")
    assert path.read_bytes() == b"value"
    nowhere = home.dave("get", uri, "--out", tmp_path / "no" / "value", "--edge", node.address)
    assert nowhere.code == 2
    assert "there is no folder" in nowhere.err
    assert not list(tmp_path.glob("value.*"))
    device = home.dave("get", uri, "--out", "/dev/stdout", "--edge", node.address)
    assert device == (0, "value", "")


def shell(command):
    return ("sh", "-c", f'{command}; exec "$@"', "sh")


def test_a_file_is_there_whole_or_as_it_was(home, node, uri, tmp_path):
    path = tmp_path / "value"
    command = ("get", uri, "--out", path, "--edge", node.address)
    assert home.dave(*command, prefix=shell("umask 027")).code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.write_bytes(b"what was there before")
    full = home.dave(*command, prefix=shell("ulimit -f 0"))
    assert (full.code, "make room" in full.err or "too large" in full.err) == (2, True)
    assert path.read_bytes() == b"what was there before"
    assert home.dave(*command).code == 0
    assert path.read_bytes() == b"value"
    assert not list(tmp_path.glob("value.*"))


def test_json(home, node, uri):
    told = home.dave("get", uri, "--json", "--edge", node.address).json
    assert set(told) == {
        "uri", "owner", "key", "value", "time", "digest", "expires", "compressed",
        "replicas", "seconds",
    }  # fmt: skip
    assert (told["uri"], told["key"], told["replicas"]) == (uri, "k", 1)
    assert base64.b64decode(told["value"]) == b"value"
    assert told["compressed"] is False
    assert uri == f"dave://{told['owner']}/k"


def test_absent_is_exit_code_1(home, node, uri):
    done = home.dave("get", uri + "x", "--edge", node.address)
    assert (done.code, done.out) == (1, "")
    assert f"nothing stands under {uri}x" in done.err


def test_whose(home, node):
    done = home.dave("get", "k", "--edge", node.address)
    assert (done.code, done.out) == (2, "")
    assert "whose? give dave://OWNER/KEY" in done.err
    assert not (home.folder / "config").exists()


@pytest.mark.parametrize("name", ["dave://short/k", "dave://" + "a" * 52, "", "k" * 256])
def test_names_that_are_none(home, node, uri, name):
    done = home.dave("get", name, "--edge", node.address)
    assert (done.code, done.out) == (2, "")


def test_nobody_there_is_told_within_the_time_out(home, uri):
    started = time.monotonic()
    done = home.dave("get", uri, "--edge", "127.0.0.1:9", "--timeout", "0.5")
    assert time.monotonic() - started < 15
    assert (done.code, done.out) == (3, "")
    assert "127.0.0.1:9" in done.err


def test_another_network_is_exit_code_3(home, node, uri):
    started = time.monotonic()
    done = home.dave("get", uri, "--network", "other", "--edge", node.address, "--timeout", 20)
    assert time.monotonic() - started < 10
    assert (done.code, done.out) == (3, "")
    assert "--network and --secret-file" in done.err


def test_a_pinned_key_that_is_anothers(home, node, uri):
    owner = uri.split("/")[2]
    done = home.dave("get", uri, "--edge", f"{node.address}#{owner}", "--timeout", 20)
    assert done.code == 3
    assert "drop the pin" in done.err


def test_explain_tells_who_was_asked(home, node, uri):
    done = home.dave("get", uri, "--explain", "--edge", node.address)
    assert (done.code, done.out) == (0, "value")
    assert node.address in done.err
    assert "found" in done.err


def test_an_expired_value_is_absent(home, node):
    put = home.dave("put", "short", "v", "--ttl", "1s", "--json", "--edge", node.address)
    assert put.code == 0
    later = home.dave("get", put.json["uri"], "--edge", node.address, shift_seconds=10)
    assert later.code == 1

"""`dave run`: its first line, its signals, and every reason for which it does not start."""

import json
import signal
from http.client import HTTPConnection

import pytest

from tests.processes import PATIENCE_SECONDS, until


def run(home, *args, data="node", **options):
    return home.dave("run", "--data", home.folder / data, *args, **options)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_by_a_signal(home, number):
    node = home.start()
    host, port = node.host_port
    assert (host, port > 0) == ("127.0.0.1", True)
    node.process.send_signal(number)
    assert node.process.wait(PATIENCE_SECONDS) == 0
    assert "dave: stopping" in node.stderr
    assert f"node key {node_key(home)}" in node.stderr
    assert not (node.data / "control.sock").exists()


def node_key(home):
    from dave.edge.keyfile import NodeKey
    from dave.uri import owner_name

    return owner_name(NodeKey.load(home.folder / "node" / "node.key").identity().public_key)


def test_ipv6(home):
    node = home.start(listen="[::1]:0")
    assert node.address.startswith("[::1]:")
    uri = home.dave("put", "k", "v", "--ttl", "1h", "--edge", node.address).out.strip()
    assert home.dave("get", uri, "--edge", node.address).out == "v"


def test_all_addresses_take_either_family(home):
    node = home.start(listen=":0")
    port = node.host_port[1]
    uri = home.dave("put", "k", "v", "--ttl", "1h", "--edge", f"127.0.0.1:{port}").out.strip()
    assert home.dave("get", uri, "--edge", f"[::1]:{port}").out == "v"


def test_a_port_in_use(home):
    node = home.start()
    done = run(home, "--listen", node.address, data="other")
    assert (done.code, done.out) == (3, "")
    assert node.address in done.err


def test_a_folder_in_use_names_the_process(home):
    node = home.start()
    done = run(home, "--listen", "127.0.0.1:0")
    assert (done.code, done.out) == (2, "")
    assert f"in use by process {node.pid}" in done.err


def test_a_node_key_of_another_network(home):
    home.dave("keygen", "--network", "--out", home.folder / "secret")
    private = home.start("--secret-file", home.folder / "secret")
    private.stop()
    done = run(home, "--listen", "127.0.0.1:0")
    assert done.code == 2
    assert "less work than the network asks" in done.err


def test_key_files_that_cannot_be_used(home):
    node = home.start()
    node.stop()
    key = node.data / "node.key"
    key.chmod(0o640)
    done = run(home, "--listen", "127.0.0.1:0")
    assert done.code == 2
    assert f"chmod 600 {key}" in done.err
    key.chmod(0o600)
    key.write_bytes(key.read_bytes()[:-1])
    done = run(home, "--listen", "127.0.0.1:0")
    assert done.code == 2
    assert str(key) in done.err


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("--listen", "nowhere:port"), 2, "is no port"),
        (("--listen", "192.0.2.1:0"), 3, "192.0.2.1"),
        (("--listen", "127.0.0.1:0", "--edge", "127.0.0.1:0"), 2, "port above 0"),
        (("--listen", "127.0.0.1:0", "--capacity", "1"), 2, "capacity"),
        (("--listen", "127.0.0.1:0", "--capacity", "much"), 2, "500M"),
        (("--listen", "127.0.0.1:0", "--secret-file", "none"), 2, "dave keygen --network"),
        (("--listen", "127.0.0.1:0", "--sync", "often"), 2, "always"),
    ],
)
def test_what_cannot_be_started(home, args, code, words):
    done = run(home, *args)
    assert (done.code, done.out) == (code, "")
    assert words in done.err
    assert "Traceback" not in done.err


def test_a_folder_that_cannot_be_made(home):
    (home.folder / "file").touch()
    done = run(home, "--listen", "127.0.0.1:0", data="file/node")
    assert done.code == 2
    assert "--data DIR" in done.err


def test_an_edge_on_another_network_does_not_stop_it(home):
    first = home.start()
    second = home.start("--edge", first.address, "--network", "other", data="second")
    assert home.dave("put", "k", "v", "--ttl", "1h", "--network", "other",
                     "--edge", second.address).code == 0  # fmt: skip
    assert second.status()["peers"] == 0


def test_http_is_the_second_line_and_tells_where_the_token_is(home):
    node = home.start("--http", "127.0.0.1:0")
    line = node.process.stdout.readline().decode()
    assert line.startswith("dave http on http://127.0.0.1:")
    host_port = line.split("//")[1].strip().rstrip("/")
    connection = HTTPConnection(host_port, timeout=PATIENCE_SECONDS)
    connection.request("GET", "/v1/status")
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["key"]) == (200, node.status()["key"])
    connection.close()
    token = node.data / "http.token"
    assert token.stat().st_mode & 0o777 == 0o600
    assert f"must show the token in {token}" in node.stderr
    assert "open to other machines" not in node.stderr
    assert node.stop() == 0


def test_http_for_all_says_so(home):
    node = home.start("--http", ":0")
    until(lambda: "http is open to other machines, and not encrypted" in node.stderr)


def test_http_options_that_cannot_be(home):
    done = run(home, "--listen", "127.0.0.1:0", "--http-key", "k")
    assert (done.code, "no use without --http" in done.err) == (2, True)
    done = run(home, "--listen", "127.0.0.1:0", "--http", ":0", "--http-key", home.folder / "none")
    assert (done.code, "there is no such file" in done.err) == (2, True)
    done = run(home, "--listen", "127.0.0.1:0", "--http", "8080")
    assert (done.code, "':8080'" in done.err) == (2, True)

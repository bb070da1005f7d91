"""`dave check`: real nodes prove what they hold."""

import pytest

import dave
from dave.node.check import Verdict
from dave_cli.check import WORDS
from tests.processes import until


@pytest.fixture
def uri(home, node):
    return home.dave("put", "k", "value", "--ttl", "1h", "--edge", node.address).out.strip()


def test_one_node_proves_it(home, node, uri):
    done = home.dave("check", "k", "--edge", node.address)
    assert (done.code, done.err) == (0, "")
    head, row = done.out.splitlines()
    assert head == "1 stored, 1 prove it; 1 asked"
    assert row.split()[0] == node.address
    assert row.endswith("ms  proves it")
    assert home.dave("check", uri, "--edge", node.address).code == 0


def test_json(home, node, uri):
    told = home.dave("check", uri, "--json", "--edge", node.address).json
    assert (told["uri"], told["asked"], told["stored"], told["proved"]) == (uri, 1, 1, 1)
    [checked] = told["nodes"]
    assert (checked["address"], checked["verdict"]) == (node.address, "proved")
    assert checked["id"] == node.status()["id"]
    assert checked["rtt_ms"] > 0


def test_absent_is_exit_code_1_and_nobody_3(home, node, uri):
    absent = home.dave("check", uri + "x", "--edge", node.address)
    assert (absent.code, absent.out) == (1, "")
    assert f"nothing stands under {uri}x" in absent.err
    assert home.dave("rm", "k", "--edge", node.address).code == 0
    assert home.dave("check", uri, "--edge", node.address).code == 1
    assert home.dave("check", uri, "--edge", "127.0.0.1:9", "--timeout", "0.5").code == 3


def test_fewer_than_half_is_exit_code_1(home):
    first = home.start()
    others = [home.start("--edge", first.address, data=name) for name in ("second", "third")]
    until(lambda: all(node.status()["peers"] == 2 for node in (first, *others)))
    put = home.dave("put", "k", "value", "--ttl", "1h", "--edge", first.address)
    assert put.code == 0
    all_of_them = home.dave("check", "k", "--json", "--edge", first.address)
    assert (all_of_them.code, all_of_them.json["proved"]) == (0, 3)
    for node in others:
        node.kill()
    alone = home.dave("check", "k", "--json", "--edge", first.address, "--timeout", "3")
    verdicts = sorted(node["verdict"] for node in alone.json["nodes"])
    # Within seconds the first node finds out, and then it is the whole network.
    assert (alone.code, verdicts) in ((1, ["proved", "silent", "silent"]), (0, ["proved"]))


def test_both_clients_have_it(node):
    with dave.connect_sync(node.address, key=dave.Key.generate()) as client:
        assert client.check("nothing") is None
        receipt = client.put("k", b"v", ttl=60)
        check = client.check("k")
    assert (check.uri, check.proved, check.asked) == (receipt.uri, 1, 1)
    assert isinstance(check, dave.Check)


def test_every_verdict_has_words():
    assert set(WORDS) == set(Verdict)

"""Several nodes, each a process: what one puts another reads, and a dead holder does not matter."""

import pytest

import dave
from dave.crypto.hashes import entry_id_of
from dave.names import place_of
from tests.processes import until

NODES = 5


@pytest.fixture
def cluster(home):
    nodes = [home.start(data="n0")]
    nodes += [home.start("--edge", nodes[0].address, data=f"n{n}") for n in range(1, NODES)]
    for node in nodes:
        until(lambda node=node: node.status()["peers"] == NODES - 1)
    return nodes


def test_the_nearest_holder_dies_and_all_can_be_read(home, cluster):
    uris = []
    for n, node in enumerate(cluster):
        put = home.dave("put", f"k{n}", f"value {n}", "--ttl", "1h", "--json",
                        "--edge", node.address)  # fmt: skip
        assert (put.code, put.json["stored"], put.json["asked"]) == (0, NODES, NODES), put
        uris.append(put.json["uri"])
    key = dave.Key.load(home.folder / "config" / "dave" / "owner.key")
    place = place_of(entry_id_of(key.owner, b"k0"))
    nearest = min(cluster, key=lambda node: int(node.status()["id"], 16) ^ place)
    nearest.kill()
    living = [node for node in cluster if node is not nearest]
    for node in living:
        for n, uri in enumerate(uris):
            got = home.dave("get", uri, "--edge", node.address)
            assert (got.code, got.out) == (0, f"value {n}"), got
    # A put does not pretend: it counts the dead one as asked, and says that it did not answer.
    put = home.dave("put", "k", "v", "--ttl", "1h", "--edge", living[0].address, "--json",
                    "--timeout", "2")  # fmt: skip
    assert put.code == 0, put
    assert put.json["stored"] == NODES - 1
    assert home.dave("get", "nothing", "--edge", living[0].address).code == 1


def test_of_two_nodes_one_dies_and_the_other_says_how_it_stands(home):
    first = home.start(data="n0")
    second = home.start("--edge", first.address, data="n1")
    until(lambda: first.status()["peers"] and second.status()["peers"])
    edge = ("--edge", first.address, "--timeout", "3")
    uri = home.dave("put", "k", "v", "--ttl", "1h", *edge).out.strip()
    second.kill()
    # At once, since the first node finds out within seconds, and then knows of itself only.
    put = home.dave("put", "other", "v", "--ttl", "1h", "--json", *edge)
    assert put.code == 1
    assert (put.json["stored"], put.json["asked"]) == (1, 2)
    [refused] = put.json["refused"]
    assert refused == {"address": second.address, "reason": "no_answer", "detail": 0}
    assert "stored by 1 of 2 nodes, 2 are needed" in put.err
    assert home.dave("get", uri, *edge) == (0, "v", "")
    absent = home.dave("get", uri + "x", *edge)
    is_unreachable = "too few to say that it is absent" in absent.err
    assert (absent.code, is_unreachable) in ((3, True), (1, False))

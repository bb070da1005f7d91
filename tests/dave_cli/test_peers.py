"""`dave peers` lists whom the node knows."""

from tests.processes import until


def test_two_nodes_know_each_other(home):
    first = home.start()
    alone = home.dave("peers", "--data", first.data)
    assert (alone.code, alone.out) == (0, "no peers yet\n")
    second = home.start("--edge", first.address, data="second")
    until(lambda: first.status()["peers"] and second.status()["peers"])
    listed = home.dave("peers", "--data", first.data)
    assert listed.code == 0
    head, row = listed.out.splitlines()
    assert head.split() == ["id", "address", "round", "trip", "heard"]
    assert row.split()[:2] == [second.status()["id"], second.address]
    [peer] = home.dave("peers", "--data", first.data, "--json").json["peers"]
    assert (peer["address"], peer["key"]) == (second.address, second.status()["key"])


def test_no_node(home):
    assert home.dave("peers").code == 3

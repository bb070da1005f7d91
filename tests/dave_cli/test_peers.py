"""`dave peers` lists whom the node knows, and how far it relies on each."""

from argparse import Namespace

from dave_cli import peers
from tests.processes import until


def a_peer(number, trust, rtt_ms, **more):
    tested = {"kept": 10.04, "broken": 1.0, "since_seconds": 7300.0}
    untested = {"kept": 0.0, "broken": 0.0, "since_seconds": None}
    return {
        "id": f"{number:016x}", "address": f"192.168.100.{number}:14240", "trust": trust,
        "rtt_ms": rtt_ms, "heard_seconds_ago": 4.2, "key": "k" * 52,
        **(untested if trust is None else tested), **more,
    }  # fmt: skip


def test_the_most_trusted_first_then_the_nearest(monkeypatch, capsys):
    told = [
        a_peer(1, None, None),
        a_peer(2, 0.5, 30.0),
        a_peer(3, None, 200.0),
        a_peer(4, 0.8123, 1234.5, kept=98.7, heard_seconds_ago=86_400 * 365.0),
        a_peer(5, 0.5, 2.0),
    ]
    monkeypatch.setattr(peers, "ask_node", lambda args, question: {"peers": told})
    assert peers.main(Namespace(json=False)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [int(line.split()[0], 16) for line in lines[1:]] == [4, 5, 2, 3, 1]
    assert " ".join(lines[1].split()[2:]) == "0.81 98.7 1.0 2h ago 1234.50 ms 365d ago"
    assert " ".join(lines[5].split()[2:]) == "- - - - - 4s ago"
    assert {len(line) for line in lines} == {len(lines[0])}
    assert len(lines[0]) <= 100


def test_two_nodes_know_each_other(home):
    first = home.start()
    alone = home.dave("peers", "--data", first.data)
    assert (alone.code, alone.out) == (0, "no peers yet\n")
    second = home.start("--edge", first.address, data="second")
    until(lambda: first.status()["peers"] and second.status()["peers"])
    listed = home.dave("peers", "--data", first.data)
    assert listed.code == 0
    head, row = listed.out.splitlines()
    assert head.split() == [
        "id", "address", "trust", "kept", "broken", "since", "round", "trip", "heard",
    ]  # fmt: skip
    assert row.split()[:2] == [second.status()["id"], second.address]
    [peer] = home.dave("peers", "--data", first.data, "--json").json["peers"]
    assert (peer["address"], peer["key"]) == (second.address, second.status()["key"])


def test_no_node(home):
    assert home.dave("peers").code == 3

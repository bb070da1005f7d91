"""`dave doctor`, with each of its findings produced for real where a test can."""

import os
import socket
from argparse import Namespace

import pytest

from dave.edge.connect import parse_edge
from dave.edge.node import default_listen
from dave_cli import doctor
from tests.small_disk import small_disk

ANY_PORT = ("--listen", "127.0.0.1:0")
"""Where all is to be well: somebody may have the usual one."""


def found(done):
    """By what was looked at: the worst level, and all that was said."""
    order = ("ok", "warning", "problem")
    checks = {}
    for finding in done.json["findings"]:
        level, texts = checks.get(finding["check"], ("ok", ""))
        worse = max(level, finding["level"], key=order.index)
        checks[finding["check"]] = worse, f"{texts}{finding['text']} {finding['mend']}\n"
    return checks


def test_all_is_well_with_a_node(home):
    node = home.start(data="data/dave")
    second = home.start("--edge", node.address, data="second")
    done = home.dave("doctor", "--json", "--edge", second.address, "--edge", node.address)
    checks = found(done)
    assert (done.code, done.json["reachable"], done.json["node"]) == (0, True, True)
    assert set(checks) == {
        "version", "kernel", "open files", "disk", "fsync", "data", "keys", "port",
        "local network", "edge", "clock", "packets", "answers", "nat", "reach",
    }  # fmt: skip
    assert f"process {node.pid}" in checks["port"][1]
    words = home.dave("doctor")
    assert words.code == 0
    assert "ok       edge           " in words.out
    assert "\x1b" not in words.out


def test_nobody_can_be_reached(home):
    done = home.dave("doctor", "--json", "--edge", "127.0.0.1:9")
    assert done.code == 3
    assert found(done)["edge"] == ("problem", "127.0.0.1:9 does not answer dave run\n")
    other = home.dave("doctor", "--edge", home.start().address, "--network", "other")
    assert other.code == 3
    assert "PROBLEM  edge" in other.out
    assert "-> give what its operator says: --network NAME" in other.out


@pytest.mark.parametrize(("shift", "level"), [(-60, "warning"), (3600, "problem")])
def test_a_wrong_clock(home, node, shift, level):
    done = home.dave("doctor", "--json", "--edge", node.address, *ANY_PORT, shift_seconds=shift)
    assert done.code == (level == "problem")
    assert found(done)["clock"][0] == level
    assert "timedatectl" in found(done)["clock"][1]


def test_a_taken_port_and_an_open_key_are_problems(home, node):
    key = home.folder / "open.key"
    key.touch()
    key.chmod(0o644)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{holder.getsockname()[1]}"
        done = home.dave(
            "doctor", "--json", "--edge", node.address, "--listen", listen, "--key", key
        )
    checks = found(done)
    assert done.code == 1
    assert checks["port"][0] == checks["keys"][0] == "problem"
    assert f"kill {os.getpid()}" in checks["port"][1]
    assert f"chmod 600 {key}" in checks["keys"][1]


def test_few_open_files_and_no_kernel_are_warnings(home, node):
    few = ("sh", "-c", 'ulimit -n 100; exec "$@"', "sh")
    done = home.dave(
        "doctor", "--json", "--edge", node.address, *ANY_PORT, prefix=few, DAVE_NO_KERNEL="1"
    )
    checks = found(done)
    assert done.code == 0
    assert checks["open files"][0] == checks["kernel"][0] == "warning"
    assert "unset DAVE_NO_KERNEL" in checks["kernel"][1]


def test_a_secret_that_cannot_be_read(home, node):
    done = home.dave("doctor", "--edge", node.address, "--secret-file", home.folder / "none")
    assert done.code == 3
    assert "PROBLEM  network" in done.out


def test_what_is_set_is_looked_at(home, node):
    """Edges of the node, and of the file."""
    folder = home.folder / "config" / "dave"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(
        f'[node]\nedge = ["{node.address}"]\nlisten = "192.0.2.1:1"\nlan = true\n', "utf-8"
    )
    done = home.dave("doctor", "--json")
    assert done.code == 1
    assert found(done)["edge"][0] == "ok"
    assert found(done)["port"][0] == "problem"


def test_a_full_disk(home, node):
    """A small one; where none can be made, the folder's own disk is looked at."""
    with small_disk(home.folder / "small", 1024) as disk:
        prefix = () if disk is None else disk.prefix
        data = home.folder / "small" / "dave"
        done = home.dave("doctor", "--json", "--edge", node.address, "--data", data, prefix=prefix)
    assert found(done)["disk"][0] == ("ok" if disk is None else "problem")


@pytest.mark.parametrize("lan", [False, True])
@pytest.mark.parametrize("edge", [None, "127.0.0.1:1", "[::1]:1", "192.0.2.1:1"])
def test_it_takes_the_address_that_a_node_would(lan, edge):
    edges = [edge] if edge else []
    args = Namespace(listen=None, chosen={"node.lan": lan, "node.edge": edges})
    assert doctor._listen(args) == default_listen(list(map(parse_edge, edges)), lan=lan)

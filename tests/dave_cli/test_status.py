"""`dave status` shows how the node on this machine is doing."""

import errno
import socket
from argparse import Namespace

import pytest

from dave.edge import control
from dave_cli import keep, status
from dave_cli.main import main
from tests.processes import until


def test_a_node_in_good_health(home):
    node = home.start()
    edge = ("--edge", node.address)
    home.dave("put", "k", "v", "--ttl", "1h", "--unlisted", *edge)
    home.dave("get", "k", *edge)
    done = home.dave("status", "--data", node.data)
    assert (done.code, done.err) == (0, "")
    rows = {line[:10].strip(): line[11:] for line in done.out.splitlines()}
    assert rows["address"] == node.address
    assert f"process {node.pid}" in rows["up"]
    assert rows["puts"] == "1 stored; 0 waiting"
    assert rows["gets"] == "1 found, 0 absent"
    assert not {"READ ONLY", "UNREACHED"} & set(rows)
    assert rows["seen at"] == "nobody has said yet"
    told = home.dave("status", "--data", node.data, "--json").json
    assert (told["pid"], told["entries"], told["address"]) == (node.pid, 1, node.address)


def test_shares_of_files_are_told_of(home):
    node = home.start("--blob-capacity", "20M")
    done = home.dave("status", "--data", node.data)
    rows = {line[:10].strip(): line[11:] for line in done.out.splitlines()}
    assert rows["files"] == "0 shares, 0.0 of 21 MB"
    assert rows["scrub"] == "0 shares read over again, 0 damaged, 0 missing at the start"
    told = home.dave("status", "--data", node.data, "--json").json["files"]
    assert (told["bytes_capacity"], told["failure"], told["notes"]) == (20 << 20, None, [])
    none = home.start("--blob-capacity", "0", data="none")
    done = home.dave("status", "--data", none.data)
    assert "no room for shares (--blob-capacity 0)" in done.out


def test_shares_that_cannot_be_written_are_told_of(home, monkeypatch, capsys):
    told = home.dave("status", "--data", home.start().data, "--json").json
    told["files"] |= {"failure": "[Errno 28] No space left on device", "notes": ["It is new."]}
    monkeypatch.setattr(status, "ask_node", lambda args, question: told)
    assert status.main(Namespace(json=False)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("NO SHARES ") and "No space left" in line for line in lines)
    assert "database   It is new." in lines


def test_a_clock_that_is_far_off_is_told_of(home):
    one = home.start(data="one")
    two = home.start("--edge", one.address, data="two", shift_seconds=7200)
    until(lambda: two.status()["clock_ahead_seconds"])
    assert "clock is 7,200 s ahead of the other" in home.dave("status", "--data", two.data).out
    until(lambda: one.status()["clock_ahead_seconds"])
    assert "clock is 7,200 s behind the other" in home.dave("status", "--data", one.data).out


def test_no_node_is_exit_code_3(home):
    done = home.dave("status")
    assert (done.code, done.out) == (3, "")
    assert "dave run" in done.err
    assert "--data" in done.err
    node = home.start()
    node.kill()
    assert home.dave("status", "--data", node.data).code == 3


@pytest.mark.parametrize("command", [["status"], ["peers"], ["keep", "ls"]])
def test_a_node_that_is_there_and_says_nothing(home, tmp_path, command, monkeypatch, capsys):
    monkeypatch.setattr(control.ask, "__kwdefaults__", {"patience": 0.1})
    monkeypatch.setattr(keep, "_PATIENCE_SECONDS", 0.1)
    with socket.socket(socket.AF_UNIX) as stopped:  # it takes connections, as a stopped node does
        stopped.bind(str(tmp_path / "control.sock"))
        stopped.listen()
        assert main([*command, "--data", str(tmp_path)]) == 3
    assert "is there and does not answer" in capsys.readouterr().err


def test_a_node_of_another_user(tmp_path, monkeypatch, capsys):
    def refuse(path, question, **details):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(control, "ask", refuse)
    assert main(["status", "--data", str(tmp_path)]) == 3
    assert "belongs to another user" in capsys.readouterr().err


def test_a_node_that_nobody_reaches_says_so(home, monkeypatch, capsys):
    node = home.start()
    told = home.dave("status", "--data", node.data, "--json").json
    told |= {"reached": False, "seen_at": "20.0.0.1:1424"}
    monkeypatch.setattr(status, "ask_node", lambda args, question: told)
    assert status.main(Namespace(json=False)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "seen at    20.0.0.1:1424" in lines
    assert any(line.startswith("UNREACHED ") and "client" in line for line in lines)

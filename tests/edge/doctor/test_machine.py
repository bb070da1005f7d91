"""What the doctor finds on this machine alone."""

import os
import resource
import socket
from pathlib import Path

import pytest

from dave import __version__
from dave.edge import search
from dave.edge.doctor import machine
from dave.edge.doctor.finding import Level
from dave.edge.lan import voices


def test_a_node_that_still_runs_another_version_is_told_of():
    assert machine.version(None).level is Level.OK
    assert machine.version({"version": __version__}).level is Level.OK
    other = machine.version({"version": "0.0.1"})
    assert other.level is Level.WARNING
    assert "still runs 0.0.1" in other.text


def test_the_kernel_is_measured():
    found = machine.kernel()
    assert (found.level is Level.OK) == search.has_kernel()
    assert "million hashes/s" in found.text


@pytest.mark.parametrize("compiler", [None, "/usr/bin/cc"])
def test_a_lacking_kernel_says_what_brings_it(monkeypatch, compiler):
    monkeypatch.setattr(machine.shutil, "which", lambda name: compiler)
    monkeypatch.setattr(search, "has_kernel", lambda: False)
    monkeypatch.delenv("DAVE_NO_KERNEL", raising=False)
    found = machine.kernel()
    assert found.level is Level.WARNING
    assert "pip install" in found.mend
    assert ("apt install gcc" in found.mend) == (compiler is None)


@pytest.mark.parametrize(("hard", "mend"), [(100_000, "ulimit -n"), (200, "LimitNOFILE")])
def test_too_few_open_files(monkeypatch, hard, mend):
    monkeypatch.setattr(resource, "getrlimit", lambda what: (200, hard))
    found = machine.open_files()
    assert found.level is Level.WARNING
    assert found.mend.startswith((mend, "have the limit raised: " + mend))


def test_no_limit_is_enough(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda what: (resource.RLIM_INFINITY,) * 2)
    assert "any number" in machine.open_files().text


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_port_that_is_taken_names_its_holder(kind):
    with socket.socket(socket.AF_INET, kind) as holder:
        holder.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            holder.listen()
        port = holder.getsockname()[1]
        found = machine.port(f"127.0.0.1:{port}", None)
        assert found.level is Level.PROBLEM
        assert f"process {os.getpid()} (" in found.text
        assert machine.holder(port) == os.getpid()
    assert machine.port(f"127.0.0.1:{port}", None).level is Level.OK
    assert machine.holder(port) is None


@pytest.mark.parametrize("listen", ["192.0.2.1:1424", "nonsense:x", "no-such-host.invalid:1"])
def test_an_address_that_cannot_be_listened_on(listen):
    found = machine.port(listen, None)
    assert found.level is Level.PROBLEM
    assert "--listen" in found.mend


def test_the_port_of_the_node_here():
    found = machine.port("127.0.0.1:1424", {"address": "127.0.0.1:7", "pid": 42})
    assert (found.level, found.text) == (
        Level.OK, "127.0.0.1:7 is taken by the node here, process 42",
    )  # fmt: skip


def test_the_local_network(monkeypatch):
    has_voice = bool(list(voices("0.0.0.0")))
    assert machine.lan(False).level is Level.OK
    assert (machine.lan(True).level is Level.OK) == has_voice
    monkeypatch.setattr(machine, "voices", lambda host: iter(()))
    assert machine.lan(True).level is Level.PROBLEM
    assert machine.lan(False).level is Level.OK


def test_a_process_gives_no_orders_to_a_terminal_by_its_name():
    name = Path("/proc/self/comm")
    before = name.read_bytes()
    try:
        name.write_bytes(b"a\x1b[2J\xff\n")
        assert machine._command(os.getpid()) == "a\\x1b[2J\\xff"
    finally:
        name.write_bytes(before)
    assert machine._command(2**30) == "?"

"""What `dave put` says of files, and how it goes on after Ctrl-C."""

import io
import random
import signal
import subprocess
import sys

import pytest

from dave.edge.files.receipt import FileProgress, Released, Tally
from dave.files.code import Code
from dave_cli import put_file
from dave_cli.put_file import released_text
from tests.dave_cli.test_progress import Terminal
from tests.processes import until

DATA = random.Random(1).randbytes(3 << 20)


def test_json_says_how_it_is_stored(home, node, tmp_path):
    (tmp_path / "in").write_bytes(DATA)
    args = ("put", "k", "--file", tmp_path / "in", "--ttl", "1h", "--edge", node.address)
    done = home.dave(*args, "--json", "--private")
    fields = done.json
    assert {key: fields[key] for key in ("size", "code", "nodes", "spare", "private")} == {
        "size": len(DATA), "code": "1/1", "nodes": 1, "spare": 0, "private": True,
    }  # fmt: skip
    assert len(DATA) <= fields["sent"] < len(DATA) + 20_000
    assert (fields["stored"], fields["asked"], fields["refused"]) == (1, 1, [])
    again = home.dave(*args, "--json").json
    assert (again["sent"] < 20_000, again["private"]) == (True, False)
    assert again["reused"] >= 12


@pytest.mark.parametrize(
    ("code", "spare", "words"),
    [
        ((4, 6), 2, "all shares of each part are stored, any 2 of which may be lost"),
        ((4, 6), 1, "not all shares of each part are stored: of some part 1 more may be lost"),
        ((4, 6), 0, "not all shares of each part are stored: of some part none more may be lost"),
        ((1, 1), 0, "all shares of each part are stored, none of which may be lost"),
    ],
)
def test_what_may_be_lost_is_said_of_short_parts_too(code, spare, words):
    tally = Tally(Code(*code), 5, 3, 0, spare, 0, 0, ())
    assert put_file.safety_text(tally) == words


def test_a_shorter_life_is_said():
    assert put_file.shorter_text(3600, 3600) == put_file.shorter_text(3590, 3600) == ""
    assert "it lives 2,700 s from now on, not 3,600" in put_file.shorter_text(2700, 3600)


def test_work_is_said_before_it_begins(home, node, tmp_path):
    (tmp_path / "in").write_bytes(DATA * 8)
    done = home.dave("put", "k", "--file", tmp_path / "in", "--ttl", "30d", "--edge", node.address)
    assert done.code == 0, done
    assert "million hashes of work for the stamps" not in done.err, "a fifth of a second"
    done = home.dave("put", "k", "--file", tmp_path / "in", "--ttl", "200d", "--edge", node.address)
    assert "about 104 million hashes of work for the stamps, some " in done.err


def test_ctrl_c_says_how_to_go_on(home, node):
    args = [sys.executable, "-m", "dave_cli", "put", "stream", "--file", "-", "--ttl", "1h"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [*args, "--edge", node.address], stdin=pipe, stdout=pipe, stderr=pipe, env=home.env()
    )
    try:
        before = node.status()["files"]["shares"]
        process.stdin.write(DATA * 2)
        process.stdin.flush()
        until(lambda: node.status()["files"]["shares"] > before + 8)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130
    assert (
        b"the same command goes on from there, `dave rm` releases them and deletes the name" in err
    )
    assert b"Traceback" not in err
    done = home.dave("put", "stream", "--file", "-", "--json", "--ttl", "1h",
                     "--edge", node.address, stdin=DATA * 2)  # fmt: skip
    assert done.json["sent"] < len(DATA)
    assert home.dave("rm", "stream", "--edge", node.address).code == 0


def test_no_room_says_what_is_missing_and_what_to_do(home, tmp_path):
    node = home.start("--blob-capacity", "4M")
    (tmp_path / "in").write_bytes(random.Random(2).randbytes(4 * len(DATA)))
    edge = ("--edge", node.address)
    done = home.dave("put", "k", "--file", tmp_path / "in", "--ttl", "1h", *edge)
    assert (done.code, done.out) == (1, "")
    assert "at 1 node" in done.err
    assert " of 12,582,912 bytes are stored: put it again to go on from there; " in done.err
    assert node.status()["files"]["shares"] > 8
    assert home.dave("get", "k", *edge).code == 1
    gone = home.dave("rm", "k", *edge)
    assert (gone.code, "its shares were let go of at 1 node\n" in gone.err) == (0, True)
    assert node.status()["files"]["shares"] == 0


def test_who_refused_shares_is_told_as_json(home, tmp_path):
    one = home.start(data="one")
    full = home.start("--edge", one.address, "--blob-capacity", "2M", data="two")
    until(lambda: one.status()["peers"] and full.status()["peers"])
    (tmp_path / "in").write_bytes(random.Random(2).randbytes(2 * len(DATA)))
    edge = ("--edge", one.address)
    args = ("put", "k", "--file", tmp_path / "in", "--ttl", "1h", "--code", "1/1", *edge)
    refused = home.dave(*args, "--json").json["refused"]
    assert {each["address"] for each in refused} == {full.address}
    assert {each["reason"] for each in refused} <= {"full", "low_rank"}
    assert sum(each["shares"] for each in refused) > 0
    released = home.dave("rm", "k", "--json", *edge).json["released"]
    assert released["records"] >= 24
    assert (released["nodes"], released["silent"], released["is_whole"]) == (2, 0, True)


@pytest.mark.parametrize(
    ("released", "words"),
    [
        (Released(9, 3, 0, True), "its shares were let go of at 3 nodes"),
        (Released(9, 1, 2, True), "let go of at 1 node; 2 did not answer: what is left runs out"),
        (Released(0, 0, 0, False), "let go of at 0 nodes; some parts of it could not be read"),
    ],
)
def test_a_release_that_missed_some_says_so(released, words):
    assert words in released_text(released)


@pytest.mark.parametrize("made", [Terminal, io.StringIO])
def test_a_line_on_a_terminal_only(monkeypatch, made):
    stream = made()
    monkeypatch.setattr("sys.stderr", stream)
    line = put_file.FileLine(False)
    line(FileProgress(5_000_000, 20_000_000, 7_500_000, 0, 2.0))
    assert line.done == 5_000_000
    shown = "stored 5.0 MB of 20.0 (25 %), 2.5 MB/s, 6s left"
    assert (shown in stream.getvalue()) == (made is Terminal)
    line.close()


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (2e7, "20.0 MB"), (3e13, "30.0 TB")],
)
def test_sizes_for_people(count, text):
    assert put_file.bytes_text(count) == text

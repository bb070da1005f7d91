"""`dave decode` reads bytes or hexadecimal, from a file or standard input."""

import io
import json
import sys

import pytest

from dave.errors import UsageError, WireError
from dave.wire import messages
from dave_cli.decode import decode
from dave_cli.main import main as dave_main

PONG = messages.encode(b"abcd", messages.Pong(1_000))


@pytest.mark.parametrize("content", [PONG, PONG.hex().encode(), PONG.hex(" ").encode() + b"\n"])
def test_bytes_and_hexadecimal(tmp_path, capsys, content):
    path = tmp_path / "capture"
    path.write_bytes(content)
    decode(str(path))
    printed = capsys.readouterr().out
    assert printed.startswith("PONG, 45 bytes\n")
    assert "1000 (1970-01-01T00:00:01.000Z)" in printed


def test_standard_input_as_json(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(PONG)))
    decode(None, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["kind"] == "PONG"
    assert [field["name"] for field in told["fields"]] == [
        "type",
        "request_id",
        "time",
        "journal_id",
        "announced",
        "reached",
    ]


def test_an_explicit_kind(tmp_path, capsys):
    path = tmp_path / "capture"
    path.write_bytes(bytes(48))
    decode(str(path), "floor")
    assert capsys.readouterr().out.startswith("floor, 48 bytes")
    with pytest.raises(WireError):
        decode(str(path), "entry")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="cannot read"):
        decode(str(tmp_path / "none"))


def test_the_command(tmp_path, capsys):
    path = tmp_path / "capture"
    path.write_bytes(PONG)
    assert dave_main(["decode", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "PONG"
    path.write_bytes(b"junk")
    assert dave_main(["decode", str(path)]) == 2
    assert dave_main(["decode", "--kind", "letter", str(path)]) == 2
    assert "choose one of" in capsys.readouterr().err


def test_bytes_and_hexadecimal_from_a_pipe(home):
    for given in (PONG, PONG.hex().encode() + b"\n"):
        done = home.dave("decode", stdin=given)
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith("PONG, 45 bytes\n")
    assert home.dave("decode", "-", "--json", stdin=PONG).json["kind"] == "PONG"


def test_junk_is_exit_code_2(home):
    for given in (b"", b"\x00", b"junk" * 100):
        done = home.dave("decode", stdin=given)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith("dave: ")
        assert "Traceback" not in done.err

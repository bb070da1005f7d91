"""`dave watch`: a line for each version, a command for each version, and a clean end."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from dave_cli.watch import EPILOG, escaped
from tests.processes import PATIENCE_SECONDS, until


@pytest.fixture
def watching(home, node):
    """Start `dave watch k` with options; what it says goes to a file, which is returned too."""
    started = []

    def start(*options):
        path = home.folder / f"watch{len(started)}"
        command = [sys.executable, "-m", "dave_cli", "watch", "k", "--edge", node.address]
        with path.open("wb") as out:
            process = subprocess.Popen([*command, *options], stdout=out, stderr=out, env=home.env())
        started.append(process)
        return process, path

    yield start
    for process in started:
        process.kill()
        process.wait()


def put(home, node, value, *options):
    done = home.dave("put", "k", value, "--ttl", "1h", "--edge", node.address, *options)
    assert done.code == 0, done
    return done.out.strip()


def lines(path, count):
    """The first lines it prints, once there are so many."""
    until(lambda: path.read_bytes().count(b"\n") >= count)
    return path.read_text("utf-8").splitlines()


def test_a_line_for_each_version(home, node, watching):
    put(home, node, "one")
    process, path = watching("--count", "3")
    lines(path, 1)
    put(home, node, "two\nlines")
    lines(path, 2)
    assert home.dave("rm", "k", "--edge", node.address).code == 0
    assert process.wait(PATIENCE_SECONDS) == 0
    said = [line.split("  ") for line in lines(path, 3)]
    assert [line[1:] for line in said] == [
        ["3 bytes", "one"],
        ["9 bytes", "two\\nlines"],
        ["deleted"],
    ]
    assert all(line[0].endswith("Z") for line in said)


def test_json_and_raw(home, node, watching):
    uri = put(home, node, "one")
    outputs = [watching("--json", "--count", "2"), watching("--raw", "--count", "2")]
    for _, path in outputs:
        lines(path, 1)
    put(home, node, "two")
    for process, _ in outputs:
        assert process.wait(PATIENCE_SECONDS) == 0
    told = [json.loads(line) for line in lines(outputs[0][1], 2)]
    assert [each["value"] for each in told] == ["b25l", "dHdv"]
    assert told[0]["uri"] == uri
    assert set(told[0]) == {"uri", "value", "gone", "time", "digest", "expires", "skipped"}
    assert outputs[1][1].read_bytes() == b"one\ntwo\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_when_told(home, node, watching, number):
    put(home, node, "one")
    process, path = watching("--raw")
    lines(path, 1)
    process.send_signal(number)
    assert process.wait(PATIENCE_SECONDS) == 0
    assert path.read_bytes() == b"one\n"


def test_what_does_not_exist_yet(home, node, watching):
    uri = put(home, node, "x")
    home.dave("keygen", "--out", home.folder / "other")
    process, path = watching("--key", str(home.folder / "other"), "--count", "1", "--raw")
    assert lines(path, 1) == ["dave: nothing stands under k yet"]
    home.dave("put", "k", "v", "--key", home.folder / "other", "--edge", node.address)
    assert process.wait(PATIENCE_SECONDS) == 0
    assert uri.startswith("dave://")
    assert path.read_bytes().endswith(b"yet\nv\n")


def test_a_command_is_run_with_each_version_and_always_with_the_newest(home, node, watching):
    uri = put(home, node, "one")
    command = 'echo "$DAVE_NAME,$DAVE_TIME,$DAVE_GONE,$(cat)" >> told; until test -e go; do :; done'
    process, _ = watching("--exec", f"cd {home.folder}; {command}", "--count", "2")
    told = home.folder / "told"
    until(lambda: told.exists() and told.read_text().count("\n") == 1)
    for value in ("two", "three", "four"):
        put(home, node, value)
    (home.folder / "go").touch()
    assert process.wait(PATIENCE_SECONDS) == 0
    first, second = (line.split(",") for line in told.read_text().splitlines())
    assert (first[0], first[2:]) == (uri, ["", "one"])
    assert second[2:] == ["", "four"]
    assert int(first[1]) < int(second[1])


def test_a_command_that_fails_is_told_and_one_that_hangs_is_ended(home, node, watching):
    put(home, node, "one")
    process, path = watching("--exec", "exit 7", "--count", "1")
    assert process.wait(PATIENCE_SECONDS) == 0
    assert lines(path, 1) == ["dave: the command ended with 7"]
    process, path = watching("--exec", "echo started; exec sleep 600")
    lines(path, 1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_SECONDS) == 0


def test_nobody_there_and_whose(home, node):
    put(home, node, "one")
    done = home.dave("watch", "k", "--edge", "127.0.0.1:9", "--timeout", "0.5")
    assert (done.code, done.out) == (3, "")
    assert "127.0.0.1:9" in done.err
    done = home.dave("watch", "k", "--key", home.folder / "missing", "--edge", node.address)
    assert (done.code, done.out) == (2, "")
    assert home.dave("watch", "k", "--count", "0", "--edge", node.address).code == 2


def test_escaped_says_what_is_there_in_one_line():
    assert escaped(b"plain caf\xc3\xa9") == "plain caf\u00e9"
    assert escaped(b"a\\n\n\t\xff\x1b[31m") == "a\\\\n\\n\\t\\xff\\x1b[31m"
    assert escaped(b"") == ""


def test_what_only_a_get_opens_is_told_and_not_shown(home, node, watching):
    put(home, node, "secret", "--private")
    _, path = watching("--count", "1")
    assert "a file or a private value: dave get shows it" in lines(path, 1)[0]
    _, path = watching("--count", "1", "--json")
    assert json.loads(lines(path, 1)[0])["value"] is None


def test_the_command_of_the_help_keeps_the_last_value_when_it_is_gone(tmp_path):
    command = re.search(r"--exec '(.*)'", EPILOG)[1]
    for gone, value in (("", b"kept"), ("expired", b""), ("deleted", b"")):
        environment = {"PATH": os.environ["PATH"], "DAVE_GONE": gone}
        subprocess.run(["sh", "-c", command], input=value, env=environment, cwd=tmp_path,
                       check=True)  # fmt: skip
    assert (tmp_path / "config").read_bytes() == b"kept"

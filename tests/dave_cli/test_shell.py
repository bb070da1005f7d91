"""`dave shell`: piped, and at a terminal."""

import stat
import subprocess
import sys

import pytest

from tests.terminal import Terminal


def shell(home, node, text, *options):
    return home.dave("shell", "--edge", node.address, "--data", node.data, *options,
                     stdin=text.encode())  # fmt: skip


def test_commands_that_are_piped_in(home, node):
    done = shell(home, node, "put a 1 --ttl 1h\nget a\nget a --json\nls\nrm a\nget a")
    lines = done.out.splitlines()
    assert lines[0].endswith("/a")
    assert lines[1] == "1"
    assert lines[2].startswith('{"uri"')
    assert lines[3].endswith("a")
    assert "made your key" in done.err
    assert done.err.endswith("nothing stands under a\n")
    assert done.code == 1


def test_errors_end_nothing_and_the_last_one_gives_the_exit_code(home, node):
    done = shell(
        home, node,
        "gte a\nget 'a\nget a --quorum z\nrun\nget a b c\nput x --file -\n# get y\n\nstatus\n",
    )  # fmt: skip
    assert done.code == 2
    assert [line for line in done.err.splitlines() if not line.startswith("Try")] == [
        "dave: there is no command 'gte': did you mean `get`?",
        "dave: no closing quotation: quote words as in sh",
        "dave: argument --quorum: 'z' is no number from 1 on",
        "dave: `dave run` is not for this shell: run it outside",
        "dave: unrecognized arguments: b c (put quotes around what has spaces)",
        "dave: standard input holds the commands here: name a file",
    ]
    assert done.out.startswith("address")


def test_no_node(home):
    done = home.dave("shell", "--edge", "127.0.0.1:1", "--timeout", "0.3", stdin=b"get dave://x/y")
    assert done.code == 2
    home.dave("keygen")
    done = home.dave("shell", "--edge", "127.0.0.1:1", "--timeout", "0.3", stdin=b"get y")
    assert done.code == 3


def test_quit_ends_it_and_what_follows_is_not_run(home, node):
    done = shell(home, node, "help\nquit\nstatus\n")
    assert (done.code, done.err) == (0, "")
    assert "list the names" in done.out
    assert "address" not in done.out
    assert shell(home, node, "").code == 0


def test_words_are_quoted_as_in_sh_and_values_end_their_lines(home, node):
    done = shell(home, node, "dave put 'my note' \"two\nput b 'x y' --ttl 1h\nget b\n--json\n")
    assert "no closing quotation" in done.err
    assert done.out.endswith("x y\n")


def test_the_shells_options_hold_for_its_commands(home, node):
    done = shell(home, node, "put a 1 --ttl 1h\nget a\nstatus\npeers\n", "--json")
    assert [line[0] for line in done.out.splitlines()] == ["{"] * 4


def test_one_client_and_one_key_for_all_commands(home, node):
    home.dave("keygen", "--passphrase", DAVE_PASSPHRASE="open")
    before = node.status()["sessions"]
    text = "".join(f"put k{n} {n} --ttl 1h\nget k{n}\n" for n in range(5))
    done = home.dave("shell", "--edge", node.address, stdin=text.encode(), DAVE_PASSPHRASE="open")
    assert done.code == 0, done.err
    assert done.out.splitlines()[1::2] == [str(n) for n in range(5)]
    assert node.status()["sessions"] <= before + 1


def test_help_of_a_command(home, node):
    done = shell(home, node, "help get\nget --help\nhelp gte\n")
    assert done.out.count("usage: get [-h]") == 2
    assert "did you mean `help get`?" in done.err


def test_a_node_that_is_started_anew_between_two_commands(home):
    first = home.start()
    env = home.env()
    command = [sys.executable, "-m", "dave_cli", "shell", "--edge", first.address]
    with Terminal([*command, "--data", str(first.data)], home.folder, env) as terminal:
        terminal.type("put a 1 --ttl 1h\r")
        terminal.until(lambda lines: any("stored by 1 of 1" in line for line in lines))
        assert first.stop() == 0
        home.start(listen=first.address)
        terminal.type("get a\r")
        terminal.until(lambda lines: "1" in lines)


@pytest.fixture
def terminal(home, node):
    command = [sys.executable, "-m", "dave_cli", "shell", "--edge", node.address]
    env = home.env(XDG_STATE_HOME=str(home.folder / "state"))
    with Terminal([*command, "--data", str(node.data)], home.folder, env) as terminal:
        terminal.shows("dave>")
        yield terminal


def test_completion_and_history_at_a_terminal(terminal, home):
    (home.folder / "note.txt").write_text("from a file")
    terminal.type("put colour blue --tt\t1h\r")
    terminal.until(lambda lines: any("stored by" in line for line in lines))
    terminal.shows("dave>")
    terminal.type("pu\tcolumn --file no\t--ttl 1h\r")
    terminal.until(lambda lines: sum("stored by" in line for line in lines) == 2)
    terminal.type("get colu\t\r")
    terminal.until(lambda lines: "from a file" in lines and lines[-1] == "dave>")
    terminal.type("\x1b[A")  # Up
    terminal.shows("dave> get column")
    terminal.type("\x03")  # Ctrl-C clears the line
    terminal.until(lambda lines: lines[-2:] == ["dave> get column^C", "dave>"])
    terminal.type(" get secret\r")
    terminal.until(lambda lines: any("nothing stands under secret" in line for line in lines))
    terminal.type("\x1b[A")
    terminal.shows("dave> get column")
    terminal.type("\x15nonsense\r")
    terminal.until(lambda lines: any("no command 'nonsense'" in line for line in lines))
    terminal.type("\x04")  # Ctrl-D
    assert terminal.ended() == 0
    kept = home.folder / "state" / "dave" / "shell_history"
    assert kept.read_text().splitlines() == [
        "put colour blue --ttl 1h",
        "put column --file note.txt --ttl 1h",
        "get column",
        "nonsense",
    ]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_watch_runs_until_ctrl_c_and_comes_back(terminal, home, node):
    home.dave("keygen")
    terminal.type("watch clock\r")
    terminal.until(lambda lines: any("nothing stands under clock yet" in line for line in lines))
    done = home.dave("put", "clock", "noon", "--edge", node.address, "--ttl", "1h")
    assert done.code == 0
    terminal.until(lambda lines: any(line.endswith("4 bytes  noon") for line in lines))
    terminal.type("\x03")
    terminal.shows("dave>")
    terminal.type("get clock\r")
    terminal.until(lambda lines: "noon" in lines)
    terminal.type("quit\r")
    assert terminal.ended() == 0


def test_no_colour_where_it_is_not_wanted(terminal, home, node):
    assert b"\x1b[1mdave>" in terminal.raw
    command = [sys.executable, "-m", "dave_cli", "shell", "--edge", node.address]
    with Terminal(command, home.folder, home.env(NO_COLOR="1")) as plain:
        plain.shows("dave>")
        assert b"\x1b[1m" not in plain.raw
    done = subprocess.run(command, input=b"help\n", env=home.env(), capture_output=True, check=True)
    assert b"\x1b" not in done.stdout + done.stderr
    assert b"dave>" not in done.stdout

"""`dave demo` tells its story to the end, and leaves neither process nor folder behind."""

import os
import re
from pathlib import Path

from dave_cli.demo import NODES, VALUE


def test_the_story(home):
    temp = home.folder / "temp"
    temp.mkdir()
    done = home.dave("demo", TMPDIR=str(temp))
    assert (done.code, done.err) == (0, "")
    assert len(re.findall(rf"^  node\d +127\.0\.0\.1:\d+ .* knows {NODES - 1} others$", done.out,
                          re.MULTILINE)) == NODES  # fmt: skip
    before, killing, after = done.out.partition("Killing node")
    assert killing
    assert before.count(VALUE) == after.count(VALUE) == 1
    dead = re.search(r"process (\d+) is dead", after)
    assert dead
    assert re.search(r"All of it took \d+\.\d s", after)
    assert os.listdir(temp) == []
    assert not (home.folder / "config").exists()
    assert not (home.folder / "data").exists()
    assert left_over(str(temp)) == []


def left_over(text):
    """Processes whose command line names `text`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().decode("utf-8", "replace")
        except OSError:
            continue  # it has just ended
        if text in command:
            found.append(command)
    return found

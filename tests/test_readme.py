"""README.md does what it says, as a reader would find who types it all (markdown_reader.py)."""

import os
import shutil
import socket

import pytest

from dave.edge.limits import PORT_DEFAULT
from tests.markdown_reader import run_all
from tests.processes import ROOT

README = ROOT / "README.md"


def test_the_readme_does_what_it_says(home):
    text = README.read_text("utf-8")
    if not text.strip():
        pytest.skip("README.md is not written yet")
    if "dave run" in text and not is_free(PORT_DEFAULT):
        pytest.skip(f"port {PORT_DEFAULT}, on which README.md starts a node, is taken here")
    if shutil.which("curl") is None and "CI" not in os.environ:
        pytest.skip("curl is missing, which README.md shows: apt install curl")
    assert run_all(text, home) > 0


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


STORY = """\
# Story

```text
not run: exit 1
```

<!-- test: background -->
```sh
mkdir -p made   # before the node
dave run --listen 127.0.0.1:0 --data made &
```

```sh
test -d made && ls made/node.key
dave keygen
```

<!-- test: exit 1 -->

```sh
dave get dave://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/k \\
    --edge $(dave status --data made | sed -n 's/^address *//p')
```

```console
$ dave decode --json <<< 0161626364
{"kind": "PING", …}
$ echo one; echo two; printf three
$ printf four
one
three
four
```

```python
import asyncio, dave
async def name():
    return dave.Key.generate().name
assert len(await name()) == 52
```

```sh
make nothing  # CI does
```
"""


def test_a_text_is_followed_in_order(home):
    assert run_all(STORY, home) == 6


@pytest.mark.parametrize(
    "text",
    [
        "```sh\nfalse\n```\n",
        "```sh\nfalse | true\n```\n",
        "<!-- test: exit 2 -->\n```sh\nexit 1\n```\n",
        "```console\n$ echo one\ntwo\n```\n",
        "```console\n$ echo one; echo two\ntwo\none\n```\n",
        "```python\nraise SystemExit(3)\n```\n",
        "<!-- test: background -->\n```sh\ntrue\n```\n",
        "<!-- test: skip because I say so -->\n```sh\nmake\n```\n",
        "<!-- test: background -->\n```console\n$ echo one\ntwo\n```\n",
        "```sh\nmake nothing\nfalse\n```\n",
        "<!-- test: background -->\n\nwords\n\n```sh\ntrue\n```\n",
        "```sh\ntrue\n",
    ],
)
def test_a_text_that_does_not_work_is_found(text, home):
    with pytest.raises(AssertionError):
        run_all(text, home)

"""README.md does what it says, as a reader would find who types it all (markdown_reader.py)."""

import pytest

from tests.markdown_reader import moved, run_all
from tests.processes import ROOT
from tests.programs import needs

README = ROOT / "README.md"


def test_the_readme_does_what_it_says(home):
    needs("curl")
    assert run_all(moved(README.read_text("utf-8")), home) > 0


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

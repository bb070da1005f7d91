"""Commands run on uvloop where it is installed, and without it."""

import asyncio
import sys
from types import SimpleNamespace

from dave_cli.loop import run


async def loop_module():
    return type(asyncio.get_running_loop()).__module__.partition(".")[0]


def test_without_uvloop_it_is_asyncio(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert run(loop_module()) == "asyncio"


def test_where_there_is_uvloop_it_runs_all(monkeypatch):
    given = []
    monkeypatch.setitem(sys.modules, "uvloop", SimpleNamespace(run=given.append))
    coroutine = loop_module()
    run(coroutine)
    coroutine.close()
    assert given == [coroutine]

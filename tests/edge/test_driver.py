"""Both drivers offer what the verbs need (mypy checks the types, this the names)."""

import inspect

import pytest

from dave.edge.aio import Runner
from dave.edge.blocking import BlockingDriver
from dave.edge.driver import Driver

NEEDED = [name for name, _ in inspect.getmembers(Driver, inspect.isfunction) if name[0] != "_"]


@pytest.mark.parametrize("driver", [Runner, BlockingDriver])
def test_the_same_verbs(driver):
    assert NEEDED == [
        "edges_text", "flush", "join", "now", "search", "sleep", "spawn", "wait",
    ]  # fmt: skip
    for name in NEEDED:
        wanted, offered = getattr(Driver, name), getattr(driver, name)
        assert list(inspect.signature(offered).parameters) == list(
            inspect.signature(wanted).parameters
        )
        assert inspect.iscoroutinefunction(offered) == inspect.iscoroutinefunction(wanted)

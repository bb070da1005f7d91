"""The event loop of the commands that need one: a node, and files of any size."""

from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")


def run(coroutine: Coroutine[object, object, T]) -> T:
    """Run it to its end, on uvloop where that is installed: it halves the loop's cost."""
    try:
        import uvloop
    except ImportError:
        import asyncio

        return asyncio.run(coroutine)
    found: T = uvloop.run(coroutine)
    return found

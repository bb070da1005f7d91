"""What carries a client's core: the interface between the verbs and the two ways to drive them."""

from collections.abc import Callable
from typing import Any, Protocol

from dave.names import Instant
from dave.node import client as core

Progress = Callable[[int, float, float], None]
"""Called now and then during a stamp search: hashes done, hashes/s, expected seconds left."""


class Driver(Protocol):
    """What carries a core's datagrams, time and effects."""

    core: core.Client

    def now(self) -> Instant: ...
    def flush(self) -> None: ...
    async def wait(self, operation: int) -> Any: ...
    async def search(
        self, prefix: bytes, work: int, progress: Progress | None
    ) -> tuple[bytes, int]: ...
    def edges_text(self) -> str: ...

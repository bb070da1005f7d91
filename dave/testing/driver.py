"""Drives a client's core that runs on a simulated host, by the verbs' usual driver for asyncio."""

from collections.abc import Callable, Coroutine
from contextlib import closing
from random import Random
from typing import Any, TypeVar

from dave.crypto.hashes import STAMP_PREFIX_BYTES
from dave.edge import search_helpers
from dave.edge.aio import LoopDriver
from dave.edge.driver import Progress
from dave.limits import WORK_NONCE_BYTES
from dave.names import Instant
from dave.testing.host import Host
from dave.testing.loop import VirtualLoop

T = TypeVar("T")


class VirtualDriver(LoopDriver):
    """Carries one client in virtual time. What computes takes no time, and runs in the caller's
    thread, so that a run is a function of its seed."""

    def __init__(self, host: Host, loop: VirtualLoop, rng: Random) -> None:
        self.host = host
        self._rng = rng
        self._virtual = loop
        super().__init__(host.core, loop)
        host.listener = self.resolve

    def now(self) -> Instant:
        """Nanoseconds on the world's clock. The host has set the core's wall clock."""
        return self._virtual.clock.now

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What a coroutine returns: how the blocking verbs wait."""
        return self._virtual.run(coroutine)

    def flush(self) -> None:
        """Carry out what the core wants done."""
        if not self.is_closed:
            self.host.settle()

    async def offload(self, function: Callable[..., T], *arguments: Any) -> T:
        """What a function returns."""
        return function(*arguments)

    async def search(
        self, prefix: bytes, work: int, progress: Progress | None
    ) -> tuple[bytes, int]:
        """Search a stamp, from a start that the seed gives."""
        assert len(prefix) == STAMP_PREFIX_BYTES
        by_kernel = search_helpers.load_kernel() is not None
        tried = 0
        slices = search_helpers.inline(by_kernel, prefix, work, self._rng.getrandbits(62))
        with closing(slices):
            for found in slices:
                assert found is not None
                nonce, hashes = found
                tried += hashes
                if nonce is not None:
                    return nonce.to_bytes(WORK_NONCE_BYTES, "little"), tried
        raise AssertionError("slices never end")

    def close(self) -> None:
        """End the host's process. Who waits is cancelled."""
        self.cancel_all()
        if self.host.is_up:
            self.host.kill()

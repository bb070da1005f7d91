"""The pytest plugin: the fixture `dave_network`, and `async def` tests that take it.

pytest loads it at each start, so it imports nothing before it is used.
"""

from collections.abc import Coroutine, Iterator
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from dave.testing.loop import VirtualLoop
    from dave.testing.network import Network

FIXTURE = "dave_network"


class Networks:
    """Makes networks for one test; all share one virtual time."""

    def __init__(self) -> None:
        self._loop: VirtualLoop | None = None
        self._made: list[Network] = []

    def __call__(self, nodes: int = 5, **options: Any) -> "Network":
        """A network; its arguments are those of `dave.testing.Network`."""
        from dave.testing.network import Network

        made = Network(nodes, loop=self.loop, **options)
        self._made.append(made)
        return made

    @property
    def loop(self) -> "VirtualLoop":
        """The event loop of the test."""
        if self._loop is None:
            from dave.testing.clock import Clock
            from dave.testing.loop import VirtualLoop

            self._loop = VirtualLoop(Clock())
        return self._loop

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Run a test."""
        self.loop.run(coroutine)

    def close(self) -> None:
        """End what the test left."""
        try:
            for network in self._made:
                network.close()
        finally:
            if self._loop is not None:
                self._loop.close()


@pytest.fixture
def dave_network() -> Iterator[Networks]:
    """Networks of Dave nodes under virtual time: `net = dave_network(nodes=5, seed=1)`.

    An `async def` test that takes it runs in virtual time as well, without another plugin.
    """
    networks = Networks()
    try:
        yield networks
    finally:
        networks.close()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine that takes the fixture."""
    if FIXTURE not in pyfuncitem.fixturenames or not iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    networks = pyfuncitem.funcargs[FIXTURE]
    assert isinstance(networks, Networks), "the fixture of this plugin"
    networks.run(pyfuncitem.obj(**arguments))
    return True

"""A network of Dave nodes in the process of your tests, under virtual time.

    def test_mine(dave_network):                # the fixture; or dave.testing.Network(...) anywhere
        net = dave_network(nodes=5, seed=1)
        with net.connect_sync(key=net.key()) as d:
            d.put("greeting", "hello", ttl=3600)
            net.advance(3601)
            assert d.get("greeting") is None

The nodes, clients and verbs are those of production; only sockets, disks and clocks are simulated.
A run is a function of its seed. See `Network`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dave.testing.loop import NothingComes, VirtualLoop
    from dave.testing.network import Network, VirtualNode
    from dave.testing.plugin import Networks

__all__ = ["Network", "Networks", "NothingComes", "VirtualLoop", "VirtualNode"]

_HOMES = {
    "Network": "network",
    "Networks": "plugin",
    "NothingComes": "loop",
    "VirtualNode": "network",
    "VirtualLoop": "loop",
}


def __getattr__(name: str) -> Any:
    # Lazy: pytest imports this package at each start, with its plugin.
    if name not in _HOMES:
        raise AttributeError(f"module 'dave.testing' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"dave.testing.{_HOMES[name]}"), name)

"""Real nodes that keep shares, and real clients of them."""

import time

import dave
from dave.names import hybrid_time
from tests.signed_stripes import SignedStripes

NETWORK = {"network": "shares", "secret": b"sixteen bytes ok"}


def node_at(folder, *edges, **options):
    options = {"sync": "never", "blob_capacity": 1 << 30, **options}
    config = dave.Config(listen="127.0.0.1:0", edges=edges, data=folder, **NETWORK, **options)
    return dave.Node(config)


def stripes_for(core, seed=1):
    """Stripes of an owner, dated now."""
    return SignedStripes(core.network, lambda: hybrid_time(time.time_ns() // 1_000_000), seed)

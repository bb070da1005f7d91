"""A network behind the interface of a driver, in which time passes by hand."""

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace

from dave.crypto.network import network
from dave.edge.kept import KeptKeys
from dave.edge.keyfile import Key
from dave.edge.renewals import Renewals
from dave.edge.state import State
from dave.errors import Unreachable
from dave.names import hybrid_time
from dave.wire.entry import Entry, encode

FREE = network("renewals", b"secret of renewals")
START_MS = 1_800_000_000_000
TTL = 3600


class World:
    """A network that holds one version of each key, behind the interface of a driver; time passes
    by hand."""

    def __init__(self, folder):
        self.now_ms = START_MS
        self.held = {}
        self.puts = 0
        self.reads = 0
        self.fails = None
        self.may_renew = asyncio.Event()
        self.may_renew.set()
        self.folder = folder
        self.core = SimpleNamespace(
            network=FREE, unix_ms=lambda now: self.now_ms, table=[1], edges=()
        )
        self.key = Key.generate()
        self.state = State(folder / "state.db")
        self.open()

    def now(self):
        return 0

    def open(self):
        self.keys = KeptKeys(self.folder / "kept")
        self.renewals = Renewals(self, self.state, self.keys, lambda: 0.5, self.connect)

    @asynccontextmanager
    async def connect(self, key):
        yield FakeClient(self, key)

    def restart(self):
        self.state.close()
        self.state = State(self.folder / "state.db")
        self.open()

    def put(self, name, value, ttl=TTL, flags=0, key=None, network=FREE):
        key = key or self.key
        bare = Entry(encode(key.owner, name, value, hybrid_time(self.now_ms), ttl, flags))
        entry = bare.with_proofs(key.sign(bare.signed_bytes(network)), bytes(8))
        self.held[entry.id] = entry
        return entry

    def keep(self, entry, key=None, **details):
        seed = (key or self.key).seed.hex()
        asked = {"seed": seed, "entry": entry.data.hex(), **details}
        return asyncio.run(self.renewals.keep(asked))

    def rows(self):
        return asyncio.run(self.renewals.told({}))["kept"]

    def look(self, entry):
        """Look after an entry as `run` would."""
        asyncio.run(self.renewals._look_after(self.renewals._rows[entry.id]))
        return next(row for row in self.rows() if row["uri"].endswith(entry.key.decode()))


class FakeClient:
    """The verbs of a client that renewals use."""

    def __init__(self, world, key):
        self.world, self.key = world, key

    async def read(self, owner, key, **patience):
        self.world.reads += 1
        if self.world.fails is not None:
            raise self.world.fails
        named = [e for e in self.world.held.values() if (e.owner, e.key) == (owner, key)]
        return SimpleNamespace(entry=named[0] if named else None)

    async def renew(self, entry, ttl, **patience):
        assert self.key.owner == entry.owner
        assert entry.is_blob or ttl == entry.ttl
        await self.world.may_renew.wait()
        self.world.puts += 1
        return self.world.put(entry.key, entry.value, ttl, entry.flags, self.key)

    async def list_again(self, entry, receipt, **patience):
        assert receipt.time > entry.time
        raise Unreachable("a renewal stands, whatever becomes of the directory")

"""Files put through a real entry and nodes in memory, and read back by the transforms alone."""

import asyncio
import random
from contextlib import asynccontextmanager

import dave
from dave.crypto import hashes
from dave.edge.entries import Entries
from dave.edge.files.pipeline import InFlight
from dave.edge.files.put import FilePut, PutOptions, root_of
from dave.edge.files.source import open_source
from dave.edge.limits import MAX_WORK_DEFAULT
from dave.files.stripes import unseal
from dave.files.tree import parts
from dave.share_limits import BLOCK_BYTES
from tests.edge.fake_shares import FakeShares
from tests.processes import PATIENCE_SECONDS

BLOCK = BLOCK_BYTES
NAME = b"file"


def content(size, seed=1):
    """Bytes that nothing compresses."""
    return random.Random(seed).randbytes(size)


class Putter:
    """An owner, nodes in memory, and a folder for journals."""

    def __init__(self, client, folder, nodes=6, key=None):
        self.client = client
        self.driver = client._driver
        self.key = key or client._key
        self.shares = FakeShares(nodes, network=self.driver.core.network)
        self.in_flight = InFlight()
        self.folder = folder
        self.told = []

    async def put(self, data, name=NAME, **options):
        """Put bytes, a path or an iterator; the receipt."""
        if isinstance(data, bytes):
            data = in_pieces(data)
        wanted = {
            "ttl": 3600, "code": None, "random_key": False, "private": False, "cas": None,
            "timeout": 5.0, "max_work": MAX_WORK_DEFAULT, "uploads": self.folder,
            "progress": self.told.append,
        }  # fmt: skip
        made = FilePut(
            self.driver, self.shares, self.in_flight, self.key, name, PutOptions(**wanted | options)
        )
        source = await open_source(data, self.driver)
        try:
            return await made.run(source)
        finally:
            source.close()

    async def root(self, name=NAME):
        """The root that stands under a name."""
        entry_id = hashes.entry_id_of(self.key.owner, name)
        found = await Entries(self.driver, self.key).get(entry_id, 5.0, 0)
        return root_of(found.entry, self.key)

    async def read(self, name=NAME, **options):
        """The content, from the nodes that are not down."""
        return self.content_of(await self.root(name), **options)

    def content_of(self, root):
        """What a root leads to."""
        walk = parts(root, 0, root.level(0).blocks)
        pieces, part = [], next(walk, None)
        while part is not None:
            blocks = unseal(part.row, self._found(part.row), part.first, part.last)
            if not part.level:
                pieces += blocks
            try:
                part = walk.send(blocks if part.level else None)
            except StopIteration:
                break
        data = b"".join(pieces)
        assert len(data) == root.size
        return data

    def _found(self, row):
        found = {}
        for number, address in enumerate(row.addresses):
            for node in self.shares.nodes:
                if address in node.shares and not node.is_down and len(found) < row.shape.k:
                    found[number] = node.shares[address]
        return found


async def in_pieces(data, size=100_000):
    """An application's iterator."""
    for at in range(0, len(data), size):
        yield data[at : at + size]


def story(function):
    """Run a coroutine function, but not for ever."""
    asyncio.run(asyncio.wait_for(function(), PATIENCE_SECONDS))


@asynccontextmanager
async def putter(node, folder, nodes=6):
    """An owner connected to a real node."""
    async with dave.connect(node.address, key=dave.Key.generate()) as client:
        yield Putter(client, folder, nodes)

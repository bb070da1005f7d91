"""A client that gets what a put (file_puts.py) has stored: the entry at a real node, the shares at
nodes in memory."""

from contextlib import asynccontextmanager

import dave
from tests.edge import file_puts


@asynccontextmanager
async def getting(node, folder, monkeypatch, nodes=6):
    """A putter, and another client, which has no key of its own."""
    async with file_puts.putter(node, folder / "uploads", nodes) as p:
        (folder / "uploads").mkdir(exist_ok=True)
        monkeypatch.setattr("dave.edge.files.open.Shares", lambda driver: p.shares)
        async with dave.connect(node.address) as other:
            p.other = other
            p.uri = f"dave://{p.key.name}/{file_puts.NAME.decode()}"
            yield p


def stories(node, folder, monkeypatch):
    """Runs stories with such a putter."""

    def start(told):
        async def whole():
            async with getting(node, folder, monkeypatch) as p:
                await told(p)

        file_puts.story(whole)

    return start

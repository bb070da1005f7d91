"""Files for tests: content, how it is put and got with a dictionary in place of a network."""

from blake3 import blake3

from dave.files import stripes, tree
from dave.share_limits import BLOCK_BYTES
from dave.wire.manifest import FileKind

B = BLOCK_BYTES


def content(size, seed=b""):
    return blake3(seed).digest(length=size) if size else b""


def cut(data, size=B):
    return [data[i : i + size] for i in range(0, len(data), size)]


class Shelf:
    """Takes the shares of files, and remembers each use of a key."""

    def __init__(self):
        self.shares = {}
        self.uses = []
        """(key, plaintext) of each block that was sealed."""

    def store(self, blocks, keys, code, level, number):
        """Seal a stripe and put its shares here; the row."""
        block_keys = [keys.of(block, level, number * code.k + i) for i, block in enumerate(blocks)]
        self.uses += zip(block_keys, map(bytes, blocks), strict=True)
        sealed = stripes.seal(blocks, block_keys, code)
        self.shares |= zip(sealed.row.addresses, map(bytes, sealed.shares), strict=True)
        return sealed.row

    def put(self, data, keys, code, room):
        """Put content; its root."""
        growth = tree.Growth(*code, room)

        def rise():
            while (wanted := growth.next()) is not None:
                row = self.store(wanted.blocks, keys, code, wanted.level, wanted.number)
                growth.add(row, wanted.level)

        for number, stripe in enumerate(cut(data, code.k * B)):
            growth.add(self.store(cut(stripe), keys, code, 0, number))
            rise()
        growth.close()
        rise()
        return growth.root(FileKind.FILE, len(data), b"r" * 16)

    def fetch(self, part, without=()):
        """The blocks of a part, where shares of some numbers are lost."""
        shares = {
            number: self.shares[address]
            for number, address in enumerate(part.row.addresses)
            if number not in without
        }
        return stripes.unseal(part.row, shares, part.first, part.last)

    def get(self, root, first=0, last=None, without=()):
        """Blocks of the content, joined."""
        walk = tree.parts(root, first, root.level(0).blocks if last is None else last)
        found, part = [], next(walk, None)
        while part is not None:
            answer = self.fetch(part, without)
            if part.level == 0:
                found += answer
                answer = None
            try:
                part = walk.send(answer)
            except StopIteration:
                part = None
        return b"".join(found)

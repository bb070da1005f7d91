"""What the put of a file can say for itself, while it goes on and at its end."""

from collections.abc import Callable
from typing import NamedTuple

from dave.edge.receipt import Receipt, Refusal
from dave.files.code import Code


class FileProgress(NamedTuple):
    """How far the put of a file is."""

    done: int
    """Bytes of the content that are stored."""
    size: int | None
    """Of the content; None where only the end tells."""
    sent: int
    """Bytes of shares that nodes took in."""
    work: int
    """Expected hashes for all stamps; of content of unknown size, for what is done."""
    seconds: float
    """Since the first byte was read."""


OnProgress = Callable[[FileProgress], None]
"""Called before the first byte is sent, and whenever another stripe is stored."""


class Released(NamedTuple):
    """How the nodes that may hold shares of a file were told to let go of them."""

    records: int
    """Records that nodes dropped: one a stripe and node."""
    nodes: int
    """Nodes that were told."""
    silent: int
    """Nodes that did not answer: there it runs out by itself."""
    is_whole: bool
    """Whether all parts of the file were known, and the nodes near each of them."""


class Tally(NamedTuple):
    """How the stripes of a file, its manifests among them, were stored."""

    code: Code
    nodes: int
    """Nodes that keep a share of it, as far as this put has asked them."""
    stripes: int
    reused: int
    """Of them, those that an earlier put had stored."""
    spare: int
    """So many shares of any stripe may be lost; n - k where all are stored."""
    sent: int
    """Bytes of shares that nodes took in."""
    hashes: int
    """Hashes tried for the stamps."""
    refused: tuple[tuple[Refusal, int], ...]
    """Who refused a share, why, and how often."""


class FileReceipt(Receipt):
    """A receipt whose entry is the root of a file: `stored`, `asked` and `refused` are about that
    entry, `file` about the shares."""

    file: Tally
    is_private: bool

    def __init__(self, receipt: Receipt, file: Tally, *, is_private: bool) -> None:
        self.__dict__.update(receipt.__dict__)
        self.file = file
        self.is_private = is_private
        self.work_hashes += file.hashes

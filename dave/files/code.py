"""Erasure codes: which one, and Reed-Solomon over GF(2^8) by zfec, loaded at the first use."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dave.errors import UsageError
from dave.files.blocks import Buffer
from dave.share_limits import CODE_SHARES_MAX


class Code(NamedTuple):
    """Any k of the n shares of a stripe suffice; a full stripe has k blocks."""

    k: int
    n: int

    def __str__(self) -> str:
        return f"{self.k}/{self.n}"


_DEFAULTS = ((14, Code(10, 14)), (6, Code(4, 6)), (3, Code(2, 3)), (2, Code(1, 2)))


def default_code(nodes: int) -> Code:
    """The code for a network of so many nodes: any 4 of 14 may be lost, 2 of 6, 1 of 3 or of 2."""
    return next((code for least, code in _DEFAULTS if nodes >= least), Code(1, 1))


def bears_a_loss(code: Code, nodes: int) -> bool:
    """Whether any one of so many nodes may be lost, the n shares spread evenly over them."""
    return code.n - -(-code.n // nodes) >= code.k


def parse_code(text: str) -> Code:
    """What `--code K/N` means. Raises UsageError unless 1 <= K <= N <= 24."""
    k, slash, n = text.partition("/")
    if not (slash and k.isascii() and k.isdecimal() and n.isascii() and n.isdecimal()):
        raise UsageError(f"{text!r} is no code: write K/N, such as 4/6 (any 4 of 6 shares suffice)")
    if not 1 <= int(k) <= int(n) <= CODE_SHARES_MAX:
        raise UsageError(f"a code has 1 <= K <= N <= {CODE_SHARES_MAX}, not {text}")
    return Code(int(k), int(n))


def parity(data: Sequence[Buffer], count: int) -> list[Buffer]:
    """The `count` shares of parity to the data shares, all of one size."""
    if len(data) == 1 or not count:
        return [data[0]] * count
    from zfec import Encoder

    k = len(data)
    made: list[Buffer] = Encoder(k, k + count).encode(data, tuple(range(k, k + count)))
    return made


def recover(k: int, n: int, shares: Mapping[int, Buffer]) -> list[Buffer]:
    """All k data shares from k shares or more, by number, all of one size. The data shares among
    them are returned as they are."""
    chosen = tuple(sorted(shares)[:k])
    assert len(chosen) == k, f"{len(chosen)} shares of the {k} that are needed"
    given = tuple(shares[number] for number in chosen)
    if k == 1 or chosen[-1] < k:
        return list(given)
    from zfec import Decoder

    found: list[Buffer] = Decoder(k, n).decode(given, chosen)
    return found

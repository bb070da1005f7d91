"""What a stripe lacks, and who should get it: decided from who says to hold what.

A share counts where one of the nodes within reach holds it, the 2n nearest to the stripe's place.
Nothing else is asked: a newcomer that is nearer than a holder takes nothing over, until so many
have come that the holder is out of reach. So data moves only as fast as the network changes. One
thing besides counts as lacking: where a node holds two shares that nobody else has, and one of the
n nearest none, the second of them; since of these the death of one node would take two.
"""

from collections.abc import Sequence
from typing import NamedTuple

from dave.names import Place
from dave.share_limits import STRIPE_REACH


class Holding(NamedTuple):
    """What one node within reach says to hold of a stripe."""

    node_id: Place
    mask: int
    """Bit i stands for share i."""
    has_answered: bool = True


def reach(n: int) -> int:
    """How many of the nodes nearest to a stripe of n shares may hold them."""
    return STRIPE_REACH * n


def held(holdings: Sequence[Holding]) -> int:
    """The mask of all shares that somebody within reach holds."""
    mask = 0
    for holding in holdings:
        mask |= holding.mask
    return mask


def lacking(n: int, holdings: Sequence[Holding]) -> list[int]:
    """The numbers of the shares to be placed; `holdings` are those of the nodes within reach,
    nearest first."""
    present = held(holdings)
    missing = [number for number in range(n) if not present >> number & 1]
    empty = sum(not each.mask and each.has_answered for each in holdings[:n]) - len(missing)
    for holding in holdings:
        moved = _bits(_alone(holding, holdings))[1:][: max(empty, 0)]
        missing += moved
        empty -= len(moved)
    return missing


def parted(addresses: Sequence[bytes], holdings: Sequence[Holding]) -> list[Holding]:
    """The same, with shares of one address counted once for each node that has it: copies of one
    block are told apart by where they are."""
    masks = [each.mask for each in holdings]
    for numbers in _alike(addresses):
        group = sum(1 << number for number in numbers)
        holders = [i for i, mask in enumerate(masks) if mask & group]
        masks = [mask & ~group for mask in masks]
        for i, number in enumerate(numbers if holders else ()):
            masks[holders[i % len(holders)]] |= 1 << number
    return [each._replace(mask=mask) for each, mask in zip(holdings, masks, strict=True)]


def rank(own_id: Place, place: Place, holdings: Sequence[Holding]) -> int:
    """How many of those who hold shares are nearer to the place."""
    own = own_id ^ place
    return sum(bool(each.mask) and each.node_id ^ place < own for each in holdings)


def receivers(holdings: Sequence[Holding]) -> list[Place]:
    """Whom to offer a share, first those who hold fewest, then the nearest."""
    counted = [(each.mask.bit_count(), i) for i, each in enumerate(holdings) if each.has_answered]
    return [holdings[i].node_id for _, i in sorted(counted)]


def _alike(addresses: Sequence[bytes]) -> list[list[int]]:
    """Numbers of shares that have one address, where there are several."""
    numbers: dict[bytes, list[int]] = {}
    for number, address in enumerate(addresses):
        numbers.setdefault(address, []).append(number)
    return [each for each in numbers.values() if len(each) > 1]


def _alone(holding: Holding, holdings: Sequence[Holding]) -> int:
    """Shares that only this node holds."""
    mask = holding.mask
    for other in holdings:
        if other is not holding:
            mask &= ~other.mask
    return mask


def _bits(mask: int) -> list[int]:
    return [number for number in range(mask.bit_length()) if mask >> number & 1]

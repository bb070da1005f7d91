"""What a stripe lacks, and who should get it: decided from who says to hold what.

A share counts where one of the nodes within reach holds it, the 2n nearest to the stripe's place. A
stripe is whole if there is such a node for each of its shares, another one for each (a matching of
shares and nodes; Kuhn 1955). Where there are fewer nodes than shares, as many nodes as there are
must do. Nothing else is asked: a newcomer that is nearer than a holder takes nothing over, until so
many have come that the holder is out of reach. So data moves only as fast as the network changes.
"""

from collections.abc import Sequence
from typing import NamedTuple

from dave.names import Place
from dave.share_limits import STRIPE_REACH, STRIPE_REACH_MAX


class Holding(NamedTuple):
    """What one node within reach says to hold of a stripe."""

    node_id: Place
    mask: int
    """Bit i stands for share i."""
    has_answered: bool = True


def reach(n: int) -> int:
    """How many of the nodes nearest to a stripe of n shares may hold them."""
    return min(STRIPE_REACH * n, STRIPE_REACH_MAX)


def held(holdings: Sequence[Holding]) -> int:
    """The mask of all shares that somebody within reach holds."""
    mask = 0
    for holding in holdings:
        mask |= holding.mask
    return mask


def lacking(n: int, holdings: Sequence[Holding]) -> list[int]:
    """The numbers of the shares to be placed; `holdings` are those of the nodes within reach,
    nearest first. First those that nobody has; then those without a node of their own, as far as
    some of the n nearest are free."""
    present, matched = held(holdings), _matching(holdings)
    missing = [number for number in range(n) if not present >> number & 1]
    taken = matched.values()
    free = sum(i not in taken and each.has_answered for i, each in enumerate(holdings[:n]))
    crowded = [number for number in range(n) if present >> number & 1 and number not in matched]
    return missing + crowded[: max(0, free - len(missing))]


def receivers(holdings: Sequence[Holding]) -> list[Place]:
    """Whom to offer a share: first those without one of their own, then those with fewest; of these
    the nearest first."""
    taken = _matching(holdings).values()
    order = [
        (0 if i not in taken else each.mask.bit_count(), i)
        for i, each in enumerate(holdings)
        if each.has_answered
    ]
    return [holdings[i].node_id for _, i in sorted(order)]


def is_free(node_id: Place, holdings: Sequence[Holding]) -> bool:
    """Whether all shares that have a node of their own have another one."""
    taken = _matching(holdings).values()
    return all(holdings[i].node_id != node_id for i in taken)


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


def _matching(holdings: Sequence[Holding]) -> dict[int, int]:
    """For as many shares as can be, by number, a node of its own: its place in `holdings`."""
    taken: dict[int, int] = {}

    def place(number: int, seen: list[bool]) -> bool:
        """Whether the share gets a node, others making room if they can."""
        for i, holding in enumerate(holdings):
            if holding.mask >> number & 1 and not seen[i]:
                seen[i] = True
                if i not in taken or place(taken[i], seen):
                    taken[i] = number
                    return True
        return False

    for number in range(held(holdings).bit_length()):
        place(number, [False] * len(holdings))
    return {number: i for i, number in taken.items()}


def _alike(addresses: Sequence[bytes]) -> list[list[int]]:
    """Numbers of shares that have one address, where there are several."""
    numbers: dict[bytes, list[int]] = {}
    for number, address in enumerate(addresses):
        numbers.setdefault(address, []).append(number)
    return [each for each in numbers.values() if len(each) > 1]

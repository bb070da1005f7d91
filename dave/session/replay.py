"""Which counters of a session were seen: a window of 1024 below the highest one (RFC 6479's task).

The state is two integers: `highest`, the largest counter seen (-1 before the first), and `missing`,
a bitmap of what was *not* seen: bit i stands for counter highest - i. While packets arrive in order
nothing is missing, so the bitmap is zero and a step costs an addition, not 1024-bit arithmetic.
Counters older than the window count as seen. Sessions inlines the case in order; the rest is here.
"""

from dave.limits import REPLAY_WINDOW_PACKETS

NONE_SEEN = -1
"""`highest` before the first packet."""

_MASK = (1 << REPLAY_WINDOW_PACKETS) - 1


def is_replay(highest: int, missing: int, counter: int) -> bool:
    """Whether `counter` was seen, or is too old to tell. Ask before opening the packet."""
    back = highest - counter
    return back >= 0 and not missing >> back & 1


def note(highest: int, missing: int, counter: int) -> tuple[int, int]:
    """The new (highest, missing) after the packet with `counter` has opened; not for replays."""
    ahead = counter - highest
    if ahead <= 0:
        return highest, missing & ~(1 << -ahead)
    if ahead > REPLAY_WINDOW_PACKETS:  # also keeps a peer from making us shift by 2^63
        return counter, _MASK ^ 1
    return counter, (missing << ahead | (1 << ahead) - 2) & _MASK

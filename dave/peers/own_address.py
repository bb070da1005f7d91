"""Our own address, as others see it: the answer of most.

A node behind a NAT, or on all addresses of its machine, cannot know it. A peer may lie, so that
each has one voice of OWN_ADDRESS_VOICES, and a public subnet one in all. A public peer cannot see
us at a private address: that is nonsense and does not count.
"""

from collections import Counter

from dave.limits import OWN_ADDRESS_VOICES
from dave.names import Address
from dave.peers.subnets import is_private, is_unicast, subnet


class OwnAddress:
    """The last OWN_ADDRESS_VOICES voices."""

    __slots__ = ("_voices",)

    def __init__(self) -> None:
        self._voices: dict[bytes, Address] = {}

    def told(self, voter: Address, seen: Address) -> None:
        """The peer at `voter` sees us at `seen`."""
        host, port = seen
        if not port or not is_unicast(host) or (is_private(host) and not is_private(voter[0])):
            return
        voice = f"{voter}".encode() if is_private(voter[0]) else subnet(voter[0])
        self._voices.pop(voice, None)
        self._voices[voice] = seen
        if len(self._voices) > OWN_ADDRESS_VOICES:
            del self._voices[next(iter(self._voices))]

    @property
    def value(self) -> Address | None:
        """What most say, of two that as many say the one said later; None while nobody has."""
        counts = Counter(reversed(self._voices.values()))
        return max(counts, key=counts.__getitem__, default=None)

    def __len__(self) -> int:
        """Voices heard."""
        return len(self._voices)

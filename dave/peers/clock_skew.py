"""How far this machine's clock is from those of its peers, by what they say in PONG.

A peer may lie, and its answer is old by half a round trip: so the middle one of the last
CLOCK_VOICES counts, and each peer has one voice. It is told to people and changes nothing.
"""

from statistics import median

from dave.limits import CLOCK_VOICES
from dave.names import Place


class ClockSkew:
    """The last CLOCK_VOICES voices."""

    __slots__ = ("_voices",)

    def __init__(self) -> None:
        self._voices: dict[Place, int] = {}

    def told(self, peer: Place, ahead_ms: int) -> None:
        """A peer's clock is so many milliseconds ahead of ours."""
        self._voices.pop(peer, None)
        self._voices[peer] = ahead_ms
        if len(self._voices) > CLOCK_VOICES:
            del self._voices[next(iter(self._voices))]

    @property
    def ahead_ms(self) -> float | None:
        """How far we are ahead of most, in milliseconds; None while nobody has said."""
        return -float(median(self._voices.values())) if self._voices else None

    def __len__(self) -> int:
        """Voices heard."""
        return len(self._voices)

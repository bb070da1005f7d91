"""What `check` gives back: who of the nodes that should hold an entry can prove that it does."""

from typing import NamedTuple

from dave.node.check import Verdict


class CheckedNode(NamedTuple):
    """One node that should hold the entry, and what it could show."""

    address: str
    id: str
    """16 hexadecimal digits."""
    verdict: Verdict
    rtt_ms: float | None
    """How long its answer took; None without one."""


class Check(NamedTuple):
    """What a check found; nodes nearest to the entry first."""

    uri: str
    """dave://OWNER/KEY."""
    nodes: list[CheckedNode]
    seconds: float

    @property
    def asked(self) -> int:
        """How many nodes should hold the entry, those that did not answer included."""
        return len(self.nodes)

    @property
    def stored(self) -> int:
        """How many say that they hold this version."""
        said = (Verdict.PROVED, Verdict.UNPROVED)
        return sum(node.verdict in said for node in self.nodes)

    @property
    def proved(self) -> int:
        """How many prove it."""
        return sum(node.verdict is Verdict.PROVED for node in self.nodes)

    @property
    def is_safe(self) -> bool:
        """Whether more than half of those that should hold it prove that they do."""
        return 2 * self.proved > self.asked

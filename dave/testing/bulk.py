"""TCP as the simulation has it: connections of the bulk channel between hosts.

What is sent arrives whole and in order, after the link's delay and at a limited speed. A partition
holds it up, and breaks the connection if it lasts; `cut` breaks connections at once. The death of a
process is told to the other side, as its kernel would.
"""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from dave.effects import Dial, HangUp, Transmit
from dave.names import MS, SECOND, Address, Instant
from dave.testing.clock import Clock
from dave.testing.links import Links

if TYPE_CHECKING:
    from dave.testing.host import Host

BYTES_PER_SECOND = 12_500_000
"""Of one connection, each way: 100 Mbit/s."""
RETRY: Instant = 500 * MS
GIVE_UP: Instant = 15 * SECOND
"""A partition that lasts longer breaks the connections across it."""

WINDOW = 32
"""Slices under way, after which a connection takes no more until some have arrived."""

Note = Callable[[bytes, bytes, bytes], None]


class _End:
    """One end of a connection, at a process."""

    __slots__ = ("arriving", "free_at", "host", "is_sending", "number", "other", "start", "stuck")

    def __init__(self, host: "Host", number: int) -> None:
        self.host = host
        self.start = host.starts
        self.number = number
        self.other: _End | None = None
        """None while the connection is being made."""
        self.is_sending = False
        self.free_at: Instant = 0
        """When all that was sent has left."""
        self.arriving: deque[bytes] = deque()
        self.stuck: Instant | None = None

    @property
    def is_there(self) -> bool:
        """Whether its process still runs."""
        return self.host.is_up and self.host.starts == self.start


class Pipes:
    """All connections. `carried` counts bytes that arrived."""

    def __init__(
        self, clock: Clock, links: Links, hosts: dict[Address, "Host"], note: Note
    ) -> None:
        self._clock = clock
        self._links = links
        self._hosts = hosts
        self._note = note
        self._ends: dict[tuple[Address, int], _End] = {}
        """By the host's address and its number for the connection."""
        self.carried = 0
        self.made = 0

    def __len__(self) -> int:
        return sum(end.other is not None for end in self._ends.values()) // 2

    def carry_out(self, host: "Host", effect: Dial | Transmit | HangUp) -> None:
        """What a core asked for. It is done after the event that the core is in."""
        key = host.address, effect.link
        if isinstance(effect, Dial):
            self._ends[key] = end = _End(host, effect.link)
            self._later(self._delay(host, effect.address), self._knock, end, effect.address)
        elif (known := self._ends.get(key)) is None:
            return
        elif isinstance(effect, Transmit):
            self._later(0, self._pump, known)
        else:
            self._remove(known)

    def cut(self, host: "Host | None" = None) -> int:
        """Break all connections (of one host), as a fault; returns how many there were."""
        ends = [end for end in self._ends.values() if host is None or end.host is host]
        found = [end for end in ends if end.other is not None]
        for end in found:
            self._break(end)
        return len(found) if host is not None else len(found) // 2

    def died(self, host: "Host") -> None:
        """A process has ended: its connections end as well."""
        for end in [end for end in self._ends.values() if end.host is host]:
            self._remove(end)

    def _knock(self, end: _End, address: Address) -> None:
        """A dial arrives."""
        host = self._hosts.get(address)
        if self._is_gone(end):
            return
        if host is None or host.nat is not None or self._is_cut(end.host, host):
            return  # nobody says a word: the core gives up by itself
        back = self._delay(host, end.host.address)
        number = None
        if host.is_up:
            number = host.core.streams.accepted(end.host.address, self._clock.now)
            host.settle()
        if number is None:
            self._later(back, self._close, end)
            return
        other = self._ends[host.address, number] = _End(host, number)
        other.other, end.other = end, other
        self.made += 1
        self._later(back, self._dialled, end)

    def _dialled(self, end: _End) -> None:
        if not self._is_gone(end):
            end.host.core.streams.dialled(end.number, self._clock.now)
            end.host.settle()

    def _pump(self, end: _End) -> None:
        if end.is_sending or self._is_gone(end) or end.other is None:
            return
        if len(end.other.arriving) >= WINDOW:
            self._later(RETRY, self._pump, end)
            return
        data = end.host.core.streams.pull(end.number, self._clock.now)
        end.host.settle()
        if data:
            takes = len(data) * SECOND // BYTES_PER_SECOND
            end.free_at = self._clock.now + takes
            end.is_sending = True
            self._later(takes, self._sent, end, data)

    def _sent(self, end: _End, data: bytes) -> None:
        end.is_sending = False
        if end.other is not None:
            end.other.arriving.append(data)
            self._later(self._delay(end.host, end.other.host.address), self._arrive, end.other)
        self._pump(end)

    def _arrive(self, end: _End) -> None:
        other = end.other
        if self._is_gone(end) or other is None:
            return
        now = self._clock.now
        if self._is_cut(end.host, other.host):
            end.stuck = now if end.stuck is None else end.stuck
            if now - end.stuck >= GIVE_UP:
                self._break(end)
            else:
                self._later(RETRY, self._arrive, end)
            return
        end.stuck = None
        data = end.arriving.popleft()
        self.carried += len(data)
        self._note(other.host.tag, end.host.tag, data)
        end.host.core.streams.received(end.number, data, now)
        end.host.settle()

    def _close(self, end: _End) -> None:
        """Tell a process that its connection is gone."""
        if not self._is_gone(end):
            del self._ends[end.host.address, end.number]
            end.host.core.streams.closed(end.number, self._clock.now)
            end.host.settle()

    def _break(self, end: _End) -> None:
        other = end.other
        self._later(0, self._close, end)
        if other is not None:
            self._later(0, self._close, other)

    def _remove(self, end: _End) -> None:
        """One side has ended it: the other learns of that after what was sent before."""
        self._ends.pop((end.host.address, end.number), None)
        if end.other is not None:
            wait = max(0, end.free_at - self._clock.now)
            wait += self._delay(end.host, end.other.host.address)
            self._later(wait, self._close, end.other)

    def _is_gone(self, end: _End) -> bool:
        held = self._ends.get((end.host.address, end.number))
        return held is not end or not end.is_there

    def _is_cut(self, one: "Host", other: "Host") -> bool:
        return self._links.is_cut(one.name, other.name)

    def _delay(self, host: "Host", to: Address) -> Instant:
        return self._links.one_way(host.name, to[0])

    def _later(self, wait: Instant, action: Callable[..., None], *arguments: object) -> None:
        self._clock.schedule(self._clock.now + wait, action, *arguments)

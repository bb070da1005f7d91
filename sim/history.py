"""What clients did and were told, so that a run can be judged afterwards.

Every put and get of a scenario goes through here. The checks ask it what was acknowledged, what was
read, and by whom in which order.
"""

from typing import NamedTuple

from dave.names import SECOND, Address, EntryId, HybridTime, Instant
from dave.node.results import Found, GetResult, PutResult
from dave.testing.host import Host, Operation
from dave.testing.world import World
from dave.wire.entry import Entry


class Written(NamedTuple):
    """A put that has ended."""

    host: Host
    entry: Entry
    at: Instant
    result: PutResult


class Read(NamedTuple):
    """A get that has ended."""

    host: Host
    entry_id: EntryId
    started: Instant
    at: Instant
    result: GetResult


class History:
    """Puts and gets of one world, in the order in which they ended as `collect` found them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.written: list[Written] = []
        self.read: list[Read] = []
        self.abandoned = 0
        """Operations whose host was killed before they ended."""
        self._puts: list[tuple[Operation, Host, Entry]] = []
        self._gets: list[tuple[Operation, Host, EntryId, Instant]] = []

    def put(self, host: Host, entry: Entry, seconds: float = 5.0) -> None:
        """Start a put; `collect` takes in how it ended."""
        self._puts.append((host.put(entry, seconds), host, entry))

    def get(self, host: Host, entry_id: EntryId, seconds: float = 5.0, quorum: int = 2) -> None:
        """Start a get; `collect` takes in how it ended."""
        operation = host.get(entry_id, seconds, quorum)
        self._gets.append((operation, host, entry_id, self.world.now))

    def collect(self, seconds: float = 60.0) -> None:
        """Let the world go on until all that was started has ended and all puts are settled; raises
        AssertionError if that takes longer than `seconds`. Those of a host that was killed
        meanwhile are abandoned."""
        until = self.world.now + int(seconds * SECOND)
        for operation, host, entry in self._puts:
            settled = self.world.settled(operation)
            if self._ends(settled, until):
                result = self.world.ended(settled).result
                self.written.append(Written(host, entry, self._forget(operation, settled), result))
        for operation, host, entry_id, started in self._gets:
            if self._ends(operation, until):
                result = self.world.ended(operation).result
                at = self._forget(operation)
                self.read.append(Read(host, entry_id, started, at, result))
        self._puts.clear()
        self._gets.clear()

    def acknowledged(self) -> dict[EntryId, Entry]:
        """The newest version of each entry that reached its quorum."""
        newest: dict[EntryId, Entry] = {}
        for written in self.written:
            held = newest.get(written.entry.id)
            if written.result.has_quorum and (held is None or held.time <= written.entry.time):
                newest[written.entry.id] = written.entry
        return newest

    def known(self) -> dict[tuple[Address, EntryId], list[tuple[Instant, HybridTime]]]:
        """For each client and entry: since when the client has known of which version, by a put
        with a quorum or a get; 0 where it read that there is none."""
        known: dict[tuple[Address, EntryId], list[tuple[Instant, HybridTime]]] = {}
        for w in self.written:
            if w.result.has_quorum:
                known.setdefault((w.host.address, w.entry.id), []).append((w.at, w.entry.time))
        for read in self.read:
            if read.result.found is not Found.UNREACHABLE:
                entry = read.result.entry
                time = 0 if entry is None else entry.time
                known.setdefault((read.host.address, read.entry_id), []).append((read.at, time))
        return known

    def _ends(self, operation: Operation, until: Instant) -> bool:
        """Wait for an operation; False if it ended with the process that it ran in."""
        host = operation.host
        while host.is_up and host.starts == operation.start:
            if operation.number in host.ended:
                return True
            assert self.world.clock.step(until), f"operation {operation.number} has not ended"
        self.abandoned += 1
        return False

    def _forget(self, *operations: Operation) -> Instant:
        """Results are taken from the host, whose memory they would fill."""
        at = self.world.ended(operations[0]).at
        for operation in operations:
            operation.host.ended.pop(operation.number, None)
        return at

"""A machine in the simulation: one process on it, its disk, its clock, and what it was told.

A host carries out what its core asks, at once: signatures are really verified, records go to the
memory journal. Killed, it keeps nothing but its disk; restarted, it reads that again.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from dave.drops import Drop
from dave.effects import (
    Append,
    Dial,
    Effect,
    HangUp,
    Resolve,
    ShareEffect,
    Transmit,
    Verify,
)
from dave.names import MS, SECOND, Address, EntryId, HybridTime, Instant
from dave.node.client import Client
from dave.node.node import Node
from dave.node.watch import WatchOperation
from dave.peers.subnets import is_private
from dave.testing.bulk import Pipes
from dave.testing.clock import START, WALL_START_MS, Clock
from dave.testing.disk import Disk
from dave.testing.nat import Nat
from dave.testing.shares import ShareDisk
from dave.testing.signatures import verify
from dave.wire.entry import Entry

CoreMaker = Callable[["Host"], Client]
SendAll = Callable[["Host"], None]


class Operation(NamedTuple):
    """Something an application has started."""

    host: "Host"
    number: int
    start: int = 1
    """In which process of the host."""


class Ended(NamedTuple):
    """How an operation ended, and when."""

    at: Instant
    result: Any


def tag(address: Address) -> bytes:
    """What the trace calls an address."""
    return b"%s %d " % (address[0].encode(), address[1])


class Host:
    """Made by World.add_node and World.add_client."""

    def __init__(
        self,
        address: Address,
        clock: Clock,
        make_core: CoreMaker,
        send_all: SendAll,
        on_resolve: Callable[["Host", Resolve], None],
        disk: Disk | None,
        skew_ms: int,
        pipes: Pipes,
        *,
        nat: Nat | None = None,
        keeps_house: bool = True,
        shares: ShareDisk | None = None,
    ) -> None:
        self.address = address
        self.tag = tag(address)
        """What the trace calls it."""
        self.nat = nat
        self.keeps_house = keeps_house
        """Whether a node joins, probes and expires; without, it only answers."""
        self.disk = disk
        self.shares = shares
        """What it keeps of files; None: it gives no room to them."""
        self.skew_ms = skew_ms
        """By how much its wall clock is ahead of the true one."""
        self.sent = 0
        """Datagrams, over all of its processes."""
        self.sent_bytes = 0
        self.ended: dict[int, Ended] = {}
        self.listener: Callable[[Resolve], None] | None = None
        """Takes what operations come to, instead of `ended`."""
        self.starts = 0
        """Processes that ran here."""
        self.unreadable_records = 0
        self._clock = clock
        self._make_core = make_core
        self._send_all = send_all
        self._on_resolve = on_resolve
        self._pipes = pipes
        self._core: Client | None = None
        self._armed: Instant | None = None
        self.start()

    @property
    def name(self) -> str:
        """What links call it: its address without the port."""
        return self.address[0]

    @property
    def is_up(self) -> bool:
        """Whether its process runs."""
        return self._core is not None

    @property
    def core(self) -> Client:
        """The running core."""
        assert self._core is not None, f"{self.address} is down"
        return self._core

    @property
    def node(self) -> Node:
        """The running core of a node."""
        assert isinstance(self._core, Node), f"{self.address} runs no node"
        return self._core

    def start(self) -> None:
        """Start the process; a node reads its journal first."""
        assert self._core is None, f"{self.address} is up"
        self.starts += 1
        core = self._core = self._make_core(self)
        core.wall_offset_ms = WALL_START_MS - START // MS + self.skew_ms
        core.at_home = is_private(self.name)
        if isinstance(core, Node):
            assert self.disk is not None
            core.store.end_load()
            if self.keeps_house:
                core.start(self._clock.now)
        self.settle()

    def kill(self) -> None:
        """The process is gone at once, with all that its disk had not committed."""
        self._core = self._armed = None
        self.ended = {}
        self._pipes.died(self)
        if self.disk is not None:
            self.disk.crash()

    def receive(self, data: bytes, source: Address) -> None:
        """A datagram has arrived; nobody takes it while the process is down."""
        if self._core is not None:
            self._core.receive_datagram(data, source, self._clock.now)
            self.settle()

    def put(
        self, entry: Entry, seconds: float = 5.0, expected: HybridTime | None = None
    ) -> Operation:
        """Start a put that may take so long. The operation after it ends when all is settled."""
        now = self._clock.now
        number = self.core.put(entry, now, now + int(seconds * 1e9), expected)
        self.settle()
        return Operation(self, number, self.starts)

    def get(self, entry_id: EntryId, seconds: float = 5.0, quorum: int = 2) -> Operation:
        """Start a get that may take so long."""
        now = self._clock.now
        number = self.core.get(entry_id, now, now + int(seconds * 1e9), quorum)
        self.settle()
        return Operation(self, number, self.starts)

    def check(self, entry: Entry, seconds: float = 5.0) -> Operation:
        """Start a check that may take so long."""
        now = self._clock.now
        number = self.core.check(entry, now, now + int(seconds * 1e9))
        self.settle()
        return Operation(self, number)

    def watch(self, entry_id: EntryId, kept: int = 64) -> WatchOperation:
        """Start a watch; its events are to be taken from it."""
        now = self._clock.now
        watch = self.core.watch(entry_id, now, now + 5 * SECOND, kept)
        self.settle()
        return watch

    def dropped(self, reason: Drop) -> int:
        """How many datagrams or messages the process has dropped for that reason."""
        return self.core.drops.counts[reason]

    def settle(self) -> None:
        """Carry out all that the core wants, send what it has to send, set its alarm."""
        core = self._core
        assert core is not None
        while effects := core.take_effects():
            for effect in effects:
                self._do(effect)
        self._send_all(self)
        due = core.get_timer()
        if due is not None and (self._armed is None or due < self._armed):
            self._armed = due
            self._clock.schedule(due, self._ring, core, due)

    def _ring(self, core: Client, due: Instant) -> None:
        if core is self._core and self._armed == due:
            self._armed = None
            core.handle_timer(self._clock.now)
            self.settle()

    def _do(self, effect: Effect) -> None:
        now = self._clock.now
        if isinstance(effect, Resolve):
            assert effect.operation not in self.ended, "an operation ends once"
            self._on_resolve(self, effect)
            if self.listener is not None:
                self.listener(effect)
            else:
                self.ended[effect.operation] = Ended(now, effect.result)
        elif isinstance(effect, Verify):
            self.node.verified(effect.ticket, verify(effect.owner, effect.signed), now)
        elif isinstance(effect, Dial | Transmit | HangUp):
            self._pipes.carry_out(self, effect)
        elif isinstance(effect, ShareEffect):
            self._share_effect(effect)
        else:
            assert isinstance(effect, Append)
            assert self.disk is not None
            self._await_commit(self.disk.append(effect.ticket, effect.record, now))

    def _share_effect(self, effect: ShareEffect) -> None:
        node = self.node
        is_running = True  # the effects of this event are being carried out

        def answer(ticket: int, result: Any) -> None:
            if node is self._core:
                node.share_answered(ticket, result, self._clock.now)
                if not is_running:
                    self.settle()

        assert self.shares is not None
        self.shares.carry_out(effect, answer)
        is_running = False

    def _await_commit(self, due: Instant | None) -> None:
        if due is not None:
            self._clock.schedule(due, self._committed, self.node)

    def _committed(self, node: Node) -> None:
        if node is not self._core:
            return
        assert self.disk is not None
        tickets, ok, next_due = self.disk.committed(self._clock.now)
        self._await_commit(next_due)
        for ticket in tickets:
            node.appended(ticket, ok, self._clock.now)
        self.settle()

"""Signatures are verified here while few wait, and by worker processes while many do.

A signature costs 40 to 60 us, a worker's start as much as 500 of them. So a worker starts
once that many were verified here under pressure: whatever comes next, that costs at most twice
what the best choice would have (the ski rental rule). Further workers start by the same count
while those at work leave full batches waiting. All end when idle. Batches keep the way there and
back small against the work.
"""

import os
import socket
import sys
from collections import deque
from collections.abc import Callable
from time import monotonic_ns
from typing import TYPE_CHECKING

from dave.crypto.sign import verify
from dave.edge.limits import (
    VERIFY_DEADLINE_SECONDS,
    VERIFY_DEATHS_MAX,
    VERIFY_IDLE_SECONDS,
    VERIFY_INLINE,
    VERIFY_SLICE,
    VERIFY_START_COST,
    VERIFY_WINDOW,
)
from dave.edge.verify_worker import READY, encode_batch
from dave.limits import VERIFY_BATCH
from dave.names import SECOND, Instant, Owner

if TYPE_CHECKING:
    from subprocess import Popen

Item = tuple[int, Owner, bytes]
"""Ticket, owner, signed (signature 64, then its message)."""
Verdicts = list[tuple[int, bool]]
"""(ticket, whether the signature is valid), in no particular order."""

_SEND_SECONDS = 1.0
_SEND_BUFFER_BYTES = 1 << 20


class Verifier:
    """Verifies what is submitted; verdicts go to `on_verified`, one call for many.

    `watch(fileno)` is called when a worker starts, `unwatch(fileno)` when it ends: have the loop
    call `on_readable(fileno)` while the descriptor is readable. `workers_max` is by default the
    number of cores, 0 where processes cannot be fed by a socket (Windows). Not for several threads.
    """

    def __init__(
        self,
        on_verified: Callable[[Verdicts], object],
        *,
        watch: Callable[[int], object] = lambda _: None,
        unwatch: Callable[[int], object] = lambda _: None,
        workers_max: int | None = None,
        start_cost: int = VERIFY_START_COST,
        idle_seconds: float = VERIFY_IDLE_SECONDS,
        deadline_seconds: float = VERIFY_DEADLINE_SECONDS,
    ) -> None:
        self._on_verified = on_verified
        self._watch = watch
        self._unwatch = unwatch
        self._workers_max = _cores() if workers_max is None else workers_max
        self._start_cost = start_cost
        self._idle = round(idle_seconds * SECOND)
        self._deadline = round(deadline_seconds * SECOND)
        self._waiting: deque[Item] = deque()
        self._workers: dict[int, _Worker] = {}
        self._ended: list[Popen[bytes]] = []
        self._pressure = 0
        self._pressed: Instant = 0
        self._deaths_in_row = 0
        self.deaths = 0
        """Workers that died, or hung and were killed."""
        self.redone = 0
        """Signatures that were given to a worker which died, and verified again elsewhere."""

    def submit(self, ticket: int, owner: Owner, signed: bytes) -> None:
        """Queue a signature; nothing is verified before `poll`."""
        self._waiting.append((ticket, owner, signed))

    def poll(self) -> None:
        """Do what can be done now, in at most about 2 ms: call it after submitting, again soon
        while `wants_poll` (look at it after `on_readable` too), and every second or so to end
        idle and hung workers."""
        now = monotonic_ns()
        self._tend(now)
        self._deliver(self._advance(now))

    def on_readable(self, fileno: int) -> None:
        """Take a worker's verdicts, and give it more to do."""
        worker = self._workers.get(fileno)
        if worker is None:
            return
        now = monotonic_ns()
        found = worker.receive(now, self._deadline)
        if found is None:
            self._bury(worker)
            found = []
        elif found:
            self._deaths_in_row = 0
        self._deliver(found + self._advance(now))

    @property
    def filenos(self) -> list[int]:
        """Descriptors of the workers' channels."""
        return list(self._workers)

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers."""
        return [worker.process.pid for worker in self._workers.values()]

    @property
    def pending(self) -> int:
        """Signatures submitted and not yet answered."""
        held = sum(len(batch) for worker in self._workers.values() for batch in worker.batches)
        return len(self._waiting) + held

    @property
    def wants_poll(self) -> bool:
        """Whether `poll` has work to do at once, rather than workers."""
        return bool(self._waiting) and (
            len(self._waiting) <= VERIFY_INLINE or not any(w.ready for w in self._workers.values())
        )

    def close(self) -> None:
        """End the workers. What is pending gets no verdict."""
        self._waiting.clear()
        for worker in list(self._workers.values()):
            self._end(worker)
        for process in self._ended:
            # Nothing is lost by it: a worker keeps nothing.
            process.kill()
            process.wait()
        self._ended.clear()

    def _advance(self, now: Instant) -> Verdicts:
        """Hand out what workers can take, and verify here what is left if nobody else will."""
        self._hand_out(now)
        waiting = self._waiting
        if len(waiting) <= VERIFY_INLINE:
            count = len(waiting)
        elif any(worker.ready for worker in self._workers.values()):
            return []
        else:
            count = min(len(waiting), VERIFY_SLICE)
            self._press(count, now)
        items = [waiting.popleft() for _ in range(count)]
        return [(ticket, verify(owner, signed)) for ticket, owner, signed in items]

    def _hand_out(self, now: Instant) -> None:
        waiting = self._waiting
        while len(waiting) > VERIFY_INLINE:
            free = [worker for worker in self._workers.values() if worker.has_room]
            if not free:
                return
            worker = min(free, key=lambda w: len(w.batches))
            batch = [waiting.popleft() for _ in range(min(VERIFY_BATCH, len(waiting)))]
            if not worker.give(batch, now + self._deadline):
                self._bury(worker)
            elif len(free) == 1 and len(waiting) >= VERIFY_BATCH and not worker.has_room:
                self._press(len(batch), now)

    def _press(self, count: int, now: Instant) -> None:
        """`count` signatures were verified while too many waited; start a worker if that pays."""
        if now - self._pressed > self._idle:
            self._pressure = 0
        self._pressed = now
        self._pressure += count
        starting = any(not worker.ready for worker in self._workers.values())
        if self._pressure < self._start_cost or starting:
            return
        if len(self._workers) < self._workers_max and self._deaths_in_row < VERIFY_DEATHS_MAX:
            self._pressure = 0
            self._start(now)

    def _start(self, now: Instant) -> None:
        try:
            worker = _Worker(now + self._deadline)
        except OSError:
            # No more processes or memory: go on here, and try again under more pressure.
            self.deaths += 1
            self._deaths_in_row += 1
            return
        self._workers[worker.fileno] = worker
        self._watch(worker.fileno)

    def _tend(self, now: Instant) -> None:
        """Bury who hangs, end who is idle, reap who has ended."""
        for worker in list(self._workers.values()):
            if worker.batches or not worker.ready:
                if now > worker.due:
                    self._bury(worker)
            elif now - worker.idle_since >= self._idle:
                self._end(worker)
        self._ended = [process for process in self._ended if process.poll() is None]

    def _bury(self, worker: "_Worker") -> None:
        """A worker is dead or useless: its batches go back to the head of the queue."""
        worker.process.kill()
        self._end(worker)
        items = [item for batch in worker.batches for item in batch]
        worker.batches.clear()
        self._waiting.extendleft(reversed(items))
        self.deaths += 1
        self.redone += len(items)
        self._deaths_in_row += 1

    def _end(self, worker: "_Worker") -> None:
        del self._workers[worker.fileno]
        self._unwatch(worker.fileno)
        worker.channel.close()
        self._ended.append(worker.process)

    def _deliver(self, found: Verdicts) -> None:
        if found:
            self._on_verified(found)


class _Worker:
    """One process and our end of its channel."""

    __slots__ = ("_answer", "batches", "channel", "due", "fileno", "idle_since", "process", "ready")

    def __init__(self, due: Instant) -> None:
        import subprocess

        self.channel, theirs = socket.socketpair()
        self.channel.setblocking(False)
        self.channel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        # Our own search path, but never the current folder: it may be anybody's.
        path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "dave.edge.verify_worker"],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                env={**os.environ, "PYTHONPATH": path},
                process_group=0,  # a Ctrl-C in the terminal is not for it
            )
        except OSError:
            self.channel.close()
            raise
        finally:
            theirs.close()
        self.fileno = self.channel.fileno()
        self.batches: deque[list[Item]] = deque()
        self.ready = False
        self.due = due
        self.idle_since: Instant = due
        self._answer = b""

    @property
    def has_room(self) -> bool:
        """Whether it may be given a batch."""
        return self.ready and len(self.batches) < VERIFY_WINDOW

    def give(self, batch: list[Item], due: Instant) -> bool:
        """Send a batch; False if the worker does not take it."""
        if not self.batches:
            self.due = due
        self.batches.append(batch)
        frame = encode_batch(batch)
        try:
            try:
                sent = self.channel.send(frame)
            except BlockingIOError:
                sent = 0
            if sent < len(frame):
                # Rare, since the buffer holds more than a window. A worker that lives reads on
                # after a batch at most; one that does not is found out here.
                self.channel.settimeout(_SEND_SECONDS)
                self.channel.sendall(memoryview(frame)[sent:])
                self.channel.setblocking(False)
        except OSError:
            return False
        return True

    def receive(self, now: Instant, deadline: int) -> Verdicts | None:
        """Verdicts of the batches answered by now; None if the worker is dead."""
        try:
            data = self.channel.recv(1 << 16)
        except BlockingIOError:
            return []
        except OSError:
            return None
        if not data:
            return None
        self.due = now + deadline
        self.idle_since = now
        if not self.ready:
            if data != READY:
                return None
            self.ready = True
            return []
        answer = self._answer + data
        found: Verdicts = []
        while self.batches and len(answer) >= len(self.batches[0]):
            batch = self.batches.popleft()
            found += [(item[0], answer[i] == 1) for i, item in enumerate(batch)]
            answer = answer[len(batch) :]
        self._answer = answer
        return found


def _cores() -> int:
    if sys.platform == "win32" or not sys.executable:
        return 0
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

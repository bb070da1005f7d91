"""The verifier: right verdicts from this process and from workers, whatever happens to these."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from select import select
from time import monotonic
from typing import Any

import pytest

from dave.crypto.sign import public_key, sign
from dave.edge.limits import VERIFY_DEATHS_MAX, VERIFY_INLINE, VERIFY_SLICE
from dave.edge.verify import Verdicts, Verifier
from dave.limits import VERIFY_BATCH
from dave.names import SECOND

SEED = bytes(range(32))
OWNER = public_key(SEED)
VALID = sign(SEED, b"message") + b"message"
FORGED = VALID + b"!"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no workers on Windows")


class Bench:
    """A verifier, what it found, and a loop that drives it."""

    def __init__(self, **options: Any) -> None:
        self.found: Verdicts = []
        self.calls = 0
        self.watched: list[int] = []
        self.verifier = Verifier(
            self.take, watch=self.watched.append, unwatch=self.watched.remove, **options
        )
        self.submitted = 0

    def take(self, verdicts: Verdicts) -> None:
        self.found += verdicts
        self.calls += 1

    def submit(self, count: int) -> None:
        """Every third is forged."""
        for ticket in range(self.submitted, self.submitted + count):
            self.verifier.submit(ticket, OWNER, VALID if ticket % 3 else FORGED)
        self.submitted += count

    def run(self, until: Callable[[], bool]) -> None:
        end = monotonic() + 30
        while not until():
            assert monotonic() < end, "the condition never came true"
            self.verifier.poll()
            self.step(0.0 if self.verifier.wants_poll else 0.02)

    def step(self, seconds: float) -> None:
        for fileno in select(self.watched, [], [], seconds)[0]:
            self.verifier.on_readable(fileno)

    def finish(self) -> None:
        """Run to the end and check every verdict, each exactly once."""
        self.run(lambda: len(self.found) >= self.submitted)
        assert sorted(self.found) == [(t, t % 3 != 0) for t in range(self.submitted)]
        assert self.verifier.pending == 0

    def start_worker(self) -> None:
        self.submit(VERIFY_INLINE + 1)
        self.run(lambda: any(w.ready for w in self.verifier._workers.values()))


@pytest.fixture
def make() -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def bench(**options: Any) -> Bench:
        made.append(Bench(**options))
        return made[-1]

    yield bench
    for each in made:
        each.verifier.close()
        assert each.watched == []
        assert each.verifier.filenos == []


Make = Callable[..., Bench]


def test_few_are_verified_at_once(make: Make) -> None:
    bench = make(start_cost=0)
    bench.submit(VERIFY_INLINE)
    assert bench.found == []
    assert bench.verifier.pending == VERIFY_INLINE
    bench.verifier.poll()
    assert len(bench.found) == VERIFY_INLINE
    assert bench.calls == 1
    assert bench.verifier.filenos == []
    bench.finish()


def test_nothing_to_do_calls_nobody(make: Make) -> None:
    bench = make()
    bench.verifier.poll()
    bench.verifier.on_readable(99)
    assert bench.calls == 0


def test_without_workers_it_goes_by_slices(make: Make) -> None:
    bench = make(workers_max=0, start_cost=0)
    bench.submit(VERIFY_SLICE + 20)
    bench.verifier.poll()
    assert len(bench.found) == VERIFY_SLICE
    assert bench.verifier.wants_poll
    bench.finish()
    assert not bench.verifier.wants_poll


def test_no_worker_before_it_pays(make: Make) -> None:
    bench = make(start_cost=VERIFY_SLICE * 3)
    bench.submit(VERIFY_SLICE * 10)
    for _ in range(2):
        bench.verifier.poll()
    assert bench.verifier.filenos == []
    bench.verifier.poll()
    assert len(bench.verifier.filenos) == 1
    bench.finish()


def test_pressure_long_past_is_forgotten(make: Make) -> None:
    bench = make(start_cost=VERIFY_SLICE * 2, idle_seconds=0)
    for _ in range(4):
        bench.submit(VERIFY_SLICE)
        bench.verifier.poll()
    assert bench.verifier.filenos == []
    bench.finish()


def test_workers_share_many(make: Make) -> None:
    bench = make(workers_max=2, start_cost=0)
    bench.start_worker()
    bench.submit(40 * VERIFY_BATCH)
    before = len(bench.found)
    bench.verifier.poll()
    assert len(bench.found) == before
    assert len(bench.verifier.filenos) == 2
    assert len(set(bench.verifier.pids)) == 2
    assert not bench.verifier.wants_poll
    bench.finish()
    assert bench.verifier.deaths == 0


def test_no_more_workers_than_allowed(make: Make) -> None:
    bench = make(workers_max=1, start_cost=0)
    bench.start_worker()
    bench.submit(20 * VERIFY_BATCH)
    bench.finish()
    assert len(bench.verifier.filenos) == 1


def test_idle_workers_end(make: Make) -> None:
    bench = make(workers_max=1, start_cost=0, idle_seconds=0.05)
    bench.start_worker()
    pid = bench.verifier.pids[0]
    bench.finish()
    bench.run(lambda: not bench.verifier.filenos)
    bench.run(lambda: not bench.verifier._ended)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert bench.verifier.deaths == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_a_worker_killed_in_a_batch_loses_nothing(make: Make, workers: int) -> None:
    bench = make(workers_max=workers, start_cost=0)
    bench.start_worker()
    # Stopped first, so that it certainly holds batches when it dies.
    os.kill(bench.verifier.pids[0], signal.SIGSTOP)
    bench.submit(10 * VERIFY_BATCH)
    bench.verifier.poll()
    os.kill(bench.verifier.pids[0], signal.SIGKILL)
    bench.finish()
    assert bench.verifier.deaths == 1
    assert bench.verifier.redone == 2 * VERIFY_BATCH


def test_a_worker_that_hangs_is_given_up(make: Make) -> None:
    bench = make(workers_max=1, start_cost=0)
    bench.start_worker()
    bench.verifier._deadline = SECOND // 10
    os.kill(bench.verifier.pids[0], signal.SIGSTOP)
    bench.submit(2 * VERIFY_BATCH)
    bench.finish()
    assert bench.verifier.deaths >= 1
    assert bench.verifier.redone > 0


def test_a_worker_that_takes_nothing_is_given_up(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dave.edge.verify._SEND_SECONDS", 0.01)
    bench = make(workers_max=1, start_cost=0)
    bench.start_worker()
    bench.finish()
    os.kill(bench.verifier.pids[0], signal.SIGSTOP)
    large = bytes(60_000)
    for ticket in range(bench.submitted, bench.submitted + VERIFY_BATCH):
        bench.verifier.submit(ticket, OWNER, large)
    bench.verifier.poll()
    assert bench.verifier.deaths == 1
    assert bench.verifier.redone == VERIFY_BATCH
    bench.run(lambda: bench.verifier.pending == 0)
    assert [ok for _, ok in bench.found[-VERIFY_BATCH:]] == [False] * VERIFY_BATCH


def test_workers_that_cannot_start_are_tried_no_more(
    make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    bench = make(workers_max=1, start_cost=0)
    for _ in range(VERIFY_DEATHS_MAX + 3):
        bench.submit(2 * VERIFY_SLICE)
        bench.run(lambda: len(bench.found) >= bench.submitted and not bench.watched)
    assert bench.verifier.deaths == VERIFY_DEATHS_MAX
    bench.finish()


def test_a_missing_interpreter_is_no_error(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    bench = make(workers_max=1, start_cost=0)
    bench.submit(VERIFY_SLICE * (VERIFY_DEATHS_MAX + 3))
    bench.finish()
    assert bench.verifier.deaths == VERIFY_DEATHS_MAX


def test_workers_are_found_from_any_folder(
    make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # A folder that holds a module of ours must not be searched.
    (tmp_path / "nacl.py").write_text("raise SystemExit(3)\n")
    monkeypatch.syspath_prepend(os.getcwd())
    monkeypatch.chdir(tmp_path)
    bench = make(workers_max=1, start_cost=0)
    bench.start_worker()
    bench.submit(4 * VERIFY_BATCH)
    bench.finish()
    assert bench.verifier.deaths == 0


def test_verdicts_may_submit_more(make: Make) -> None:
    bench = make(workers_max=1, start_cost=0)
    more = iter(range(3))

    def take(verdicts: Verdicts) -> None:
        bench.found += verdicts
        if next(more, None) is not None:
            bench.submit(100)

    bench.verifier._on_verified = take
    bench.submit(100)
    bench.finish()
    assert bench.submitted == 400

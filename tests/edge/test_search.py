"""Stamp searches: found, exact, reported, cancelled, and nothing left running."""

import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from dave.crypto import hashes, work
from dave.edge import search, search_helpers
from dave.edge.limits import SEARCH_INLINE_HASHES_PURE, SEARCH_SLICE_HASHES_PURE
from dave.errors import UsageError, WorkCancelled

DIGEST = bytes(range(32))
PREFIX = hashes.ENTRY_STAMP_TAG + DIGEST
NEVER = 1 << 256
"""Only the stamp 0 is good for it."""

WAYS = [
    pytest.param(
        True,
        marks=pytest.mark.skipif(not search.has_kernel(), reason="dave.crypto._kernel not built"),
    ),
    False,
]


def after(calls: int) -> search.Cancelled:
    """A `cancelled` that says yes from its n-th call on."""
    left = iter(range(calls))
    return lambda: next(left, None) is None


@pytest.fixture(autouse=True)
def running(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Counts the helpers that run, threads and processes, of all that the test started."""
    children: list[subprocess.Popen[bytes]] = []
    start = search_helpers._start_child

    def recorded(*arguments: Any) -> subprocess.Popen[bytes]:
        children.append(start(*arguments))
        return children[-1]

    def count() -> int:
        threads = [t for t in threading.enumerate() if t.name == "dave stamp search"]
        return len(threads) + sum(child.returncode is None for child in children)

    monkeypatch.setattr(search_helpers, "_start_child", recorded)
    return count


@pytest.mark.parametrize("kernel", WAYS)
@pytest.mark.parametrize("price", [0, 1, 4096, 50_000])
def test_small_searches_find_a_stamp_here(kernel: bool, price: int) -> None:
    nonce, tried = search.find_stamp(PREFIX, price, kernel=kernel)
    assert len(nonce) == 8
    assert tried >= 1
    assert work.meets(hashes.entry_stamp(DIGEST, nonce), price)


@pytest.mark.parametrize(("kernel", "price"), [(True, 2**25), (False, 2**18 + 1)])
def test_large_searches_find_a_stamp_with_helpers(
    kernel: bool, price: int, running: Callable[[], int]
) -> None:
    if kernel and not search.has_kernel():
        pytest.skip("dave.crypto._kernel not built")
    nonce, tried = search.find_stamp(PREFIX, price, kernel=kernel, processes=2)
    assert work.meets(hashes.entry_stamp(DIGEST, nonce), price)
    assert tried >= 1
    assert running() == 0


def test_two_searches_start_apart() -> None:
    assert search.find_stamp(PREFIX, 4096)[0] != search.find_stamp(PREFIX, 4096)[0]


@pytest.mark.parametrize("kernel", WAYS)
@pytest.mark.parametrize("processes", [1, 2])
def test_cancelling_ends_all_helpers(
    kernel: bool, processes: int, running: Callable[[], int]
) -> None:
    with pytest.raises(WorkCancelled, match="cancelled after"):
        search.find_stamp(PREFIX, NEVER, kernel=kernel, processes=processes, cancelled=after(4))
    assert running() == 0


def test_cancelled_before_it_starts() -> None:
    with pytest.raises(WorkCancelled, match="before it started"):
        search.find_stamp(PREFIX, 0, cancelled=lambda: True)


@pytest.mark.parametrize("kernel", WAYS)
@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_an_exception_on_the_way_ends_all_helpers(
    kernel: bool, error: type[BaseException], running: Callable[[], int]
) -> None:
    def interrupt(done: int, rate: float, left: float) -> None:
        assert running() == 2
        raise error

    with pytest.raises(error):
        search.find_stamp(PREFIX, NEVER, kernel=kernel, processes=2, progress=interrupt)
    assert running() == 0


@pytest.mark.parametrize("kernel", WAYS)
def test_progress_counts_up_and_expects_work_over_rate(kernel: bool) -> None:
    reports: list[tuple[int, float, float]] = []
    with pytest.raises(WorkCancelled):
        search.find_stamp(
            PREFIX,
            NEVER,
            kernel=kernel,
            processes=1,
            progress=lambda *report: reports.append(report),
            cancelled=lambda: len(reports) == 3,
        )
    hashes_done = [done for done, _, _ in reports]
    assert hashes_done == sorted(set(hashes_done))
    for done, rate, left in reports:
        assert done >= SEARCH_SLICE_HASHES_PURE
        assert left == pytest.approx(NEVER / rate)


def test_without_children_the_search_goes_on_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "")
    price = SEARCH_INLINE_HASHES_PURE + 1
    nonce, _ = search.find_stamp(PREFIX, price, kernel=False, processes=2)
    assert work.meets(hashes.entry_stamp(DIGEST, nonce), price)


def test_a_script_without_main_guard_can_search() -> None:
    script = (
        "from dave.edge.search import find_stamp\n"
        f"print(find_stamp(bytes(56), {SEARCH_INLINE_HASHES_PURE + 1}, kernel=False, processes=2))"
    )
    done = subprocess.run(
        [sys.executable, "-"], input=script, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.count("\n") == 1


def test_asking_for_a_kernel_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_helpers, "load_kernel", lambda: None)
    assert not search.has_kernel()
    with pytest.raises(UsageError, match="install a C compiler"):
        search.find_stamp(PREFIX, 1, kernel=True)
    nonce, _ = search.find_stamp(PREFIX, 4096)
    assert work.meets(hashes.entry_stamp(DIGEST, nonce), 4096)

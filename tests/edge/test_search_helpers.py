"""The ways to run a search: slices agree, reports survive being cut, helpers end."""

import subprocess
import sys
from contextlib import closing

import pytest

from dave.crypto import hashes
from dave.edge import search_helpers
from dave.edge.limits import SEARCH_SLICE_HASHES_PURE

PREFIX = hashes.ENTRY_STAMP_TAG + bytes(range(32))
NEVER = 1 << 256
"""Only the stamp 0 is good for it."""


def test_kernel_and_python_find_the_same() -> None:
    if search_helpers.load_kernel() is None:
        pytest.skip("dave.crypto._kernel not built")
    for start in range(0, 2**40, 2**36):
        one = search_helpers.search_slice(True, PREFIX, 2000, start, 3000)
        assert one == search_helpers.search_slice(False, PREFIX, 2000, start, 3000)


def test_slices_here_follow_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[tuple[int, int]] = []

    def recorded(by_kernel: bool, prefix: bytes, work: int, start: int, count: int) -> None:
        searched.append((start, count))

    monkeypatch.setattr(search_helpers, "search_slice", recorded)
    slices = search_helpers.inline(False, PREFIX, NEVER, 7)
    next(slices)
    next(slices)
    size = SEARCH_SLICE_HASHES_PURE
    assert searched == [(7, size), (7 + size, size)]


def test_an_error_in_a_thread_reaches_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(search_helpers, "search_slice", broken)
    with pytest.raises(ZeroDivisionError):
        next(search_helpers.by_threads(PREFIX, NEVER, 0, 2))


def test_reports_come_whole_however_they_are_cut() -> None:
    stream = b"65536 \n65536 \n12 340282366\n"
    for cut in range(len(stream) + 1):
        buffer = bytearray()
        first = list(search_helpers._reports(buffer, stream[:cut]))
        rest = list(search_helpers._reports(buffer, stream[cut:]))
        assert first + rest == [(None, 65536), (None, 65536), (340282366, 12)]
        assert not buffer


def test_children_start_a_slice_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each child reports the arguments it was given, as a nonce: first nonce, then stride.
    child = "import sys; print('1', sys.argv[3] + sys.argv[4].zfill(20))"
    monkeypatch.setattr(search_helpers, "_CHILD", child)
    size = SEARCH_SLICE_HASHES_PURE
    with closing(search_helpers.by_processes(PREFIX, NEVER, 5, 3)) as slices:
        told = slices_until(slices, 3)
    assert sorted(told) == [(5 + i * size) * 10**20 + 3 * size for i in range(3)]


def slices_until(slices: search_helpers.Slices, count: int) -> list[int]:
    """The first `count` nonces that a search yields."""
    nonces: list[int] = []
    while len(nonces) < count:
        result = next(slices)
        if result is not None and result[0] is not None:
            nonces.append(result[0])
    return nonces


def test_children_that_die_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_helpers, "_CHILD", "raise SystemExit(1)")
    with closing(search_helpers.by_processes(PREFIX, NEVER, 5, 2)) as slices:
        assert next(result for result in slices if result is not None)[0] is None


def test_a_child_whose_parent_is_gone_ends() -> None:
    arguments = [PREFIX.hex(), str(NEVER), "0", "65536"]
    child = subprocess.Popen(
        [sys.executable, "-c", search_helpers._CHILD, *arguments], stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"65536 \n"
    child.stdout.close()
    assert child.wait(timeout=30) == 0


def test_a_candidate_that_fails_on_the_last_bits_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Lenient:
        """Finds every nonce, as the kernel does where 64 bits cannot decide."""

        LANES = (1,)

        def search(self, prefix: bytes, limit: int, start: int, count: int, lanes: int = 0) -> int:
            return start if count else -1

    monkeypatch.setattr(search_helpers, "load_kernel", lambda: Lenient())
    found = search_helpers.search_slice(True, PREFIX, 300, 7, 5000)
    assert found == search_helpers.search_slice(False, PREFIX, 300, 7, 5000)
    assert found[0] is not None
    assert search_helpers.search_slice(True, PREFIX, NEVER, 0, 100) == (None, 100)

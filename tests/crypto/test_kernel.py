"""The C kernel against the BLAKE3 library, for each vector width that this machine runs."""

import threading
from random import Random
from typing import cast

import pytest
from blake3 import blake3

from dave.edge.search_helpers import Kernel, load_kernel

ALL = 2**64 - 1

kernel = load_kernel()
pytestmark = pytest.mark.skipif(
    kernel is None, reason="dave.crypto._kernel is not built (no C compiler when installing)"
)
LANES = (0, *kernel.LANES) if kernel is not None else (0,)


@pytest.fixture
def module() -> Kernel:
    assert kernel is not None
    return kernel


def head(prefix: bytes, nonce: int) -> int:
    """First 8 bytes of the library's hash, big-endian."""
    return int.from_bytes(blake3(prefix + nonce.to_bytes(8, "little")).digest()[:8], "big")


@pytest.mark.parametrize("lanes", LANES)
def test_threshold_is_exact_for_random_prefixes_and_nonces(module: Kernel, lanes: int) -> None:
    rng = Random(lanes)
    for _ in range(300):
        prefix, nonce = rng.randbytes(56), rng.getrandbits(64)
        exact = head(prefix, nonce)
        assert module.search(prefix, exact, nonce, 1, lanes) == nonce
        assert module.search(prefix, exact - 1, nonce, 1, lanes) == -1


@pytest.mark.parametrize("lanes", LANES)
def test_finds_the_first_of_many(module: Kernel, lanes: int) -> None:
    rng = Random(lanes)
    for _ in range(100):
        prefix, count = rng.randbytes(56), rng.randrange(300)
        # Both sides of a carry into the nonce's upper word, and starts that no lane divides.
        start = (rng.randrange(1, 2**31) << 32) - rng.randrange(400)
        limit = ALL >> rng.randrange(10)
        good = [n for n in range(start, start + count) if head(prefix, n) <= limit]
        assert module.search(prefix, limit, start, count, lanes) == (good[0] if good else -1)


@pytest.mark.parametrize("lanes", LANES)
def test_edges_of_the_nonce(module: Kernel, lanes: int) -> None:
    assert module.search(bytes(56), ALL, 0, 0, lanes) == -1
    assert module.search(bytes(56), ALL, ALL, 1, lanes) == ALL
    assert module.search(bytes(56), 0, ALL - 5, 6, lanes) == -1
    last = min(head(bytes(56), ALL - i) for i in range(6))
    found = module.search(bytes(56), last, ALL - 5, 6, lanes)
    assert head(bytes(56), found) == last


def test_wrong_arguments_are_refused(module: Kernel) -> None:
    for prefix in (b"", bytes(55), bytes(57)):
        with pytest.raises(ValueError, match="56 bytes"):
            module.search(prefix, ALL, 0, 1)
    with pytest.raises(ValueError, match=r"2\^64"):
        module.search(bytes(56), ALL, ALL, 2)
    with pytest.raises(ValueError, match="lanes"):
        module.search(bytes(56), ALL, 0, 1, 3)
    for number in (-1, 2**64):
        with pytest.raises(OverflowError):
            module.search(bytes(56), number, 0, 1)
    with pytest.raises(TypeError):
        module.search(bytes(56), cast(int, 1.0), 0, 1)


def test_other_threads_run_during_a_search(module: Kernel) -> None:
    # The loop below lasts several of the interpreter's turns (5 ms), so were the GIL held during
    # the search, this thread would be kept from its end until the search has ended too.
    started, ended = threading.Event(), threading.Event()

    def search() -> None:
        started.set()
        module.search(bytes(56), 0, 0, 2**26)
        ended.set()

    thread = threading.Thread(target=search)
    thread.start()
    started.wait()
    total = 0
    for number in range(500_000):
        total += number
    still_searching = not ended.is_set()
    thread.join()
    assert still_searching

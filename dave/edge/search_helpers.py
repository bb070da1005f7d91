"""Three ways to run a stamp search slice by slice: here, in threads, in child processes.

Each is a generator of slices, endless until it is closed; closing it ends every helper before it
returns. It yields None when a tick has passed without news, so that its reader can look up.
"""

import os
import sys
from collections.abc import Generator, Iterator
from functools import cache
from typing import TYPE_CHECKING, Protocol, cast

from dave.crypto import work as pure
from dave.edge.limits import (
    SEARCH_SLICE_HASHES_KERNEL,
    SEARCH_SLICE_HASHES_PURE,
    SEARCH_TICK_SECONDS,
)

if TYPE_CHECKING:
    from subprocess import Popen

Slice = tuple[int | None, int]
"""What one slice came to: the nonce or None, and the hashes tried."""

Slices = Generator[Slice | None, None, None]

_CHILD = "from dave.edge.search_helpers import child_main; child_main()"


class Kernel(Protocol):
    """The extension module dave.crypto._kernel."""

    LANES: tuple[int, ...]

    def search(
        self, prefix56: bytes, threshold64: int, start: int, count: int, lanes: int = 0, /
    ) -> int: ...


@cache
def load_kernel() -> Kernel | None:
    """The C kernel, or None where it was not built, or DAVE_NO_KERNEL=1 says to do without."""
    from importlib import import_module

    if os.environ.get("DAVE_NO_KERNEL") == "1":
        return None
    try:
        return cast(Kernel, import_module("dave.crypto._kernel"))
    except ImportError:
        return None


def search_slice(by_kernel: bool, prefix56: bytes, work: int, start: int, count: int) -> Slice:
    """Try the nonces [start, start + count), up to the first that is good for `work`."""
    if by_kernel:
        nonce = _kernel_search(prefix56, work, start, count)
    else:
        nonce = pure.search(prefix56, work, start, count)
    return nonce, count if nonce is None else nonce - start + 1


def inline(by_kernel: bool, prefix56: bytes, work: int, start: int) -> Slices:
    """Search in the calling thread."""
    size = SEARCH_SLICE_HASHES_KERNEL if by_kernel else SEARCH_SLICE_HASHES_PURE
    while True:
        yield search_slice(by_kernel, prefix56, work, start, size)
        start += size


def by_threads(prefix56: bytes, work: int, start: int, threads: int) -> Slices:
    """Search by the kernel, which runs without the GIL, in `threads` threads."""
    from itertools import count
    from queue import Empty, SimpleQueue
    from threading import Event, Thread

    stop = Event()
    starts = count(start, SEARCH_SLICE_HASHES_KERNEL)
    results: SimpleQueue[Slice | BaseException] = SimpleQueue()

    def run() -> None:
        try:
            while not stop.is_set():
                results.put(
                    search_slice(True, prefix56, work, next(starts), SEARCH_SLICE_HASHES_KERNEL)
                )
        except BaseException as error:  # handed on to the thread that waits
            results.put(error)

    running: list[Thread] = []
    try:
        for _ in range(threads):
            thread = Thread(target=run, name="dave stamp search", daemon=True)
            thread.start()
            running.append(thread)
        while True:
            try:
                result = results.get(timeout=SEARCH_TICK_SECONDS)
            except Empty:
                yield None
                continue
            if isinstance(result, BaseException):
                raise result
            yield result
    finally:
        stop.set()
        for thread in running:
            thread.join()


def by_processes(prefix56: bytes, work: int, start: int, processes: int) -> Slices:
    """Search in pure Python in `processes` child processes.

    Children are started as programs, not by multiprocessing, which would run the caller's main
    module again in each (and fail for a script without a main guard, or read from standard input).
    A child ends by itself once nobody reads its reports. Where none can be started, or all have
    died, the search goes on in the calling thread: helpers are for speed only.
    """
    from selectors import EVENT_READ, DefaultSelector

    children: list[Popen[bytes]] = []
    try:
        with DefaultSelector() as selector:
            for index in range(processes):
                try:
                    child = _start_child(prefix56, work, start, index, processes)
                except OSError:
                    break
                children.append(child)
                assert child.stdout is not None
                selector.register(child.stdout, EVENT_READ, bytearray())
            while selector.get_map():
                ready = selector.select(SEARCH_TICK_SECONDS)
                if not ready:
                    yield None
                for key, _ in ready:
                    chunk = os.read(key.fd, 4096)
                    if not chunk:
                        selector.unregister(key.fileobj)
                    yield from _reports(key.data, chunk)
    finally:
        for child in children:
            child.kill()
        for child in children:
            child.communicate()
    yield from inline(False, prefix56, work, start)


def child_main() -> None:
    """What a child process runs. Arguments: prefix in hexadecimal, work, first nonce, stride."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who then ends us
    prefix56 = bytes.fromhex(sys.argv[1])
    work, start, stride = (int(argument) for argument in sys.argv[2:])
    nonce = None
    while nonce is None:
        nonce, tried = search_slice(False, prefix56, work, start, SEARCH_SLICE_HASHES_PURE)
        try:
            os.write(1, f"{tried} {'' if nonce is None else nonce}\n".encode())
        except BrokenPipeError:
            return
        start += stride


def _start_child(
    prefix56: bytes, work: int, start: int, index: int, processes: int
) -> "Popen[bytes]":
    from subprocess import DEVNULL, PIPE, Popen

    if not sys.executable:
        raise FileNotFoundError("this Python does not know its own program")
    first = start + index * SEARCH_SLICE_HASHES_PURE
    stride = processes * SEARCH_SLICE_HASHES_PURE
    arguments = [prefix56.hex(), str(work), str(first), str(stride)]
    # An empty entry of sys.path is the working folder, and means nothing in the variable.
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    return Popen(
        [sys.executable, "-c", _CHILD, *arguments],
        env={**os.environ, "PYTHONPATH": path},
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=DEVNULL,
    )


def _reports(buffer: bytearray, chunk: bytes) -> Iterator[Slice]:
    """The whole lines of a child's reports; a part of one stays in `buffer` for the next chunk."""
    buffer += chunk
    *lines, rest = bytes(buffer).split(b"\n")
    buffer[:] = rest
    for line in lines:
        tried, _, nonce = line.partition(b" ")
        yield int(nonce) if nonce else None, int(tried)


def _kernel_search(prefix56: bytes, work: int, start: int, count: int) -> int | None:
    """The kernel compares 64 of 256 bits; the rare candidate that then fails is passed over."""
    kernel = load_kernel()
    assert kernel is not None
    threshold64 = pure.threshold(work) >> 192
    end = start + count
    while (nonce := kernel.search(prefix56, threshold64, start, end - start)) >= 0:
        if pure.search(prefix56, work, nonce, 1) is not None:
            return nonce
        start = nonce + 1
    return None
